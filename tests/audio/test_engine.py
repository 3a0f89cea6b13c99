"""The audio thread, stepped by hand: no test here waits for a clock."""

import gc
import logging
import os
import sys
import threading
import time
from array import array
from collections.abc import Iterator

import pytest

from device.audio.commands import AttachStream, DetachStream, SetGain, StartTone, StopTone
from device.audio.engine import HUNG_S, AudioEngine
from device.audio.interfaces import AudioDevice
from device.audio.manual import ManualDevice, ManualPort
from device.audio.null import NullSink
from device.audio.reports import AudioReport, DeviceFound, DeviceLost, StreamEnded, StreamProgressed
from device.audio.settings import AudioSettings
from device.media.stream import StreamParameters
from device.media.tones import TonePattern, ToneSegment
from device.model import CallId
from device.plain_threads import Thread
from tests.support.streams import FAR_RTCP, FAR_RTP, PlainStream, stream_parameters

TONE = TonePattern((ToneSegment((425,), 1000),))
SAMPLES = 160


def frame(level: int) -> bytes:
    return array("h", [level] * SAMPLES).tobytes()


def audio_threads() -> int:
    return sum(isinstance(thing, Thread) and thing.is_alive() for thing in gc.get_objects())


class Rig:
    """An engine on a stepped card."""

    def __init__(self, **settings: object) -> None:
        self.card = ManualDevice()
        self.wakes = 0
        values = {"kind": "null", "linger_s": 0.0, "real_time_priority": 0, **settings}
        self.engine = AudioEngine(
            AudioSettings(**values),  # type: ignore[arg-type]
            self.card.device,
            self.wake,
            new_stream=PlainStream,
        )

    def wake(self) -> None:
        self.wakes += 1

    def attach(self, name: str = "a", **changes: object) -> tuple[ManualPort, ManualPort]:
        ports = ManualPort(), ManualPort()
        self.engine.submit(AttachStream(CallId(name), stream_parameters(**changes), *ports))
        return ports

    def step(self, periods: int = 1, captured: bytes | None = None) -> None:
        for _ in range(periods):
            self.card.source.step(captured)

    def close(self) -> None:
        self.card.source.run_free()
        self.engine.close()
        self.card.source.run_free(False)

    def wait_closed(self) -> None:
        self.card.source.wait_until_idle(open_=False)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


def test_nothing_runs_before_the_first_command(rig: Rig) -> None:
    assert audio_threads() == 0
    assert rig.card.source.opened == 0
    assert rig.engine.reports() == []


def test_a_gain_alone_opens_no_card(rig: Rig) -> None:
    rig.engine.submit(SetGain("ear", 3.0))
    rig.close()
    assert rig.card.source.opened == 0


def test_a_period_captures_plays_and_sends(rig: Rig) -> None:
    rtp, rtcp = rig.attach()
    rtp.arrived.append((frame(500), FAR_RTP))
    rig.step(captured=frame(700))
    assert rig.card.sink.played == [frame(500)]
    assert rtp.sent == [(frame(700), FAR_RTP)]
    assert rtcp.sent == [(b"report", FAR_RTCP)]
    assert rig.engine.counters().periods == 1
    assert rig.engine.counters().device_open
    assert (rig.card.source.rate_hz, rig.card.source.period_samples) == (8000, 160)


def test_the_card_is_closed_when_the_last_work_ends(rig: Rig) -> None:
    rig.attach()
    rig.engine.submit(StartTone(TONE))
    rig.step()
    rig.engine.submit(DetachStream(CallId("a")))
    rig.step()
    assert rig.card.source.is_open
    rig.engine.submit(StopTone())
    rig.step()
    rig.wait_closed()
    assert not rig.card.sink.is_open
    assert not rig.engine.counters().device_open
    rig.engine.submit(StartTone(TONE))
    rig.step()
    assert rig.card.source.opened == 2


