"""Lines through the RPi.GPIO interface, against a strict stand-in."""

import select
import threading

import pytest

from device.desk_events import DigitDialled, HookLifted
from device.hardware.board import Board
from device.hardware.errors import LineError
from device.hardware.interfaces import LineChanged, LineSpec, PwmSpec
from device.hardware.profile import BoardProfile
from device.hardware.rpi_chip import RpiChip
from tests.support.fake_rpi_gpio import FakeRpiGpio, FakeRpiLgpio

HOOK = LineSpec("raspberry-pi", 17, active_low=True, bias="pull-up", debounce_ms=20)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gpio():
    return FakeRpiGpio()


@pytest.fixture
def chip(gpio, clock):
    chip = RpiChip(gpio, clock)
    yield chip
    chip.close()
    assert gpio.in_use() == set()


def is_readable(line):
    return bool(select.select([line.fileno()], [], [], 0)[0])


def test_edge_wakes_the_loop_and_counts_when_settled(chip, gpio, clock):
    line = chip.request_input("hook", HOOK)
    assert line.debounced_by == "software"
    assert not line.active()
    clock.now = 1.0
    gpio.drive(17, False)
    assert is_readable(line)
    assert line.read_events() == []
    assert not is_readable(line)
    assert line.next_timeout() == pytest.approx(1.02)
    assert line.handle_timeout(1.03) == [LineChanged("hook", True, pytest.approx(1.02))]
    assert line.active()


def test_callback_on_another_thread(chip, gpio):
    line = chip.request_input("hook", LineSpec("raspberry-pi", 17, bias="pull-up"))
    thread = threading.Thread(target=gpio.drive, args=(17, False))
    thread.start()
    assert select.select([line.fileno()], [], [], 5)[0]
    thread.join()
    assert line.read_events() == [LineChanged("hook", False, 0.0)]


@pytest.mark.parametrize("spike_s", [10e-6, 1e-3, 5e-3])
def test_spike_is_filtered_which_bouncetime_would_let_through(chip, gpio, clock, spike_s):
    line = chip.request_input("hook", HOOK)
    clock.now = 1.0
    gpio.drive(17, False)
    clock.now += spike_s
    gpio.drive(17, True)
    assert line.read_events() == []
    assert line.handle_timeout(2.0) == []
    assert line.next_timeout() is None


def test_spike_that_is_over_before_the_callback_looks(chip, gpio, clock):
    line = chip.request_input("hook", HOOK)
    clock.now = 1.0
    gpio.drive(17, False, seen=True)
    gpio.drive(17, True, seen=True)
    assert line.read_events() == []
    assert line.handle_timeout(2.0) == []
    assert line.next_timeout() is None


def test_second_edge_that_the_driver_lost_leaves_no_wrong_state(chip, gpio, clock):
    line = chip.request_input("hook", HOOK)
    clock.now = 1.0
    gpio.drive(17, False)
    gpio._outside[17] = True
    assert line.read_events() == []
    assert line.handle_timeout(2.0) == []
    assert not line.active()


def test_line_without_debounce_answers_with_the_level_now(chip, gpio):
    line = chip.request_input("x", LineSpec("raspberry-pi", "GPIO4", bias="pull-down"))
    assert line.debounced_by == "none"
    gpio._outside[4] = True
    assert line.active()


def test_output_with_polarity(chip, gpio):
    line = chip.request_output("lamp.a", LineSpec("raspberry-pi", 22, active_low=True))
    line.set(True)
    assert gpio.level(22) is False
    assert line.active()
    line.close()
    line.close()
    assert gpio.history == [(22, True), (22, False), (22, True)]
    with pytest.raises(LineError, match="given back"):
        line.set(True)


def test_open_drain_is_played_by_letting_go(chip, gpio):
    line = chip.request_output("keypad.row0", LineSpec("raspberry-pi", 5, active_low=True, drive="open-drain"), True)
    line.set(False)
    line.set(True)
    line.set(True)
    assert gpio.history == [(5, False), (5, None), (5, False), (5, False)]


