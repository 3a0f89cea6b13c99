"""Lamps: modes, blinking in time, and lamps that a board lacks."""

import pytest

from device.hardware.errors import UnknownDeviceError
from device.hardware.lamp import LAMP_MODES, Lamp
from tests.hardware.recording_line import RecordingLine


def make_lamp():
    line = RecordingLine()
    return Lamp("message", line), line


def course(lamp, line, until):
    seen = []
    while (deadline := lamp.next_timeout()) is not None and deadline <= until:
        lamp.handle_timeout(deadline)
        seen.append((round(deadline, 3), line.active()))
    return seen


def test_on_and_off_stand_still():
    lamp, line = make_lamp()
    lamp.show("on", 1.0)
    assert line.active()
    assert lamp.next_timeout() is None
    lamp.show("off", 2.0)
    assert not line.active()
    assert lamp.next_timeout() is None


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("slow-blink", [(0.5, False), (1.0, True), (1.5, False), (2.0, True)]),
        ("fast-blink", [(0.1, False), (0.2, True), (0.3, False), (0.4, True)]),
        ("double-wink", [(0.1, False), (0.25, True), (0.35, False), (2.0, True)]),
        ("wink", [(0.1, False), (2.0, True), (2.1, False), (4.0, True)]),
    ],
)
def test_patterns(mode, expected):
    lamp, line = make_lamp()
    lamp.show(mode, 0.0)
    assert line.active()
    assert course(lamp, line, expected[-1][0]) == expected


def test_same_mode_again_does_not_disturb_the_pattern():
    lamp, _ = make_lamp()
    lamp.show("slow-blink", 0.0)
    lamp.show("slow-blink", 0.4)
    assert lamp.next_timeout() == 0.5


def test_blinking_ends_with_another_mode():
    lamp, line = make_lamp()
    lamp.show("fast-blink", 0.0)
    lamp.show("off", 0.05)
    assert not line.active()
    assert lamp.next_timeout() is None
    assert lamp.mode == "off"


def test_close_is_dark():
    lamp, line = make_lamp()
    lamp.show("flutter", 0.0)
    lamp.close()
    assert not line.active()
    assert lamp.next_timeout() is None


def test_unknown_mode_names_the_modes():
    lamp, line = make_lamp()
    with pytest.raises(UnknownDeviceError, match="slow-blink"):
        lamp.show("purple", 0.0)
    assert line.states == []


@pytest.mark.parametrize("mode", LAMP_MODES)
def test_lamp_that_is_not_wired_takes_every_mode_and_never_wakes_the_loop(mode):
    lamp = Lamp("line")
    lamp.show(mode, 0.0)
    assert lamp.mode == mode
    assert lamp.next_timeout() is None
    lamp.close()
