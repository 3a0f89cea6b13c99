"""The board in the loop: what happens at it reaches the phone, and what the phone wants happens at it."""

from collections.abc import Iterator

import pytest

from device.control.errors import REFUSED, ControlError
from device.daemon.desk import RETRY_S, Desk, load_profile, stand_in_for
from device.desk_events import DeskEvent, DigitDialled, HookLifted, HookReplaced
from device.hardware.board import Board, BoardProfile
from device.hardware.errors import LineError, ProfileError, UnknownDeviceError
from device.hardware.interfaces import InputLine
from device.hardware.mock_chip import MockChip
from device.hardware.settings import HardwareSettings
from device.hardware.simulated_desk import SimulatedDesk, resting_levels
from device.phone.commands import LAMP_STATES, LAMPS
from device.records import replace
from tests.support.turning import HandLoop


class _Bench:
    def __init__(self, loop: HandLoop, profile: BoardProfile, real: bool = False) -> None:
        self.loop = loop
        self.profile = profile
        self.posted: list[DeskEvent] = []
        self.changes: list[tuple[str, bool]] = []
        self.chip = MockChip(initially=resting_levels(profile))
        self.board = Board(profile, self.chip)
        hands = None if real else SimulatedDesk(profile, self.chip)
        self.desk = Desk(
            self.board,
            hands,
            None if real else self.chip,
            loop,
            self.posted.append,
            lambda name, active, at: self.changes.append((name, active)),
        )
        loop.add_participant(self)

    def pump(self, now: float) -> float | None:
        self.desk.handle_timeout(now)
        return self.desk.next_timeout()

    def kinds(self) -> list[type]:
        return [type(event) for event in self.posted]


def _profile(name: str = "simulated") -> BoardProfile:
    return load_profile(HardwareSettings(board=name, flash="off"))


@pytest.fixture
def bench(loop: HandLoop) -> Iterator[_Bench]:
    bench = _Bench(loop, _profile())
    bench.desk.start(loop.now())
    yield bench
    bench.desk.close()


def test_how_the_handset_lies_is_known_at_the_start(bench: _Bench) -> None:
    assert bench.kinds() == [HookReplaced]


def test_lifting_dialling_and_replacing_reach_the_phone(bench: _Bench) -> None:
    bench.posted.clear()
    bench.desk.lift(bench.loop.now())
    bench.desk.press("4", bench.loop.now())
    bench.desk.replace(bench.loop.now())
    bench.loop.turn_until(lambda: HookReplaced in bench.kinds())
    assert bench.kinds() == [HookLifted, DigitDialled, HookReplaced]
    assert ("hook", True) in bench.changes


def test_a_line_is_driven_in_the_words_of_the_device(bench: _Bench) -> None:
    hook = bench.profile.hook
    assert hook is not None
    bench.posted.clear()
    bench.desk.drive("hook", True, bench.loop.now())
    assert bench.chip.level("hook") is not hook.line.active_low
    bench.loop.turn_until(lambda: bench.posted)
    assert bench.kinds() == [HookLifted]


@pytest.mark.parametrize("active_low", [True, False])
def test_the_polarity_of_a_line_is_not_the_callers_business(loop: HandLoop, active_low: bool) -> None:
    profile = _profile()
    assert profile.hook is not None
    line = replace(profile.hook.line, active_low=active_low)
    bench = _Bench(loop, replace(profile, hook=replace(profile.hook, line=line)))
    bench.desk.start(loop.now())
    bench.desk.drive("hook", True, loop.now())
    loop.turn_until(lambda: HookLifted in bench.kinds())
    bench.desk.close()


@pytest.mark.parametrize(("line", "words"), [("nonsense", "nonsense"), ("lamp.ringing", "lamp.ringing")])
def test_what_cannot_be_driven_is_refused(bench: _Bench, line: str, words: str) -> None:
    with pytest.raises(ControlError, match=words) as caught:
        bench.desk.drive(line, True, bench.loop.now())
    assert caught.value.code == REFUSED


def test_keys_that_are_not_there_are_refused(bench: _Bench) -> None:
    with pytest.raises(ControlError, match="no key 'x'"):
        bench.desk.press("x", bench.loop.now())


