"""What a technician wants to know of the machine: its network and its storage. Loaded when somebody asks.

Read from /sys, /proc and the kernel's ioctls each time, so that nothing is kept.
"""

import fcntl
import os
import struct
import time

from device import plain_sockets as socket
from device.net.system_names import RESOLV_CONF, parse_resolv_conf

SYS_NET = "/sys/class/net"
ROUTES = "/proc/self/net/route"
ADDRESSES_6 = "/proc/self/net/if_inet6"
SIOCGIFADDR, SIOCGIFNETMASK = 0x8915, 0x891B
"""netdevice(7)."""
THROTTLED = (
    "/sys/devices/platform/soc/soc:firmware/get_throttled",
    "/sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled",
)
POWER_FAULTS = {0: "too low a voltage right now", 16: "too low a voltage since the start"}
"""Bits of the word of the firmware (vcgencmd get_throttled)."""
TEMPERATURE = "/sys/class/thermal/thermal_zone0/temp"
_REQUEST = struct.Struct("16s16s8x")
FLAG_GATEWAY = 0x2
"""RTF_GATEWAY of linux/route.h."""
LINK_LOCAL = "20"
"""IPV6_ADDR_LINKLOCAL, as /proc/net/if_inet6 shows the scope."""


def network_facts() -> dict[str, object]:
    """Every interface with link and addresses, the default gateways, and the name servers."""
    inet6 = _addresses_6()
    links = [
        {
            "name": name,
            "state": read_text(f"{SYS_NET}/{name}/operstate"),
            "mac": read_text(f"{SYS_NET}/{name}/address"),
            "addresses": [*_address_4(name), *inet6.get(name, [])],
        }
        for name in sorted(os.listdir(SYS_NET))
    ]
    return {"interfaces": links, "gateways": _gateways(), "name_servers": _name_servers()}


def machine_facts() -> dict[str, object]:
    """What a Raspberry Pi's firmware says of its supply (None on other boards), and how warm it is."""
    text = next((text for path in THROTTLED if (text := read_text(path))), "")
    try:
        word = int(text, 16)
    except ValueError:
        faults = None
    else:
        faults = [what for bit, what in POWER_FAULTS.items() if word >> bit & 1]
    warmth = read_text(TEMPERATURE)
    return {"power_faults": faults, "temperature_c": int(warmth) / 1000 if warmth.isdecimal() else None}


def storage_facts(store: str) -> dict[str, object]:
    """The store's files, the age of its last good copy in seconds (None without), and the room beside it in bytes."""
    room = os.statvfs(os.path.dirname(store) or ".")
    return {
        "store": store,
        "bytes": _size(store) + _size(f"{store}-wal"),
        "copy_age_s": _age(f"{store}.backup"),
        "free_bytes": room.f_bavail * room.f_frsize,
        "total_bytes": room.f_blocks * room.f_frsize,
        "read_only": bool(room.f_flag & os.ST_RDONLY),
    }


def read_text(path: str) -> str:
    """A small file of the kernel, without the white space around it; empty where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _age(path: str) -> float | None:
    """Seconds since a file was written, by the machine's clock."""
    try:
        return round(max(0.0, time.time() - os.path.getmtime(path)))
    except OSError:
        return None


def _address_4(name: str) -> list[str]:
    """The first IPv4 address of an interface, with the length of its prefix."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        found = [
            fcntl.ioctl(probe.fileno(), request, _REQUEST.pack(name.encode()[:15], b""))[20:24]
            for request in (SIOCGIFADDR, SIOCGIFNETMASK)
        ]
    except OSError:
        return []
    finally:
        probe.close()
    address, mask = found
    return [f"{'.'.join(map(str, address))}/{int.from_bytes(mask, 'big').bit_count()}"]


def _addresses_6() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in read_text(ADDRESSES_6).splitlines():
        digits, _, prefix, scope, _, name = line.split()
        groups = ":".join(f"{int(digits[place : place + 4], 16):x}" for place in range(0, 32, 4))
        note = " (link-local)" if scope == LINK_LOCAL else ""
        found.setdefault(name, []).append(f"{_shortened(groups)}/{int(prefix, 16)}{note}")
    return found


def _shortened(address: str) -> str:
    """The longest run of zeros left out, as RFC 5952 section 4.2 has it."""
    groups = address.split(":")
    best, length, place = 0, 1, 0
    while place < len(groups):
        end = place
        while end < len(groups) and groups[end] == "0":
            end += 1
        if end - place > length:
            best, length = place, end - place
        place = max(end, place + 1)
    if length == 1:
        return address
    return f"{':'.join(groups[:best])}::{':'.join(groups[best + length :])}"


def _gateways() -> list[str]:
    """Each default route as "address by interface"."""
    found = []
    for line in read_text(ROUTES).splitlines()[1:]:
        name, destination, gateway, flags, *_ = line.split()
        if destination == "00000000" and int(flags, 16) & FLAG_GATEWAY:
            address = ".".join(str(byte) for byte in int(gateway, 16).to_bytes(4, "little"))
            found.append(f"{address} by {name}")
    return found


def _name_servers() -> list[str]:
    return [address for address, _ in parse_resolv_conf(read_text(RESOLV_CONF)).servers]
