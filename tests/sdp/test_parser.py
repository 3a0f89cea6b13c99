"""Descriptions as peers write them: what is understood, what is passed over, what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sdp.errors import SdpParseError
from device.sdp.parser import MAX_MEDIA, MAX_OCTETS, parse_sdp
from device.sdp.session_description import (
    Connection,
    MediaDescription,
    Origin,
    RtpMap,
    SessionDescription,
)

PLAIN = (
    b"v=0\r\no=alice 2890844526 2890844527 IN IP4 192.0.2.1\r\ns=A call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 49170 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
    b"a=sendonly\r\n"
)


def test_a_plain_description() -> None:
    session = parse_sdp(PLAIN)
    assert session.origin == Origin(2890844526, 2890844527, "192.0.2.1", "alice")
    assert session.name == "A call"
    (audio,) = session.media
    assert (audio.kind, audio.port, audio.protocol) == ("audio", 49170, "RTP/AVP")
    assert audio.payload_types() == [0, 8, 101]
    assert audio.rtpmap(0) == RtpMap("PCMU", 8000)
    assert audio.rtpmap(101) == RtpMap("TELEPHONE-EVENT", 8000)
    assert audio.fmtp(101) == "0-15"
    assert (audio.ptime_ms, audio.maxptime_ms) == (20, None)
    assert session.direction_of(audio) == "sendonly"
    assert session.connection_of(audio) == Connection("192.0.2.1")
    assert session.rtcp_of(audio) == ("192.0.2.1", 49171)


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.rstrip(),
        PLAIN.replace(b"\r\n", b"\n"),
        PLAIN.replace(b"\r\n", b"\r"),
        b"\r\n" + PLAIN,
        PLAIN.replace(b"a=ptime", b"x=what is this\r\nnonsense\r\n=\r\na=ptime"),
        PLAIN.replace(b"v=0", b"v= 0 "),
        PLAIN.replace(b"t=0 0\r\n", b""),
    ],
    ids=["no last line end", "LF", "CR", "empty line first", "unknown lines", "blanks", "no t="],
)
def test_harmless_faults_change_nothing(data: bytes) -> None:
    assert parse_sdp(data) == parse_sdp(PLAIN)


def test_what_is_missing_has_a_meaning() -> None:
    session = parse_sdp(b"v=0\nm=audio 4000 RTP/AVP 0")
    assert session.origin == Origin(0, 0, "0.0.0.0")
    assert session.name == "-"
    assert session.connection_of(session.media[0]) is None
    assert session.direction_of(session.media[0]) == "sendrecv"
    assert session.rtcp_of(session.media[0]) == ("0.0.0.0", 4001)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "begin with v=0"),
        (b"v=1\r\n" + PLAIN[5:], "begin with v=0"),
        (PLAIN[5:], "begin with v=0"),
        (b"\xff\xfe\x00", "begin with v=0"),
        (PLAIN.replace(b"49170", b"99999"), "m=audio 99999"),
        (PLAIN.replace(b"49170", b"-1"), "is not <media>"),
        (PLAIN.replace(b" RTP/AVP 0 8 101", b""), "is not <media>"),
        (b"v=0\n" + b"m=audio 1 RTP/AVP 0\n" * (MAX_MEDIA + 1), "at most"),
        (b"v=0\n" + b"a=" + b"x" * MAX_OCTETS, "at most"),
    ],
)
def test_what_is_no_description_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(SdpParseError, match=why):
        parse_sdp(data)


def test_media_have_their_own_lines() -> None:
    session = parse_sdp(
        b"v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\na=inactive\r\n"
        b"m=audio 4000/2 RTP/AVP 0\r\nc=IN IP4 233.252.0.1/127/3\r\na=recvonly\r\na=rtcp:5000\r\n"
        b"m=video 4002 RTP/AVP 99\r\na=rtcp:5002 IN IP4 192.0.2.9\r\n"
        b"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    )
    audio, video, data = session.media
    assert session.connection_of(audio) == Connection("233.252.0.1")
    assert session.connection_of(video) == Connection("2001:db8::1")
    assert [session.direction_of(media) for media in session.media] == ["recvonly", "inactive", "inactive"]
    assert session.rtcp_of(audio) == ("233.252.0.1", 5000)
    assert session.rtcp_of(video) == ("192.0.2.9", 5002)
    assert data.formats == ("webrtc-datachannel",)
    assert data.payload_types() == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rtpmap:97 iLBC", None),
        ("rtpmap:97 iLBC/", None),
        ("rtpmap:97 /8000", None),
        ("rtpmap:97 iLBC/eight", None),
        ("rtpmap:97", None),
        ("rtpmap: 97  iLBC/8000 ", RtpMap("ILBC", 8000)),
        ("rtpmap:97 L16/44100/2", RtpMap("L16", 44100, 2)),
        ("rtpmap:97 opus/48000/x", RtpMap("OPUS", 48000)),
        ("RTPMAP:97 opus/48000", RtpMap("OPUS", 48000)),
    ],
)
def test_a_broken_rtpmap_costs_only_its_own_format(line: str, expected: RtpMap | None) -> None:
    media = parse_sdp(f"v=0\nm=audio 4000 RTP/AVP 97 0\na={line}".encode()).media[0]
    assert media.rtpmap(97) == expected
    assert media.rtpmap(0) == RtpMap("PCMU", 8000)


@pytest.mark.parametrize(("text", "expected"), [("20", 20), (" 20 ", 20), ("20.0", 20), ("", None), ("fast", None)])
def test_packet_times(text: str, expected: int | None) -> None:
    assert parse_sdp(f"v=0\nm=audio 4000 RTP/AVP 0\na=ptime:{text}".encode()).media[0].ptime_ms == expected


@pytest.mark.parametrize("line", ["c=IN IP4", "c=", "c=IN IP4 /127", "c=IN IP4 <script>"])
def test_a_senseless_connection_is_none(line: str) -> None:
    assert parse_sdp(f"v=0\n{line}\n".encode()).connection is None


def test_an_address_of_zeros_means_hold() -> None:
    assert parse_sdp(b"v=0\nc=IN IP4 0.0.0.0").connection == Connection("0.0.0.0")
    assert Connection("0.0.0.0").is_held
    assert Connection("::").is_held
    assert not Connection("192.0.2.1").is_held


WORD = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=12)
ADDRESS = st.sampled_from(["192.0.2.1", "2001:db8::7", "host.example.com"])
ATTRIBUTES = st.lists(st.tuples(WORD.map(str.lower), st.none() | WORD), max_size=5).map(tuple)
MEDIA = st.builds(
    MediaDescription,
    kind=WORD.map(str.lower),
    port=st.integers(0, 65535),
    protocol=st.sampled_from(["RTP/AVP", "RTP/SAVPF"]),
    formats=st.lists(st.integers(0, 127).map(str), min_size=1, max_size=4).map(tuple),
    connection=st.none() | st.builds(Connection, ADDRESS),
    attributes=ATTRIBUTES,
)
SESSIONS = st.builds(
    SessionDescription,
    origin=st.builds(Origin, st.integers(0, 2**62), st.integers(0, 2**62), ADDRESS, WORD),
    media=st.lists(MEDIA, max_size=4).map(tuple),
    connection=st.none() | st.builds(Connection, ADDRESS),
    attributes=ATTRIBUTES,
    name=WORD,
)


@given(SESSIONS)
def test_what_is_encoded_is_parsed_again(session: SessionDescription) -> None:
    assert parse_sdp(session.encode()) == session


@given(st.binary(max_size=400))
def test_any_octets_give_a_description_or_a_parse_error(data: bytes) -> None:
    for prefix in (b"", b"v=0\r\n", b"v=0\r\nm=audio 4000 RTP/AVP 0\r\na="):
        _parse_and_look(prefix + data)


LINES = st.lists(
    st.sampled_from("vosctabmx").flatmap(lambda kind: st.text(max_size=30).map(lambda text: f"{kind}={text}")),
    max_size=12,
)


@given(LINES)
@settings(max_examples=200)
def test_any_lines_give_a_description_or_a_parse_error(lines: list[str]) -> None:
    _parse_and_look("\n".join(["v=0", *lines]).encode("utf-8", "surrogatepass"))


def _parse_and_look(data: bytes) -> None:
    try:
        session = parse_sdp(data)
    except SdpParseError:
        return
    for media in session.media:
        for number in [*media.payload_types(), 0, 97]:
            media.rtpmap(number)
            media.fmtp(number)
        assert media.ptime_ms is None or media.ptime_ms >= 0
        session.rtcp_of(media)
        session.direction_of(media)
    session.encode()
