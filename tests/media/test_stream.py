"""Two streams joined by a network, and one stream in front of peers that behave as peers do."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import pcm
from device.media.codecs import new_codec
from device.media.stream import Address, Datagrams, MediaStream, StreamParameters
from device.media.tones import ToneGenerator, TonePattern, ToneSegment
from device.records import replace
from device.rtp.packet import RtpPacket, parse_rtp
from device.rtp.rtcp import Bye, ReceiverReport, SenderReport, encode_compound, parse_rtcp
from tests.media.goertzel import level_db

LEFT, RIGHT = ("192.0.2.1", 4000), ("192.0.2.2", 6000)
SILENCE = bytes(320)


def parameters(remote: Address = RIGHT, **changes: object) -> StreamParameters:
    plain = StreamParameters(
        codec_name="PCMA",
        payload_type=8,
        receive_formats=((8, "PCMA"), (0, "PCMU")),
        clock_rate_hz=8000,
        sample_rate_hz=8000,
        remote=remote,
        remote_rtcp=(remote[0], remote[1] + 1),
        sending=True,
        receiving=True,
        on_hold=False,
        ptime_ms=20,
        telephone_event_pt=101,
        receive_telephone_event_pts=(101,),
        ssrc=0x1000 + remote[1],
        sequence=65530,
        timestamp=2**32 - 500,
        seed=remote[1],
        cname=f"c{remote[1]}",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def tone(frequency_hz: int = 400) -> ToneGenerator:
    return ToneGenerator(TonePattern((ToneSegment((frequency_hz,), 1000),)), 8000, -10)


class Call:
    """Two streams, 20 ms at a time; `lose` decides about each datagram."""

    def __init__(
        self, left: StreamParameters, right: StreamParameters, loss: float = 0.0, delay_s: float = 0.010
    ) -> None:
        self.left, self.right = MediaStream(left), MediaStream(right)
        self.now = 100.0
        self._delay_s = delay_s
        self._loss = loss
        self._random = random.Random(7)
        self._voices = (tone(400), tone(1000))
        self._on_the_way: list[tuple[float, MediaStream, bool, bytes, Address]] = []
        self.heard_left = self.heard_right = b""

    def run(self, seconds: float) -> None:
        self.heard_left = self.heard_right = b""
        for _ in range(round(seconds * 50)):
            for stream, far, voice, source in (
                (self.left, self.right, self._voices[0], LEFT),
                (self.right, self.left, self._voices[1], RIGHT),
            ):
                self._carry(stream.send_frame(voice.next_frame(160), self.now), far, source, False)
                self._carry(stream.rtcp_to_send(self.now), far, (source[0], source[1] + 1), True)
            self.now += 0.02
            self._deliver()
            self.heard_left += self.left.next_frame()
            self.heard_right += self.right.next_frame()

    def _carry(self, datagrams: Datagrams, far: MediaStream, source: Address, control: bool) -> None:
        for data, destination in datagrams:
            assert destination[1] % 2 == control
            if self._random.random() >= self._loss:
                self._on_the_way.append((self.now + self._delay_s, far, control, data, source))

    def _deliver(self) -> None:
        due = [item for item in self._on_the_way if item[0] <= self.now]
        self._on_the_way = [item for item in self._on_the_way if item[0] > self.now]
        for at, far, control, data, source in due:
            (far.receive_rtcp if control else far.receive_rtp)(data, source, at)


def call(**changes: object) -> Call:
    return Call(parameters(RIGHT, **changes), parameters(LEFT, **changes))


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 60])
def test_both_hear_each_other(codec: str, ptime_ms: int) -> None:
    both = call(codec_name=codec, payload_type=new_codec(codec).payload_type, ptime_ms=ptime_ms)
    both.run(1.0)
    both.run(2.0)
    assert level_db(both.heard_right, 400, 8000) == pytest.approx(-10, abs=0.3)
    assert level_db(both.heard_left, 1000, 8000) == pytest.approx(-10, abs=0.3)
    report = both.right.counters()
    assert report.codec == codec
    assert report.frames_concealed == 0
    assert report.packets_sent == pytest.approx(3000 / ptime_ms, abs=1)
    assert (report.packets_lost, report.packets_late, report.packets_discarded) == (0, 0, 0)


def test_the_figures_of_a_lossy_call() -> None:
    both = Call(parameters(RIGHT), parameters(LEFT), loss=0.05)
    both.run(30.0)
    report = both.right.counters()
    sent = both.left.counters().packets_sent
    assert sent == 1500
    assert report.packets_received + report.packets_lost == pytest.approx(sent, abs=2)
    assert 40 < report.packets_lost < 110
    assert report.frames_concealed >= report.packets_lost * 0.9
    assert report.round_trip_ms == pytest.approx(20, abs=1)
    assert report.remote == "192.0.2.1:4000"
    assert both.left.counters().remote_lost in range(30, 110)
    assert level_db(both.heard_right, 400, 8000) == pytest.approx(-10, abs=1)
    assert report.last_packet_at == pytest.approx(both.now, abs=0.1)


def test_the_figures_of_quality_in_a_lossy_call() -> None:
    lossy = Call(parameters(RIGHT), parameters(LEFT), loss=0.05)
    lossy.run(60)
    report = lossy.left.counters()
    assert report.codec_received == "PCMA"
    assert 2900 <= report.packets_expected <= 3000
    assert abs(report.packets_missing - report.packets_lost) <= 5
    assert 1.0 <= report.burst_ratio < 1.3
    assert report.burst_density > report.gap_density
    assert report.gap_ms > report.burst_ms > 20
    assert report.sent_db == pytest.approx(-13, abs=0.3)
    assert report.heard_db == pytest.approx(-13, abs=1)
    assert report.remote_ssrc == 0x1000 + LEFT[1]


def test_the_missing_are_counted_on_when_the_clock_of_the_codec_changes() -> None:
    lossy = Call(parameters(RIGHT), parameters(LEFT), loss=0.1)
    lossy.run(10)
    before = lossy.left.counters()
    wide = {"codec_name": "L16/16000", "payload_type": 97, "receive_formats": ((97, "L16/16000"),)}
    lossy.left.update(parameters(RIGHT, clock_rate_hz=16000, sample_rate_hz=16000, **wide))
    after = lossy.left.counters()
    assert after.packets_missing == before.packets_missing > 20
    assert after.packets_expected >= before.packets_expected


EXTENDED = ("voip-metrics", "rcvr-rtt=all")


def test_extended_reports_between_two_that_agreed() -> None:
    told = Call(parameters(RIGHT, extended_reports=EXTENDED), parameters(LEFT, extended_reports=EXTENDED), loss=0.05)
    told.run(30)
    report = told.left.counters()
    assert report.remote_voice is not None
    assert report.remote_voice.ssrc == report.ssrc
    assert 0.02 < report.remote_voice.loss_rate / 256 < 0.09
    assert 30 <= report.remote_voice.mos_listening <= 42


def test_the_round_trip_of_who_may_only_listen() -> None:
    far = parameters(LEFT, extended_reports=EXTENDED, receiving=True)
    call = Call(parameters(RIGHT, extended_reports=EXTENDED, sending=False), far, delay_s=0.1)
    call.run(30)
    assert call.left.counters().packets_sent == 0
    assert call.left.counters().round_trip_ms == pytest.approx(200, abs=45), "20 ms of steps at each end"


def test_extended_reports_begin_and_end_as_agreed_anew() -> None:
    told = Call(parameters(RIGHT, extended_reports=EXTENDED), parameters(LEFT))
    told.run(10)
    assert told.left.counters().remote_voice is None
    told.right.update(parameters(LEFT, extended_reports=EXTENDED))
    told.run(10)
    assert told.left.counters().remote_voice is not None
    told.left.update(parameters(RIGHT, extended_reports=("rcvr-rtt=all",)))
    assert told.left.counters().remote_voice is not None, "what was heard before is still known"
    told.left.update(parameters(RIGHT))
    assert told.left.counters().remote_voice is None


def test_packets_as_they_are_sent() -> None:
    stream = MediaStream(parameters())
    packets = [parse_rtp(data) for n in range(8) for data, _ in stream.send_frame(SILENCE, 0.02 * n)]
    assert [packet.sequence for packet in packets] == [65530, 65531, 65532, 65533, 65534, 65535, 0, 1]
    assert packets[4].timestamp == 140
    assert [packet.marker for packet in packets] == [True] + [False] * 7
    assert {packet.payload_type for packet in packets} == {8}
    assert packets[0].payload == b"\xd5" * 160


def test_frames_of_any_length_fill_packets() -> None:
    stream = MediaStream(parameters(ptime_ms=30))
    counts = [len(stream.send_frame(SILENCE, 0.0)) for _ in range(6)]
    assert counts == [0, 1, 1, 0, 1, 1]
    assert len(stream.send_frame(bytes(160 * 10), 0.0)) == 3


def test_a_digit_replaces_the_voice_and_is_heard_as_one_digit() -> None:
    both = call()
    both.run(0.5)
    for digit in "5#5":
        both.left.send_digit(digit)
    both.run(1.0)
    assert both.right.digits_received() == [("5", "rtp"), ("#", "rtp"), ("5", "rtp")]
    assert both.right.digits_received() == []
    assert (both.left.counters().digits_sent, both.right.counters().digits_received) == (3, 3)
    both.run(1.0)
    assert level_db(both.heard_right, 400, 8000) == pytest.approx(-10, abs=0.3)
    assert both.right.counters().packets_lost == 0


def test_digits_over_a_very_bad_line() -> None:
    both = Call(parameters(RIGHT), parameters(LEFT), loss=0.4)
    both.run(0.5)
    for digit in "1234567890":
        both.left.send_digit(digit, 100)
    both.run(4.0)
    assert both.right.digits_received() == [(digit, "rtp") for digit in "1234567890"]


def test_time_stamps_around_a_digit() -> None:
    stream = MediaStream(parameters(timestamp=0, digit_level_db=-7))
    stream.send_frame(SILENCE, 0.0)
    stream.send_digit("9", 60)
    packets = [parse_rtp(data) for n in range(12) for data, _ in stream.send_frame(SILENCE, 0.02 * n)]
    events = [packet for packet in packets if packet.payload_type == 101]
    assert [event.timestamp for event in events] == [160] * 5
    assert [event.payload for event in events[:3]] == [b"\x09\x07\0\xa0", b"\x09\x07\x01\x40", b"\x09\x87\x01\xe0"]
    assert [event.marker for event in events] == [True] + [False] * 4
    after = packets[len(events)]
    assert (after.payload_type, after.marker) == (8, True)
    assert after.timestamp >= 160 + 480 + 80 * 8
    assert [packet.sequence for packet in packets] == [(65531 + n) % 65536 for n in range(len(packets))]


def test_without_telephone_events_digits_are_tones_in_the_voice_band() -> None:
    both = call(telephone_event_pt=None)
    both.run(0.5)
    both.left.send_digit("5", 200)
    both.run(0.24)
    digit = both.heard_right[-2 * 8 * 100 :]
    assert level_db(digit, 770, 8000) == pytest.approx(-10 - 2 - 3.14, abs=1)
    assert level_db(digit, 1336, 8000) == pytest.approx(-10 - 3.14, abs=1)
    assert both.left.counters().digits_sent == 1
    both.run(1.0)
    both.run(0.2)
    assert level_db(both.heard_right, 770, 8000) < -40
    assert level_db(both.heard_right, 400, 8000) == pytest.approx(-10, abs=0.3)


@pytest.mark.parametrize(("codec", "number"), [("PCMU", 0), ("PCMA", 8)])
def test_tones_are_heard_as_digits_where_that_is_wanted(codec: str, number: int) -> None:
    both = call(telephone_event_pt=None, detect_digits=True, codec_name=codec, payload_type=number)
    both.run(0.5)
    for digit in "1590#*DD":
        both.left.send_digit(digit)
    both.run(2.0)
    assert both.right.digits_received() == [(digit, "inband") for digit in "1590#*DD"]
    assert both.right.counters().digits_received == 8


@pytest.mark.parametrize("loss", [0.02, 0.05, 0.1])
def test_tones_over_a_bad_line_are_heard_once_each(loss: float) -> None:
    tones = {"telephone_event_pt": None, "detect_digits": True}
    both = Call(parameters(RIGHT, **tones), parameters(LEFT, **tones), loss=loss)
    both.run(0.5)
    digits = "1234567890*#ABCD11"
    for digit in digits:
        both.left.send_digit(digit)
    both.run(0.2 * len(digits) + 1)
    assert both.right.digits_received() == [(digit, "inband") for digit in digits]


def test_nobody_listens_for_tones_unasked_nor_on_hold() -> None:
    both = call(telephone_event_pt=None)
    assert both.right._detector is None
    both = call(telephone_event_pt=None, detect_digits=True)
    assert both.right._detector is not None
    both.right.update(replace(both.right.parameters, on_hold=True))
    assert both.right._detector is None


@pytest.mark.parametrize("payload_type", [101, None])
def test_what_is_no_digit_is_our_own_mistake(payload_type: int | None) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        MediaStream(parameters(telephone_event_pt=payload_type)).send_digit("x")


def test_digits_by_any_of_the_negotiated_numbers() -> None:
    stream = MediaStream(parameters(receive_telephone_event_pts=(96, 101)))
    for n, number in enumerate((96, 101, 97)):
        event = RtpPacket(number, n, 1000 * n, 5, False, b"\x01\x0a\0\xa0")
        stream.receive_rtp(event.encode(), RIGHT, 0.0)
    assert stream.digits_received() == [("1", "rtp"), ("1", "rtp")]
    assert stream.counters().packets_discarded == 1


def test_on_hold_the_peer_hears_silence_and_we_nothing() -> None:
    both = call()
    both.run(0.5)
    both.left.update(replace(both.left.parameters, on_hold=True))
    both.run(0.5)
    both.run(0.5)
    assert pcm.peak(both.heard_left) == 0
    assert pcm.peak(both.heard_right) < 20
    both.left.update(replace(both.left.parameters, on_hold=False))
    both.run(0.5)
    both.run(0.5)
    assert level_db(both.heard_left, 1000, 8000) == pytest.approx(-10, abs=0.3)
    assert level_db(both.heard_right, 400, 8000) == pytest.approx(-10, abs=0.3)


def test_what_may_not_be_sent_is_not_sent_and_time_goes_on() -> None:
    stream = MediaStream(parameters(timestamp=0))
    (first,) = stream.send_frame(SILENCE, 0.0)
    stream.send_digit("1")
    stream.update(replace(stream.parameters, sending=False))
    assert [stream.send_frame(SILENCE, 0.0) for _ in range(10)] == [[]] * 10
    stream.update(replace(stream.parameters, sending=True))
    (later,) = stream.send_frame(SILENCE, 0.0)
    packet = parse_rtp(later[0])
    assert packet.sequence == (parse_rtp(first[0]).sequence + 1) % 65536
    assert (packet.timestamp, packet.marker, packet.payload_type) == (11 * 160, True, 8)


def test_a_change_of_codec_in_the_call() -> None:
    both = call()
    both.run(1.0)
    before = both.right.counters()
    for stream in (both.left, both.right):
        stream.update(replace(stream.parameters, codec_name="PCMU", payload_type=0, receive_formats=((0, "PCMU"),)))
    both.run(0.5)
    both.run(1.0)
    after = both.right.counters()
    assert level_db(both.heard_right, 400, 8000) == pytest.approx(-10, abs=0.3)
    assert after.codec == "PCMU"
    assert after.frames_played > before.frames_played
    assert (after.packets_received, after.packets_sent) == (125, 125)


def test_a_change_to_wide_band_in_the_call() -> None:
    stream = MediaStream(parameters())
    speak(stream, RIGHT, 20)
    wide = replace(
        stream.parameters,
        codec_name="L16/16000",
        payload_type=97,
        receive_formats=((97, "L16/16000"), (8, "PCMA")),
        clock_rate_hz=16000,
        sample_rate_hz=16000,
    )
    stream.update(wide)
    voice = ToneGenerator(TonePattern((ToneSegment((3000,), 1000),)), 16000, -10)
    heard = b""
    for n in range(50):
        packet = RtpPacket(97, 100 + n, 50_000 + 320 * n, 5, False, pcm.swap_octets(voice.next_frame(320)))
        stream.receive_rtp(packet.encode(), RIGHT, 1.0 + 0.02 * n)
        heard += stream.next_frame()
        (data, _) = stream.send_frame(bytes(640), 1.0 + 0.02 * n)[0]
        assert len(parse_rtp(data).payload) == 640
    assert level_db(heard[640 * 10 :], 3000, 16000) == pytest.approx(-10, abs=0.3)
    stream.receive_rtp(RtpPacket(8, 151, 66_000, 5, False, bytes(160)).encode(), RIGHT, 2.0)
    report = stream.counters()
    assert (report.codec, report.packets_discarded) == ("L16/16000", 1)


def test_a_new_address_and_packet_time_in_the_call() -> None:
    stream = MediaStream(parameters())
    moved = ("198.51.100.9", 7000)
    stream.update(replace(stream.parameters, remote=moved, remote_rtcp=("198.51.100.9", 7001), ptime_ms=40))
    sent = [stream.send_frame(SILENCE, 0.0) for _ in range(2)]
    assert [len(datagrams) for datagrams in sent] == [0, 1]
    assert sent[1][0][1] == moved
    assert len(parse_rtp(sent[1][0][0]).payload) == 320
    assert stream.close(0.0)[0][1] == ("198.51.100.9", 7001)


def speak(stream: MediaStream, source: Address, count: int, ssrc: int = 5, first: int = 0, now: float = 0.0) -> bytes:
    heard = b""
    voice = tone()
    for n in range(first, first + count):
        payload = new_codec("PCMA").encode(voice.next_frame(160))
        packet = RtpPacket(8, n % 65536, 160 * n % 2**32, ssrc, False, payload)
        stream.receive_rtp(packet.encode(), source, now + 0.02 * (n - first))
        heard += stream.next_frame()
    return heard


def test_packets_follow_a_peer_behind_nat() -> None:
    stream = MediaStream(parameters())
    public = ("203.0.113.5", 33333)
    speak(stream, public, 10)
    assert stream.send_frame(SILENCE, 0.0)[0][1] == public
    assert stream.counters().remote == "203.0.113.5:33333"


def test_an_intruder_is_not_heard() -> None:
    stream = MediaStream(parameters())
    speak(stream, RIGHT, 50)
    for n in range(20):
        noise = RtpPacket(8, 100 + n, 160 * n, 66, False, bytes(160))
        stream.receive_rtp(noise.encode(), ("203.0.113.66", 9), 1.0)
        stream.next_frame()
    report = stream.counters()
    assert (report.packets_received, report.packets_discarded) == (50, 20)
    assert stream.send_frame(SILENCE, 0.0)[0][1] == RIGHT


def test_a_new_source_at_the_same_address_is_heard_at_once() -> None:
    stream = MediaStream(parameters())
    speak(stream, RIGHT, 50, ssrc=5)
    heard = speak(stream, RIGHT, 50, ssrc=6, first=40_000, now=1.0)
    assert level_db(heard[320 * 10 :], 400, 8000) == pytest.approx(-10, abs=0.3)
    assert stream.counters().packets_received == 100


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        bytes(20),
        b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12),
        b"\x80\x63" + bytes(200),
        b"\x80\xc8\0\x09",
    ],
    ids=["empty", "one octet", "zeros", "STUN", "unknown payload type", "broken RTCP"],
)
def test_what_is_not_for_us_is_discarded(data: bytes) -> None:
    stream = MediaStream(parameters())
    stream.receive_rtp(data, RIGHT, 0.0)
    assert stream.counters().packets_discarded == 1
    assert stream.counters().last_packet_at is None
    assert stream.next_frame() == SILENCE


def test_control_packets_on_the_sound_port_are_understood() -> None:
    stream = MediaStream(parameters())
    report = encode_compound([ReceiverReport(9), Bye((9,))])
    stream.receive_rtp(report, RIGHT, 0.0)
    assert stream.counters().packets_discarded == 0


def test_control_packets_of_strangers_are_discarded() -> None:
    stream = MediaStream(parameters())
    stream.receive_rtcp(encode_compound([ReceiverReport(9)]), ("203.0.113.66", 4001), 0.0)
    stream.receive_rtcp(b"nonsense", RIGHT, 0.0)
    assert stream.counters().packets_discarded == 2
    assert stream.close(0.0)[0][1] == ("192.0.2.2", 6001)
    stream.receive_rtcp(encode_compound([ReceiverReport(9)]), ("192.0.2.2", 55555), 0.0)
    assert stream.close(0.0)[0][1] == ("192.0.2.2", 55555)
    stream.update(replace(stream.parameters, remote_rtcp=("192.0.2.2", 6009)))
    assert stream.close(0.0)[0][1] == ("192.0.2.2", 6009)


def test_reports_and_goodbye() -> None:
    stream = MediaStream(parameters())
    reports: Datagrams = []
    for n in range(50 * 12):
        stream.send_frame(SILENCE, 0.02 * n)
        reports += stream.rtcp_to_send(0.02 * n)
    assert 2 <= len(reports) <= 6
    assert all(destination == ("192.0.2.2", 6001) for _, destination in reports)
    assert isinstance(parse_rtcp(reports[0][0])[0], SenderReport)
    ((data, destination),) = stream.close(12.0)
    assert destination == ("192.0.2.2", 6001)
    assert parse_rtcp(data)[-1] == Bye((stream.parameters.ssrc,))


def test_without_rtcp_nothing_is_reported() -> None:
    stream = MediaStream(parameters(rtcp=False))
    assert [stream.rtcp_to_send(float(n)) for n in range(30)] == [[]] * 30
    assert stream.close(30.0) == []


def test_nothing_goes_to_nowhere() -> None:
    stream = MediaStream(parameters(("0.0.0.0", 4000)))
    assert stream.send_frame(SILENCE, 0.0) == []
    assert [stream.rtcp_to_send(float(n)) for n in range(30)] == [[]] * 30
    assert stream.close(30.0) == []
    assert stream.counters().remote == ""


def test_an_ipv6_address_is_printed_with_brackets() -> None:
    assert MediaStream(parameters(("2001:db8::1", 4000))).counters().remote == "[2001:db8::1]:4000"


def test_waiting_digits_and_tones_are_bounded() -> None:
    stream = MediaStream(parameters(telephone_event_pt=None))
    for _ in range(100):
        stream.send_digit("1")
    assert stream.counters().digits_sent == 64
    for n in range(100):
        stream.receive_rtp(RtpPacket(101, n, 1000 * n, 5, True, b"\x01\x0a\0\xa0").encode(), RIGHT, 0.0)
    assert len(stream.digits_received()) == 64
    assert stream.counters().digits_received == 100


DATAGRAM = st.binary(max_size=60) | st.builds(
    RtpPacket,
    st.sampled_from([0, 8, 13, 101, 99]),
    st.integers(0, 65535),
    st.integers(0, 2**32 - 1),
    st.sampled_from([5, 6]),
    st.booleans(),
    st.binary(max_size=170),
).map(RtpPacket.encode)


@given(st.lists(st.tuples(DATAGRAM, st.sampled_from([LEFT, RIGHT])), max_size=40))
def test_no_datagram_ever_raises(datagrams: list[tuple[bytes, Address]]) -> None:
    stream = MediaStream(parameters())
    for n, (data, source) in enumerate(datagrams):
        stream.receive_rtp(data, source, 0.02 * n)
        stream.receive_rtcp(data, source, 0.02 * n)
        assert len(stream.next_frame()) == 320
        stream.send_frame(SILENCE, 0.02 * n)
        stream.rtcp_to_send(0.02 * n)
    stream.counters()
    stream.close(1.0)