def test_a_board_without_a_handset_says_so(loop: HandLoop) -> None:
    bench = _Bench(loop, replace(_profile(), hook=None))
    for act in (bench.desk.lift, bench.desk.replace):
        with pytest.raises(ControlError, match="no hook switch"):
            act(loop.now())
    bench.desk.close()


def test_a_real_board_is_moved_by_real_hands(loop: HandLoop) -> None:
    bench = _Bench(loop, _profile(), real=True)
    bench.desk.start(loop.now())
    for act in (
        lambda: bench.desk.lift(0.0),
        lambda: bench.desk.replace(0.0),
        lambda: bench.desk.press("1", 0.0),
        lambda: bench.desk.drive("hook", True, 0.0),
    ):
        with pytest.raises(ControlError, match="real board"):
            act()
    bench.chip.hold("hook", True)
    loop.turn_until(lambda: HookLifted in bench.kinds())
    bench.desk.close()


def test_the_bell_rings_and_stops(bench: _Bench) -> None:
    bench.desk.start_ringer("default", bench.loop.now())
    assert bench.desk.snapshot()["ringing"]
    bench.desk.stop_ringer()
    assert bench.desk.snapshot()["ringing"] == ""


@pytest.mark.parametrize("lamp", LAMPS)
@pytest.mark.parametrize("state", LAMP_STATES)
def test_every_lamp_of_the_phone_can_show_every_state(bench: _Bench, lamp: str, state: str) -> None:
    bench.desk.show_lamp(lamp, state, bench.loop.now())
    shown = bench.desk.snapshot()["lamps"]
    assert shown[lamp] == {"blink": "slow-blink"}.get(state, state)  # type: ignore[index]


@pytest.mark.parametrize("name", ["simulated", "raspberry-pi", "rotary", "door-intercom"])
def test_the_lamps_of_every_profile_are_those_of_the_phone(name: str) -> None:
    # "neighbour" is there to be named in phone.busy_lamps.
    assert set(_profile(name).lamps) <= {*LAMPS, "neighbour"}


def test_a_relay_is_pulsed(bench: _Bench) -> None:
    bench.desk.pulse_relay("door", 0.01, bench.loop.now())
    assert bench.desk.snapshot()["relays"] == {"door": True}
    bench.loop.turn_until(lambda: bench.desk.snapshot()["relays"] == {"door": False})
    with pytest.raises(UnknownDeviceError, match="it has: door"):
        bench.desk.pulse_relay("gate", 1.0, bench.loop.now())


def test_a_line_that_fails_is_watched_no_more(bench: _Bench, caplog: pytest.LogCaptureFixture) -> None:
    line: InputLine = bench.board._inputs["hook"]
    number = line.fileno()

    def fail() -> list[object]:
        raise LineError("hook: the chip is gone")

    line.read_events = fail  # type: ignore[method-assign, assignment]
    bench.desk.drive("hook", True, bench.loop.now())
    bench.loop.turn_until(lambda: number not in bench.desk._watched)
    assert "hook does not work, and is tried again" in caplog.text
    assert bench.desk.notices() == ["hook does not work, and is tried again: hook: the chip is gone"]
    assert number not in bench.loop._readers
    bench.loop.settle()


def test_a_line_that_fails_at_a_deadline_is_watched_no_more(bench: _Bench) -> None:
    line = bench.board._inputs["hook"]
    number = line.fileno()
    line.close()
    bench.desk.handle_timeout(bench.loop.now())
    assert number not in bench.loop._readers


def test_after_the_end_everything_is_dark_and_quiet(bench: _Bench) -> None:
    bench.desk.start_ringer("default", bench.loop.now())
    bench.desk.show_lamp("ringing", "on", bench.loop.now())
    numbers = set(bench.desk._watched)
    bench.desk.close()
    bench.desk.close()
    assert not bench.chip.history("ringer.0") or not bench.chip.history("ringer.0")[-1].level
    assert numbers.isdisjoint(bench.loop._readers)
    bench.desk.handle_timeout(bench.loop.now())


