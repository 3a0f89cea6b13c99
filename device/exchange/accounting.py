"""The accounting of the exchange: from the messages that pass to the records of registrations and calls.

A proxy sees a call begin, be answered and end; what nobody tells it, as when a phone loses its power, it never knows.
"""

from collections.abc import Iterable

from device.exchange_model import AccountingRecord, CallDetail
from device.records import dataclass, replace
from device.sip.causes import cause_text, with_reason
from device.sip.message import Request, Response
from device.sip.timers import DeadlineHeap
from device.sip.transaction import ServerKey

MAX_CALLS = 1000
"""Calls that are being set up, and likewise calls that stand; beyond it the oldest is no longer followed."""

MAX_ANSWERED = 64
"""Calls that were answered just now and may be answered once more."""

MAX_CALL_S = 86400
"""A call that has stood so long has ended without a BYE."""

MAX_CONTACTS_TEXT = 200
"""Characters of the contacts of a REGISTER that are accounted."""

MAX_TEXT = 256
"""Characters of a name, tag or Call-ID that are kept."""

CHALLENGES = (401, 407)
"""Finals after which the caller tries again: the call has not failed."""

LOST = "no end seen"
"""The cause of a call of which nothing more was heard."""

TALKED = "ended normally"

DialogName = tuple[str, str, str]
"""Call-ID and both tags, the caller's first."""


