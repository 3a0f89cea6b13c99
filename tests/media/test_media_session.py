"""What a call negotiates, between two sessions of ours and with peers that do it in their own way."""

import pytest

from device.ids import CountingIds
from device.media import codecs
from device.media.codecs import native
from device.media.media_session import MediaSession, offered_host
from device.media.settings import MediaSettings
from device.media.stream import StreamParameters
from device.sdp.errors import NoCommonCodec, SdpParseError, SdpStateError
from device.sdp.parser import parse_sdp

PEER = "v=0\r\no=- 9 1 IN IP4 198.51.100.2\r\ns=-\r\nc=IN IP4 198.51.100.2\r\nt=0 0\r\n"
PLAIN = PEER + "m=audio 5000 RTP/AVP 0 8 96\r\na=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n"


def new_session(address: str = "192.0.2.1", port: int = 4000, settings: MediaSettings | None = None) -> MediaSession:
    return MediaSession(settings or MediaSettings(), address, port, CountingIds(address))


def agreed(session: MediaSession) -> StreamParameters:
    parameters = session.parameters
    assert parameters is not None
    return parameters


def version(sdp: bytes) -> int:
    return parse_sdp(sdp).origin.version


def connected() -> tuple[MediaSession, MediaSession]:
    caller, callee = new_session(), new_session("192.0.2.2", 6000)
    caller.receive_answer(callee.receive_offer(caller.create_offer()))
    return caller, callee


def test_a_call_between_two_of_us() -> None:
    caller, callee = connected()
    one, other = agreed(caller), agreed(callee)
    assert one.codec_name == other.codec_name == "PCMA"
    assert one.remote == ("192.0.2.2", 6000)
    assert other.remote_rtcp == ("192.0.2.1", 4001)
    assert one.sending
    assert one.receiving
    assert not one.on_hold
    assert one.telephone_event_pt == 101
    assert one.receive_formats == ((8, "PCMA"), (0, "PCMU"))


def test_two_calls_of_one_phone_are_different_sources() -> None:
    ids = CountingIds()
    calls = []
    for port in (4000, 4002):
        session = MediaSession(MediaSettings(), "192.0.2.1", port, ids)
        session.receive_offer(PLAIN.encode())
        calls.append(agreed(session))
    for name in ("ssrc", "sequence", "timestamp", "seed", "cname"):
        assert getattr(calls[0], name) != getattr(calls[1], name)


def test_nothing_is_agreed_before_the_answer() -> None:
    session = new_session()
    assert session.parameters is None
    session.create_offer()
    assert session.parameters is None
    assert not session.held_by_peer


def test_the_order_of_codecs_is_a_setting() -> None:
    session = new_session(settings=MediaSettings(codecs="PCMU"))
    assert parse_sdp(session.create_offer()).media[0].formats == ("0", "101")


def test_codecs_without_a_number_of_their_own_get_dynamic_ones() -> None:
    settings = MediaSettings(codecs="L16,L16/16000,PCMA", telephone_event_payload_type=97)
    offer = parse_sdp(new_session(settings=settings).create_offer()).media[0]
    assert offer.formats == ("96", "98", "8", "97", "99")
    assert [offer.rtpmap(number).clock_rate_hz for number in (96, 98, 97, 99)] == [8000, 16000, 8000, 16000]


def test_opus_is_said_to_have_two_channels_and_brings_events_of_its_clock() -> None:
    settings = MediaSettings(codecs="OPUS,PCMA")
    caller, callee = new_session(settings=settings), new_session("192.0.2.2", 6000, settings)
    offer = caller.create_offer()
    assert b"a=rtpmap:96 opus/48000/2\r\n" in offer
    assert b"useinbandfec=1" in offer
    assert b"a=rtpmap:97 telephone-event/48000\r\n" in offer
    caller.receive_answer(callee.receive_offer(offer))
    one, other = agreed(caller), agreed(callee)
    assert (one.codec_name, one.clock_rate_hz, one.sample_rate_hz) == ("OPUS", 48000, 16000)
    assert (one.telephone_event_pt, one.event_clock_rate_hz) == (97, 48000)
    assert one.receive_telephone_event_pts == other.receive_telephone_event_pts == (97,)
    assert "useinbandfec=1" in one.format_parameters
    again = callee.hold()
    assert b"a=rtpmap:97 telephone-event/48000" in again
    assert b"a=rtpmap:101 telephone-event/8000" in again


