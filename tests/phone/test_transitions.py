"""Every pair of state and event is decided, and the document shows what is decided."""

import subprocess
import sys
from pathlib import Path

import pytest

from device.phone.events import PhoneEvent
from device.phone.states import PhoneState, Timer
from device.phone.transitions import EVENT_TYPES, TRANSITIONS, EventType, event_name, ignored_pairs

ROOT = Path(__file__).resolve().parents[2]
IGNORED = ignored_pairs()
PAIRS = [(state, event_type) for state in PhoneState for event_type in EVENT_TYPES]


@pytest.mark.parametrize(("state", "event_type"), PAIRS, ids=lambda value: getattr(value, "name", None))
def test_pair_is_either_handled_or_ignored(state: PhoneState, event_type: EventType) -> None:
    pair = (state, event_type)
    assert (pair in TRANSITIONS) is not (pair in IGNORED), f"{state} on {event_name(event_type)}"


def test_table_knows_every_event_and_nothing_else() -> None:
    assert set(EVENT_TYPES) == {*PhoneEvent.__args__, *Timer}
    assert {*TRANSITIONS, *IGNORED} == set(PAIRS)


def test_every_state_can_be_reached_from_rest() -> None:
    reached, ahead = set(), {PhoneState.IDLE}
    while ahead:
        state = ahead.pop()
        reached.add(state)
        ahead |= {n for (s, _), (following, _) in TRANSITIONS.items() if s is state for n in following} - reached
    assert reached == set(PhoneState)


def test_every_request_is_answered_in_every_state() -> None:
    ignored = {event_name(event_type) for _, event_type in IGNORED}
    assert not [name for name in ignored if name.endswith("Requested")]


def test_every_action_says_what_it_does() -> None:
    assert all(action.__doc__ for _, action in TRANSITIONS.values())


def test_document_shows_the_table() -> None:
    script = ROOT / "firmware_scripts" / "print-state-tables"
    printed = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    written = (ROOT / "docs" / "states.md").read_text(encoding="utf-8")
    assert written == printed, "run firmware_scripts/print-state-tables > docs/states.md"
