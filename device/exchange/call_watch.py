"""The calls that the proxy has let begin, as the lamps of others show them (RFC 4235): who rings, who talks."""

from collections.abc import Callable, Iterable
from enum import Enum

from device.annotations import Final
from device.exchange.response_context import Branch, ResponseContext
from device.records import dataclass
from device.sip.errors import SipParseError
from device.sip.headers import NameAddr
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.session_timer import read_interval
from device.sip.timers import DeadlineHeap
from device.sip.transaction import ClientKey, ServerKey

MAX_CALLS: Final = 1000
"""Calls that are watched at once; the oldest makes room."""

SILENT_CALL_S: Final = 4 * 3600.0
"""A call without any request in it for so long, and without a session timer, is taken to have ended unseen."""

LONGEST_INTERVAL_S: Final = 99_999
"""A session timer above this is none."""

REFRESH_FACTOR: Final = 1.5
"""A call with a session timer that was not refreshed for so many of its intervals has ended unseen (RFC 4028)."""


class DialogPhase(Enum):
    """The states of RFC 4235 section 3.7.1 that can be seen from between the two."""

    TRYING = "trying"
    EARLY = "early"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class WatchedDialog:
    """One side of one call, from the point of view of the user on it."""

    call_id: str
    local_tag: str
    remote_tag: str
    is_initiator: bool
    phase: DialogPhase
    local: NameAddr
    remote: NameAddr


class _Ringing:
    """One phone that a call is offered to."""

    __slots__ = ("phase", "tag", "user")

    def __init__(self, user: str) -> None:
        self.user = user
        self.phase = DialogPhase.TRYING
        self.tag = ""


class WatchedCall:
    """One call: its caller, and the phones that ring or the one that has answered."""

    __slots__ = ("answered", "caller", "context", "invite", "phones", "source")

    def __init__(self, invite: Request, caller: str, context: ServerKey, source: Hop) -> None:
        self.invite = invite
        self.source = source
        """Where the INVITE came from."""
        self.caller = caller
        """The user of ours who calls; "" for anybody else."""
        self.context = context
        self.phones: dict[ClientKey, _Ringing] = {}
        self.answered: _Ringing | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Call-ID and the caller's tag."""
        return self.invite.call_id, self.invite.from_.tag or ""

    @property
    def users(self) -> set[str]:
        """The users of ours whose lamps show this call."""
        return {user for user in (self.caller, *(phone.user for phone in self._shown())) if user}

    def _shown(self) -> tuple[_Ringing, ...]:
        return (self.answered,) if self.answered is not None else tuple(self.phones.values())

    @property
    def rings_where(self) -> tuple[str, ...]:
        """The users at whose phones it rings; none once somebody has answered."""
        if self.answered is not None:
            return ()
        ringing = (phone.user for phone in self.phones.values() if phone.phase is DialogPhase.EARLY)
        return tuple(dict.fromkeys(user for user in ringing if user))

    @property
    def ringing_tags(self) -> tuple[str, ...]:
        """The tags of the phones where it rings."""
        return tuple(phone.tag for phone in self.phones.values() if phone.phase is DialogPhase.EARLY and phone.tag)

    @property
    def answered_tag(self) -> str | None:
        """The tag of who has answered; None before."""
        return self.answered.tag if self.answered is not None else None

    def dialogs_of(self, user: str) -> list[WatchedDialog]:
        """What a lamp for `user` shows of this call."""
        call_id, caller_tag = self.key
        called = NameAddr("", self.invite.to.uri)
        found = []
        shown = self._shown()
        if user == self.caller:
            phases = [phone.phase for phone in shown]
            best = max(phases, key=list(DialogPhase).index, default=DialogPhase.TRYING)
            tag = next((phone.tag for phone in shown if phone.phase is best), "")
            found.append(WatchedDialog(call_id, caller_tag, tag, True, best, _named(self.invite.from_), called))
        for phone in shown:
            if phone.user == user:
                caller = _named(self.invite.from_)
                found.append(WatchedDialog(call_id, phone.tag, caller_tag, False, phone.phase, called, caller))
        return found


def _named(address: NameAddr) -> NameAddr:
    return NameAddr(address.display_name, address.uri)