def test_a_profile_is_loaded_with_what_the_settings_change() -> None:
    profile = load_profile(HardwareSettings(flash="off", cadence="uk"))
    assert profile.hook is not None
    assert profile.ringer is not None
    assert (profile.hook.flash, profile.ringer.cadence) == (False, "uk")
    with pytest.raises(ProfileError, match="no such board profile"):
        load_profile(HardwareSettings(board="typewriter"))


# A board that is not there.


class _Absent:
    """A real board whose chip comes and goes."""

    def __init__(self, loop: HandLoop) -> None:
        self.loop = loop
        self.profile = replace(_profile(), driver="gpiod")
        self.posted: list[DeskEvent] = []
        self.fault = "there is no GPIO chip 'pinctrl-bcm2835' here"
        self.lifted = False
        self.opened: list[Board] = []
        self.chip = MockChip()
        self.desk = Desk(
            stand_in_for(self.profile), None, None, loop, self.posted.append, lambda *_: None, self.open, self.fault
        )
        loop.add_participant(self)
        self.desk.start(loop.now())

    def open(self) -> Board:
        if self.fault:
            raise LineError(self.fault)
        self.chip = MockChip(initially=resting_levels(self.profile, self.lifted))
        self.opened.append(Board(self.profile, self.chip))
        return self.opened[-1]

    def pump(self, now: float) -> float | None:
        self.desk.handle_timeout(self.loop.now())
        deadline = self.desk.next_timeout()
        return None if deadline is None else deadline - self.loop.later

    def appear(self, lifted: bool = False) -> None:
        self.fault, self.lifted = "", lifted
        self.later()

    def later(self) -> None:
        self.loop.later += RETRY_S
        self.loop.settle()

    def output(self, name: str) -> bool:
        return next(line.active for line in self.opened[-1].snapshot().lines if line.name == name)


@pytest.fixture
def absent(loop: HandLoop) -> Iterator[_Absent]:
    absent = _Absent(loop)
    yield absent
    absent.desk.close()


def test_without_its_board_a_phone_waits_with_the_handset_down(absent: _Absent) -> None:
    assert [type(event) for event in absent.posted] == [HookReplaced]
    assert absent.desk.snapshot()["fault"] == "there is no GPIO chip 'pinctrl-bcm2835' here"
    absent.desk.start_ringer("default", absent.loop.now())
    absent.desk.stop_ringer()
    assert absent.opened == []


def test_a_board_that_appears_is_taken_and_shows_what_it_missed(absent: _Absent) -> None:
    absent.desk.show_lamp("registered", "on", absent.loop.now())
    absent.desk.start_ringer("default", absent.loop.now())
    absent.appear()
    assert absent.desk.fault == ""
    assert "fault" not in absent.desk.snapshot()
    assert absent.output("lamp.registered")
    assert absent.opened[0].ringer.pattern is not None
    # That the handset is down is no news, and must not end a call without it.
    assert [type(event) for event in absent.posted] == [HookReplaced]


def test_a_handset_that_was_lifted_meanwhile_is_told(absent: _Absent) -> None:
    absent.appear(lifted=True)
    assert [type(event) for event in absent.posted] == [HookReplaced, HookLifted]


def test_a_board_that_stays_away_is_told_again_only_when_the_reason_changes(
    absent: _Absent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    absent.later()
    absent.later()
    assert caplog.text == ""
    absent.fault = "line 17 is in use by 'other'"
    absent.later()
    assert "line 17 is in use by 'other'" in caplog.text
    assert absent.desk.fault == absent.fault


def test_a_line_that_goes_away_while_it_rings_is_taken_again_and_the_bell_rings_on(
    absent: _Absent, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent.appear()
    absent.desk.start_ringer("default", absent.loop.now())
    hook = absent.opened[0].hook
    assert hook is not None

    def broken() -> list[object]:
        raise LineError("hook: the line cannot be read: No such device")

    monkeypatch.setattr(hook.lines[0], "read_events", broken)
    absent.chip.hold("hook", True, absent.loop.now())
    absent.loop.turn_until(absent.desk.notices)
    assert absent.desk.notices() == [
        "hook does not work, and is tried again: hook: the line cannot be read: No such device"
    ]
    absent.loop.turn_until(lambda: not absent.desk.notices() or absent.later())
    assert absent.opened[0].ringer.pattern is not None
    assert [type(event) for event in absent.posted][-1] is HookLifted
