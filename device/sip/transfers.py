"""The transfers of a user agent: REFERs of ours that are followed, and REFERs of others that are carried out."""

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final
from device.model import CallId
from device.sip.call_table import CallTable
from device.sip.core import Core
from device.sip.dialog import Dialog, DialogId
from device.sip.errors import SipParseError, SipStateError
from device.sip.events import CallEnded, SipEvent
from device.sip.feature_events import TransferRequested
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.incoming_request import Refusal
from device.sip.invite_session import InviteSession, SessionState
from device.sip.message import Request
from device.sip.notifier import Notifier
from device.sip.refer import parse_referral, replaces_of
from device.sip.subscription import Notified, parse_event, parse_subscription_state
from device.sip.subscription_table import FULL_RETRY_AFTER_S, NO_EVENT, SubscriptionTable
from device.sip.target import dialled_uri
from device.sip.transaction import ServerKey
from device.sip.transferee import ReceivedRefer, Transferee
from device.sip.transferor import CallGone, Transferor
from device.sip.uri import Uri
from device.sip.user_agent_client import UserAgentClient
from device.timing import earliest

_log = logging.getLogger(__name__)

MAX_UNDECIDED: Final = 8
"""So many REFERs may wait for their owner's word; one more is answered 503."""

Place = Callable[[CallId, str, bytes, Identity, tuple[tuple[str, str], ...], float], None]
"""Places the call that a REFER asks for: name, target, offer, account, further header fields, time."""


