"""Pickup: a call that rings elsewhere is taken by dialling a code, at any phone that knows Replaces (RFC 3891).

The caller need know nothing of it, so that calls from a trunk can be picked up as well: the one who dials the code is
called in place of its own attempt. Where only the caller knows Replaces, the attempt goes to the caller instead.
"""

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final, Protocol
from device.exchange.call_watch import CallWatch, WatchedCall
from device.exchange.proxy import Proxy, Received
from device.exchange.replacing import knows_replaces, replacing
from device.exchange.response_context import Stage
from device.ids import IdSource
from device.records import dataclass
from device.sip.errors import SipParseError
from device.sip.message import Request, Response
from device.sip.refer import Replaces, parse_replaces
from device.sip.timers import DeadlineHeap
from device.sip.transaction import ServerKey

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 6.0
"""An attempt whose phone has not taken its call after so long ends."""
AFTERGLOW_S: Final = 1.0
"""So long the phone has time to take its attempt back by itself once it has the call."""
NOTHING_RINGS: Final = "Nothing rings that you may pick up"


class Respond(Protocol):
    """Answers a request through its transaction."""

    def __call__(self, key: ServerKey, response: Response, now: float) -> None:
        """Send `response`."""


@dataclass(frozen=True, slots=True)
class PickupSettings:
    """What is dialled, alone for any call of the group or before a number for a call there, and who may take whose.

    `groups` are users who take each other's calls; without any all may take all.
    """

    code: str = "*8"
    groups: tuple[frozenset[str], ...] = ()

    def may_take(self, user: str, rings_at: str) -> bool:
        """Whether a user may pick up calls that ring at another one."""
        return not self.groups or any(user in group and rings_at in group for group in self.groups)


def parse_groups(text: str) -> tuple[frozenset[str], ...]:
    """Read "1001 1002, 1003 1004": users with blanks between them, groups with commas."""
    return tuple(frozenset(part.split()) for part in text.split(",") if part.split())


class _Attempt:
    """A pickup under way: the INVITE with the code, and the call that its phone is to take."""

    __slots__ = ("call", "request")

    def __init__(self, request: Request, call: WatchedCall) -> None:
        self.request = request
        self.call = call


class Pickup:
    """Takes INVITEs that mean a call which rings elsewhere."""

    def __init__(
        self,
        settings: PickupSettings,
        calls: CallWatch,
        proxy: Proxy,
        ids: IdSource,
        meant: Callable[[str], str],
        respond: Respond,
    ) -> None:
        self._settings = settings
        self._calls = calls
        self._proxy = proxy
        self._ids = ids
        self._meant = meant
        self._respond = respond
        self._attempts: dict[ServerKey, _Attempt] = {}
        self._ends: DeadlineHeap[ServerKey] = DeadlineHeap()

    def takes(self, request: Request, user: str) -> bool:
        """Whether an INVITE of a proved user is a pickup: by the code, or by Replaces of a call that rings there."""
        if request.method != "INVITE" or request.to.tag is not None or not user:
            return False
        code = self._settings.code
        return bool(code and request.uri.user.startswith(code)) or self._meant_by_replaces(request) is not None

    def receive(self, received: Received, user: str, now: float) -> None:
        """Let the phone of `user`, who has dialled the code, take a call."""
        request = received.request
        call = self._meant_by_replaces(request) or self._by_code(request, user)
        if call is None:
            self._refuse(received.key, request, 480, NOTHING_RINGS, now)
        elif not self._settings.may_take(user, self._rings_at(call)):
            self._refuse(received.key, request, 403, "Not in your pickup group", now)
        elif knows_replaces(request) and request.contacts:
            self._call_back(received, user, call, now)
        elif knows_replaces(call.invite) and call.invite.contacts:
            self._send_to_caller(received, call, now)
        else:
            self._refuse(received.key, request, 480, "Neither phone knows Replaces", now)

    def _by_code(self, request: Request, user: str) -> WatchedCall | None:
        """The call that has rung longest, at the number after the code or at anybody of the group."""
        number = request.uri.user.removeprefix(self._settings.code)
        wanted = self._meant(number) if number else ""
        for call in self._calls.ringing():
            places = call.rings_where
            if wanted:
                if wanted in places:
                    return call
            elif user not in (call.caller, *places) and any(self._settings.may_take(user, one) for one in places):
                return call
        return None

    def _meant_by_replaces(self, request: Request) -> WatchedCall | None:
        """A phone whose lamp told it of the dialog names that: at the phone where it rings, nobody could replace it."""
        value = request.headers.get("Replaces")
        if value is None:
            return None
        try:
            replaces = parse_replaces(value)
        except SipParseError:
            return None
        for call in self._calls.ringing():
            tags = {call.invite.from_.tag, *call.ringing_tags}
            if call.invite.call_id == replaces.call_id and {replaces.to_tag, replaces.from_tag} <= tags:
                return call if self._meant(request.uri.user) in call.rings_where else None
        return None

    def _rings_at(self, call: WatchedCall) -> str:
        return next(iter(call.rings_where), "")

    def _call_back(self, received: Received, user: str, call: WatchedCall, now: float) -> None:
        """Offer the call to the phone that dialled, in place of its own attempt, which rings until then."""
        request = received.request
        ringing = request.response(180, to_tag=self._ids.tag())
        ringing.headers.add("Contact", f"<{request.uri}>")
        replaces = Replaces(request.call_id, request.from_.tag or "0", ringing.to.tag or "0", early_only=True)
        target = replacing(request.contacts[0].uri, received.source, replaces, user)
        self._attempts[received.key] = _Attempt(request, call)
        self._ends.set(received.key, now + PATIENCE_S)
        self._respond(received.key, ringing, now)
        if self._proxy.join(call.context, target, now):
            logger.info("%s picks up the call of %s", user, call.invite.from_.uri)
        else:
            self._finish(received.key, 480, NOTHING_RINGS, now)

    def _send_to_caller(self, received: Received, call: WatchedCall, now: float) -> None:
        """Send the attempt to the caller, whose own one it replaces (RFC 3891 section 3)."""
        invite = call.invite
        tag = next(iter(call.ringing_tags), "0")
        replaces = Replaces(invite.call_id, invite.from_.tag or "0", tag, early_only=True)
        received.request.headers.remove("Replaces")
        target = replacing(invite.contacts[0].uri, call.source, replaces, call.caller)
        self._proxy.forward(received, [Stage((target,))], now)

    def cancel(self, key: ServerKey, now: float) -> None:
        """The phone has taken its attempt back, as it does when it takes the call; or somebody gives up."""
        if key in self._attempts:
            self._finish(key, 487, "Request Terminated", now)

    def _finish(self, key: ServerKey, status: int, reason: str, now: float) -> None:
        attempt = self._attempts.pop(key)
        self._ends.cancel(key)
        self._refuse(key, attempt.request, status, reason, now)

    def _refuse(self, key: ServerKey, request: Request, status: int, reason: str, now: float) -> None:
        self._respond(key, request.response(status, reason, self._ids.tag()), now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return self._ends.next_timeout()

    def calls_changed(self, now: float) -> None:
        """Some call was answered or has ended: attempts for it end soon, if their phones do not end them first."""
        for key, attempt in self._attempts.items():
            if not attempt.call.rings_where:
                self._ends.set(key, now + AFTERGLOW_S)

    def handle_timeout(self, now: float) -> None:
        """End attempts that came to nothing, or whose phone has its call and left them open."""
        for key in self._ends.pop_due(now):
            self._finish(key, 480, NOTHING_RINGS, now)