def test_open_source_is_played_by_letting_go(chip, gpio):
    line = chip.request_output("lamp.a", LineSpec("raspberry-pi", 5, drive="open-source"))
    line.set(True)
    assert gpio.history == [(5, None), (5, True)]


def test_pin_cannot_be_taken_twice(chip):
    line = chip.request_input("hook", HOOK)
    with pytest.raises(LineError, match="GPIO17 is in use by 'hook'"):
        chip.request_output("lamp.a", LineSpec("raspberry-pi", "GPIO17"))
    line.close()
    line.close()
    assert line.fileno() == -1
    chip.request_output("lamp.a", LineSpec("raspberry-pi", 17))


def test_closed_line_says_so(chip, gpio):
    line = chip.request_input("hook", HOOK)
    callback = line.receive_callback
    line.close()
    # A callback that was under way on the other thread comes too late and does no harm.
    callback(17)
    for use in (line.active, line.read_events, lambda: line.handle_timeout(1.0)):
        with pytest.raises(LineError, match="given back"):
            use()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (LineSpec("raspberry-pi", "HOOK"), "'HOOK' is no BCM number"),
        (LineSpec("raspberry-pi", 28), "The channel sent is invalid on a Raspberry Pi"),
        (LineSpec("gpiochip1", 3), "not 'gpiochip1'; use driver gpiod"),
    ],
)
def test_lines_that_there_are_not(chip, spec, said):
    with pytest.raises(LineError, match=said):
        chip.request_input("hook", spec)


def test_pin_that_another_program_has(chip, gpio):
    gpio.busy.add(17)
    with pytest.raises(LineError, match="hook: 'GPIO busy'; another program uses this pin"):
        chip.request_input("hook", HOOK)


def test_no_permission(chip, gpio):
    gpio.permitted = False
    with pytest.raises(LineError, match="usermod -aG gpio"):
        chip.request_output("lamp.a", LineSpec("raspberry-pi", 4))


def test_original_package_on_a_kernel_that_it_does_not_know(chip, gpio):
    gpio.edges_fail = True
    with pytest.raises(LineError, match=r"Failed to add edge detection; .*rpi-lgpio"):
        chip.request_input("hook", HOOK)
    assert gpio.in_use() == set()


def test_line_that_cannot_be_read_is_given_back(chip, gpio, monkeypatch):
    def fail(_):
        raise RuntimeError("no")

    monkeypatch.setattr(gpio, "input", fail)
    with pytest.raises(LineError, match="hook: no"):
        chip.request_input("hook", HOOK)
    assert gpio.in_use() == set()


def test_board_numbers_in_use_by_others():
    with pytest.raises(LineError, match="board numbers"):
        RpiChip(FakeRpiGpio(FakeRpiGpio.BOARD))


def test_whole_board_with_keypad(gpio, clock):
    board = Board(BoardProfile.load("raspberry-pi"), RpiChip(gpio, clock))
    board.start(0.0)
    clock.now = 1.0
    gpio.drive(17, False)
    (hook_fd,) = select.select(board.fds(), [], [], 0)[0]
    assert board.receive_ready(hook_fd, 1.0) == []
    assert board.handle_timeout(1.03) == [HookLifted(pytest.approx(1.02))]
    events = []
    press(gpio, row=6, column=20)
    clock.now = 2.0
    gpio.run_callback(20)
    for fd in select.select(board.fds(), [], [], 0)[0]:
        events += board.receive_ready(fd, 2.0)
    while (deadline := board.next_timeout()) is not None and deadline < 2.2:
        events += board.handle_timeout(deadline)
    assert events == [DigitDialled("5", pytest.approx(2.02, abs=0.006))]
    board.close()
    assert gpio.in_use() == set()


