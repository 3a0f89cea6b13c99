"""What DNS has answered, for how long it holds, and what is served when DNS is dead (RFC 1035, 2308, 8767). Pure."""

from device.annotations import Final
from device.net.dns_message import AAAA, CNAME, NAPTR, SRV, A, Naptr, RecordData, Srv
from device.net.server_location import Question
from device.records import dataclass

MIN_TTL_S: Final = 5.0
"""A shorter life, also one of 0, is taken for this: one call makes several requests."""
MAX_TTL_S: Final = 86_400.0
"""A longer life is taken for this (RFC 8767 section 4 lets a cache choose its cap)."""
MIN_NEGATIVE_TTL_S: Final = 5.0
MAX_NEGATIVE_TTL_S: Final = 60.0
"""A name that is not there may be entered any time, and somebody waits for it (RFC 2308 section 5 allows 3 hours)."""
DEFAULT_NEGATIVE_TTL_S: Final = 30.0
"""Where the server does not say."""
FAILURE_TTL_S: Final = 30.0
"""After the name servers failed they are left alone so long, while an old answer serves (RFC 8767 section 5)."""
HELPLESS_TTL_S: Final = 5.0
"""The same where there is no old answer, so that nothing works until they are back."""
MAX_STALE_S: Final = 7 * 86_400.0
"""How long after its end an answer may still serve when DNS is dead (RFC 8767 suggests one to three days)."""
MAX_ANSWERS: Final = 128
"""Answers that are kept; beyond them the one that came longest ago goes."""


@dataclass(frozen=True, slots=True)
class _Answer:
    data: tuple[RecordData, ...]
    fresh_until: float
    kept_until: float


class DnsCache:
    """Answers by question; an empty answer says that there are no such records."""

    __slots__ = ("_answers", "_failed")

    def __init__(self) -> None:
        self._answers: dict[Question, _Answer] = {}
        self._failed: dict[Question, float] = {}
        """Questions that the name servers left open, and until when they are not asked again."""

    def put(self, question: Question, data: tuple[RecordData, ...], ttl_s: float | None, now: float) -> None:
        """Keep an answer for its time to live within the caps; None where an empty answer says nothing of it."""
        self._failed.pop(question, None)
        if data:
            lifetime = min(max(ttl_s or 0.0, MIN_TTL_S), MAX_TTL_S)
        else:
            wanted = DEFAULT_NEGATIVE_TTL_S if ttl_s is None else ttl_s
            lifetime = min(max(wanted, MIN_NEGATIVE_TTL_S), MAX_NEGATIVE_TTL_S)
        self._keep(question, _Answer(data, now + lifetime, now + lifetime + MAX_STALE_S))

    def restore(self, question: Question, data: tuple[RecordData, ...], now: float) -> None:
        """Take an answer of an earlier run: it is stale from the beginning."""
        if question not in self._answers:
            self._keep(question, _Answer(data, now, now + MAX_STALE_S))

    def put_failure(self, question: Question, now: float) -> None:
        """Note that no name server answered; what is known of before stays."""
        self._failed.pop(question, None)
        if len(self._failed) >= MAX_ANSWERS:
            del self._failed[next(iter(self._failed))]
        self._failed[question] = now + (HELPLESS_TTL_S if self.stale(question, now) is None else FAILURE_TTL_S)

    def fresh(self, question: Question, now: float) -> tuple[RecordData, ...] | None:
        """The answer if it still holds; None when it must be asked for."""
        answer = self._answers.get(question)
        return answer.data if answer is not None and now < answer.fresh_until else None

    def stale(self, question: Question, now: float) -> tuple[RecordData, ...] | None:
        """The last answer, also one whose time is over; None when there is none or it is too old."""
        answer = self._answers.get(question)
        return answer.data if answer is not None and now < answer.kept_until else None

    def has_failed(self, question: Question, now: float) -> bool:
        """Whether the name servers left it open so lately that they are not asked again."""
        return self._failed.get(question, now) > now

    def forget_failures(self) -> None:
        """The name servers or the network are others than before."""
        self._failed.clear()

    def __len__(self) -> int:
        return len(self._answers)

    def _keep(self, question: Question, answer: _Answer) -> None:
        self._answers.pop(question, None)
        if len(self._answers) >= MAX_ANSWERS:
            del self._answers[next(iter(self._answers))]
        self._answers[question] = answer


def encode_answer(data: tuple[RecordData, ...]) -> str:
    """An answer as lines of text in the form of a zone file, in an order that does not depend on the server's."""
    return "\n".join(sorted(map(_record_text, data)))


def decode_answer(kind: int, text: str) -> tuple[RecordData, ...]:
    """The answer that `encode_answer` wrote; records that cannot be read are left out."""
    records = (_read_record(kind, line) for line in text.splitlines())
    return tuple(record for record in records if record is not None)


def _record_text(record: RecordData) -> str:
    if isinstance(record, Srv):
        return f"{record.priority} {record.weight} {record.port} {record.target or '.'}"
    if isinstance(record, Naptr):
        # A regular expression is of no use to us, and would need quoting.
        return f"{record.order} {record.preference} {record.flags} {record.service} {record.replacement or '.'}"
    return record


def _read_record(kind: int, line: str) -> RecordData | None:
    words = line.split(" ")
    try:
        if kind == SRV:
            priority, weight, port, target = words
            return Srv(int(priority), int(weight), int(port), target.removesuffix("."))
        if kind == NAPTR:
            order, preference, flags, service, replacement = words
            return Naptr(int(order), int(preference), flags, service, "", replacement.removesuffix("."))
    except ValueError:
        return None
    return line if kind in (A, AAAA, CNAME) and len(words) == 1 else None
