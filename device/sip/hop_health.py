"""Which servers have failed lately, so that others are tried first, and when they get their next chance."""

from collections.abc import Sequence

from device.annotations import Final
from device.sip.hop import Hop

FIRST_PAUSE_S: Final = 30.0
"""How long a server that failed is passed over; each further failure doubles it."""
LONGEST_PAUSE_S: Final = 300.0
"""A server that has come back serves again after so long at the latest."""
CALL_GRACE_S: Final = 30.0
"""So much longer no call tries it: a REGISTER may find out first, nobody waits for that with a handset at the ear."""
LONGEST_RETRY_AFTER_S: Final = 3600.0
MAX_FAILED: Final = 64
"""Servers that are remembered; the one that failed longest ago is forgotten first."""

_Key = tuple[str, str, int]


class _Failure:
    __slots__ = ("pause", "until")

    def __init__(self, pause: float, until: float) -> None:
        self.pause = pause
        self.until = until


class HopHealth:
    """What RFC 3263 section 4.3 leaves open: how long a failure is remembered, by transport, address and port.

    No hop is ever left out, those that failed are only tried last.
    """

    __slots__ = ("_failed",)

    def __init__(self) -> None:
        self._failed: dict[_Key, _Failure] = {}

    def note_failure(self, hop: Hop, now: float, retry_after_s: float | None = None) -> None:
        """`hop` did not answer, or said when to come again."""
        before = self._failed.pop(_key(hop), None)
        pause = FIRST_PAUSE_S if before is None else min(2 * before.pause, LONGEST_PAUSE_S)
        wait = pause if retry_after_s is None else min(retry_after_s, LONGEST_RETRY_AFTER_S)
        if len(self._failed) >= MAX_FAILED:
            del self._failed[next(iter(self._failed))]
        self._failed[_key(hop)] = _Failure(pause, now + wait)

    def note_success(self, hop: Hop) -> None:
        """`hop` has answered."""
        self._failed.pop(_key(hop), None)

    def has_failed(self, hop: Hop) -> bool:
        """Whether the last that was heard of `hop` is a failure."""
        return _key(hop) in self._failed

    def forget(self) -> None:
        """The network is another one: what did not answer there may answer here."""
        self._failed.clear()

    def retry_at(self, hop: Hop) -> float | None:
        """When a hop that failed is next tried before others; None for one that is well."""
        failure = self._failed.get(_key(hop))
        return failure.until if failure is not None else None

    def order(self, hops: Sequence[Hop], method: str, now: float) -> list[Hop]:
        """`hops` in the order in which to try them: those that failed last, unless the time has come for a new chance.

        One request takes that chance; until it has found out, the others go elsewhere. An ACK takes none, since nobody
        answers it.
        """
        if not self._failed:
            return list(hops)
        ordered = sorted(hops, key=lambda hop: not self._has_chance(hop, method, now))
        failure = self._failed.get(_key(ordered[0])) if ordered else None
        if failure is not None and failure.until <= now:
            failure.until = now + failure.pause
        return ordered

    def _has_chance(self, hop: Hop, method: str, now: float) -> bool:
        failure = self._failed.get(_key(hop))
        if failure is None:
            return True
        return method != "ACK" and now >= failure.until + (CALL_GRACE_S if method == "INVITE" else 0.0)


def _key(hop: Hop) -> _Key:
    return hop.transport, hop.host, hop.port
