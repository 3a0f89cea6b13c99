"""The network as this board sees it: its own addresses, and what the network calls itself."""

import fcntl
import os
import socket
import struct

RESOLV_CONF = "/etc/resolv.conf"
IF_INET6 = "/proc/net/if_inet6"
SIOCGIFADDR = 0x8915
"""netdevice(7): the IPv4 address of an interface."""


def own_addresses() -> list[str]:
    """Every address of this board but those of the loopback interface."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _, name in socket.if_nameindex():
            if name == "lo":
                continue
            try:
                answer = fcntl.ioctl(sock.fileno(), SIOCGIFADDR, struct.pack("256s", os.fsencode(name)[:15]))
            except OSError:
                continue
            found.append(socket.inet_ntoa(answer[20:24]))
    return found + _ipv6_addresses()


def _ipv6_addresses() -> list[str]:
    try:
        with open(IF_INET6, encoding="ascii") as file:
            lines = [line.split() for line in file]
    except OSError:
        return []
    return [socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line[0])) for line in lines if line[5] != "lo"]


def search_domains(path: str = RESOLV_CONF) -> list[str]:
    """The domains that names are looked for in, as DHCP gave them."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.split() for line in file]
    except OSError:
        return []
    named = [words[1:] for words in lines if words and words[0] in ("search", "domain")]
    # The last line counts (resolv.conf(5)).
    return [name for name in (named[-1] if named else []) if name != "."]


def network_facts() -> tuple[list[str], list[str]]:
    """Our addresses, and the names of the network."""
    return own_addresses(), search_domains()
