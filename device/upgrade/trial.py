"""The trial of a new version: it is kept when the phone is ready, stays so, and registers as it did before. Pure."""

from device.annotations import Any
from device.records import dataclass

READY_WITHIN_S = 300.0
"""From the start of the watch, which follows the start of the daemon; a slow card and a first migration fit in."""
REGISTERED_WITHIN_S = 300.0
"""From the moment that the phone is ready; servers that ask for patience by Retry-After mostly mean less."""
STEADY_S = 20.0
"""So long the same process must answer: a daemon that dies again and again is ready each time."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a trial came out."""

    good: bool
    reason: str


class Trial:
    """Watches one start of the new version; `registered` are the accounts that must register again.

    Seconds are on a monotonic clock, given by the caller; `now` of the first call begins the trial.
    """

    def __init__(
        self,
        registered: list[str],
        now: float,
        ready_within_s: float = READY_WITHIN_S,
        registered_within_s: float = REGISTERED_WITHIN_S,
    ) -> None:
        self._registered = registered
        self._ready_by = now + ready_within_s
        self._registered_within_s = registered_within_s
        self._registered_by: float | None = None
        self._process = 0
        self._since = now
        self._restarts = -1

    def observe(self, status: dict[str, Any] | None, now: float) -> Verdict | None:
        """Take in the daemon's answer to `status`, None where it gives none; a verdict when there is one."""
        if status is None:
            self._process = 0
            if self._registered_by is None:
                return self._too_late(now, self._ready_by, f"the phone did not become ready{self._how_often()}")
            return self._too_late(now, self._registered_by, f"the phone did not stay ready{self._how_often()}")
        process = int(status.get("pid", 0))
        if process != self._process:
            self._process, self._since = process, now
            self._restarts += 1
        if self._registered_by is None:
            self._registered_by = now + self._registered_within_s
        steady = now - self._since >= STEADY_S
        missing = self._missing(status)
        if steady and not missing:
            return Verdict(True, self._praise())
        if missing:
            return self._too_late(now, self._registered_by, f"not registered in time: {', '.join(missing)}")
        return self._too_late(now, self._registered_by + STEADY_S, f"the phone did not stay ready{self._how_often()}")

    def waits_for(self, status: dict[str, Any] | None) -> str:
        """What is still missing, in words."""
        if status is None:
            return "the phone is not ready"
        missing = self._missing(status)
        return f"not registered yet: {', '.join(missing)}" if missing else "watching whether it stays ready"

    def _missing(self, status: dict[str, Any]) -> list[str]:
        states = {str(account["id"]): account for account in status.get("accounts", [])}
        found = []
        for account in self._registered:
            state = states.get(account, {"state": "gone"})
            if state["state"] != "registered":
                answer = f"{state.get('status') or ''} {state.get('text') or ''}".strip()
                found.append(f"{account} ({state['state']}{f', {answer}' if answer else ''})")
        return found

    def _too_late(self, now: float, deadline: float, reason: str) -> Verdict | None:
        return Verdict(False, reason) if now >= deadline else None

    def _how_often(self) -> str:
        return f" ({self._restarts} restarts)" if self._restarts > 0 else ""

    def _praise(self) -> str:
        return f"ready, and registered: {', '.join(self._registered)}" if self._registered else "ready"
