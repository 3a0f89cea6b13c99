"""Offer and answer case by case (RFC 3264), as a peer would see and send them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.records import replace
from device.sdp.errors import NoCommonCodec, SdpError
from device.sdp.offer_answer import (
    AgreedAudio,
    AudioFormat,
    LocalMedia,
    build_answer,
    build_offer,
    find_audio,
    read_answer,
)
from device.sdp.parser import parse_sdp
from device.sdp.session_description import SessionDescription

PCMA, PCMU = AudioFormat(8, "PCMA"), AudioFormat(0, "PCMU")
LOCAL = LocalMedia("192.0.2.1", 4000, (PCMA, PCMU), 101, session_id=7)
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


def description(media: str, connection: str = "198.51.100.2") -> SessionDescription:
    text = f"v=0\r\no=- 1 1 IN IP4 198.51.100.2\r\ns=-\r\nc=IN IP4 {connection}\r\nt=0 0\r\n{media}"
    return parse_sdp(text.encode())


def answer_to(media: str, local: LocalMedia = LOCAL) -> tuple[SessionDescription, AgreedAudio]:
    answer, agreed = build_answer(description(media), local, 3)
    assert agreed is not None
    return answer, agreed


def test_our_offer_as_the_peer_reads_it() -> None:
    assert build_offer(LOCAL, 3).encode() == (
        b"v=0\r\no=- 7 3 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
        b"m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
        b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    )


def test_an_ipv6_offer_and_a_control_port_of_its_own() -> None:
    text = build_offer(replace(LOCAL, address="2001:db8::1", rtcp_port=4009, telephone_event_pt=None), 0).encode()
    assert b"c=IN IP6 2001:db8::1\r\n" in text
    assert b"a=rtcp:4009\r\n" in text
    assert b"telephone-event" not in text
    assert b"a=rtcp" not in build_offer(replace(LOCAL, rtcp_port=4001), 0).encode()


def test_the_answer_keeps_order_and_numbers_of_the_offer() -> None:
    answer, agreed = answer_to(
        "m=audio 5000 RTP/AVP 18 0 96 8 97\r\na=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n"
        "a=rtpmap:97 opus/48000/2\r\n"
    )
    assert answer.media[0].formats == ("0", "8", "96")
    assert answer.media[0].fmtp(96) == "0-15"
    assert (agreed.codec_name, agreed.payload_type, agreed.receive_payload_type) == ("PCMU", 0, 0)
    assert (agreed.telephone_event_pt, agreed.receive_telephone_event_pt) == (96, 96)
    assert (agreed.remote_host, agreed.remote_port) == ("198.51.100.2", 5000)
    assert (agreed.remote_rtcp_host, agreed.remote_rtcp_port) == ("198.51.100.2", 5001)
    assert (agreed.direction, agreed.held_by_peer) == ("sendrecv", False)


def test_a_known_codec_under_a_dynamic_number() -> None:
    answer, agreed = answer_to("m=audio 5000 RTP/AVP 120\r\na=rtpmap:120 pcma/8000\r\n")
    assert answer.media[0].formats == ("120",)
    assert (agreed.codec_name, agreed.payload_type, agreed.telephone_event_pt) == ("PCMA", 120, None)


def test_a_number_without_clock_rate_does_not_refuse_the_call() -> None:
    answer, _ = answer_to("m=audio 5000 RTP/AVP 97 8\r\na=rtpmap:97 iLBC\r\n")
    assert answer.media[0].formats == ("8",)


def test_digits_are_left_out_when_we_do_not_use_them() -> None:
    offer = "m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    answer, agreed = answer_to(offer, replace(LOCAL, telephone_event_pt=None))
    assert answer.media[0].formats == ("8",)
    assert agreed.telephone_event_pt is None


@pytest.mark.parametrize(
    ("fmtp", "expected"),
    [
        ("0-15", "0-15"),
        ("0-16", "0-16"),
        ("0-11,16", "0-16"),
        ("", "0-15"),
        ("0-15,66,70", "0-15"),
        ("x-y", "0-15"),
        ("\N{SUPERSCRIPT TWO}", "0-15"),
        ("0-" + "9" * 5000, "0-15"),
    ],
)
def test_the_hook_flash_is_answered_only_to_who_lists_it(fmtp: str, expected: str) -> None:
    line = f"a=fmtp:96 {fmtp}\r\n" if fmtp else ""
    answer, _ = answer_to(f"m=audio 5000 RTP/AVP 8 96\r\na=rtpmap:96 telephone-event/8000\r\n{line}")
    assert answer.media[0].fmtp(96) == expected


def test_the_telephone_event_of_the_codec_s_clock_rate_is_taken() -> None:
    maps = "".join(f"a=rtpmap:{n} telephone-event/{rate}\r\n" for n, rate in ((96, 48000), (97, 8000), (98, 16000)))
    _, agreed = answer_to("m=audio 5000 RTP/AVP 8 96 97 98\r\n" + maps)
    assert agreed.telephone_event_pt == 97


def test_every_other_media_is_refused_in_its_place() -> None:
    answer, agreed = answer_to(
        "m=video 6000 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\nm=audio 5000 RTP/SAVP 8\r\na=crypto:1 x\r\n"
        "m=audio 5002 RTP/AVPF 8\r\nm=audio 5004 RTP/AVP 0\r\nm=application 9 UDP/BFCP *\r\n"
    )
    lines = [(media.kind, media.port, media.protocol, media.formats) for media in answer.media]
    assert lines == [
        ("video", 0, "RTP/AVP", ("99",)),
        ("audio", 0, "RTP/SAVP", ("8",)),
        ("audio", 4000, "RTP/AVPF", ("8",)),
        ("audio", 0, "RTP/AVP", ("0",)),
        ("application", 0, "UDP/BFCP", ("*",)),
    ]
    assert (agreed.media_index, agreed.remote_port) == (2, 5002)


@pytest.mark.parametrize(
    "media",
    [
        "m=audio 5000 RTP/AVP 18 9\r\n",
        "m=audio 5000 RTP/SAVP 8\r\n",
        "m=video 5000 RTP/AVP 99\r\n",
        "m=audio 0 RTP/AVP 8\r\nm=video 5000 RTP/AVP 99\r\n",
        "m=audio 5000 RTP/AVP 97\r\na=rtpmap:97 PCMA/8000/2\r\n",
        "m=audio 5000 RTP/AVP 97\r\na=rtpmap:97 PCMA/16000\r\n",
    ],
    ids=["codecs", "encrypted", "video only", "audio off", "stereo", "wide"],
)
def test_no_common_codec_is_488(media: str) -> None:
    with pytest.raises(NoCommonCodec):
        build_answer(description(media), LOCAL, 0)


def test_audio_without_address_is_488() -> None:
    with pytest.raises(NoCommonCodec):
        build_answer(parse_sdp(b"v=0\r\nm=audio 5000 RTP/AVP 8\r\n"), LOCAL, 0)


@pytest.mark.parametrize("media", ["", "m=audio 0 RTP/AVP 8\r\n"])
def test_an_offer_that_switches_everything_off_is_answered_so(media: str) -> None:
    answer, agreed = build_answer(description(media), LOCAL, 0)
    assert agreed is None
    assert [line.port for line in answer.media] == [0] * bool(media)


DIRECTION_CASES = [
    # offered by the peer, allowed by us, our direction
    ("sendrecv", "sendrecv", "sendrecv"),
    ("sendonly", "sendrecv", "recvonly"),
    ("recvonly", "sendrecv", "sendonly"),
    ("inactive", "sendrecv", "inactive"),
    ("sendrecv", "sendonly", "sendonly"),
    ("sendonly", "sendonly", "inactive"),
    ("recvonly", "sendonly", "sendonly"),
    ("inactive", "sendonly", "inactive"),
]


@pytest.mark.parametrize(("offered", "allowed", "expected"), DIRECTION_CASES)
def test_directions(offered: str, allowed: str, expected: str) -> None:
    local = replace(LOCAL, direction=allowed)
    answer, agreed = answer_to(f"m=audio 5000 RTP/AVP 8\r\na={offered}\r\n", local)
    assert answer.media[0].direction == agreed.direction == expected
    assert agreed.held_by_peer == (offered in ("sendonly", "inactive"))
    read = read_answer(build_offer(local, 0), description(f"m=audio 5000 RTP/AVP 8\r\na={offered}\r\n"), local)
    assert read.direction == expected


def test_the_old_hold_by_an_address_of_zeros() -> None:
    answer, agreed = build_answer(description("m=audio 5000 RTP/AVP 8\r\n", "0.0.0.0"), LOCAL, 0)
    assert agreed is not None
    assert agreed.held_by_peer
    assert agreed.direction == answer.media[0].direction == "recvonly"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", 20),
        ("a=ptime:30\r\n", 30),
        ("a=ptime:60\r\n", 60),
        ("a=ptime:10\r\n", 10),
        ("a=ptime:25\r\n", 20),
        ("a=ptime:5\r\n", 20),
        ("a=ptime:200\r\n", 20),
        ("a=maxptime:10\r\n", 10),
        ("a=ptime:40\r\na=maxptime:30\r\n", 30),
        ("a=maxptime:150\r\n", 20),
        ("a=maxptime:1\r\n", 20),
    ],
)
def test_the_packet_time_follows_the_peer(lines: str, expected: int) -> None:
    answer, agreed = answer_to("m=audio 5000 RTP/AVP 8\r\n" + lines)
    assert agreed.ptime_ms == expected
    assert answer.media[0].ptime_ms == 20


def test_reading_an_answer() -> None:
    agreed = read_answer(
        build_offer(LOCAL, 0),
        description("m=audio 5000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=rtcp:5055\r\n"),
        LOCAL,
    )
    assert (agreed.codec_name, agreed.payload_type, agreed.receive_payload_type) == ("PCMU", 0, 0)
    assert (agreed.telephone_event_pt, agreed.receive_telephone_event_pt) == (101, 101)
    assert agreed.receive_formats == (PCMA, PCMU)
    assert agreed.remote_rtcp_port == 5055


def test_an_answer_with_numbers_of_its_own() -> None:
    local = replace(LOCAL, formats=(AudioFormat(97, "L16"), PCMA))
    media = "m=audio 5000 RTP/AVP 110 120\r\na=rtpmap:110 L16/8000\r\na=rtpmap:120 telephone-event/8000\r\n"
    agreed = read_answer(build_offer(local, 0), description(media), local)
    assert (agreed.payload_type, agreed.receive_payload_type) == (110, 97)
    assert (agreed.telephone_event_pt, agreed.receive_telephone_event_pt) == (120, 101)


def test_an_answer_that_leaves_its_maps_out_means_those_of_the_offer() -> None:
    local = replace(LOCAL, formats=(AudioFormat(97, "L16"), PCMA))
    agreed = read_answer(build_offer(local, 0), description("m=audio 5000 RTP/AVP 97 101\r\n"), local)
    assert (agreed.codec_name, agreed.telephone_event_pt) == ("L16", 101)


def test_an_answer_without_telephone_event_means_tones() -> None:
    agreed = read_answer(build_offer(LOCAL, 0), description("m=audio 5000 RTP/AVP 8\r\n"), LOCAL)
    assert agreed.telephone_event_pt is None


def test_an_answer_with_fewer_lines_than_the_offer_is_read_by_its_audio() -> None:
    previous, _ = answer_to("m=video 6000 RTP/AVP 99\r\nm=audio 5000 RTP/AVP 8\r\n")
    agreed = read_answer(build_offer(LOCAL, 1, previous), description("m=audio 5000 RTP/AVP 8\r\n"), LOCAL)
    assert agreed.media_index == 0


@pytest.mark.parametrize(
    "media", ["", "m=audio 0 RTP/AVP 8\r\n", "m=audio 5000 RTP/AVP 18\r\n", "m=video 5000 RTP/AVP 99\r\n"]
)
def test_an_answer_that_refuses_audio(media: str) -> None:
    with pytest.raises(NoCommonCodec):
        read_answer(build_offer(LOCAL, 0), description(media), LOCAL)


def test_a_new_offer_keeps_every_line_in_its_place() -> None:
    answer, _ = answer_to("m=video 6000 RTP/AVP 99\r\nm=audio 5000 RTP/AVPF 8\r\n")
    offer = build_offer(replace(LOCAL, direction="sendonly"), 4, answer)
    assert [(m.kind, m.port, m.protocol) for m in offer.media] == [("video", 0, "RTP/AVP"), ("audio", 4000, "RTP/AVPF")]
    assert offer.media[1].direction == "sendonly"
    agreed = read_answer(offer, description("m=video 0 RTP/AVP 99\r\nm=audio 5000 RTP/AVPF 8\r\n"), LOCAL)
    assert agreed.media_index == 1


def test_a_new_offer_after_an_answer_without_audio_adds_it() -> None:
    answer, _ = build_answer(description(""), LOCAL, 0)
    assert [media.port for media in build_offer(LOCAL, 1, answer).media] == [4000]
    assert find_audio(answer) is None


@given(
    st.permutations([PCMA, PCMU]),
    st.permutations([PCMA, PCMU]),
    st.sampled_from(DIRECTIONS),
    st.sampled_from(DIRECTIONS),
    st.integers(96, 127),
    st.integers(96, 127),
)
def test_both_ends_agree_on_the_same(
    ours: list[AudioFormat], theirs: list[AudioFormat], one: str, other: str, our_pt: int, their_pt: int
) -> None:
    caller = replace(LOCAL, formats=tuple(ours), direction=one, telephone_event_pt=our_pt)
    callee = replace(LOCAL, formats=tuple(theirs), direction=other, telephone_event_pt=their_pt, port=6000)
    offer = build_offer(caller, 0)
    answer, at_callee = build_answer(parse_sdp(offer.encode()), callee, 0)
    at_caller = read_answer(offer, parse_sdp(answer.encode()), caller)
    assert at_callee is not None
    assert at_caller.payload_type == at_callee.payload_type == ours[0].payload_type
    assert at_caller.telephone_event_pt == at_callee.telephone_event_pt == our_pt
    mirrored = {"sendonly": "recvonly", "recvonly": "sendonly"}
    assert at_callee.direction == mirrored.get(at_caller.direction, at_caller.direction)
    assert at_caller.remote_port == 6000


MEDIA_LINES = st.lists(
    st.sampled_from(
        [
            "m=audio 5000 RTP/AVP 8 0 101",
            "m=audio 0 RTP/AVP 8",
            "m=video 5000 RTP/AVP 99",
            "m=audio 5000 RTP/SAVP",
            "a=rtpmap:101 telephone-event/8000",
            "a=rtpmap:8 telephone-event",
            "a=rtpmap:0 PCMU/0",
            "a=ptime:999999999999999999999999",
            "a=rtcp:",
            "a=rtcp:0 IN IP4 ",
            "a=sendonly",
            "a=fmtp:101 -",
            "c=IN IP4 0.0.0.0",
            "c=IN IP6 ::1",
        ]
    ),
    max_size=8,
)


@given(MEDIA_LINES)
def test_any_mixture_is_agreed_on_or_refused(lines: list[str]) -> None:
    theirs = description("\r\n".join(lines))
    offer = build_offer(LOCAL, 0)
    with suppress(SdpError):
        answer, _ = build_answer(theirs, LOCAL, 0)
        assert len(answer.media) == len(theirs.media)
        parse_sdp(answer.encode())
    with suppress(SdpError):
        read_answer(offer, theirs, LOCAL)
