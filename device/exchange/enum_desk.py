"""Calls that wait until DNS has said whether their number can be called by SIP (RFC 6116)."""

from collections.abc import Iterable

from device import plain_logging as logging
from device.annotations import Final
from device.exchange.enum_rules import EnumRecord, enum_name, sip_uris
from device.exchange.numbers import NumberPlan, dialled_number
from device.exchange.proxy import Received
from device.exchange.response_context import Target
from device.sip.timers import DeadlineHeap
from device.sip.transaction import ServerKey

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 3.0
"""A number that DNS says nothing about for so long goes out by a trunk."""
MAX_WAITING: Final = 100
"""Calls that wait at once; a further one goes out by a trunk."""


class EnumDesk:
    """Which calls wait for which name."""

    def __init__(self) -> None:
        self._waiting: dict[ServerKey, tuple[Received, str, str]] = {}
        """The call, its number in E.164, and the name that was asked for."""
        self._ends: DeadlineHeap[ServerKey] = DeadlineHeap()

    def ask(self, received: Received, plan: NumberPlan, now: float) -> str | None:
        """Let a call wait; answers the name to ask for, None where nothing is asked."""
        root = plan.enum_root
        number = plan.e164(dialled_number(received.request.uri.user)) if root else None
        if number is None or len(self._waiting) >= MAX_WAITING:
            return None
        name = enum_name(number, root)
        self._waiting[received.key] = (received, number, name)
        self._ends.set(received.key, now + PATIENCE_S)
        return name

    def answer(self, name: str, records: Iterable[EnumRecord]) -> list[tuple[Received, list[Target]]]:
        """What was found; answers the calls that go on, and the places that stand in DNS for their numbers."""
        known = tuple(records)
        found = []
        for key in [key for key, (_, _, asked) in self._waiting.items() if asked == name]:
            received, number, _ = self._waiting.pop(key)
            self._ends.cancel(key)
            targets = [Target(uri) for uri in sip_uris(number, known)]
            if targets:
                logger.info("%s is called by SIP at %s", number, targets[0].uri)
            found.append((received, targets))
        return found

    def take_back(self, key: ServerKey) -> Received | None:
        """The caller has given up; answers the call if it waited here."""
        self._ends.cancel(key)
        waiting = self._waiting.pop(key, None)
        return waiting[0] if waiting is not None else None

    def next_timeout(self) -> float | None:
        """When `overdue` is next wanted."""
        return self._ends.next_timeout()

    def overdue(self, now: float) -> list[Received]:
        """The calls that go on without an answer."""
        return [self._waiting.pop(key)[0] for key in self._ends.pop_due(now)]
