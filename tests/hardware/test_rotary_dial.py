"""The rotary dial: slow, fast and bouncing, with and without off-normal contact, in three national mappings."""

import itertools

import pytest

from device.desk_events import DialStarted, DigitDialled
from device.hardware.interfaces import LineChanged
from device.hardware.rotary_dial import DialInput, DialState, RotaryDial
from tests.support.desk_bench import DeskBench, make_profile

PULSE_ONLY = {"pulse": {"line": 23}}
WITH_OFF_NORMAL = {"pulse": {"line": 23}, "off_normal": {"line": 24}}


def make_bench(dial, **options):
    return DeskBench(make_profile(dial=dial), **options)


def digits(events):
    return "".join(event.digit for event in events if isinstance(event, DigitDialled))


def starts(events):
    return sum(isinstance(event, DialStarted) for event in events)


@pytest.mark.parametrize("speed", [7.0, 8.5, 10.0, 11.5, 13.0])
@pytest.mark.parametrize("dial", [PULSE_ONLY, WITH_OFF_NORMAL], ids=["pulse only", "off-normal"])
def test_every_digit_at_every_speed_with_bounce(dial, speed):
    bench = make_bench(dial)
    for digit in "1234567890":
        over_at = bench.desk.dial_rotary(digit, 1.0, speed)
    events = bench.run(over_at + 1)
    assert digits(events) == "1234567890"
    assert starts(events) == 10
    assert bench.board.next_timeout() is None
    bench.board.close()


@pytest.mark.parametrize(
    ("plan", "pulses"),
    [("international", "1234567890"), ("sweden", "0123456789"), ("new-zealand", "9876543210")],
)
def test_national_mappings(plan, pulses):
    dial = make_dial(plan=plan)
    for count, digit in enumerate(pulses, 1):
        events = pulse_train(dial, count)
        assert events[0] == DialStarted(0.0)
        assert [event.digit for event in events[1:]] == [digit]


@pytest.mark.parametrize("lag", [0.03, 0.25, 1.0])
@pytest.mark.parametrize("dial", [PULSE_ONLY, WITH_OFF_NORMAL], ids=["pulse only", "off-normal"])
def test_late_loop_counts_by_the_time_stamps(dial, lag):
    bench = make_bench(dial, lag=lag)
    for digit in "739":
        over_at = bench.desk.dial_rotary(digit, 1.0)
    assert digits(bench.run(over_at + 5)) == "739"
    bench.board.close()


class Line:
    def __init__(self, active=False, lag_s=0.0):
        self.is_active = active
        self.lag_s = lag_s

    def active(self):
        return self.is_active


def make_dial(off_normal=None, **options):
    dial = RotaryDial(Line(), off_normal, **options)
    dial.start(0.0)
    return dial


def pulse(dial, at, break_s=0.06, **_):
    events = dial.receive_change(LineChanged("dial.pulse", True, at))
    return events + dial.receive_change(LineChanged("dial.pulse", False, at + break_s))


def pulse_train(dial, count, at=0.0):
    events = []
    for number in range(count):
        events += pulse(dial, at + number * 0.1)
    return events + dial.handle_timeout(at + count * 0.1 + 1)


def turn(dial, active, at):
    return dial.receive_change(LineChanged("dial.off_normal", active, at))


def test_digit_comes_when_the_gap_is_over_and_not_before():
    dial = make_dial()
    assert pulse(dial, 1.0) == [DialStarted(1.0)]
    assert pulse(dial, 1.1) == []
    assert dial.next_timeout() == pytest.approx(1.36)
    assert dial.handle_timeout(1.35) == []
    assert dial.handle_timeout(1.4) == [DigitDialled("2", pytest.approx(1.36))]
    assert dial.state is DialState.REST


