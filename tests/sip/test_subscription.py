"""The Event and Subscription-State header fields, and the seconds that come with refusals."""

import pytest

from device.sip.errors import SipParseError
from device.sip.headers import Headers
from device.sip.message import Response
from device.sip.subscription import (
    EventHeader,
    SubscriptionState,
    parse_event,
    parse_min_expires,
    parse_retry_after,
    parse_subscription_state,
)


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("message-summary", EventHeader("message-summary")),
        ("refer;id=7", EventHeader("refer", "7")),
        ('dialog ; id="a b" ; other', EventHeader("dialog", "a b")),
        ("presence.winfo;x=y", EventHeader("presence.winfo")),
    ],
)
def test_events(text: str, event: EventHeader) -> None:
    assert parse_event(text) == event


def test_an_event_is_written_as_it_is_read() -> None:
    assert str(EventHeader("refer", "7")) == "refer;id=7"
    assert str(EventHeader("dialog")) == "dialog"


@pytest.mark.parametrize("text", [None, "", "two words", ";id=1", "a/b"])
def test_no_event(text: str | None) -> None:
    with pytest.raises(SipParseError):
        parse_event(text)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("active;expires=60", SubscriptionState("active", 60)),
        ("Pending", SubscriptionState("pending")),
        ("terminated;reason=Probation;retry-after=30", SubscriptionState("terminated", None, "probation", 30)),
        ("active;expires=soon", SubscriptionState("active")),
        ("active;expires=99999999999999", SubscriptionState("active", 86_400)),
        ("terminated;retry-after=999999", SubscriptionState("terminated", None, "", 3600)),
    ],
)
def test_states(text: str, state: SubscriptionState) -> None:
    assert parse_subscription_state(text) == state


def test_a_state_is_written_as_it_is_read() -> None:
    for text in ("active;expires=60", "terminated;reason=probation;retry-after=30", "pending"):
        assert str(parse_subscription_state(text)) == text
    assert parse_subscription_state("terminated").is_terminated


@pytest.mark.parametrize("text", [None, "", "two words", ";expires=1"])
def test_no_state(text: str | None) -> None:
    with pytest.raises(SipParseError):
        parse_subscription_state(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120), ("18000;duration=3600", 3600), ("120 (I am in a meeting)", 120), ("soon", None), ("", None)],
)
def test_seconds_of_refusals(text: str, seconds: int | None) -> None:
    response = Response(503, None, Headers([("Retry-After", text), ("Min-Expires", text)]))
    assert parse_retry_after(response) == seconds
    assert parse_min_expires(response) in (seconds, 18000)
    assert parse_retry_after(Response(503)) is None
