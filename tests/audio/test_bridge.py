"""What the handset hears and says, 20 ms at a time."""

from array import array
from collections.abc import Callable

import pytest

from device.audio.bridge import Bridge
from device.audio.commands import (
    AttachStream,
    AudioCommand,
    DetachStream,
    GainPath,
    SendDigit,
    SetGain,
    SetMuted,
    StartTone,
    StopTone,
    UpdateStream,
)
from device.audio.manual import ManualPort
from device.audio.reports import AudioReport, DigitHeard, StreamEnded, StreamHeard, StreamProgressed, StreamSilent
from device.audio.settings import AudioSettings
from device.media.stream import StreamParameters
from device.media.tones import TonePattern, ToneSegment
from device.model import CallId
from tests.support.streams import FAR_RTCP, FAR_RTP, PlainStream, stream_parameters

SAMPLES = 160
TONE = TonePattern((ToneSegment((425,), 1000),))
BEEP = TonePattern((ToneSegment((425,), 30),), repeat=False)


def frame(level: int, samples: int = SAMPLES) -> bytes:
    return array("h", [level] * samples).tobytes()


def loudest(pcm: bytes) -> int:
    return max(map(abs, array("h", pcm)))


class Bench:
    """A bridge with everything around it: its ports, its reports, its clock."""

    def __init__(self, **settings: object) -> None:
        self.reports: list[AudioReport] = []
        self.faults: list[str] = []
        self.streams: list[PlainStream] = []
        self.ports: dict[str, tuple[ManualPort, ManualPort]] = {}
        self.now = 100.0
        self.bridge = Bridge(
            AudioSettings(kind="null", **settings),  # type: ignore[arg-type]
            8000,
            self.reports.append,
            self.faults.append,
            self._new_stream,
        )

    def _new_stream(self, parameters: StreamParameters) -> PlainStream:
        if parameters.codec_name == "BROKEN":
            raise RuntimeError("no such codec")
        self.streams.append(PlainStream(parameters))
        return self.streams[-1]

    def obey(self, command: AudioCommand) -> None:
        self.bridge.obey(command, self.now)

    def attach(self, name: str = "a", **changes: object) -> tuple[ManualPort, ManualPort]:
        self.ports[name] = ports = ManualPort(), ManualPort()
        self.obey(AttachStream(CallId(name), stream_parameters(**changes), *ports))
        return ports

    def period(self, captured: bytes = frame(0)) -> bytes:
        self.now += 0.02
        heard = self.bridge.next_frame(self.now)
        self.bridge.send_frame(captured, self.now)
        return heard

    def told(self, kind: type) -> list[AudioReport]:
        return [report for report in self.reports if isinstance(report, kind)]


def test_nothing_attached_is_silence_and_no_work() -> None:
    bench = Bench()
    assert not bench.bridge.is_busy()
    assert bench.period(frame(99)) == frame(0)


def test_a_stream_is_heard_and_gets_the_microphone() -> None:
    bench = Bench()
    rtp, _ = bench.attach()
    assert bench.bridge.is_busy()
    rtp.arrived.append((frame(500), FAR_RTP))
    assert bench.period(frame(700)) == frame(500)
    assert rtp.sent == [(frame(700), FAR_RTP)]


def test_rtcp_goes_by_its_own_port_both_ways() -> None:
    bench = Bench()
    rtp, rtcp = bench.attach()
    rtp.arrived.append((frame(1), FAR_RTP))
    rtcp.arrived.append((b"theirs", FAR_RTCP))
    bench.period()
    assert rtcp.sent == [(b"report", FAR_RTCP)]
    assert bench.streams[0].reports_heard == [b"theirs"]


def test_a_stream_without_rtcp_port_works() -> None:
    bench = Bench()
    rtp = ManualPort()
    bench.obey(AttachStream(CallId("a"), stream_parameters(), rtp, None))
    rtp.arrived.append((frame(500), FAR_RTP))
    assert bench.period() == frame(500)
    bench.obey(DetachStream(CallId("a")))
    assert rtp.closed


def test_two_streams_and_a_tone_are_heard_together() -> None:
    bench = Bench()
    first, _ = bench.attach("a")
    second, _ = bench.attach("b")
    first.arrived.append((frame(1000), FAR_RTP))
    second.arrived.append((frame(-300), FAR_RTP))
    assert bench.period(frame(5)) == frame(700)
    assert first.sent == second.sent == [(frame(5), FAR_RTP)]
    bench.obey(StartTone(TONE))
    assert loudest(bench.period()) > 1000
    bench.obey(StopTone())
    assert bench.period() == frame(0)