class Transfers:
    """Both roles of RFC 3515, bounded by the calls and by `MAX_UNDECIDED`."""

    __slots__ = ("_calls", "_client", "_core", "_count", "_place", "_subscriptions", "_transferees", "_transferors")

    def __init__(
        self, core: Core, client: UserAgentClient, calls: CallTable, subscriptions: SubscriptionTable, place: Place
    ) -> None:
        self._core = core
        self._client = client
        self._calls = calls
        self._subscriptions = subscriptions
        self._place = place
        self._transferors: dict[tuple[DialogId, int], Transferor] = {}
        self._transferees: dict[str, Transferee] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._transferors) + len(self._transferees)

    def handle_timeout(self, now: float) -> None:
        """Do all that is due, and forget what is over."""
        for one in list(self._transferors.values()):
            one.handle_timeout(now)
        self._transferors = {name: one for name, one in self._transferors.items() if not one.is_over}

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return earliest(*(one.next_timeout() for one in self._transferors.values()))

    # Ours.

    def transfer(self, call_id: CallId, target: str, replaced: CallId | None, now: float) -> None:
        """Ask the far end of `call_id` to call `target`, or with `replaced` to talk to that call's far end.

        Raises SipStateError when there is no such call, when it is not established, or when it is being transferred.
        """
        session = self._established(call_id)
        if any(one.call_id == call_id and not one.has_finished for one in self._transferors.values()):
            raise SipStateError(f"call {call_id} is being transferred already; wait for its outcome")
        replaces = None
        if replaced is not None:
            other = self._established(replaced)
            replaces = replaces_of(other.usage.confirmed_dialog)
            uri = _reachable(other)
        else:
            uri = dialled_uri(target, session.identity.domain)
        transferor = Transferor(session.usage)
        self._count += 1
        self._transferors[session.usage.confirmed_dialog.id, self._count] = transferor
        self._core.follow(call_id, self._follow_old)
        transferor.start(uri, replaces, now)

    def _established(self, call_id: CallId) -> InviteSession:
        session = self._calls.get(call_id)
        if session is None or session.state is not SessionState.CONFIRMED:
            raise SipStateError(f"call {call_id} is not established, so that it cannot be transferred")
        return session

    def _follow_old(self, event: SipEvent, now: float) -> bool:
        """The call that is being transferred ended."""
        if not isinstance(event, CallEnded):
            return False
        for one in self._transferors.values():
            if one.call_id == event.call_id:
                one.receive(CallGone(event.cause.local), now)
        return True

    def receive_notify(self, key: ServerKey, request: Request, now: float) -> bool:
        """Give a NOTIFY of the refer package to its transfer; false when it belongs to none."""
        event = parse_event(request.headers.get("Event") or NO_EVENT)
        dialog_id = DialogId(request.call_id, request.to.tag or "", request.from_.tag or "")
        mine = [one for name, one in self._transferors.items() if name[0] == dialog_id]
        found = next((one for one in reversed(mine) if event.package == "refer" and one.matches(event.id)), None)
        if found is None:
            return False
        state = parse_subscription_state(request.headers.get("Subscription-State"))
        found.receive(Notified(key, request, state), now)
        return True

    # Those of others.

    def receive_refer(
        self,
        key: ServerKey,
        request: Request,
        source: Hop,
        identity: Identity,
        call: tuple[CallId, Dialog] | None,
        now: float,
    ) -> None:
        """A REFER: refuse it, or let the owner decide."""
        refusal = self._refer_fault(source, identity, in_call=call is not None)
        if refusal is None:
            try:
                referral = parse_referral(request)
            except SipParseError as error:
                refusal = Refusal(error.status or 400, reason=None if error.status == 416 else str(error))
        if refusal is not None:
            self._core.respond(key, refusal.response(request, self._core.ids.tag()), now)
            return
        call_id, dialog = call if call is not None else (None, Dialog.of_request(request, self._core.ids.tag(), source))
        self._count += 1
        transfer_id = f"transfer-{self._count}"
        refer = ReceivedRefer(key, request, source, dialog, call_id)
        self._transferees[transfer_id] = Transferee(self._core, self._client, identity, referral, refer)
        by = str(request.from_.uri)
        target = str(referral.target)
        told = TransferRequested(transfer_id, call_id, identity.account_id, target, by, referral.is_attended)
        self._core.emit(told)

    def _refer_fault(self, source: Hop, identity: Identity, *, in_call: bool) -> Refusal | None:
        policy = self._core.settings.accept_refer
        from_server = policy == "servers" and source.host in identity.servers
        if policy == "off" or not (in_call or from_server):
            return Refusal(403)
        if len(self._transferees) >= MAX_UNDECIDED or self._subscriptions.is_full:
            return Refusal(503, (("Retry-After", str(FULL_RETRY_AFTER_S)),))
        return None

    def accept(self, transfer_id: str, call_id: CallId, offer: bytes, now: float) -> None:
        """Carry out a transfer: answer 202, place the call under the name `call_id`, and tell of its progress.

        Raises SipStateError when there is no such transfer to decide on.
        """
        transferee = self._take(transfer_id)
        notifier = transferee.accept(now)
        if notifier is not None:
            self._subscriptions.add(notifier)
            self._core.follow(call_id, _reporter(transferee, notifier))
        self._place(
            call_id, str(transferee.referral.target), offer, transferee.identity, transferee.invite_headers, now
        )

    def refuse(self, transfer_id: str, status: int, now: float) -> None:
        """Answer a REFER with a failure. Raises SipStateError as `accept` does."""
        self._take(transfer_id).refuse(status, now)

    def _take(self, transfer_id: str) -> Transferee:
        transferee = self._transferees.pop(transfer_id, None)
        if transferee is None:
            raise SipStateError(f"no transfer {transfer_id} waits for a decision")
        return transferee


def _reporter(transferee: Transferee, notifier: Notifier) -> Callable[[SipEvent, float], bool]:
    def report(event: SipEvent, now: float) -> bool:
        return transferee.report(notifier, event, now)

    return report


def _reachable(session: InviteSession) -> Uri:
    """How a third party reaches the far end of a call: through its server where we have one, else directly."""
    dialog = session.usage.confirmed_dialog
    if session.identity.account is None or dialog.remote_target.has_param("gr"):
        return dialog.remote_target.target()
    return dialog.remote.uri.target()
