"""A session description as values (RFC 8866): what was parsed, or what is to be encoded. No negotiation here."""

from device.records import dataclass

Attributes = tuple[tuple[str, str | None], ...]
"""Name and value of each a= line in order; None for a property attribute such as a=sendonly."""

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
HELD_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - compared with, never bound
"""A connection address of zeros was the hold of RFC 2543; RFC 3264 section 8.4 still asks to understand it."""

STATIC_FORMATS = {
    0: ("PCMU", 8000),
    3: ("GSM", 8000),
    4: ("G723", 8000),
    8: ("PCMA", 8000),
    9: ("G722", 8000),
    13: ("CN", 8000),
    15: ("G728", 8000),
    18: ("G729", 8000),
}
"""Payload types that need no a=rtpmap (RFC 3551 table 4): name and clock rate in Hz."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A c= line (section 5.7); the address is an IP literal without brackets, or a host name."""

    address: str

    @property
    def is_held(self) -> bool:
        return self.address in HELD_ADDRESSES

    def encode(self) -> str:
        return f"c={_network(self.address)}"


@dataclass(frozen=True, slots=True)
class Origin:
    """An o= line (section 5.2): `version` rises by one with each change of the description."""

    session_id: int
    version: int
    address: str
    username: str = "-"

    def encode(self) -> str:
        return f"o={self.username} {self.session_id} {self.version} {_network(self.address)}"


@dataclass(frozen=True, slots=True)
class RtpMap:
    """What a payload type stands for (section 6.6)."""

    name: str
    """Upper-case."""
    clock_rate_hz: int
    channels: int = 1


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """An m= line (section 5.14) with the lines that belong to it."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    connection: Connection | None = None
    attributes: Attributes = ()

    def attribute(self, name: str) -> str | None:
        """The value of the first such attribute; "" for a property attribute, None when there is none."""
        return _attribute(self.attributes, name)

    @property
    def direction(self) -> str | None:
        """One of DIRECTIONS when a line of this media says so."""
        return _direction(self.attributes)

    @property
    def ptime_ms(self) -> int | None:
        """Length of the packets that whoever wrote this would like to get."""
        return whole_number(self.attribute("ptime"))

    @property
    def maxptime_ms(self) -> int | None:
        """Length of the longest packets that whoever wrote this can take."""
        return whole_number(self.attribute("maxptime"))

    def rtpmap(self, payload_type: int) -> RtpMap | None:
        """What a payload type stands for; None when nothing usable says so.

        A mapping without clock rate is passed over: it must not cost the caller the whole call.
        """
        for value in _format_values(self.attributes, "rtpmap", payload_type):
            name, *rest = value.split("/")
            rate = whole_number(rest[0]) if rest else None
            if name and rate:
                channels = whole_number(rest[1]) if len(rest) > 1 else 1
                return RtpMap(name.strip().upper(), rate, channels or 1)
        static = STATIC_FORMATS.get(payload_type)
        return RtpMap(*static) if static else None

    def fmtp(self, payload_type: int) -> str:
        """The format parameters of a payload type, "" when there are none (section 6.15)."""
        return next(iter(_format_values(self.attributes, "fmtp", payload_type)), "")

    def payload_types(self) -> list[int]:
        """The formats of an RTP media in order, each once; what is no number from 0 to 127 is left out."""
        numbers = dict.fromkeys(whole_number(text) for text in self.formats)
        return [number for number in numbers if number is not None and number < 128]

    def encode(self) -> list[str]:
        lines = [f"m={self.kind} {self.port} {self.protocol} {' '.join(self.formats)}"]
        if self.connection:
            lines.append(self.connection.encode())
        return lines + _attribute_lines(self.attributes)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description (section 5)."""

    origin: Origin
    media: tuple[MediaDescription, ...] = ()
    connection: Connection | None = None
    attributes: Attributes = ()
    name: str = "-"

    def encode(self) -> bytes:
        """The lines in the order of section 5, each ended by CRLF."""
        lines = ["v=0", self.origin.encode(), f"s={self.name or '-'}"]
        if self.connection:
            lines.append(self.connection.encode())
        lines.append("t=0 0")
        lines += _attribute_lines(self.attributes)
        for media in self.media:
            lines += media.encode()
        return "".join(line + "\r\n" for line in lines).encode()

    def connection_of(self, media: MediaDescription) -> Connection | None:
        """The connection of a media: its own, or that of the session."""
        return media.connection or self.connection

    def direction_of(self, media: MediaDescription) -> str:
        """The direction of a media: its own, that of the session, or sendrecv (section 6.7)."""
        return media.direction or _direction(self.attributes) or "sendrecv"

    def extended_reports_of(self, media: MediaDescription) -> str:
        """The value of a=rtcp-xr of a media, or else of the session; "" for none (RFC 3611 section 5)."""
        return media.attribute("rtcp-xr") or _attribute(self.attributes, "rtcp-xr") or ""

    def rtcp_of(self, media: MediaDescription) -> tuple[str, int]:
        """Where control packets of a media go: a=rtcp (RFC 3605), or the next port (RFC 3550 section 11)."""
        connection = self.connection_of(media)
        host = connection.address if connection else HELD_ADDRESSES[0]
        words = (media.attribute("rtcp") or "").split()
        port = whole_number(words[0]) if words else None
        if port is None or not 0 < port < 65536:
            return host, media.port + 1 if 0 < media.port < 65535 else 0
        return (words[3] if len(words) == 4 else host), port


def _network(address: str) -> str:
    return f"IN IP6 {address}" if ":" in address else f"IN IP4 {address}"


def _attribute(attributes: Attributes, name: str) -> str | None:
    return next((value or "" for key, value in attributes if key == name), None)


def _direction(attributes: Attributes) -> str | None:
    return next((key for key, _ in attributes if key in DIRECTIONS), None)


def _attribute_lines(attributes: Attributes) -> list[str]:
    return [f"a={name}" if value is None else f"a={name}:{value}" for name, value in attributes]


def _format_values(attributes: Attributes, name: str, payload_type: int) -> list[str]:
    """The values of `a=name:<payload type> <value>` lines."""
    found = []
    for key, value in attributes:
        if key == name and value:
            number, _, rest = value.strip().partition(" ")
            if whole_number(number) == payload_type:
                found.append(rest.strip())
    return found


def whole_number(text: str | None) -> int | None:
    """A number as peers write it: blanks around it and a fraction (a=ptime:20.0) do no harm."""
    digits = (text or "").strip().partition(".")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None