def test_the_last_pulse_counts_though_it_is_told_of_later_than_the_rest():
    """As on a busy board, where each line is told of by a thread of its own pace."""
    off_normal = Line(lag_s=0.005)
    dial = RotaryDial(Line(lag_s=0.15), off_normal)
    dial.start(0.0)
    turn(dial, True, 1.0)
    pulse(dial, 1.1)
    dial.receive_change(LineChanged("dial.pulse", True, 1.2))
    turn(dial, False, 1.3)
    assert dial.next_timeout() == pytest.approx(1.35 + 0.15)
    assert dial.handle_timeout(1.38) == []
    events = dial.receive_change(LineChanged("dial.pulse", False, 1.26))
    events += dial.handle_timeout(2.0)
    assert digits(events) == "2"


def test_a_break_is_not_too_long_as_long_as_its_end_may_be_on_its_way():
    line = Line(lag_s=0.1)
    dial = RotaryDial(line)
    dial.start(0.0)
    dial.receive_change(LineChanged("dial.pulse", True, 1.0))
    assert dial.next_timeout() == pytest.approx(1.25)
    assert dial.handle_timeout(1.2) == []
    dial.receive_change(LineChanged("dial.pulse", False, 1.06))
    assert dial.next_timeout() == pytest.approx(1.06 + 0.2 + 0.1)
    assert digits(dial.handle_timeout(1.36)) == "1"


def test_next_digit_may_begin_before_a_late_loop_has_ended_the_last_one():
    dial = make_dial()
    pulse(dial, 1.0)
    assert dial.receive_change(LineChanged("dial.pulse", True, 2.0)) == [DigitDialled("1", pytest.approx(1.26))]
    assert dial.receive_change(LineChanged("dial.pulse", False, 2.06)) == [DialStarted(2.0)]


@pytest.mark.parametrize("break_s", [10e-6, 0.001, 0.005, 0.0149])
def test_break_that_is_too_short_for_any_dial_is_no_pulse(break_s):
    dial = make_dial()
    assert pulse(dial, 1.0, break_s) == []
    assert dial.handle_timeout(2.0) == []
    assert dial.state is DialState.REST


def test_spike_in_the_middle_of_a_digit_is_not_counted():
    dial = make_dial()
    pulse(dial, 1.0)
    pulse(dial, 1.08, 0.003)
    pulse(dial, 1.1)
    assert dial.handle_timeout(3.0) == [DigitDialled("2", pytest.approx(1.36))]


def test_break_that_is_too_long_spoils_the_digit_but_not_the_next_one():
    dial = make_dial()
    pulse(dial, 1.0)
    dial.receive_change(LineChanged("dial.pulse", True, 1.1))
    assert dial.handle_timeout(1.3) == []
    assert dial.state is DialState.SPOILT
    assert dial.next_timeout() is None
    dial.receive_change(LineChanged("dial.pulse", False, 1.5))
    pulse(dial, 1.6)
    assert dial.handle_timeout(2.5) == []
    assert digits(pulse_train(dial, 3, 3.0)) == "3"


def test_more_pulses_than_a_dial_has_are_no_digit(caplog):
    dial = make_dial()
    assert digits(pulse_train(dial, 11)) == ""
    assert "11 pulses" in caplog.text
    assert digits(pulse_train(dial, 10, 5.0)) == "0"


def test_finger_that_slows_the_dial_does_not_split_the_digit_where_there_is_an_off_normal_contact():
    dial = make_dial(Line())
    assert turn(dial, True, 1.0) == [DialStarted(1.0)]
    pulse(dial, 2.0)
    pulse(dial, 2.9)
    assert dial.handle_timeout(5.0) == []
    assert turn(dial, False, 5.0) == []
    assert dial.handle_timeout(5.1) == [DigitDialled("2", pytest.approx(5.03))]


def test_last_pulse_that_is_filtered_for_longer_than_the_off_normal_contact_counts():
    dial = make_dial(Line())
    turn(dial, True, 1.0)
    pulse(dial, 2.0)
    dial.receive_change(LineChanged("dial.pulse", True, 2.1))
    turn(dial, False, 2.155)
    dial.receive_change(LineChanged("dial.pulse", False, 2.16))
    assert digits(dial.handle_timeout(3.0)) == "2"