def test_a_loud_mix_saturates_instead_of_wrapping_around() -> None:
    bench = Bench(ear_limit_db=0)
    for name in "ab":
        bench.attach(name)[0].arrived.append((frame(30000), FAR_RTP))
    assert bench.period() == frame(32767)


def test_a_tone_alone_is_work_and_a_tone_that_ends_is_none() -> None:
    bench = Bench()
    bench.obey(StartTone(BEEP))
    assert bench.bridge.is_busy()
    while bench.bridge.is_busy():
        bench.period()
    assert bench.now < 100.2


def test_tone_level_and_gain_add_up() -> None:
    bench = Bench(tone_gain_db=-20.0, ear_limit_db=0)
    bench.obey(StartTone(TONE, level_db=0.0))
    bench.period()
    assert loudest(bench.period()) == pytest.approx(3277, abs=40)
    bench.obey(SetGain("tone", 0.0))
    assert loudest(bench.period()) > 32000


@pytest.mark.parametrize(("path", "ear", "mouth"), [("mic", 1000, 500), ("ear", 500, 1000), ("tone", 1000, 1000)])
def test_gains(path: GainPath, ear: int, mouth: int) -> None:
    bench = Bench()
    rtp, _ = bench.attach()
    bench.obey(SetGain(path, -6.0206))
    rtp.arrived.append((frame(1000), FAR_RTP))
    heard = bench.period(frame(1000))
    assert loudest(heard) == pytest.approx(ear, abs=1)
    assert loudest(rtp.sent[0][0]) == pytest.approx(mouth, abs=1)


def test_gains_of_the_settings_hold_from_the_start() -> None:
    bench = Bench(mic_gain_db=6.0206, ear_gain_db=-6.0206)
    rtp, _ = bench.attach()
    rtp.arrived.append((frame(1000), FAR_RTP))
    assert loudest(bench.period(frame(1000))) == pytest.approx(500, abs=1)
    assert loudest(rtp.sent[0][0]) == pytest.approx(2000, abs=1)


def test_muted_sends_silence_until_it_is_unmuted() -> None:
    bench = Bench()
    rtp, _ = bench.attach()
    bench.obey(SetMuted(True))
    bench.period(frame(1000))
    bench.obey(SetMuted(False))
    bench.period(frame(1000))
    assert [data for data, _ in rtp.sent] == [frame(0), frame(1000)]


def test_a_wider_stream_is_converted_to_our_rate_and_back() -> None:
    bench = Bench()
    rtp, _ = bench.attach(sample_rate_hz=16000)
    for _ in range(3):
        rtp.arrived.append((frame(1000, 320), FAR_RTP))
        heard = bench.period(frame(1000))
    assert len(heard) == 2 * SAMPLES
    assert array("h", heard)[-1] == pytest.approx(1000, abs=40)
    assert len(rtp.sent[-1][0]) == 2 * 320
    bench.obey(UpdateStream(CallId("a"), stream_parameters(sample_rate_hz=8000)))
    bench.period(frame(1000))
    assert rtp.sent[-1][0] == frame(1000)


def test_detach_says_goodbye_closes_the_ports_and_reports() -> None:
    bench = Bench()
    rtp, rtcp = bench.attach()
    bench.period()
    bench.obey(DetachStream(CallId("a")))
    assert rtcp.sent[-1] == (b"bye", FAR_RTCP)
    assert rtp.closed
    assert rtcp.closed
    assert not bench.bridge.is_busy()
    (ended,) = bench.told(StreamEnded)
    assert isinstance(ended, StreamEnded)
    assert (ended.call_id, ended.error) == ("a", "")
    assert ended.report is not None


def test_commands_for_unknown_calls_are_ignored() -> None:
    bench = Bench()
    bench.obey(DetachStream(CallId("x")))
    bench.obey(UpdateStream(CallId("x"), stream_parameters()))
    bench.obey(SendDigit(CallId("x"), "1"))
    assert bench.reports == []
    assert bench.faults == []