def test_a_peer_with_plain_events_beside_opus_is_sent_those() -> None:
    session = new_session(settings=MediaSettings(codecs="OPUS"))
    session.receive_offer(
        (
            PEER + "m=audio 5000 RTP/AVP 111 101\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n"
        ).encode()
    )
    assert (agreed(session).telephone_event_pt, agreed(session).event_clock_rate_hz) == (101, 8000)


def test_packet_times_are_those_that_the_codec_can_make() -> None:
    session = new_session(settings=MediaSettings(codecs="GSM,PCMA"))
    session.receive_offer((PEER + "m=audio 5000 RTP/AVP 3\r\na=ptime:30\r\n").encode())
    assert agreed(session).ptime_ms == 20


def test_a_codec_whose_library_is_missing_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(native.LIBRARIES, "opus", (("libnowhere.so.0",), "libopus0"))
    monkeypatch.setattr(native, "_loaded", {})
    offer = parse_sdp(new_session(settings=MediaSettings(codecs="OPUS,PCMU")).create_offer()).media[0]
    assert offer.formats == ("0", "101")
    offer = parse_sdp(new_session(settings=MediaSettings(codecs="OPUS")).create_offer()).media[0]
    assert offer.formats == ("8", "0", "101")
    assert 'run "apt install libopus0"' in codecs.missing_library("OPUS")


def test_the_settings_reach_the_stream() -> None:
    settings = MediaSettings(jitter_start_ms=50, jitter_min_ms=30, jitter_max_ms=200, digit_ms=90, symmetric=False)
    session = new_session(settings=settings)
    session.receive_offer(PLAIN.encode())
    parameters = agreed(session)
    assert (parameters.jitter_start_ms, parameters.jitter_min_ms, parameters.jitter_max_ms) == (50, 30, 200)
    assert (parameters.digit_ms, parameters.symmetric) == (90, False)


def test_the_numbers_of_the_peer_stay_for_the_whole_call() -> None:
    session = new_session()
    answer = parse_sdp(session.receive_offer(PLAIN.encode()))
    assert answer.media[0].formats == ("0", "8", "96")
    offer = parse_sdp(session.hold())
    assert offer.media[0].formats == ("0", "8", "96")
    dynamic = new_session()
    dynamic.receive_offer((PEER + "m=audio 5000 RTP/AVP 110\r\na=rtpmap:110 PCMA/8000\r\n").encode())
    assert parse_sdp(dynamic.create_offer()).media[0].payload_types()[0] == 110


def test_hold_and_resume() -> None:
    caller, callee = connected()
    before = agreed(caller)
    offer = caller.hold()
    assert caller.on_hold
    assert agreed(caller).on_hold, "the peer must not hear us from now on"
    answer = callee.receive_offer(offer)
    caller.receive_answer(answer)
    assert parse_sdp(answer).media[0].direction == "recvonly"
    assert callee.held_by_peer
    assert (agreed(callee).sending, agreed(callee).receiving) == (False, True)
    assert (agreed(caller).sending, agreed(caller).receiving) == (True, False)
    caller.receive_answer(callee.receive_offer(caller.resume()))
    assert not caller.on_hold
    assert not callee.held_by_peer
    assert agreed(caller) == before


def test_both_hold() -> None:
    caller, callee = connected()
    caller.receive_answer(callee.receive_offer(caller.hold()))
    callee.receive_answer(caller.receive_offer(callee.hold()))
    assert not agreed(caller).sending
    assert not agreed(caller).receiving
    callee.receive_answer(caller.receive_offer(callee.resume()))
    assert agreed(caller).sending
    assert not agreed(caller).receiving
    assert agreed(caller).on_hold


def test_a_refused_hold_leaves_all_as_it_was() -> None:
    caller, callee = connected()
    before = agreed(caller)
    caller.hold()
    caller.offer_refused()
    assert not caller.on_hold
    assert agreed(caller) == before
    caller.receive_answer(callee.receive_offer(caller.hold()))
    caller.resume()
    caller.offer_refused()
    assert caller.on_hold


