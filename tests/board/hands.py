"""What a person's hands, old contacts and a noisy house do to the lines of a board, as actions for the agent.

An action is (seconds from the start, what, state): a line and its level, or a (row line, column line) and whether the
key between them is closed. Everything here is arithmetic; the agent plays it.
"""

from collections.abc import Iterable, Sequence
from random import Random

Action = tuple[float, object, bool]

NOMINAL_PULSES_PER_S = 10.0
NOMINAL_BREAK = 0.6
"""Part of a pulse for which the contact is open (ITU-T E.161 and the dials of most countries: 60/40 or 62/38)."""

TURN_S = 0.25
"""Between turning the dial and its first pulse, and from the last pulse to rest."""

BETWEEN_DIGITS_S = 0.6


def bounce(
    what: object, to: bool, at: float, chance: Random, *, swings: int = 4, longest_s: float = 0.0012
) -> list[Action]:
    """A contact that comes to `to` only after it has swung: each swing lasts 50 microseconds to `longest_s`."""
    actions = []
    for _ in range(swings):
        actions.append((at, what, to))
        at += chance.uniform(0.000_05, longest_s)
        actions.append((at, what, not to))
        at += chance.uniform(0.000_05, longest_s)
    actions.append((at, what, to))
    return actions


def settle(what: object, to: bool, at: float, chance: Random | None) -> list[Action]:
    """A contact that comes to `to`, bouncing if there is a `chance`."""
    return [(at, what, to)] if chance is None else bounce(what, to, at, chance)


def spike(line: int, resting: bool, at: float, length_s: float) -> list[Action]:
    """The line is at the other level for a moment."""
    return [(at, line, not resting), (at + length_s, line, resting)]


def turn_dial(
    pulse: int,
    off_normal: int | None,
    pulses: Sequence[int],
    *,
    per_s: float = NOMINAL_PULSES_PER_S,
    open_part: float = NOMINAL_BREAK,
    chance: Random | None = None,
) -> list[Action]:
    """A rotary dial that gives so many pulses each time; the pulse line is high while its contact is open."""
    actions: list[Action] = []
    at = 0.0
    period = 1 / per_s
    for count in pulses:
        if off_normal is not None:
            actions += settle(off_normal, False, at, chance)
        at += TURN_S
        for _ in range(count):
            actions += settle(pulse, True, at, chance)
            actions += settle(pulse, False, at + period * open_part, chance)
            at += period
        # The contact of a dial runs on for a moment before it is at rest.
        at += period
        if off_normal is not None:
            actions += settle(off_normal, True, at, chance)
        at += BETWEEN_DIGITS_S
    return actions


def press_keys(
    keys: Sequence[tuple[int, int]], *, down_s: float = 0.12, up_s: float = 0.12, chance: Random | None = None
) -> list[Action]:
    """Keys pressed one after the other; each is the pair of lines that it joins."""
    actions: list[Action] = []
    at = 0.0
    for key in keys:
        actions += settle(key, True, at, chance)
        actions += settle(key, False, at + down_s, chance)
        at += down_s + up_s
    return actions


def burst(lines: Iterable[int], resting: bool, at: float, chance: Random, length_s: float = 0.004) -> list[Action]:
    """What a relay coil or a bell does to the lines beside it when it switches: a ringing of some hundred kilohertz
    that dies out within milliseconds, seen by each line as a train of short spikes."""
    actions = []
    for line in lines:
        moment = at
        while (moment := moment + chance.uniform(0.000_02, 0.000_6)) < at + length_s:
            actions += spike(line, resting, moment, chance.uniform(0.000_01, 0.000_2))
    return in_order(actions)


def in_order(actions: Sequence[Action]) -> list[Action]:
    """Actions of several contacts, as they happen."""
    return sorted(actions, key=lambda action: action[0])


def later(actions: Sequence[Action], seconds: float) -> list[Action]:
    """The same, so much later."""
    return [(at + seconds, what, state) for at, what, state in actions]