def test_the_beginning_and_the_pause_of_sound_are_told() -> None:
    bench = Bench()
    rtp, _ = bench.attach()
    bench.period()
    assert bench.told(StreamHeard) == []
    rtp.arrived.append((frame(1), FAR_RTP))
    for _ in range(100):
        bench.period()
    assert bench.told(StreamHeard) == [StreamHeard(CallId("a"), True)]
    for _ in range(2):
        bench.period()
    rtp.arrived.append((frame(1), FAR_RTP))
    bench.period()
    assert [told.heard for told in bench.told(StreamHeard)] == [True, False, True]  # type: ignore[attr-defined]


def test_a_second_stream_of_a_call_replaces_the_first() -> None:
    bench = Bench()
    first, _ = bench.attach()
    second, _ = bench.attach()
    assert first.closed
    assert not second.closed
    assert len(bench.told(StreamEnded)) == 1


def test_digits_go_out_and_come_in() -> None:
    bench = Bench()
    rtp, _ = bench.attach()
    bench.obey(SendDigit(CallId("a"), "5", 80))
    rtp.arrived.extend([(b"*7", FAR_RTP), (b"*#", FAR_RTP)])
    bench.period()
    assert bench.streams[0].digits_out == [("5", 80, False)]
    assert bench.told(DigitHeard) == [DigitHeard(CallId("a"), "7"), DigitHeard(CallId("a"), "#")]


def test_a_digit_that_does_not_exist_is_logged_and_harms_nobody() -> None:
    bench = Bench()
    bench.attach()
    bench.obey(SendDigit(CallId("a"), "x"))
    assert bench.bridge.is_busy()
    assert "'x'" in bench.faults[0]


def test_progress_is_told_every_second() -> None:
    bench = Bench()
    bench.attach("a")
    bench.attach("b")
    for _ in range(150):
        bench.period()
    assert [report.call_id for report in bench.reports if isinstance(report, StreamProgressed)] == ["a", "b"] * 3


def test_silence_is_told_once_and_again_after_sound_came_back() -> None:
    bench = Bench(rtp_timeout_s=3.0)
    rtp, _ = bench.attach()

    def seconds(count: int) -> None:
        for _ in range(50 * count):
            bench.period()

    seconds(2)
    assert bench.told(StreamSilent) == []
    seconds(8)
    (silent,) = bench.told(StreamSilent)
    assert isinstance(silent, StreamSilent)
    assert silent.seconds == pytest.approx(3.0, abs=1.0)
    rtp.arrived.append((frame(1), FAR_RTP))
    seconds(2)
    assert len(bench.told(StreamSilent)) == 1
    seconds(3)
    assert len(bench.told(StreamSilent)) == 2


def test_an_announced_pause_is_waited_for_longer() -> None:
    bench = Bench(rtp_timeout_s=3.0)
    bench.attach()
    bench.streams[0].pauses = True  # type: ignore[attr-defined]
    for seconds in (29, 3):
        assert bench.told(StreamSilent) == []
        for _ in range(50 * seconds):
            bench.period()
    assert len(bench.told(StreamSilent)) == 1


def test_a_far_end_that_only_reports_is_there() -> None:
    bench = Bench(rtp_timeout_s=3.0)
    _, rtcp = bench.attach()
    for number in range(500):
        if number % 100 == 0:
            rtcp.arrived.append((bytes.fromhex("80c90001") + bytes(4), FAR_RTP))
        bench.period()
    assert bench.told(StreamSilent) == []


@pytest.mark.parametrize("quiet", [{"receiving": False}, {"on_hold": True}, {"sending": False}])
def test_silence_is_no_news_while_nothing_may_come(quiet: dict[str, bool]) -> None:
    bench = Bench(rtp_timeout_s=3.0)
    bench.attach(**quiet)
    for _ in range(500):
        bench.period()
    assert bench.told(StreamSilent) == []
    bench.obey(UpdateStream(CallId("a"), stream_parameters()))
    for _ in range(100):
        bench.period()
    assert bench.told(StreamSilent) == []
    for _ in range(100):
        bench.period()
    assert len(bench.told(StreamSilent)) == 1


def test_a_timeout_of_zero_never_tells_of_silence() -> None:
    bench = Bench(rtp_timeout_s=0.0)
    bench.attach()
    for _ in range(500):
        bench.period()
    assert bench.told(StreamSilent) == []


def _break_update(bench: Bench) -> None:
    bench.period()
    bench.obey(UpdateStream(CallId("a"), stream_parameters()))


def _break_detach(bench: Bench) -> None:
    bench.period()
    bench.obey(DetachStream(CallId("a")))


