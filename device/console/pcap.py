"""SIP messages of the topic "sip" as a capture file that Wireshark opens, with secrets replaced. Pure.

The format is that of libpcap (draft-ietf-opsawg-pcap), link type RAW: each message is dressed as one UDP datagram,
whatever carried it, since what is shown is the message.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from struct import Struct

from device.annotations import Any

LINK_RAW = 101
_MAGIC_NUMBER = 0xA1B2C3D4
"""Of a file with microseconds."""
MAGIC = _MAGIC_NUMBER.to_bytes(4, "little")
"""How our files begin."""
_FILE = Struct("<IHHiIII")
_PACKET = Struct("<IIII")
_UDP = Struct("!HHHH")
_IPV4 = Struct("!BBHHHBBH4s4s")
_IPV6 = Struct("!IHBB16s16s")
MAX_TEXT = 65_000
OWN_PORT = 5060
_SECRET = re.compile(r'\b(response|cnonce|nonce|opaque|password)(\s*=\s*)("[^"]*"|[^,\s]+)', re.IGNORECASE)
_PEER = re.compile(r"^(?:\w+:)?\[?([0-9a-fA-F:.]+?)\]?:(\d+)$")


def redact(text: str) -> str:
    """A message without what a password could be guessed from: digest responses and nonces of header fields."""
    head, blank, body = text.partition("\r\n\r\n")
    lines = [
        _SECRET.sub(r'\1\2"***"', line)
        if line.lower().startswith(("authorization", "proxy-auth", "www-auth"))
        else line
        for line in head.split("\r\n")
    ]
    return "\r\n".join(lines) + blank + body


def file_header() -> bytes:
    """The beginning of a capture file."""
    return _FILE.pack(_MAGIC_NUMBER, 2, 4, 0, 0, 65_535, LINK_RAW)


def packet_of(message: Mapping[str, Any]) -> bytes:
    """One message as it stands in a capture file; b"" for one whose peer has no address."""
    found = _PEER.match(str(message.get("peer", "")))
    if found is None:
        return b""
    peer, port = ip_address(found[1]), int(found[2])
    own = ip_address("192.0.2.1" if peer.version == 4 else "2001:db8::1")
    outward = message.get("direction") == "out"
    source, target = (own, peer) if outward else (peer, own)
    ports = (OWN_PORT, port) if outward else (port, OWN_PORT)
    data = redact(str(message.get("text", ""))).encode()[:MAX_TEXT]
    datagram = _UDP.pack(*ports, _UDP.size + len(data), 0) + data
    if peer.version == 4:
        header = _IPV4.pack(0x45, 0, _IPV4.size + len(datagram), 0, 0, 64, 17, 0, source.packed, target.packed)
    else:
        header = _IPV6.pack(6 << 28, len(datagram), 17, 64, source.packed, target.packed)
    at = float(message.get("at") or 0.0)
    packet = header + datagram
    return _PACKET.pack(int(at), int(at % 1 * 1e6), len(packet), len(packet)) + packet
