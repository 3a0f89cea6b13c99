"""DNS messages (RFC 1035 section 4): queries to bytes, responses to records; A, AAAA, CNAME, SRV and NAPTR. No socket.

Whatever comes is read in bounded time: names have at most 128 steps, responses at most 256 records that are looked at.
"""

import struct
from socket import AF_INET6, inet_ntop

from device.annotations import Final
from device.net.addresses import NetError
from device.records import dataclass

A, CNAME, SOA, AAAA, SRV, NAPTR, OPT = 1, 5, 6, 28, 33, 35, 41
TYPE_NAMES: Final = {A: "A", CNAME: "CNAME", AAAA: "AAAA", SRV: "SRV", NAPTR: "NAPTR"}

NO_ERROR, FORMAT_ERROR, SERVER_FAILURE, NAME_ERROR, NOT_IMPLEMENTED, REFUSED = range(6)
"""Response codes (RFC 1035 section 4.1.1); NAME_ERROR says that the name has no record of any type."""

UDP_PAYLOAD: Final = 1232
"""The largest response that is asked for over UDP: it fits every path unfragmented (DNS Flag Day 2020, RFC 9715)."""

MAX_TTL_S: Final = 2**31 - 1
"""A time to live with the highest bit set means zero (RFC 2181 section 8)."""

_HEADER: Final = struct.Struct("!6H")
_RECORD: Final = struct.Struct("!HHIH")
_SRV: Final = struct.Struct("!3H")
_INTERNET: Final = 1
_RESPONSE, _OPCODE, _TRUNCATED, _RECURSION_DESIRED = 0x8000, 0x7800, 0x0200, 0x0100
_OPT_RECORD: Final = struct.pack("!BHHIH", 0, OPT, UDP_PAYLOAD, 0, 0)
_POINTER: Final = 0xC0
_MAX_NAME_BYTES: Final = 255
_MAX_LABEL_BYTES: Final = 63
_MAX_STEPS: Final = 128
"""Labels and pointers of one name: 127 labels fill 255 bytes."""
_MAX_RECORDS: Final = 256
_MAX_ALIASES: Final = 8
"""CNAMEs in a row that are followed."""


class DnsMessageError(NetError):
    """Bytes that are no DNS message, or a name that no query can carry."""


