"""STUN Binding on the SIP socket (RFC 8489), as far as keep-alives of RFC 5626 section 4.4.2 go: bytes and values."""

import struct
from binascii import crc32
from collections.abc import Iterator

from device.annotations import Final
from device.records import dataclass

MAGIC_COOKIE: Final = b"\x21\x12\xa4\x42"
"""Tells STUN from all else on a port (RFC 8489 section 5); no SIP message has it there."""

BINDING_REQUEST: Final = 0x0001
BINDING_INDICATION: Final = 0x0011
BINDING_SUCCESS: Final = 0x0101
BINDING_ERROR: Final = 0x0111

_MAPPED_ADDRESS, _ERROR_CODE, _UNKNOWN_ATTRIBUTES = 0x0001, 0x0009, 0x000A
_XOR_MAPPED_ADDRESS, _FINGERPRINT = 0x0020, 0x8028
_COMPREHENSION_OPTIONAL: Final = 0x8000
"""Attributes from here on may be passed over by whoever does not know them (section 14)."""

_UNDERSTOOD: Final = frozenset((_MAPPED_ADDRESS, _ERROR_CODE, _UNKNOWN_ATTRIBUTES, _XOR_MAPPED_ADDRESS))
_HEADER: Final = struct.Struct(">HH4s12s")
_ATTRIBUTE: Final = struct.Struct(">HH")
_FINGERPRINT_MASK: Final = 0x5354554E
_IPV4, _IPV6 = 1, 2

TRANSACTION_ID_BYTES: Final = 12
MAX_STUN_BYTES: Final = 548
"""Longest message that is read (section 6.1: what fits an IPv4 packet everywhere)."""

MAX_ATTRIBUTES: Final = 32


@dataclass(frozen=True, slots=True)
class StunMessage:
    """One STUN message; `mapped` is the address that it tells, `unknown` what it demands and we do not know."""

    kind: int
    transaction_id: bytes
    mapped: tuple[str, int] | None = None
    error: int = 0
    unknown: tuple[int, ...] = ()


def is_stun(data: bytes) -> bool:
    """Whether a datagram is STUN: two zero bits, the magic cookie (RFC 8489 section 5). Says nothing of its worth."""
    return data[4:8] == MAGIC_COOKIE and data[0] < 0x40


def parse_stun(data: bytes) -> StunMessage | None:
    """Read a message; None for one that is damaged (section 6.3: it is dropped in silence)."""
    if not _HEADER.size <= len(data) <= MAX_STUN_BYTES or not is_stun(data):
        return None
    kind, length, _, transaction_id = _HEADER.unpack_from(data)
    if length % 4 or length != len(data) - _HEADER.size:
        return None
    mapped: tuple[str, int] | None = None
    error, unknown = 0, []
    for name, value, position in _attributes(data):
        if name == _XOR_MAPPED_ADDRESS:
            mapped = _read_address(_xor(value, transaction_id)) or mapped
        elif name == _MAPPED_ADDRESS:
            mapped = mapped or _read_address(value)
        elif name == _ERROR_CODE and len(value) >= 4:
            error = (value[2] & 7) * 100 + value[3]
        elif name == _FINGERPRINT and value != _fingerprint(data[:position]):
            return None
        elif name < _COMPREHENSION_OPTIONAL and name not in _UNDERSTOOD:
            unknown.append(name)
    return StunMessage(kind, transaction_id, mapped, error, tuple(unknown))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Name, value and place of each attribute; what is cut short has the rest as its value."""
    position = _HEADER.size
    for _ in range(MAX_ATTRIBUTES):
        if position + _ATTRIBUTE.size > len(data):
            return
        name, size = _ATTRIBUTE.unpack_from(data, position)
        start = position + _ATTRIBUTE.size
        yield name, data[start : start + size], position
        position = start + (size + 3 & ~3)


def encode_request(transaction_id: bytes) -> bytes:
    """A Binding request without attributes, as RFC 5626 section 4.4.2 has it."""
    return _encode(BINDING_REQUEST, transaction_id, b"")


def answer(request: StunMessage, source: tuple[str, int]) -> bytes:
    """The response to a Binding request that came from `source`; b"" where none is due."""
    if request.kind != BINDING_REQUEST:
        return b""
    if request.unknown:
        reason = b"Unknown Attribute"
        code = _attribute(_ERROR_CODE, bytes((0, 0, 4, 20)) + reason)
        names = b"".join(struct.pack(">H", name) for name in request.unknown)
        return _encode(BINDING_ERROR, request.transaction_id, code + _attribute(_UNKNOWN_ATTRIBUTES, names))
    address = _write_address(*source)
    if not address:
        return b""
    mapped = _attribute(_XOR_MAPPED_ADDRESS, _xor(address, request.transaction_id))
    return _encode(BINDING_SUCCESS, request.transaction_id, mapped)


def _encode(kind: int, transaction_id: bytes, attributes: bytes) -> bytes:
    return _HEADER.pack(kind, len(attributes), MAGIC_COOKIE, transaction_id) + attributes


def _attribute(name: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4)


def _fingerprint(before: bytes) -> bytes:
    """The value of FINGERPRINT after the bytes `before` (section 14.7)."""
    return struct.pack(">I", crc32(before) ^ _FINGERPRINT_MASK)


def _xor(value: bytes, transaction_id: bytes) -> bytes:
    """An address attribute with port and address masked or unmasked (section 14.2): the same either way."""
    mask = bytes(2) + MAGIC_COOKIE[:2] + MAGIC_COOKIE + transaction_id
    return bytes(byte ^ masking for byte, masking in zip(value, mask, strict=False))


def _read_address(value: bytes) -> tuple[str, int] | None:
    if len(value) < 4:
        return None
    family, port, address = value[1], int.from_bytes(value[2:4], "big"), value[4:]
    if family == _IPV4 and len(address) == 4:
        return ".".join(str(byte) for byte in address), port
    if family == _IPV6 and len(address) == 16:
        return _ipv6_text(address), port
    return None


def _ipv6_text(address: bytes) -> str:
    """The one right way to write it (RFC 5952): the first of the longest runs of zero groups left out."""
    groups = [f"{address[index] << 8 | address[index + 1]:x}" for index in range(0, 16, 2)]
    start, longest = 0, 0
    for index in range(8):
        length = 0
        while index + length < 8 and groups[index + length] == "0":
            length += 1
        if length > longest:
            start, longest = index, length
    if longest < 2:
        return ":".join(groups)
    return ":".join(groups[:start]) + "::" + ":".join(groups[start + longest :])


def _write_address(host: str, port: int) -> bytes:
    """The value of MAPPED-ADDRESS; b"" for what is no address."""
    family, address = (_IPV6, _ipv6_bytes(host.partition("%")[0])) if ":" in host else (_IPV4, _ipv4_bytes(host))
    return struct.pack(">BBH", 0, family, port) + address if address else b""


def _ipv4_bytes(host: str) -> bytes:
    try:
        return bytes(int(number) for number in host.split("."))
    except ValueError:
        return b""


def _ipv6_bytes(host: str) -> bytes:
    head, double, tail = host.partition("::")
    try:
        left = [int(group, 16) for group in head.split(":")] if head else []
        right = [int(group, 16) for group in tail.split(":")] if tail else []
        groups = left + [0] * (8 - len(left) - len(right) if double else 0) + right
        return struct.pack(">8H", *groups)
    except (ValueError, struct.error):
        return b""
