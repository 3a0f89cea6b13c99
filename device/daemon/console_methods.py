"""Who may use a console: the verifiers of its passwords, the check, and the lock-out. Loaded when a console asks.

The password never comes here: the console derives a key from it, which is compared with the one in the store. The wait
after wrong ones is kept here, since a console starts anew whenever its plug is pulled.
"""

from _operator import _compare_digest
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final
from device.console.settings import ConsoleSettings
from device.control.errors import INVALID_PARAMS, REFUSED, ControlError
from device.daemon.account_fields import Params
from device.store.console_access import ConsoleAccess

logger = logging.getLogger(__name__)

ROLES: Final = ("admin", "monitor")
FREE_FAILURES = 2
"""Wrong passwords after which there is no wait yet."""
LONGEST_WAIT_S = 300.0


class ConsoleMethods:
    """The methods console.access, console.login and console.password; `settings` answers those that hold now."""

    def __init__(
        self, access: ConsoleAccess, settings: Callable[[], ConsoleSettings], clock: Callable[[], float]
    ) -> None:
        self._access = access
        self._settings = settings
        self._clock = clock
        self._started_at = clock()
        self._failed_at: dict[str, float] = {}

    def use(self, access: ConsoleAccess, settings: Callable[[], ConsoleSettings]) -> None:
        """Go on with a store that was opened anew."""
        self._access, self._settings = access, settings

    def access(self, params: Params) -> dict[str, object]:
        """What a console must know before it lets somebody in."""
        settings = self._settings()
        line = str(params.get("line") or "")
        verifiers = {role: verifier.rpartition(":")[0] for role, verifier in self._access.verifiers().items()}
        return {
            "open": settings.open,
            "idle_log_out_s": settings.idle_log_out_s,
            "verifiers": verifiers,
            "failures": self._access.failures(line),
            "wait_s": round(self._wait_s(line), 1),
        }

    def log_in(self, params: Params) -> dict[str, object]:
        """Compare a key with the verifier of a role. Raises ControlError for a wrong one, and while there is a wait."""
        role, line = _role(params), str(params.get("line") or "")
        wait_s = self._wait_s(line)
        if wait_s > 0:
            raise ControlError(REFUSED, f"Login incorrect; wait {wait_s:.0f} s", {"wait_s": wait_s})
        kept = self._access.verifiers().get(role, "").rpartition(":")[2]
        given = str(params.get("key") or "")
        if kept and given.isascii() and _compare_digest(kept, given):
            self._access.clear_failures(line)
            self._failed_at.pop(line, None)
            logger.info("console %s: %s has logged in", line, role)
            return {"role": role}
        failures = self._access.count_failure(line)
        self._failed_at.pop(line, None)
        self._failed_at[line] = self._clock()
        while len(self._failed_at) > len(ROLES) * 16:
            del self._failed_at[next(iter(self._failed_at))]
        logger.warning("console %s: a wrong password for %s (%d in a row)", line, role, failures)
        wait_s = self._wait_s(line)
        text = f"Login incorrect; wait {wait_s:.0f} s" if wait_s else "Login incorrect"
        raise ControlError(REFUSED, text, {"wait_s": wait_s})

    def set_password(self, params: Params) -> dict[str, object]:
        """Keep the verifier of a new password, or with an empty one let nobody in as this role."""
        role, verifier = _role(params), str(params.get("verifier") or "")
        if verifier and (verifier.count(":") != 5 or not verifier.startswith("scrypt:") or not verifier.isascii()):
            raise ControlError(INVALID_PARAMS, 'verifier: write it as "scrypt:N:r:p:salt:key", salt and key in hex')
        self._access.set_verifier(role, verifier)
        logger.info("console: the password of %s was %s", role, "changed" if verifier else "removed")
        return {"role": role}

    def _wait_s(self, line: str) -> float:
        """Seconds before the next attempt at a line; after a restart the wait begins anew."""
        over = self._access.failures(line) - FREE_FAILURES
        if over <= 0:
            return 0.0
        since = self._failed_at.get(line, self._started_at)
        return max(0.0, since + min(LONGEST_WAIT_S, 2.0 ** min(over, 16)) - self._clock())


def _role(params: Params) -> str:
    role = str(params.get("role") or "")
    if role not in ROLES:
        raise ControlError(INVALID_PARAMS, f"role: {role!r} is not one of {', '.join(ROLES)}")
    return role