def _break_digit(bench: Bench) -> None:
    bench.period()
    bench.obey(SendDigit(CallId("a"), "1"))


def _run_a_second(bench: Bench) -> None:
    for _ in range(50):
        bench.period()


@pytest.mark.parametrize(
    ("where", "doing"),
    [
        ("next_frame", _run_a_second),
        ("send_frame", _run_a_second),
        ("counters", _run_a_second),
        ("update", _break_update),
        ("send_digit", _break_digit),
        ("close", _break_detach),
    ],
)
def test_a_stream_that_fails_is_ended_and_the_other_goes_on(where: str, doing: Callable[[Bench], None]) -> None:
    bench = Bench()
    broken, broken_rtcp = bench.attach("a")
    healthy, _ = bench.attach("b")
    broken.arrived.append((b"!" + where.encode(), FAR_RTP))
    doing(bench)
    (ended,) = bench.told(StreamEnded)
    assert isinstance(ended, StreamEnded)
    assert ended.call_id == "a"
    assert f"broken in {where}" in ended.error
    assert bench.faults
    assert broken.closed
    assert broken_rtcp.closed
    healthy.arrived.append((frame(321), FAR_RTP))
    assert bench.period() == frame(321)


@pytest.mark.parametrize("with_rtcp", [True, False])
def test_a_stream_that_cannot_be_made_is_reported_and_its_ports_closed(with_rtcp: bool) -> None:
    bench = Bench()
    rtp, rtcp = ManualPort(), ManualPort()
    parameters = stream_parameters(codec_name="BROKEN")
    bench.obey(AttachStream(CallId("a"), parameters, rtp, rtcp if with_rtcp else None))
    assert rtp.closed
    assert rtcp.closed == with_rtcp
    assert not bench.bridge.is_busy()
    assert len(bench.told(StreamEnded)) == 1


def test_a_flood_of_datagrams_does_not_stop_the_period() -> None:
    bench = Bench()
    rtp, rtcp = bench.attach()
    rtp.arrived.extend([(frame(1), FAR_RTP)] * 1000)
    rtcp.arrived.extend([(b"x", FAR_RTCP)] * 1000)
    bench.period()
    assert len(rtp.arrived) > 900
    assert len(rtcp.arrived) > 900


def test_close_ends_everything() -> None:
    bench = Bench()
    bench.attach("a")
    bench.attach("b")
    bench.obey(StartTone(TONE))
    bench.bridge.close(bench.now, "over")
    assert not bench.bridge.is_busy()
    assert [report.error for report in bench.reports if isinstance(report, StreamEnded)] == ["over", "over"]


# The ear: limit and side-tone.


def test_what_is_heard_stays_below_the_limit() -> None:
    bench = Bench(ear_limit_db=-20, ear_gain_db=20)
    first, _ = bench.attach("a")
    second, _ = bench.attach("b")
    for _ in range(3):
        first.arrived.append((frame(30000), FAR_RTP))
        second.arrived.append((frame(30000), FAR_RTP))
        assert loudest(bench.period()) <= 3276


def test_the_limit_can_be_switched_off() -> None:
    bench = Bench(ear_limit_db=0)
    rtp, _ = bench.attach()
    rtp.arrived.append((frame(32000), FAR_RTP))
    assert bench.period() == frame(32000)


def test_by_default_peaks_are_3_db_below_full_scale() -> None:
    bench = Bench()
    rtp, _ = bench.attach()
    rtp.arrived.append((frame(32000), FAR_RTP))
    assert loudest(bench.period()) == pytest.approx(32767 / 2**0.5, abs=100)


def side_tone(bench: Bench) -> int:
    bench.now += 0.02
    return loudest(bench.bridge.next_frame(bench.now, frame(8000)))


def test_the_own_voice_is_heard_in_a_call_by_the_setting() -> None:
    bench = Bench(side_tone_db=-20)
    assert side_tone(bench) == 0, "no call"
    bench.attach()
    assert side_tone(bench) == 800
    bench.obey(SetMuted(True))
    assert side_tone(bench) == 0
    bench.obey(SetMuted(False))
    bench.obey(SetGain("mic", -20))
    assert side_tone(bench) == 80
    bench.obey(SetGain("mic", 0))
    bench.obey(SetGain("side_tone", -60))
    assert side_tone(bench) == 0


def test_no_side_tone_unless_set() -> None:
    bench = Bench()
    bench.attach()
    assert side_tone(bench) == 0
