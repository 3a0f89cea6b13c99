"""The board in the loop: what happens at it reaches the phone, and what the phone wants happens at it."""

from collections.abc import Iterator

import pytest

from device.control.errors import REFUSED, ControlError
from device.daemon.desk import Desk, load_profile
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
    assert set(_profile(name).lamps) <= set(LAMPS)


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
    assert "this input is dead" in caplog.text
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