@dataclass(frozen=True, slots=True)
class Srv:
    """Where a service is (RFC 2782); `target` is "" where the domain says that it has no such service."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Naptr:
    """One way to reach a domain (RFC 3403 section 4.1); flags and service in capitals."""

    order: int
    preference: int
    flags: str
    service: str
    regexp: str
    replacement: str


RecordData = str | Srv | Naptr
"""The address of an A or AAAA record, the name of a CNAME, or one of the two above."""


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """One record of a response; `name` in lower case without the last dot."""

    name: str
    type: int
    ttl_s: int
    data: RecordData


@dataclass(frozen=True, slots=True)
class DnsResponse:
    """What a name server answered to the one question `name`, `type`."""

    id: int
    rcode: int
    truncated: bool
    name: str
    type: int
    answers: tuple[ResourceRecord, ...]
    negative_ttl_s: int | None
    """How long it is known that there is no such record (RFC 2308 section 5); None where the server does not say."""

    def find(self) -> tuple[tuple[RecordData, ...], int]:
        """The records that were asked for, aliases followed, and the least time to live on the way; 0 for none."""
        name, ttl_s = self.name, MAX_TTL_S
        aliases = {record.name: record for record in self.answers if record.type == CNAME}
        for _ in range(_MAX_ALIASES):
            found = [record for record in self.answers if record.type == self.type and record.name == name]
            if found:
                ttl_s = min(ttl_s, *(record.ttl_s for record in found))
                return tuple(record.data for record in found), ttl_s
            alias = aliases.get(name)
            if alias is None:
                break
            name, ttl_s = str(alias.data), min(ttl_s, alias.ttl_s)
        return (), 0


def encode_query(query_id: int, name: str, kind: int, edns: bool = True) -> bytes:
    """A query for the records `kind` of `name`; raises DnsMessageError for a name that DNS cannot hold.

    With `edns` it says that larger responses than 512 bytes are welcome (RFC 6891).
    """
    header = _HEADER.pack(query_id, _RECURSION_DESIRED, 1, 0, 0, 1 if edns else 0)
    question = encode_name(name) + struct.pack("!HH", kind, _INTERNET)
    return header + question + (_OPT_RECORD if edns else b"")


def encode_name(name: str) -> bytes:
    """A name as labels (RFC 1035 section 3.1); a last dot makes no difference. Raises DnsMessageError."""
    encoded = bytearray()
    for label in name.removesuffix(".").split("."):
        if not label.isascii() or not label.isprintable() or "\\" in label or " " in label:
            raise DnsMessageError(f"{name!r} is no host name")
        if not 1 <= len(label) <= _MAX_LABEL_BYTES:
            raise DnsMessageError(f"{name!r} is no host name: a part of it is empty or longer than 63 characters")
        encoded.append(len(label))
        encoded += label.encode()
    if len(encoded) >= _MAX_NAME_BYTES:
        raise DnsMessageError(f"{name[:32]!r}... is no host name: it is longer than 253 characters")
    encoded.append(0)
    return bytes(encoded)


def parse_response(data: bytes) -> DnsResponse:
    """Read a response; raises DnsMessageError for what is none.

    A record that cannot be read makes the message unreadable: what is cut in one place is not trusted in another.
    Of a truncated response only the fact is told, since the records are to be asked for over TCP (RFC 2181 section 9).
    """
    if len(data) < _HEADER.size:
        raise DnsMessageError(f"{len(data)} bytes are no DNS message")
    query_id, flags, questions, answers, authorities, _ = _HEADER.unpack_from(data)
    if not flags & _RESPONSE or flags & _OPCODE:
        raise DnsMessageError("the DNS message is no response to a query")
    if questions == 0 and flags & 0xF:
        # Servers of before EDNS refuse what they cannot read with their header alone.
        return DnsResponse(query_id, flags & 0xF, False, "", 0, (), None)
    if questions != 1:
        raise DnsMessageError(f"the DNS response has {questions} questions instead of one")
    name, offset = _read_name(data, _HEADER.size)
    if offset + 4 > len(data):
        raise DnsMessageError("the DNS response ends within its question")
    kind, class_ = struct.unpack_from("!HH", data, offset)
    if class_ != _INTERNET:
        raise DnsMessageError(f"the DNS response is of class {class_}, not of the Internet")
    truncated = bool(flags & _TRUNCATED)
    found, negative_ttl_s = ([], None) if truncated else _read_records(data, offset + 4, answers, authorities)
    return DnsResponse(query_id, flags & 0xF, truncated, name, kind, tuple(found), negative_ttl_s)


def _read_records(data: bytes, offset: int, answers: int, authorities: int) -> tuple[list[ResourceRecord], int | None]:
    """The records of the answer section, and the time that a SOA record in the authority section allows."""
    found: list[ResourceRecord] = []
    negative_ttl_s = None
    for number in range(min(answers + authorities, _MAX_RECORDS)):
        name, offset = _read_name(data, offset)
        start = offset + _RECORD.size
        if start > len(data):
            raise DnsMessageError("the DNS response ends within a record")
        kind, class_, ttl_s, length = _RECORD.unpack_from(data, offset)
        end = start + length
        if end > len(data):
            raise DnsMessageError("the DNS response ends within a record's data")
        if ttl_s > MAX_TTL_S:
            ttl_s = 0
        if class_ == _INTERNET and number < answers:
            value = _read_data(data, kind, start, end)
            if value is not None:
                found.append(ResourceRecord(name, kind, ttl_s, value))
        elif class_ == _INTERNET and kind == SOA and length >= 4:
            negative_ttl_s = min(ttl_s, *struct.unpack_from("!I", data, end - 4))
        offset = end
    return found, negative_ttl_s


def _read_data(data: bytes, kind: int, start: int, end: int) -> RecordData | None:
    """The data of a record that lies from `start` to `end`; None for a type that nobody here asks for."""
    if kind == A:
        return ".".join(map(str, _exactly(data, start, end, 4)))
    if kind == AAAA:
        return inet_ntop(AF_INET6, _exactly(data, start, end, 16))
    if kind == CNAME:
        return _name_to_end(data, start, end)
    if kind == SRV:
        if end - start < _SRV.size:
            raise DnsMessageError("an SRV record is too short")
        priority, weight, port = _SRV.unpack_from(data, start)
        return Srv(priority, weight, port, _name_to_end(data, start + _SRV.size, end))
    return _read_naptr(data, start, end) if kind == NAPTR else None


def _read_naptr(data: bytes, start: int, end: int) -> Naptr:
    if end - start < 4:
        raise DnsMessageError("a NAPTR record is too short")
    order, preference = struct.unpack_from("!HH", data, start)
    offset, texts = start + 4, []
    for _ in range(3):
        after = offset + 1 + data[offset] if offset < end else end + 1
        if after > end:
            raise DnsMessageError("a text of a NAPTR record is longer than the record")
        texts.append(data[offset + 1 : after].decode("latin-1"))
        offset = after
    flags, service, regexp = texts
    return Naptr(order, preference, flags.upper(), service.upper(), regexp, _name_to_end(data, offset, end))


def _exactly(data: bytes, start: int, end: int, length: int) -> bytes:
    if end - start != length:
        raise DnsMessageError(f"an address of {end - start} bytes stands in the DNS response")
    return data[start:end]


def _name_to_end(data: bytes, start: int, end: int) -> str:
    name, after = _read_name(data, start)
    if after != end:
        raise DnsMessageError("a name in the DNS response is longer or shorter than its record")
    return name


def _read_name(data: bytes, offset: int) -> tuple[str, int]:
    """The name at `offset` and where it ends there (RFC 1035 section 4.1.4); "" is the root.

    A pointer leads to an earlier place than all before it, so that no name goes in circles.
    """
    labels: list[str] = []
    length, after, earliest = 0, -1, offset
    for _ in range(_MAX_STEPS):
        if offset >= len(data):
            break
        size = data[offset]
        if size == 0:
            return ".".join(labels), offset + 1 if after < 0 else after
        if size >= _POINTER:
            if offset + 1 >= len(data):
                break
            after = offset + 2 if after < 0 else after
            offset = (size & ~_POINTER) << 8 | data[offset + 1]
            if offset >= earliest:
                raise DnsMessageError("a name in the DNS response points to itself or onward")
            earliest = offset
            continue
        label = data[offset + 1 : offset + 1 + size]
        length += size + 1
        if size > _MAX_LABEL_BYTES or len(label) < size or length >= _MAX_NAME_BYTES:
            break
        labels.append(_label_text(label))
        offset += size + 1
    raise DnsMessageError("a name in the DNS response cannot be read")


def _label_text(label: bytes) -> str:
    """A label in lower case; what stands in no host name is escaped (RFC 4343 section 2.1), and found by no query."""
    text = label.decode("latin-1")
    if text.isascii() and text.isprintable() and not {".", "\\", " "} & set(text):
        return text.lower()
    return "".join(f"\\{byte:03d}" if not (0x21 <= byte < 0x7F) or byte in b".\\" else chr(byte) for byte in label)