def test_a_wide_band_call_opens_the_card_anew_at_16_khz(rig: Rig) -> None:
    rig.engine.submit(StartTone(TONE))
    rig.step()
    assert rig.card.source.rate_hz == 8000
    rtp, _ = rig.attach(sample_rate_hz=16000)
    rig.step()
    assert (rig.card.source.rate_hz, rig.card.source.period_samples, rig.card.source.opened) == (16000, 320, 2)
    wide = array("h", [700] * 320).tobytes()
    rtp.arrived.append((wide, FAR_RTP))
    rig.step(captured=wide)
    assert rtp.sent[-1] == (wide, FAR_RTP)
    assert len(rig.card.sink.played[-1]) == 640
    assert max(array("h", rig.card.sink.played[-1])) > 700  # the tone goes on beside it
    rig.attach("b")
    rig.engine.submit(DetachStream(CallId("a")))
    rig.step()
    assert rig.card.source.rate_hz == 16000  # not back while anything is heard
    rig.engine.submit(DetachStream(CallId("b")))
    rig.engine.submit(StopTone())
    rig.step()
    rig.wait_closed()
    rig.attach("c")
    rig.step()
    assert rig.card.source.rate_hz == 8000


def test_the_card_lingers_for_the_next_tone() -> None:
    rig = Rig(linger_s=0.1)
    rig.engine.submit(StartTone(TONE))
    rig.step()
    rig.engine.submit(StopTone())
    rig.step(5)
    assert rig.card.source.is_open
    rig.engine.submit(StartTone(TONE))
    rig.step(10)
    rig.engine.submit(StopTone())
    rig.step(6)
    rig.wait_closed()
    assert rig.card.source.opened == 1
    rig.close()


def test_reports_wake_the_main_thread_once_until_it_looks(rig: Rig) -> None:
    rig.attach("a")
    rig.attach("b")
    rig.step(50)
    assert rig.wakes == 1
    reports = rig.engine.reports()
    assert [type(report) for report in reports] == [StreamProgressed, StreamProgressed]
    assert rig.engine.reports() == []
    rig.step(50)
    assert rig.wakes == 2


def test_close_says_goodbye_for_every_stream_and_ends_the_thread(rig: Rig) -> None:
    rtp, rtcp = rig.attach()
    rig.step()
    rig.close()
    assert rtcp.sent[-1] == (b"bye", FAR_RTCP)
    assert rtp.closed
    assert not rig.card.source.is_open
    assert audio_threads() == 0
    assert [type(report) for report in rig.engine.reports()] == [StreamEnded]
    rig.close()


def test_an_engine_can_be_used_again_after_close(rig: Rig) -> None:
    rig.attach()
    rig.step()
    rig.close()
    rig.attach("b")
    rig.step()
    assert rig.card.source.opened == 2


def test_a_card_lost_in_a_call_is_reported_and_comes_back(rig: Rig) -> None:
    rtp, _ = rig.attach()
    rig.step(captured=frame(1))
    rig.card.source.unplug("card Device is gone: plug it in")
    deadline_periods = 500
    reports: list[AudioReport] = []
    arrived = threading.Event()
    rig.wake = arrived.set  # type: ignore[method-assign]
    while not any(isinstance(report, DeviceLost) for report in reports) and deadline_periods:
        arrived.wait(0.02)
        deadline_periods -= 1
        reports += rig.engine.reports()
    assert DeviceLost("card Device is gone: plug it in") in reports
    rig.card.source.refuse = ""
    rig.step(51, captured=frame(2))
    assert DeviceFound("manual") in rig.engine.reports()
    assert rtp.sent[-1] == (frame(2), FAR_RTP)
    assert rig.engine.counters().devices_lost == 1


class _FailingSink(NullSink):
    """Fails in a way that no one foresaw, but only on the way out."""

    def close(self) -> None:
        raise RuntimeError("driver bug")


def test_a_driver_that_fails_in_closing_does_not_end_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    engine = AudioEngine(
        AudioSettings(kind="null", linger_s=0.0, real_time_priority=0),
        lambda: AudioDevice("odd", rig.card.source, _FailingSink()),
        rig.wake,
        new_stream=PlainStream,
    )
    for _ in range(2):
        engine.submit(StartTone(TONE))
        rig.step()
        engine.submit(StopTone())
        rig.step()
        rig.wait_closed()
    engine.close()
    engine.reports()
    assert "driver bug" in caplog.text


