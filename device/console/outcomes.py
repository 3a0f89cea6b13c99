"""How a transfer and a text come out: what is waited for and what is said, at console and command line. Pure."""

from device.annotations import Any, Final
from device.console.steps import AwaitEvent
from device.control.client import DaemonEvent

TRANSFER_PATIENCE_S: Final = 200.0
"""A little longer than the other side may let the new call ring, in seconds."""
MESSAGE_PATIENCE_S: Final = 40.0
"""A little longer than Timer F of RFC 3261, in seconds."""

TRANSFERRED, NOT_TRANSFERRED, SENT = "transferred", "transfer-failed", "sent"

Outcome = tuple[bool, str]
"""Whether it came out well, and what to say."""


def transfer_outcome() -> AwaitEvent:
    """The end of the transfer that was asked for."""

    def is_it(event: DaemonEvent) -> bool:
        return event.topic == "call" and event.params.get("event") in (TRANSFERRED, NOT_TRANSFERRED)

    return AwaitEvent(TRANSFER_PATIENCE_S, is_it, is_brief=True)


def transfer_words(event: DaemonEvent | None, look: str) -> Outcome:
    """What came of `transfer_outcome`; `look` is what shows how it goes on."""
    if event is None:
        return False, f"the outcome of the transfer is not known yet: see `{look}`"
    if event.params["event"] == TRANSFERRED:
        return True, "transferred"
    return False, f"not transferred: {event.params.get('text')}; the call goes on here"


def message_outcome(name: object) -> AwaitEvent:
    """The answer to the text of that name."""

    def is_it(event: DaemonEvent) -> bool:
        return event.topic == "message" and event.params.get("message") == name

    return AwaitEvent(MESSAGE_PATIENCE_S, is_it, is_brief=True)


def message_words(event: DaemonEvent | None, look: str) -> Outcome:
    """What came of `message_outcome`; `look` is what shows why nothing did."""
    if event is None:
        return False, f"no answer came in time; the other messages before it may take long: see `{look}`"
    said: dict[str, Any] = event.params
    if said.get("event") == SENT:
        return True, str(said.get("text"))
    return False, f"not sent: {said.get('text')}"
