"""The code by which the far end of a call opens the door: recognised, counted, locked out."""

from device.phone.settings import PhoneSettings

PAUSE_S = 5.0
"""After so long a pause, in seconds, a code begins anew: whoever mistyped just waits."""

CLEAR_KEY = "*"
"""Begins the code anew, unless it is part of it."""


class DoorCode:
    """Listens to the digits of the far end.

    A whole code is needed from its first digit, so that a long run of digits cannot contain it by chance, and after
    some wrong ones the door takes none for a while. The lock-out outlives the call.
    """

    __slots__ = ("_heard", "_last_at", "_locked_until", "_settings", "_wrong")

    def __init__(self, settings: PhoneSettings) -> None:
        self._settings = settings
        self._heard = ""
        self._last_at = 0.0
        self._locked_until: float | None = None
        self._wrong = 0

    def configure(self, settings: PhoneSettings) -> None:
        """Go on with other settings; wrong tries stay counted."""
        self._settings = settings

    def forget_digits(self) -> None:
        """A new call begins: digits of the last one do not count."""
        self._heard = ""

    def locked(self, now: float) -> bool:
        """Whether codes are not looked at because there were too many wrong ones."""
        return self._locked_until is not None and now < self._locked_until

    def opens(self, digit: str, now: float) -> bool:
        """Take one digit; true when it completed the code."""
        code, end = self._settings.door_code, self._settings.door_code_end
        if not code or self.locked(now):
            return False
        if now - self._last_at > PAUSE_S or (digit == CLEAR_KEY and CLEAR_KEY not in code):
            self._heard = ""
        self._last_at = now
        if digit == CLEAR_KEY and CLEAR_KEY not in code:
            return False
        if digit == "#" and not self._heard:
            return False
        if digit != "#" or end != "#":
            self._heard = (self._heard + digit)[: len(code) + 1]
        whole = digit == "#" if end == "#" else len(self._heard) >= len(code)
        return whole and self._judge(now)

    def _judge(self, now: float) -> bool:
        right = self._heard == self._settings.door_code
        self._heard = ""
        self._wrong = 0 if right else self._wrong + 1
        if self._wrong >= self._settings.door_tries:
            self._wrong = 0
            self._locked_until = now + self._settings.door_lock_out_s
        return right
