"""The loudness of the microphone, and the loop-back."""

from array import array

from device.audio.commands import StartMeter, StopMeter
from device.audio.meter import FRAMES_A_REPORT, LOOP_BACK_FRAMES, SILENCE_DB, Meter
from device.audio.reports import MicrophoneMeasured
from tests.audio.test_bridge import Bench, frame, loudest


def test_levels_are_below_full_scale() -> None:
    meter = Meter(loop_back=False)
    square = array("h", [16384, -16384] * 80).tobytes()
    told = [meter.take(square) for _ in range(FRAMES_A_REPORT)]
    assert told == [None] * (FRAMES_A_REPORT - 1) + [MicrophoneMeasured(-6.0, -6.0)]
    told = [meter.take(bytes(320)) for _ in range(FRAMES_A_REPORT)]
    assert told[-1] == MicrophoneMeasured(SILENCE_DB, SILENCE_DB)
    assert meter.next_frame() == b""


def test_what_was_said_is_heard_a_second_later() -> None:
    bench = Bench()
    bench.obey(StartMeter(loop_back=True))
    assert bench.bridge.is_busy()
    heard = [loudest(bench.period(frame(500 if n == 0 else 0))) for n in range(LOOP_BACK_FRAMES + 5)]
    assert heard.index(500) in range(LOOP_BACK_FRAMES, LOOP_BACK_FRAMES + 3)
    assert bench.told(MicrophoneMeasured)
    bench.obey(StopMeter())
    assert not bench.bridge.is_busy()
