"""DNS responses as bytes, written label by label for tests: names are never compressed unless a test does it itself."""

import struct
from ipaddress import ip_address

A, CNAME, SOA, AAAA, SRV, NAPTR = 1, 5, 6, 28, 33, 35


def name(text: str) -> bytes:
    labels = [label for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


def record(owner: bytes | str, kind: int, data: bytes, ttl: int = 60, class_: int = 1) -> bytes:
    encoded = name(owner) if isinstance(owner, str) else owner
    return encoded + struct.pack("!HHIH", kind, class_, ttl, len(data)) + data


def address(owner: bytes | str, literal: str, ttl: int = 60) -> bytes:
    packed = ip_address(literal).packed
    return record(owner, A if len(packed) == 4 else AAAA, packed, ttl)


def alias(owner: bytes | str, target: str, ttl: int = 60) -> bytes:
    return record(owner, CNAME, name(target), ttl)


def srv(owner: bytes | str, priority: int, weight: int, port: int, target: str, ttl: int = 60) -> bytes:
    return record(owner, SRV, struct.pack("!3H", priority, weight, port) + name(target), ttl)


def naptr(
    owner: bytes | str,
    order: int,
    preference: int,
    flags: str,
    service: str,
    replacement: str,
    ttl: int = 60,
    regexp: str = "",
) -> bytes:
    texts = text(flags) + text(service) + text(regexp)
    return record(owner, NAPTR, struct.pack("!2H", order, preference) + texts + name(replacement), ttl)


def soa(owner: bytes | str, minimum: int, ttl: int = 3600) -> bytes:
    numbers = struct.pack("!5I", 1, 7200, 900, 86400, minimum)
    return record(owner, SOA, name("ns.example") + name("admin.example") + numbers, ttl)


def response(
    query_id: int,
    owner: str,
    kind: int,
    answers: tuple[bytes, ...] = (),
    authorities: tuple[bytes, ...] = (),
    rcode: int = 0,
    flags: int = 0x8180,
) -> bytes:
    header = struct.pack("!6H", query_id, flags | rcode, 1, len(answers), len(authorities), 0)
    return header + name(owner) + struct.pack("!2H", kind, 1) + b"".join(answers) + b"".join(authorities)
