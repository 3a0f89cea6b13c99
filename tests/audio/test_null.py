"""Silence at the pace of a card."""

import time

from device.audio.null import NullSink, NullSource, null_device


def test_a_period_of_silence_takes_its_time() -> None:
    source = NullSource()
    source.open(8000, 80)
    begun = time.monotonic()
    assert [source.read() for _ in range(5)] == [bytes(160)] * 5
    assert time.monotonic() - begun >= 0.049
    source.close()


def test_lost_time_is_counted_and_remembered_over_openings() -> None:
    source = NullSource()
    source.open(8000, 1)
    time.sleep(0.01)
    source.read()
    assert source.xruns == 1
    source.open(8000, 1)
    assert source.xruns == 1
    source.close()
    assert source.xruns == 1


def test_a_closed_source_does_not_wait() -> None:
    assert NullSource().read() == b""


def test_the_sink_takes_anything() -> None:
    device = null_device()
    device.open(8000, 8)
    device.sink.write(bytes(16))
    device.close()
    device.close()
    assert isinstance(device.sink, NullSink)
    assert device.sink.xruns == 0