def test_dial_turned_and_let_go_without_pulses_is_no_digit():
    dial = make_dial(Line())
    turn(dial, True, 1.0)
    turn(dial, False, 1.5)
    assert dial.handle_timeout(2.0) == []
    assert dial.state is DialState.REST


def test_off_normal_contact_that_bounces_late_does_not_end_the_digit():
    dial = make_dial(Line())
    turn(dial, True, 1.0)
    pulse(dial, 1.5)
    turn(dial, False, 1.57)
    turn(dial, True, 1.58)
    pulse(dial, 1.6)
    turn(dial, False, 1.7)
    assert digits(dial.handle_timeout(2.0)) == "2"


def test_knock_on_the_pulse_contact_is_nothing_while_the_dial_is_at_rest():
    dial = make_dial(Line())
    assert pulse(dial, 1.0) == []
    assert dial.handle_timeout(2.0) == []


def test_dial_that_is_turned_at_power_up_gives_its_first_digit_after_that():
    off_normal = Line(True)
    dial = make_dial(off_normal)
    pulse(dial, 1.0)
    turn(dial, False, 1.2)
    assert dial.handle_timeout(2.0) == []
    turn(dial, True, 3.0)
    pulse(dial, 3.5)
    turn(dial, False, 3.6)
    assert digits(dial.handle_timeout(4.0)) == "1"


@pytest.mark.parametrize("open_", [True, False])
def test_abandoned_digit_is_forgotten_with_its_last_pulses(open_):
    dial = make_dial()
    pulse(dial, 1.0)
    dial.receive_change(LineChanged("dial.pulse", True, 1.1))
    if not open_:
        dial.receive_change(LineChanged("dial.pulse", False, 1.16))
    dial.abandon(1.17)
    dial.receive_change(LineChanged("dial.pulse", False, 1.18))
    pulse(dial, 1.2)
    assert dial.handle_timeout(2.0) == []
    assert digits(pulse_train(dial, 4, 3.0)) == "4"


def test_nothing_to_abandon_at_rest():
    dial = make_dial()
    dial.abandon(1.0)
    assert dial.next_timeout() is None
    assert digits(pulse_train(dial, 4, 3.0)) == "4"


def test_contact_that_does_not_come_back_wakes_nobody():
    dial = make_dial()
    dial.receive_change(LineChanged("dial.pulse", True, 1.0))
    assert dial.handle_timeout(2.0) == []
    assert dial.next_timeout() is None


NEVER_SAID = {(state, DialInput.GAP_OVER) for state in (DialState.REST, DialState.BREAK)} | {
    (state, DialInput.BREAK_TOO_LONG) for state in (DialState.REST, DialState.MAKE, DialState.SPOILT)
}


@pytest.mark.parametrize(("state", "said"), list(itertools.product(DialState, DialInput)), ids=str)
def test_every_pair_is_decided(state, said):
    assert ((state, said) in RotaryDial.TABLE) != ((state, said) in NEVER_SAID)
    if (state, said) in RotaryDial.TABLE:
        dial = make_dial()
        dial._state = state
        dial._receive(said, 1.0)
        assert dial.state is RotaryDial.TABLE[state, said][0]


@pytest.mark.parametrize("repeated", [True, False])
def test_repeated_changes_say_nothing_new(repeated):
    dial = make_dial()
    dial.receive_change(LineChanged("dial.pulse", False, 0.5))
    dial.receive_change(LineChanged("dial.pulse", True, 1.0))
    if repeated:
        dial.receive_change(LineChanged("dial.pulse", True, 1.01))
    dial.receive_change(LineChanged("dial.pulse", False, 1.06))
    dial.receive_change(LineChanged("dial.pulse", False, 1.07))
    assert digits(dial.handle_timeout(2.0)) == "1"