def press(gpio, row, column):
    """A key joins a row to a column: the column is low while the row drives low, and high by its pull-up otherwise."""
    level = gpio.level

    def joined(channel):
        return level(row) if channel == column and row in gpio._outputs else channel == column or level(channel)

    gpio.level = joined


class TestPwm:
    """Pulses that a thread of the package makes, and those of the kernel."""

    SPEC = PwmSpec("", 0, LineSpec("raspberry-pi", 18))

    def test_a_tone_on_a_line_begins_changes_and_ends_low(self, chip, gpio):
        output = chip.request_pwm("ringer", self.SPEC)
        output.silence()
        output.sound(1300)
        assert gpio.tones == {18: 1300}
        output.sound(1600)
        assert gpio.tones == {18: 1600}
        output.silence()
        assert gpio.tones == {}
        assert gpio.level(18) is False
        output.sound(1300)
        assert gpio.tones == {18: 1300}
        output.close()
        output.close()
        assert (gpio.tones, gpio.in_use()) == ({}, set())
        with pytest.raises(LineError, match="given back"):
            output.sound(1300)

    def test_the_line_is_taken(self, chip):
        chip.request_pwm("ringer", self.SPEC)
        with pytest.raises(LineError, match="in use by 'ringer'"):
            chip.request_output("lamp.a", LineSpec("raspberry-pi", 18))

    def test_a_channel_of_the_kernel_is_the_kernels(self, chip):
        with pytest.raises(LineError, match="no PWM controller 'pwmchip99'"):
            chip.request_pwm("ringer", PwmSpec("pwmchip99", 0))


def test_a_bell_through_this_interface_never_has_both_phases_on(gpio, clock):
    ringer = {"kind": "bell", "lines": [18, 25], "enable": {"line": 24}}
    board = Board(BoardProfile.from_mapping({"driver": "rpi-gpio", "ringer": ringer}), RpiChip(gpio, clock))
    board.ringer.start("eu", 0.0)
    while (deadline := board.next_timeout()) is not None and deadline < 3.0:
        assert not (gpio.level(18) and gpio.level(25))
        board.handle_timeout(deadline)
    rises = [pin for pin, level in gpio.history if level and pin in (18, 25)]
    assert rises[:4] == [18, 25, 18, 25]
    assert len(rises) == 50
    board.close()
    assert gpio.in_use() == set()


