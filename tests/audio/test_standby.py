"""The card goes away and comes back; the audio thread does not notice."""

import threading
from collections.abc import Callable

import pytest

from device.audio.errors import AudioError, DeviceUnavailable
from device.audio.interfaces import AudioDevice
from device.audio.reports import DeviceFound, DeviceLost
from device.audio.standby import RETRY_PERIODS, TRIAL_PERIODS, StandbyDevice

PERIOD_SAMPLES = 8
"""One millisecond at 8 kHz, so that silence in real time passes quickly."""


class FlakyCard:
    """A card that fails where it is told to, and never waits."""

    def __init__(self) -> None:
        self.fail: dict[str, Exception] = {}
        self.open_now = False
        self.opened = 0
        self.written = 0
        self.xruns = 0

    def _maybe_fail(self, where: str) -> None:
        if where in self.fail:
            raise self.fail[where]

    def open(self, rate_hz: int, period_samples: int) -> None:
        self._maybe_fail("open")
        self.opened += 1
        self.open_now = True

    def read(self) -> bytes:
        self._maybe_fail("read")
        return b"\1\0" * PERIOD_SAMPLES

    def write(self, pcm: bytes) -> None:
        self._maybe_fail("write")
        self.written += 1

    def close(self) -> None:
        self.open_now = False
        self._maybe_fail("close")


class Desk:
    def __init__(self, make: Callable[[FlakyCard], AudioDevice] | None = None) -> None:
        self.card = FlakyCard()
        self.reports: list[DeviceLost | DeviceFound] = []
        self.faults: list[str] = []
        made = make or (lambda card: AudioDevice("flaky", card, card))
        self.device = StandbyDevice(lambda: made(self.card), self.reports.append, self.faults.append)

    def run(self, periods: int) -> bytes:
        """Run so many periods and return the last that was read."""
        heard = b""
        for _ in range(periods):
            heard = self.device.read()
            self.device.write(bytes(2 * PERIOD_SAMPLES))
        return heard


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_healthy_card_is_just_used(desk: Desk) -> None:
    desk.device.open(8000, PERIOD_SAMPLES)
    assert desk.run(3) == b"\1\0" * PERIOD_SAMPLES
    assert desk.card.written == 3
    assert desk.device.is_open
    desk.device.close()
    assert not desk.device.is_open
    assert not desk.card.open_now
    assert desk.reports == []


def test_a_card_that_cannot_be_opened_is_told_and_silence_runs(desk: Desk) -> None:
    desk.card.fail["open"] = DeviceUnavailable("card X is busy: do Y")
    desk.device.open(8000, PERIOD_SAMPLES)
    assert desk.reports == [DeviceLost("card X is busy: do Y")]
    assert not desk.device.is_open
    assert desk.run(3) == bytes(2 * PERIOD_SAMPLES)
    assert desk.faults == []


@pytest.mark.parametrize("where", ["read", "write"])
def test_a_card_lost_in_a_call_is_tried_each_second_and_found(desk: Desk, where: str) -> None:
    desk.device.open(8000, PERIOD_SAMPLES)
    desk.run(2)
    desk.card.fail[where] = desk.card.fail["open"] = DeviceUnavailable("card X is gone")
    desk.run(2)
    assert desk.reports == [DeviceLost("card X is gone")]
    assert not desk.card.open_now
    desk.run(3 * RETRY_PERIODS)
    assert len(desk.reports) == 1
    desk.card.fail.clear()
    desk.run(RETRY_PERIODS)
    assert desk.device.is_open
    desk.run(TRIAL_PERIODS)
    assert desk.reports[1:] == [DeviceFound("flaky")]
    assert desk.device.lost == 1


def test_a_card_that_fails_again_and_again_is_told_once(desk: Desk) -> None:
    desk.card.fail["write"] = DeviceUnavailable("the file system is full")
    desk.device.open(8000, PERIOD_SAMPLES)
    desk.run(5 * RETRY_PERIODS)
    assert desk.card.opened > 3
    assert desk.reports == [DeviceLost("the file system is full")]


def test_another_reason_is_told_anew(desk: Desk) -> None:
    desk.card.fail["open"] = DeviceUnavailable("gone")
    desk.device.open(8000, PERIOD_SAMPLES)
    desk.card.fail["open"] = DeviceUnavailable("busy")
    desk.run(RETRY_PERIODS + 1)
    assert desk.reports == [DeviceLost("gone"), DeviceLost("busy")]


def test_a_card_found_at_the_next_call_is_told(desk: Desk) -> None:
    desk.card.fail["open"] = DeviceUnavailable("gone")
    desk.device.open(8000, PERIOD_SAMPLES)
    desk.device.close()
    desk.card.fail.clear()
    desk.device.open(8000, PERIOD_SAMPLES)
    desk.run(TRIAL_PERIODS)
    assert desk.reports == [DeviceLost("gone"), DeviceFound("flaky")]


def test_a_fault_of_the_driver_is_logged_and_survived(desk: Desk) -> None:
    desk.device.open(8000, PERIOD_SAMPLES)
    desk.card.fail["read"] = ZeroDivisionError("driver bug")
    assert desk.run(1) == bytes(2 * PERIOD_SAMPLES)
    assert desk.faults == ["the sound card failed"]
    (lost,) = desk.reports
    assert isinstance(lost, DeviceLost)
    assert "driver bug" in lost.text


def test_a_card_that_cannot_even_be_closed_is_survived(desk: Desk) -> None:
    desk.device.open(8000, PERIOD_SAMPLES)
    desk.card.fail["close"] = OSError("stuck")
    desk.device.close()
    assert desk.faults == ["the sound card could not be closed"]


def test_a_missing_package_is_told_like_a_missing_card() -> None:
    def make(card: FlakyCard) -> AudioDevice:
        raise AudioError("install pyalsaaudio")

    desk = Desk(make)
    desk.device.open(8000, PERIOD_SAMPLES)
    assert desk.run(2) == bytes(2 * PERIOD_SAMPLES)
    assert desk.reports == [DeviceLost("install pyalsaaudio")]
    assert (desk.device.capture_xruns, desk.device.playback_xruns) == (0, 0)


def test_xruns_are_those_of_the_card(desk: Desk) -> None:
    desk.device.open(8000, PERIOD_SAMPLES)
    desk.card.xruns = 3
    assert (desk.device.capture_xruns, desk.device.playback_xruns) == (3, 3)


def test_a_closed_device_neither_waits_nor_fails(desk: Desk) -> None:
    thread = threading.Thread(target=desk.run, args=(2,))
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
