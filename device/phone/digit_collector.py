"""Collects digits and decides when they are a number: emergency numbers, short codes, dial plan, # and time."""

from collections.abc import Mapping, Set
from enum import Enum, unique

from device.phone.dial_plan import DialPlan, MatchStatus
from device.records import dataclass

DTMF_DIGITS = "0123456789*#ABCD"
"""The sixteen signals of ITU-T Q.23."""

MAX_DIGITS = 64
"""Longer than any number with carrier prefixes; whatever leans on the keypad is stopped here."""


@unique
class Verdict(Enum):
    """What is to be done after a digit or after a time-out."""

    WAIT = "wait"
    DIAL = "dial"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Dialled:
    """The verdict and, for DIAL, whom to call."""

    verdict: Verdict
    target: str = ""


_WAIT = Dialled(Verdict.WAIT)
_INVALID = Dialled(Verdict.INVALID)


class DigitCollector:
    """The digits dialled so far, and what they mean.

    With `in_service` off only emergency numbers count.
    """

    __slots__ = ("_digits", "_emergency_numbers", "_hash_dials", "_speed_dials", "in_service", "plan")

    def __init__(
        self, plan: DialPlan, emergency_numbers: Set[str], speed_dials: Mapping[str, str], hash_dials: bool
    ) -> None:
        self.plan = plan
        self._emergency_numbers = emergency_numbers
        self._speed_dials = speed_dials
        self._hash_dials = hash_dials
        self._digits = ""
        self.in_service = True

    @property
    def digits(self) -> str:
        return self._digits

    def resume(self, earlier: "DigitCollector") -> None:
        """Go on with the digits of an earlier collector, as when the rules change while somebody dials."""
        self._digits = earlier.digits

    def clear(self) -> None:
        """Begin a new number."""
        self._digits = ""

    def add(self, digit: str) -> Dialled:
        """Take one more digit."""
        if digit == "#" and self._digits and self._hash_dials and not self._may_begin(self._digits + "#"):
            return self.finish()
        self._digits += digit
        if self._digits in self._emergency_numbers:
            return Dialled(Verdict.DIAL, self._digits)
        if len(self._digits) > MAX_DIGITS or not self._may_begin(self._digits):
            return _INVALID
        return self._complete() if self.in_service else _WAIT

    def finish(self) -> Dialled:
        """Nothing more will be dialled: the digits are a number now, or none at all."""
        target = self.lookup(self._digits)
        return _INVALID if target is None else Dialled(Verdict.DIAL, target)

    def lookup(self, digits: str) -> str | None:
        """Whom the whole number `digits` calls, None if it may not be dialled."""
        if digits in self._emergency_numbers:
            return digits
        if not self.in_service:
            return None
        return self._speed_dials.get(digits) or self.plan.translate(digits)

    def _may_begin(self, digits: str) -> bool:
        """Whether some number begins with `digits` or is just that."""
        if any(number.startswith(digits) for number in self._emergency_numbers):
            return True
        if not self.in_service:
            return False
        if any(code.startswith(digits) for code in self._speed_dials):
            return True
        return self.plan.match(digits).status is not MatchStatus.IMPOSSIBLE

    def _complete(self) -> Dialled:
        """DIAL if the digits are a number that cannot go on."""
        digits = self._digits
        match = self.plan.match(digits)
        if match.status in (MatchStatus.PARTIAL, MatchStatus.AMBIGUOUS):
            return _WAIT
        longer = (*self._emergency_numbers, *self._speed_dials)
        if any(number.startswith(digits) and number != digits for number in longer):
            return _WAIT
        return Dialled(Verdict.DIAL, self._speed_dials.get(digits) or match.number)