def test_a_description_that_is_offered_again_may_be_answered_otherwise() -> None:
    """A refresh by re-INVITE sends the last description to the letter; it needs no new offer of ours."""
    caller, callee = connected()
    callee.receive_answer(PLAIN.replace("m=audio", "a=sendonly\r\nm=audio").encode())
    assert callee.held_by_peer
    held = callee.receive_offer(caller.hold())
    caller.receive_answer(held)
    caller.resume()
    caller.offer_refused()
    caller.receive_answer(held)
    assert caller.on_hold


def test_the_old_hold_of_the_peer() -> None:
    session = new_session()
    session.receive_offer(PLAIN.encode())
    answer = session.receive_offer(PLAIN.replace("c=IN IP4 198.51.100.2", "c=IN IP4 0.0.0.0").encode())
    assert session.held_by_peer
    assert not agreed(session).sending
    assert parse_sdp(answer).media[0].direction == "recvonly"


def test_the_version_rises_only_with_changes() -> None:
    caller, callee = connected()
    assert version(caller.create_offer()) == 0
    assert version(caller.hold()) == 1
    assert version(caller.create_offer()) == 1
    assert version(caller.resume()) == 2
    answers = [version(callee.receive_offer(caller.create_offer())) for _ in range(3)]
    assert answers == [0, 0, 0]
    caller.set_local_address("[2001:db8::5]")
    moved = caller.create_offer()
    assert version(moved) == 3
    assert b"c=IN IP6 2001:db8::5\r\n" in moved


def test_an_invite_without_offer_is_answered_by_the_ack() -> None:
    session = new_session()
    session.create_offer()
    session.receive_answer(PLAIN.encode())
    assert agreed(session).telephone_event_pt == 96
    assert agreed(session).receive_telephone_event_pts == (96, 101)


def test_early_media_then_another_answer_from_a_forked_call() -> None:
    session = new_session()
    session.create_offer()
    session.receive_answer(PLAIN.encode())
    session.receive_answer(PLAIN.replace("5000", "7000").encode())
    assert agreed(session).remote == ("198.51.100.2", 7000)


def test_identity_stays_through_the_call() -> None:
    session = new_session()
    session.receive_offer(PLAIN.encode())
    first = agreed(session)
    session.receive_offer(PLAIN.replace("5000", "5002").replace("0 8 96", "8 96").encode())
    second = agreed(session)
    assert (first.codec_name, second.codec_name) == ("PCMU", "PCMA")
    assert (first.ssrc, first.sequence, first.timestamp, first.cname) == (
        second.ssrc,
        second.sequence,
        second.timestamp,
        second.cname,
    )


def test_a_bad_new_offer_changes_nothing() -> None:
    session = new_session()
    session.receive_offer(PLAIN.encode())
    before = agreed(session)
    with pytest.raises(NoCommonCodec):
        session.receive_offer((PEER + "m=audio 5000 RTP/AVP 18\r\n").encode())
    with pytest.raises(SdpParseError):
        session.receive_offer(b"hello")
    assert agreed(session) == before
    assert version(session.create_offer()) == 1


def test_a_bad_answer_changes_nothing() -> None:
    caller, _ = connected()
    before = agreed(caller)
    caller.create_offer()
    with pytest.raises(NoCommonCodec):
        caller.receive_answer((PEER + "m=audio 0 RTP/AVP 8\r\n").encode())
    assert agreed(caller) == before


def test_an_answer_to_nothing() -> None:
    with pytest.raises(SdpStateError, match="nothing was offered"):
        new_session().receive_answer(PLAIN.encode())


def test_a_peer_that_switches_audio_off_and_on() -> None:
    session = new_session()
    assert session.receive_offer(PEER.encode())
    assert session.parameters is None
    session.receive_offer(PLAIN.encode())
    session.receive_offer(PLAIN.replace("5000", "0").encode())
    assert not agreed(session).sending
    assert not agreed(session).receiving
    session.receive_offer(PLAIN.encode())
    assert agreed(session).sending


def test_video_keeps_its_place_in_our_own_offers() -> None:
    session = new_session()
    session.receive_offer((PEER + "m=video 6000 RTP/AVP 99\r\nm=audio 5000 RTP/AVP 8\r\n").encode())
    offer = parse_sdp(session.hold())
    assert [(media.kind, media.port) for media in offer.media] == [("video", 0), ("audio", 4000)]


def test_a_host_name_is_left_to_the_daemon() -> None:
    session = new_session()
    session.receive_offer(PLAIN.replace("c=IN IP4 198.51.100.2", "c=IN IP4 media.example.com").encode())
    assert agreed(session).remote == ("media.example.com", 5000)


