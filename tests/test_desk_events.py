"""What the person at the desk did: values that both hardware and phone understand."""

from typing import get_args

import pytest

from device import desk_events
from device.desk_events import (
    ButtonPressed,
    DeskEvent,
    DialStarted,
    DigitDialled,
    HookFlashed,
    HookLifted,
    HookReplaced,
)
from device.phone import events as phone_events

ALL = (
    HookLifted(1.0),
    HookReplaced(1.0),
    HookFlashed(1.0),
    DigitDialled("5", 1.0),
    ButtonPressed("door", 1.0),
    DialStarted(1.0),
)


def test_every_event_is_in_the_union() -> None:
    assert {type(event) for event in ALL} == set(get_args(DeskEvent))


@pytest.mark.parametrize("event", ALL, ids=lambda event: type(event).__name__)
def test_every_event_is_dated_and_a_plain_value(event: DeskEvent) -> None:
    assert event.at == 1.0
    assert event == type(event)(*(getattr(event, name) for name in type(event).__match_args__))  # type: ignore[attr-defined]
    assert isinstance(hash(event), int)
    with pytest.raises(AttributeError):
        event.at = 2.0  # type: ignore[misc]


def test_the_phone_understands_every_one() -> None:
    for event in ALL:
        assert getattr(phone_events, type(event).__name__) is getattr(desk_events, type(event).__name__)