def test_a_fault_of_our_own_ends_the_calls_with_a_report_and_the_thread_goes_on(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [RuntimeError("no time")]

    def clock() -> float:
        if armed and faults:
            raise faults.pop()
        return 1.0

    armed = False
    rig.engine._clock = clock
    rtp, _ = rig.attach()
    rig.step()
    armed = True
    rig.step()
    rig.wait_closed()
    assert rtp.closed
    (ended,) = rig.engine.reports()
    assert isinstance(ended, StreamEnded)
    assert "no time" in ended.error
    assert "no time" in caplog.text
    rig.engine.submit(StartTone(TONE))
    rig.step()
    assert rig.card.source.opened == 2


def test_a_main_thread_that_cannot_be_woken_is_survived(rig: Rig) -> None:
    def broken_wake() -> None:
        raise OSError("the loop is closed")

    rig.engine._wake = broken_wake
    rig.attach()
    rig.step(60)
    assert len(rig.engine.reports()) == 1


def test_the_interpreter_hands_over_quickly_only_while_sound_runs(rig: Rig) -> None:
    before = sys.getswitchinterval()
    rig.attach()
    rig.step()
    assert sys.getswitchinterval() == pytest.approx(0.0005)
    rig.close()
    assert sys.getswitchinterval() == before


def test_without_permission_sound_runs_at_normal_priority(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(pid: int, policy: int, parameters: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    rig = Rig(real_time_priority=10)
    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.INFO):
        patch.setattr(os, "sched_setscheduler", refuse)
        rig.attach()
        rig.step()
        rig.engine.reports()
    assert not rig.engine.counters().real_time
    assert "normal priority" in caplog.text
    rig.close()


def test_with_permission_only_the_audio_thread_gets_the_priority() -> None:
    asked: list[tuple[int, int]] = []

    def grant(pid: int, policy: int, parameters: os.sched_param) -> None:
        asked.append((parameters.sched_priority, threading.get_native_id()))

    rig = Rig(real_time_priority=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "sched_setscheduler", grant)
        rig.attach()
        rig.step()
    assert rig.engine._thread is not None
    assert asked == [(10, rig.engine._thread.native_id)]
    assert rig.engine.counters().real_time
    rig.close()


def test_periods_leave_nothing_behind_in_memory(rig: Rig) -> None:
    rtp, _ = rig.attach()
    rig.step(10)
    gc.collect()
    before = len(gc.get_objects())
    rig.step(40)
    rig.engine.reports()
    gc.collect()
    assert len(gc.get_objects()) - before < 200
    assert len(rtp.sent) == 50


def test_a_thousand_calls_leave_no_thread_and_no_port(rig: Rig) -> None:
    ports = []
    for number in range(200):
        ports += rig.attach(str(number))
        rig.step()
        rig.engine.submit(DetachStream(CallId(str(number))))
    rig.step()
    rig.wait_closed()
    assert all(port.closed for port in ports)
    assert audio_threads() == 1
    assert sum(isinstance(report, StreamEnded) for report in rig.engine.reports()) == 200


def test_stream_parameters_reach_the_stream(rig: Rig) -> None:
    made: list[StreamParameters] = []

    def new_stream(parameters: StreamParameters) -> PlainStream:
        made.append(parameters)
        return PlainStream(parameters)

    rig.engine._new_stream = new_stream
    rig.attach(ssrc=77)
    rig.step()
    assert [parameters.ssrc for parameters in made] == [77]


def test_a_thread_that_does_not_come_back_from_the_card_is_noticed(rig: Rig) -> None:
    now = time.monotonic()
    assert not rig.engine.is_hung(now + 1e6)
    rig.attach()
    rig.step(3)
    rig.card.source.wait_until_idle()
    # It waits for a period that the card never gives.
    assert not rig.engine.is_hung(time.monotonic())
    assert rig.engine.is_hung(time.monotonic() + HUNG_S + 1)
    rig.step()
    assert not rig.engine.is_hung(time.monotonic())
    rig.engine.submit(DetachStream(CallId("a")))
    rig.step()
    rig.wait_closed()
    # Without work it waits for as long as it likes.
    waiting = threading.Event()
    for _ in range(1000):
        if not rig.engine.is_hung(time.monotonic() + 1e6):
            break
        waiting.wait(0.01)
    assert not rig.engine.is_hung(time.monotonic() + 1e6)
