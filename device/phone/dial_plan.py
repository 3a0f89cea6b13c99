"""The dial plan: which digit strings are numbers, when they are complete, and how they are rewritten.

The grammar is described in docs/dial-plan.md; it is that of the digit maps of MGCP (RFC 3435 section 2.1.5) with the
replacements that analogue telephone adapters have made usual.
"""

from enum import Enum, unique

from device.phone.errors import DialPlanError
from device.records import dataclass

DIALLABLE = "0123456789*#ABCD+"
"""What may stand in a dialled number; + comes from control only, no keypad has it."""

_CLASS_ALL = "0123456789*#"
"""What an excluding class such as [^5] chooses from."""


@unique
class MatchStatus(Enum):
    """What a string of digits is to a dial plan."""

    IMPOSSIBLE = "impossible"
    """No number begins like this, or it is barred."""
    PARTIAL = "partial"
    """No number yet, but it may become one."""
    COMPLETE = "complete"
    """A number, and no further digit would fit."""
    AMBIGUOUS = "ambiguous"
    """A number, but it may go on: only time, or #, tells."""


@dataclass(frozen=True, slots=True)
class Match:
    """The verdict on a string of digits; `number` is what to call, rewritten, if it is a number."""

    status: MatchStatus
    number: str = ""


@dataclass(frozen=True, slots=True)
class _Step:
    """One element of a rule: takes one of `takes` (nothing if empty) and puts out the digit or `puts`."""

    takes: str
    puts: str | None = None
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class _Rule:
    steps: tuple[_Step, ...]
    waits: bool
    """Ends in T: time decides, even where no further digit would fit."""
    bars: bool
    """Begins with !: what matches cannot be dialled."""

    def follow(self, digits: str) -> dict[int, str]:
        """Where in the rule one may be after `digits`: step number -> what was put out on the way."""
        places = self._settle({0: ""})
        for digit in digits:
            after: dict[int, str] = {}
            for place, output in places.items():
                if place == len(self.steps) or digit not in self.steps[place].takes:
                    continue
                step = self.steps[place]
                shown = output + (digit if step.puts is None else step.puts)
                after.setdefault(place if step.repeats else place + 1, shown)
            places = self._settle(after)
        return places

    def _settle(self, places: dict[int, str]) -> dict[int, str]:
        """Go on over the steps that need no digit: those that only put out, and repeats that may be over."""
        settled: dict[int, str] = {}
        for start, output in places.items():
            place, shown = start, output
            settled.setdefault(place, shown)
            while place < len(self.steps) and (self.steps[place].repeats or not self.steps[place].takes):
                if not self.steps[place].takes:
                    shown += self.steps[place].puts or ""
                place += 1
                settled.setdefault(place, shown)
        return settled

    def can_go_on(self, places: dict[int, str]) -> bool:
        """Whether any further digit would fit."""
        return any(place < len(self.steps) and self.steps[place].takes for place in places)


class DialPlan:
    """A compiled dial plan.

    Raises DialPlanError if `text` cannot be read.
    """

    __slots__ = ("_rules",)

    def __init__(self, text: str) -> None:
        self._rules = _PlanReader(text).read()

    def match(self, digits: str) -> Match:
        """Judge `digits`; among several rules that fit, the first one written rewrites the number."""
        number: str | None = None
        open_ended = False
        for rule in self._rules:
            places = rule.follow(digits)
            if not places:
                continue
            whole = len(rule.steps) in places
            if rule.bars:
                if whole and digits:
                    return Match(MatchStatus.IMPOSSIBLE)
                continue
            open_ended = open_ended or rule.can_go_on(places) or (whole and rule.waits)
            if whole and number is None:
                number = places[len(rule.steps)]
        if number is None or not digits:
            return Match(MatchStatus.PARTIAL if open_ended or number is not None else MatchStatus.IMPOSSIBLE)
        return Match(MatchStatus.AMBIGUOUS if open_ended else MatchStatus.COMPLETE, number)

    def translate(self, digits: str) -> str | None:
        """The number to call for a whole string of digits, None if the plan does not allow it."""
        match = self.match(digits)
        return match.number if match.status in (MatchStatus.COMPLETE, MatchStatus.AMBIGUOUS) else None


