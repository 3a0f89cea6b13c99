"""Relays: pulses that always end."""

import math

import pytest

from device.hardware.errors import HardwareError, LineError
from device.hardware.relay import RETRY_S, Relay
from tests.hardware.recording_line import RecordingLine


def make_relay(max_pulse_s=10.0):
    line = RecordingLine()
    return Relay("door", line, max_pulse_s), line


def test_pulse_lasts_as_long_as_asked():
    relay, line = make_relay()
    relay.pulse(3.0, 1.0)
    assert line.active()
    assert relay.active
    assert relay.next_timeout() == 4.0
    relay.handle_timeout(3.9)
    assert line.active()
    relay.handle_timeout(4.0)
    assert not line.active()
    assert not relay.active
    assert relay.next_timeout() is None


def test_pulse_is_bounded():
    relay, _ = make_relay(5.0)
    relay.pulse(math.inf, 1.0)
    assert relay.next_timeout() == 6.0


def test_further_pulses_extend_but_never_beyond_the_bound_from_the_first():
    relay, line = make_relay(5.0)
    relay.pulse(3.0, 0.0)
    relay.pulse(3.0, 1.0)
    assert relay.next_timeout() == 4.0
    relay.pulse(1.0, 2.0)
    assert relay.next_timeout() == 4.0
    relay.pulse(4.0, 3.0)
    assert relay.next_timeout() == 5.0
    relay.handle_timeout(5.0)
    assert not line.active()
    relay.pulse(3.0, 6.0)
    assert relay.next_timeout() == 9.0


def test_pulse_after_the_end_that_nobody_has_served_yet_is_a_new_one():
    relay, line = make_relay(5.0)
    relay.pulse(3.0, 0.0)
    relay.pulse(3.0, 4.0)
    assert relay.next_timeout() == 7.0
    assert line.states == [True, False, True]


@pytest.mark.parametrize("seconds", [0, -1.0, math.nan])
def test_impossible_pulse_is_refused(seconds):
    relay, line = make_relay()
    with pytest.raises(HardwareError, match="door"):
        relay.pulse(seconds, 0.0)
    assert line.states == []


def test_release_and_close_let_go():
    relay, line = make_relay()
    relay.pulse(3.0, 0.0)
    relay.release()
    assert not line.active()
    assert relay.next_timeout() is None
    relay.pulse(3.0, 1.0)
    relay.close()
    assert not line.active()
    assert not relay.active


def test_release_that_fails_is_tried_again():
    relay, line = make_relay()
    relay.pulse(3.0, 0.0)
    line.fails = True
    with pytest.raises(LineError):
        relay.handle_timeout(3.0)
    assert relay.next_timeout() == 3.0 + RETRY_S
    line.fails = False
    relay.handle_timeout(3.0 + RETRY_S)
    assert not line.active()
    assert relay.next_timeout() is None