def test_an_answer_by_other_numbers_is_received_by_both() -> None:
    caller = new_session()
    caller.create_offer()
    caller.receive_answer((PEER + "m=audio 5000 RTP/AVP 111\r\na=rtpmap:111 PCMA/8000\r\n").encode())
    assert agreed(caller).payload_type == 111
    assert agreed(caller).receive_formats == ((8, "PCMA"), (0, "PCMU"), (111, "PCMA"))
    assert agreed(caller).telephone_event_pt is None


@pytest.mark.parametrize(
    ("connection", "host"),
    [
        (b"c=IN IP4 192.0.2.9", "192.0.2.9"),
        (b"c=IN IP6 2001:db8::9", "2001:db8::9"),
        (b"c=IN IP4 0.0.0.0", ""),
        (b"c=IN IP4 host.example", "host.example"),
        (b"a=none", ""),
    ],
)
def test_where_an_offer_wants_its_sound(connection: bytes, host: str) -> None:
    head = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
    assert offered_host(head + connection + b"\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n") == host
    assert offered_host(head + connection + b"\r\nt=0 0\r\n") == ""
    assert offered_host(b"no description") == ""


# Comfort noise.


def test_comfort_noise_is_offered_by_the_setting_alone() -> None:
    assert b" 13" not in new_session().create_offer()
    settings = MediaSettings(silence_suppression=True, codecs="PCMA,L16/16000")
    media = parse_sdp(new_session(settings=settings).create_offer()).media[0]
    assert media.formats == ("8", "96", "13", "98", "101", "97")
    assert [media.rtpmap(number).clock_rate_hz for number in (13, 98)] == [8000, 16000]


def test_two_of_us_agree_on_comfort_noise() -> None:
    settings = MediaSettings(silence_suppression=True)
    caller, callee = new_session(settings=settings), new_session("192.0.2.2", 6000, settings)
    answer = callee.receive_offer(caller.create_offer())
    caller.receive_answer(answer)
    assert parse_sdp(answer).media[0].formats == ("8", "0", "13", "101")
    assert [agreed(one).noise_pt for one in (caller, callee)] == [13, 13]
    assert agreed(caller).receive_noise_pts == (13,)


@pytest.mark.parametrize("wants", ["caller", "callee"])
def test_one_alone_sends_every_packet(wants: str) -> None:
    settings = MediaSettings(silence_suppression=True)
    caller = new_session(settings=settings if wants == "caller" else None)
    callee = new_session("192.0.2.2", 6000, settings if wants == "callee" else None)
    caller.receive_answer(callee.receive_offer(caller.create_offer()))
    assert [agreed(one).noise_pt for one in (caller, callee)] == [None, None]


def test_comfort_noise_of_another_clock_is_none() -> None:
    session = new_session(settings=MediaSettings(silence_suppression=True, codecs="L16/16000"))
    offer = PEER + "m=audio 5000 RTP/AVP 99 13\r\na=rtpmap:99 L16/16000\r\n"
    session.receive_offer(offer.encode())
    assert agreed(session).noise_pt is None
    offer = PEER + "m=audio 5000 RTP/AVP 99 98\r\na=rtpmap:99 L16/16000\r\na=rtpmap:98 cn/16000\r\n"
    answer = session.receive_offer(offer.encode())
    assert agreed(session).noise_pt == 98
    assert parse_sdp(answer).media[0].formats == ("99", "98")


def test_two_of_us_agree_on_extended_reports() -> None:
    for session in connected():
        assert agreed(session).extended_reports == ("voip-metrics", "rcvr-rtt=all")


@pytest.mark.parametrize("settings", [MediaSettings(rtcp_xr=False), MediaSettings(rtcp=False)])
def test_extended_reports_can_be_switched_off(settings: MediaSettings) -> None:
    caller, callee = new_session(settings=settings), new_session("192.0.2.2", 6000)
    offer = caller.create_offer()
    assert b"rtcp-xr" not in offer
    caller.receive_answer(callee.receive_offer(offer))
    assert agreed(caller).extended_reports == agreed(callee).extended_reports == ()


def test_a_peer_that_knows_nothing_of_extended_reports_gets_none() -> None:
    session = new_session()
    assert b"rtcp-xr" not in session.receive_offer(PLAIN.encode())
    assert agreed(session).extended_reports == ()