class _PlanReader:
    """Reads the text of a plan from left to right."""

    def __init__(self, text: str) -> None:
        self._text = "".join(text.split())
        if self._text.startswith("(") and self._text.endswith(")"):
            self._text = self._text[1:-1]
        self._at = 0

    def read(self) -> tuple[_Rule, ...]:
        rules = [self._rule()]
        while self._peek() == "|":
            self._at += 1
            rules.append(self._rule())
        if self._peek():
            raise self._fault("only | may follow T")
        if all(rule.bars for rule in rules):
            raise self._fault("every rule bars numbers, so that none could be dialled")
        return tuple(rules)

    def _rule(self) -> _Rule:
        bars = self._peek() == "!"
        self._at += bars
        steps: list[_Step] = []
        while self._peek() not in ("", "|", "T"):
            steps.extend(self._element())
            if self._peek() == ".":
                steps[-1] = self._repeated(steps[-1])
                self._at += 1
        waits = self._peek() == "T"
        self._at += waits
        if not any(step.takes for step in steps):
            raise self._fault("a rule that matches no digit")
        return _Rule(tuple(steps), waits, bars)

    def _element(self) -> list[_Step]:
        letter = self._peek()
        self._at += 1
        if letter in ("x", "X"):
            return [_Step("0123456789")]
        if letter == "[":
            return [_Step(self._class())]
        if letter == "<":
            return self._replacement()
        if letter in DIALLABLE:
            return [_Step(letter)]
        self._at -= 1
        raise self._fault(f"{letter!r} is not part of the grammar")

    def _repeated(self, step: _Step) -> _Step:
        if not step.takes or step.puts is not None or step.repeats:
            raise self._fault(". repeats the one digit, x or [class] before it")
        return _Step(step.takes, repeats=True)

    def _class(self) -> str:
        inside = self._until("]")
        excludes = inside.startswith("^")
        chosen = _expand_ranges(inside[excludes:].replace("x", "0-9"))
        if chosen is None:
            raise self._fault(f"[{inside}] is not a class of digits such as [3-5] or [^9]")
        digits = "".join(d for d in _CLASS_ALL if d not in chosen) if excludes else chosen
        if not digits:
            raise self._fault(f"[{inside}] leaves no digit")
        return digits

    def _replacement(self) -> list[_Step]:
        dialled, separator, called = self._until(">").partition("=")
        if not separator or any(letter not in DIALLABLE for letter in dialled):
            raise self._fault("a replacement is written <dialled=called>, the dialled part in digits")
        if not dialled and not called:
            raise self._fault("<=> replaces nothing by nothing")
        return [_Step("", puts=called), *(_Step(letter, puts="") for letter in dialled)]

    def _until(self, end: str) -> str:
        stop = self._text.find(end, self._at)
        if stop < 0:
            raise self._fault(f"{end} is missing")
        inside = self._text[self._at : stop]
        self._at = stop + 1
        return inside

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _fault(self, what: str) -> DialPlanError:
        read, rest = self._text[: self._at], self._text[self._at :]
        return DialPlanError(f"dial plan, after {read!r}, at {rest[:8]!r}: {what}")


def _expand_ranges(text: str) -> str | None:
    """The digits that "3-59" stands for; None if it is no list of digits and ranges."""
    digits = ""
    at = 0
    while at < len(text):
        first = text[at]
        last = text[at + 2 : at + 3] if text[at + 1 : at + 2] == "-" else first
        if first not in DIALLABLE or not last or last not in DIALLABLE:
            return None
        if first != last and not (first.isdigit() and last.isdigit() and first < last):
            return None
        digits += first if first == last else "0123456789"[int(first) : int(last) + 1]
        at += 1 if last == first and text[at + 1 : at + 2] != "-" else 3
    return digits or None
