"""Octets to a session description (RFC 8866 section 9), tolerant wherever no harm is done.

Passed over: unknown lines, blanks around values, a missing last CRLF, bare LF or CR, missing s=, o= or t= lines.
Refused: what does not begin as a description does, and m= lines that cannot be answered one by one.
"""

import re

from device.sdp.errors import SdpParseError
from device.sdp.session_description import Connection, MediaDescription, Origin, SessionDescription

MAX_OCTETS = 65536
MAX_MEDIA = 64
"""More media lines than any peer means; each costs a line of answer."""

_LINE_END = re.compile(r"\r\n|\n|\r")
_HOST = re.compile(r"[A-Za-z0-9:._%-]{1,255}")
_MEDIA = re.compile(r"(\S+)\s+(\d{1,5})(?:/\d+)?\s+(\S+)((?:\s+\S+)*)\s*", re.ASCII)


def parse_sdp(data: bytes) -> SessionDescription:
    """Parse one description; raises SdpParseError when it is none or its media cannot be told apart."""
    if len(data) > MAX_OCTETS:
        raise SdpParseError(f"session description of {len(data)} octets, {MAX_OCTETS} are taken at most")
    lines = _split_lines(data)
    if not lines or lines[0] != ("v", "0"):
        raise SdpParseError("session description does not begin with v=0")
    first_media = next((index for index, line in enumerate(lines) if line[0] == "m"), len(lines))
    head = lines[1:first_media]
    return SessionDescription(
        origin=_origin(_first(head, "o")),
        media=_media(lines[first_media:]),
        connection=_connection(_first(head, "c")),
        attributes=_attributes(head),
        name=_first(head, "s") or "-",
    )


def _split_lines(data: bytes) -> list[tuple[str, str]]:
    """(type, value) of each line that looks like one."""
    lines = []
    for line in _LINE_END.split(data.decode("utf-8", "replace")):
        kind, equals, value = line.strip().partition("=")
        if equals and len(kind) == 1:
            lines.append((kind.lower(), value.strip()))
    return lines


def _first(lines: list[tuple[str, str]], kind: str) -> str | None:
    return next((value for key, value in lines if key == kind), None)


def _origin(value: str | None) -> Origin:
    words = (value or "").split()
    if len(words) < 6:
        return Origin(0, 0, "0.0.0.0")  # noqa: S104 - an address of nowhere, nothing is bound to it
    return Origin(_number(words[1]), _number(words[2]), words[5], words[0])


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else 0


def _connection(value: str | None) -> Connection | None:
    """`IN IP4 address[/ttl[/count]]`; None when there is none or it makes no sense."""
    words = (value or "").split()
    if len(words) < 3:
        return None
    address = words[2].partition("/")[0].strip("[]")
    return Connection(address) if _HOST.fullmatch(address) else None


def _attributes(lines: list[tuple[str, str]]) -> tuple[tuple[str, str | None], ...]:
    attributes: list[tuple[str, str | None]] = []
    for kind, text in lines:
        if kind == "a" and text:
            name, colon, value = text.partition(":")
            attributes.append((name.strip().lower(), value.strip() if colon else None))
    return tuple(attributes)


def _media(lines: list[tuple[str, str]]) -> tuple[MediaDescription, ...]:
    starts = [index for index, line in enumerate(lines) if line[0] == "m"]
    if len(starts) > MAX_MEDIA:
        raise SdpParseError(f"session description with {len(starts)} m= lines, {MAX_MEDIA} are taken at most")
    bounds = [*starts, len(lines)]
    return tuple(_one_media(lines[start:end]) for start, end in zip(starts, bounds[1:], strict=True))


def _one_media(lines: list[tuple[str, str]]) -> MediaDescription:
    text = lines[0][1]
    match = _MEDIA.fullmatch(text)
    if not match or int(match[2]) > 65535:
        raise SdpParseError(f"line m={text[:80]} is not <media> <port> <proto> <format> ...")
    return MediaDescription(
        kind=match[1].lower(),
        port=int(match[2]),
        protocol=match[3],
        formats=tuple(match[4].split()),
        connection=_connection(_first(lines, "c")),
        attributes=_attributes(lines),
    )