class TestReports:
    """rpi-lgpio, whose reports come late but know what was, and when."""

    PULSE = LineSpec("raspberry-pi", 22, bias="pull-up", debounce_ms=10)

    @pytest.fixture
    def gpio(self):
        return FakeRpiLgpio()

    @pytest.fixture
    def line(self, chip, gpio):
        gpio._outside[22] = False
        return chip.request_input("pulse", self.PULSE)

    def test_an_edge_has_its_own_level_and_date(self, line, gpio, clock):
        clock.now = 100.09
        gpio.lgpio.tell(22, 1, 100.0)
        gpio.lgpio.tell(22, 0, 100.06)
        # The line itself is as it was: two changes happened before anybody looked.
        assert line.read_events() == [LineChanged("pulse", True, pytest.approx(100.01))]
        assert line.handle_timeout(100.2) == [LineChanged("pulse", False, pytest.approx(100.07))]

    def test_what_settled_counts_though_the_line_has_changed_again_since(self, line, gpio, clock):
        clock.now = 100.0
        gpio.lgpio.tell(22, 1, 100.0)
        assert line.read_events() == []
        assert line.next_timeout() == pytest.approx(100.015)
        assert line.handle_timeout(100.02) == []  # it is low again, and nobody has said so yet
        assert line.next_timeout() == pytest.approx(100.11)
        clock.now = 100.03
        gpio.lgpio.tell(22, 0, 100.015)
        assert line.handle_timeout(100.03) == [LineChanged("pulse", True, pytest.approx(100.01))]
        assert line.handle_timeout(100.06) == [LineChanged("pulse", False, pytest.approx(100.025))]
        assert line.next_timeout() is None

    def test_a_spike_whose_end_is_told_late_leaves_no_trace(self, line, gpio, clock):
        clock.now = 100.0
        gpio.lgpio.tell(22, 1, 100.0)
        assert line.handle_timeout(100.02) == []
        clock.now = 100.03
        gpio.lgpio.tell(22, 0, 100.005)
        assert line.handle_timeout(100.06) == []
        assert not line.active()
        assert line.next_timeout() is None

    def test_bounces_that_are_told_late_settle_once_and_only_when_all_may_be_known(self, line, gpio, clock):
        gpio._outside[22] = True  # by chance it is as the first edge said whenever somebody looks
        clock.now = 100.04
        gpio.lgpio.tell(22, 1, 100.0)
        assert line.handle_timeout(100.041) == []
        assert line.next_timeout() == pytest.approx(100.055)
        clock.now = 100.05
        gpio.lgpio.tell(22, 0, 100.001)
        gpio.lgpio.tell(22, 1, 100.002)
        assert line.handle_timeout(100.05) == []
        assert line.handle_timeout(100.07) == [LineChanged("pulse", True, pytest.approx(100.012))]

    def test_promptness_comes_back_after_a_late_report(self, line, gpio, clock):
        clock.now = 100.2
        gpio.lgpio.tell(22, 0, 100.0)
        assert line.read_events() == []
        assert line.next_timeout() == pytest.approx(100.0 + 0.01 + 0.205)
        assert line.lag_s == pytest.approx(0.205)
        for number in range(60):
            clock.now = 101.0 + number / 10
            gpio.lgpio.tell(22, number % 2, clock.now)
        line.read_events()
        assert line.next_timeout() == pytest.approx(clock.now + 0.015)
        assert line.lag_s == pytest.approx(0.005)

    def test_an_edge_that_was_lost_leaves_no_wrong_state(self, line, gpio, clock):
        clock.now = 100.0
        gpio.lgpio.tell(22, 1, 100.0)
        assert line.handle_timeout(100.02) == []
        assert line.lag_s == pytest.approx(0.1)
        assert line.handle_timeout(100.12) == []
        assert not line.active()
        assert line.next_timeout() is None

    def test_a_kernel_that_dates_by_the_time_of_day(self, line, gpio, clock, monkeypatch):
        monkeypatch.setattr("time.time", lambda: 1.8e9)
        gpio._outside[22] = True
        clock.now = 100.0
        gpio.lgpio.tell(22, 1, 1.8e9 - 0.25)
        assert line.handle_timeout(100.1) == [LineChanged("pulse", True, pytest.approx(99.76, abs=1e-6))]

    def test_a_date_that_fits_no_clock_is_not_taken(self, line, gpio, clock):
        gpio._outside[22] = True
        clock.now = 100.0
        gpio.lgpio.tell(22, 1, 5e9)
        assert line.handle_timeout(100.02) == [LineChanged("pulse", True, pytest.approx(100.01))]

    def test_the_watchdog_of_lgpio_is_no_edge(self, line, gpio):
        gpio.lgpio.tell(22, 2, 0.0)
        assert not is_readable(line)

    def test_after_closing_nobody_is_told(self, line, gpio):
        told = gpio.lgpio.reports[22]
        line.close()
        told(7, 22, 1, 0)
        assert gpio.lgpio.reports == {}

    def test_without_the_handle_the_plain_callbacks_serve(self, gpio, clock):
        gpio._chip = None
        chip = RpiChip(gpio, clock)
        line = chip.request_input("pulse", LineSpec("raspberry-pi", 22, bias="pull-down"))
        clock.now = 3.0
        gpio.drive(22, True)
        assert line.read_events() == [LineChanged("pulse", True, 3.0)]
        chip.close()