class CallWatch:
    """Follows every call from its INVITE to its end; `changed` is told the users whose lamps may look different."""

    def __init__(self, is_ours: Callable[[NameAddr], str], changed: Callable[[set[str], float], None]) -> None:
        self._is_ours = is_ours
        """From a From to the user of ours that it proves to be; "" for others."""
        self._changed = changed
        self._calls: dict[tuple[str, str], WatchedCall] = {}
        self._by_user: dict[str, dict[tuple[str, str], WatchedCall]] = {}
        self._ends: DeadlineHeap[tuple[str, str]] = DeadlineHeap()

    def __len__(self) -> int:
        return len(self._calls)

    def calls_of(self, user: str) -> tuple[WatchedCall, ...]:
        """The calls that a user is in, the oldest first."""
        return tuple(self._by_user.get(user, {}).values())

    def ringing(self) -> list[WatchedCall]:
        """The calls that ring somewhere, the oldest first."""
        return [call for call in self._calls.values() if call.rings_where]

    def dialogs_of(self, user: str) -> list[WatchedDialog]:
        """All that a lamp for `user` shows."""
        return [dialog for call in self.calls_of(user) for dialog in call.dialogs_of(user)]

    def is_busy(self, user: str) -> bool:
        """Whether a user talks, or calls somebody; one whose phone merely rings does not."""
        return any(dialog.is_initiator or dialog.phase is DialogPhase.CONFIRMED for dialog in self.dialogs_of(user))

    # The proxy's news.

    def branch_sent(self, context: ResponseContext, branch: Branch, now: float) -> None:
        """An INVITE was sent on its way to a target."""
        if not context.is_invite or context.request.to.tag is not None:
            return
        call = self._call_of(context)
        if call is None:
            call = self._begin(context)
        if call.answered is None:
            # Every call has its end here, whatever becomes of its request.
            self._ends.set(call.key, now + SILENT_CALL_S)
            call.phones[branch.key] = _Ringing(branch.target.user)
            self._tell(call, call.users, now)

    def branch_responded(self, context: ResponseContext, branch: Branch, response: Response, now: float) -> None:
        """A response other than 100 to that INVITE came from a target."""
        call = self._call_of(context)
        phone = call.phones.get(branch.key) if call is not None else None
        if call is None or phone is None or call.answered is not None:
            return
        before = call.users
        if response.status < 200:
            phone.phase, phone.tag = DialogPhase.EARLY, response.to.tag or phone.tag
        elif response.status < 300:
            phone.phase, phone.tag = DialogPhase.CONFIRMED, response.to.tag or ""
            call.answered = phone
            self._keep_alive(call, response, now)
        else:
            del call.phones[branch.key]
        self._tell(call, before | call.users, now)

    def branch_replaced(self, context: ResponseContext, branch: Branch) -> None:
        """Another branch takes the place of one; that is told with `branch_sent`."""
        call = self._call_of(context)
        if call is not None and call.answered is None:
            call.phones.pop(branch.key, None)

    def finished(self, context: ResponseContext, response: Response, now: float) -> None:
        """A final response went back to the caller."""
        call = self._call_of(context)
        if call is not None and response.status >= 300:
            self._end(call, now)

    # Within calls.

    def request_within(self, request: Request, now: float) -> None:
        """A request within a call passes: BYE ends it, all others show that it lives."""
        for tag in (request.from_.tag, request.to.tag):
            call = self._calls.get((request.call_id, tag or ""))
            if call is None or call.answered is None:
                continue
            if request.method == "BYE":
                self._end(call, now)
            else:
                self._keep_alive(call, request, now)

    def _keep_alive(self, call: WatchedCall, message: Request | Response, now: float) -> None:
        interval = read_interval(message)
        lives_s = (
            REFRESH_FACTOR * interval.seconds if interval and interval.seconds <= LONGEST_INTERVAL_S else SILENT_CALL_S
        )
        self._ends.set(call.key, now + lives_s)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return self._ends.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Forget calls that have ended unseen, as when the power fails at one side."""
        for key in self._ends.pop_due(now):
            if key in self._calls:
                self._end(self._calls[key], now)

    # The table.

    def _call_of(self, context: ResponseContext) -> WatchedCall | None:
        if not context.is_invite or context.request.to.tag is not None:
            return None
        call = self._calls.get((context.request.call_id, context.request.from_.tag or ""))
        return call if call is not None and call.context == context.key else None

    def _begin(self, context: ResponseContext) -> WatchedCall:
        if len(self._calls) >= MAX_CALLS:
            self._forget(next(iter(self._calls.values())))
        try:
            caller = self._is_ours(context.request.from_)
        except SipParseError:
            caller = ""
        call = WatchedCall(context.request, caller, context.key, context.source)
        known = self._calls.get(call.key)
        if known is not None:
            self._forget(known)
        self._calls[call.key] = call
        return call

    def _end(self, call: WatchedCall, now: float) -> None:
        users = call.users
        self._forget(call)
        self._changed(users, now)

    def _forget(self, call: WatchedCall) -> None:
        self._calls.pop(call.key, None)
        self._ends.cancel(call.key)
        self._index(call, call.users, present=False)

    def _tell(self, call: WatchedCall, users: Iterable[str], now: float) -> None:
        self._index(call, users, present=False)
        self._index(call, call.users, present=True)
        self._changed(set(users), now)

    def _index(self, call: WatchedCall, users: Iterable[str], *, present: bool) -> None:
        for user in users:
            calls = self._by_user.setdefault(user, {})
            if present:
                calls[call.key] = call
            else:
                calls.pop(call.key, None)
            if not calls:
                del self._by_user[user]