@dataclass(frozen=True, slots=True)
class Accounted:
    """What is to be stored: a record for `acc`, and a call as it stands now, in place of what was known of it."""

    record: AccountingRecord | None = None
    call: CallDetail | None = None


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An INVITE on its way."""

    call: CallDetail
    src_user: str
    dst_user: str
    src_ip: str


class Accounting:
    """Follows calls from INVITE to BYE. Times are Unix seconds."""

    def __init__(self) -> None:
        self._attempts: dict[ServerKey, _Attempt] = {}
        self._answered: dict[ServerKey, _Attempt] = {}
        """The newest of those that were answered: a fork further on may answer once more."""
        self._open: dict[DialogName, CallDetail] = {}
        self._ends: DeadlineHeap[DialogName] = DeadlineHeap()
        """When a call is taken for lost."""

    def resume(self, open_calls: Iterable[CallDetail]) -> None:
        """Follow calls that stood before a restart."""
        for call in open_calls:
            self._follow(call)

    @property
    def calls(self) -> list[CallDetail]:
        """The calls that stand and those that are being set up, the oldest first."""
        trying = [attempt.call for attempt in self._attempts.values()]
        return sorted([*self._open.values(), *trying], key=lambda call: call.set_up_at)

    def handle_timeout(self, unix_now: float) -> list[Accounted]:
        """Give up calls of which no end was seen; now and then is soon enough."""
        lost = [self._open.pop(name) for name in self._ends.pop_due(unix_now)]
        return [Accounted(None, replace(call, ended_at=unix_now, cause=LOST)) for call in lost]

    def shift(self, seconds: float) -> None:
        """The clock was set ahead by so much: calls began when they began."""
        for name, call in list(self._open.items()):
            moved = replace(call, set_up_at=call.set_up_at + seconds, answered_at=call.answered_at + seconds)
            self._open[name] = moved
            self._ends.set(name, moved.answered_at + MAX_CALL_S)

    # Calls.

    def invite_received(self, key: ServerKey, request: Request, src_ip: str, unix_now: float) -> None:
        """Somebody wants to call."""
        call = CallDetail(
            _text(request.call_id),
            _text(request.from_.tag or ""),
            "",
            _text(str(request.from_.uri)),
            _text(request.uri_text),
            unix_now,
        )
        if len(self._attempts) >= MAX_CALLS:
            del self._attempts[next(iter(self._attempts))]
        self._attempts[key] = _Attempt(call, _text(request.from_.uri.user), _text(request.uri.user), src_ip)

    def final_sent(self, key: ServerKey, response: Response, unix_now: float) -> Accounted | None:
        """The final response to an INVITE went back; answers what is to be stored, None for nothing."""
        attempt = self._attempts.pop(key, None) or self._answered.get(key)
        if attempt is None or response.status in CHALLENGES:
            return None
        call = replace(attempt.call, to_tag=_text(response.to.tag or ""), sip_code=response.status)
        if response.status < 300:
            call = replace(call, answered_at=unix_now, answered_by=_answering(response))
            self._follow(call)
            self._answered[key] = attempt
            if len(self._answered) > MAX_ANSWERED:
                del self._answered[next(iter(self._answered))]
        else:
            call = replace(call, ended_at=unix_now, cause=cause_text(response.status, response.reason))
        return Accounted(_record("INVITE", attempt, call, response, unix_now), call)

    def transaction_over(self, key: ServerKey) -> None:
        """An INVITE will get no further answer; without any, as when it could not be read, there was no call."""
        self._attempts.pop(key, None)
        self._answered.pop(key, None)

    def bye_received(self, request: Request, unix_now: float) -> Accounted | None:
        """One side of a call that stands has hung up."""
        name = (_text(request.call_id), _text(request.from_.tag or ""), _text(request.to.tag or ""))
        ended_by = "caller"
        if name not in self._open:
            name, ended_by = (name[0], name[2], name[1]), "callee"
        call = self._open.pop(name, None)
        if call is None:
            return None
        self._ends.cancel(name)
        cause = with_reason(TALKED, request.headers.get_all("Reason"))
        call = replace(call, ended_at=unix_now, cause=_text(cause), ended_by=ended_by)
        record = AccountingRecord(
            "BYE",
            call.from_tag,
            call.to_tag,
            call.call_id,
            "200",
            "OK",
            int(unix_now),
            round(1000 * call.duration_s),
            src_user=_text(request.from_.uri.user),
            dst_user=_text(request.to.uri.user),
        )
        return Accounted(record, call)

    def _follow(self, call: CallDetail) -> None:
        name = (call.call_id, call.from_tag, call.to_tag)
        if len(self._open) >= MAX_CALLS:
            oldest = next(iter(self._open))
            del self._open[oldest]
            self._ends.cancel(oldest)
        self._open[name] = call
        self._ends.set(name, call.answered_at + MAX_CALL_S)


def registration_record(request: Request, response: Response, user: str, src_ip: str, unix_now: float) -> Accounted:
    """What became of a REGISTER; `user` is who has proved to send it, "" for somebody who has not."""
    contacts = "*" if request.contact_is_star else ", ".join(str(contact.uri) for contact in request.contacts[:3])
    return Accounted(
        AccountingRecord(
            "REGISTER",
            _text(request.from_.tag or ""),
            _text(response.to.tag or ""),
            _text(request.call_id),
            str(response.status),
            _text(response.reason),
            int(unix_now),
            src_user=user or _text(request.to.uri.user),
            dst_user=_text(contacts)[:MAX_CONTACTS_TEXT],
            src_ip=src_ip,
        )
    )


def _record(method: str, attempt: _Attempt, call: CallDetail, response: Response, unix_now: float) -> AccountingRecord:
    return AccountingRecord(
        method,
        call.from_tag,
        call.to_tag,
        call.call_id,
        str(response.status),
        _text(response.reason),
        int(unix_now),
        setuptime=round(unix_now - call.set_up_at),
        src_user=attempt.src_user,
        dst_user=attempt.dst_user,
        src_ip=attempt.src_ip,
    )


def _answering(response: Response) -> str:
    contacts = response.contacts
    return _text(str(contacts[0].uri)) if contacts else ""


def _text(text: str) -> str:
    """`text` as it can be stored, and no longer than it needs to be read."""
    return text.encode("utf-8", "backslashreplace").decode()[:MAX_TEXT]
