"""The user agent core (RFC 3261 section 8): finds the dialog, call or registration that a message belongs to."""

import logging
from collections import deque
from typing import Final

from device.ids import IdSource
from device.model import Account, AccountId, CallId, Credential
from device.sip.callee_session import CalleeSession
from device.sip.caller_session import CallerSession
from device.sip.core import SDP, Core, LocalAddress
from device.sip.dialog import Dialog, DialogId
from device.sip.errors import SipStateError
from device.sip.events import CallEnded, EndCause, SipEvent
from device.sip.headers import NameAddr
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.incoming_request import Refusal, find_fault
from device.sip.invite_session import InviteSession
from device.sip.invite_usage import InviteUsage, sdp_of
from device.sip.message import Request, Response
from device.sip.outgoing_invite import OutgoingInvite
from device.sip.registration import Registration
from device.sip.session_inputs import (
    AcceptRequested,
    AnswerRequested,
    ByeReceived,
    HangUpRequested,
    InviteReceived,
    RefuseRequested,
    RejectRequested,
    ReofferRequested,
    RingRequested,
    SessionInput,
)
from device.sip.settings import UserAgentSettings
from device.sip.target import dialled_uri
from device.sip.timers import SipTimers
from device.sip.transaction_layer import (
    AckReceived,
    CancelReceived,
    ClientKey,
    RequestReceived,
    ResponseReceived,
    ServerKey,
    StrayResponse,
    TransactionEvent,
    TransactionLayer,
    TransactionTerminated,
    TransactionTimedOut,
    TransportFailed,
)
from device.sip.user_agent_client import UserAgentClient
from device.timing import earliest

_log = logging.getLogger(__name__)

LINGERING_LIMIT: Final = 4
"""Calls that have ended but whose last messages are under way count up to so many times `max_calls`."""
OVERLOAD_RETRY_AFTER_S: Final = 5
LATE_INVITES_KEPT: Final = 8
"""How many ended calls are remembered for answers that come too late."""

MergeId = tuple[str, str, int, str]
"""From tag, Call-ID and CSeq of a request outside dialogs."""


class UserAgent:
    """The calls and registrations of all accounts of this phone; a `TransactionUser` of `SipEndpoint`.

    Every method may queue events (`next_event`) and messages (in the transaction layer).
    A method that a call's state does not allow raises `SipStateError`; a call that has ended is no error.
    """

    def __init__(
        self, settings: UserAgentSettings, timers: SipTimers, ids: IdSource, local_address: LocalAddress
    ) -> None:
        self._core = Core(settings, timers, ids, local_address)
        self._client = UserAgentClient(self._core)
        self._nobody = Identity(self._core, None, None)
        self._identities: dict[AccountId, Identity] = {}
        self._registrations: dict[AccountId, Registration] = {}
        self._leaving: set[AccountId] = set()
        self._sessions: dict[CallId, InviteSession] = {}
        self._late: deque[OutgoingInvite] = deque(maxlen=LATE_INVITES_KEPT)
        self._merge_ids: dict[ServerKey, MergeId] = {}
        self._open_requests: set[MergeId | None] = set()
        self._incoming_count = 0

    # Accounts.

    def add_account(self, account: Account, credential: Credential | None) -> None:
        """Make an account usable, or change it; it does not register by this.

        Raises SipStateError when the names of its servers cannot be read.
        """
        known = self._identities.get(account.id)
        if known is None and account.id in self._leaving:
            # Its registration is being taken back; the same one is to go on, lest the two cross at the registrar.
            known = self._registrations[account.id].identity
            self._leaving.discard(account.id)
        if known is None:
            known = Identity(self._core, account, credential)
        else:
            known.configure(account, credential)
        self._identities[account.id] = known

    def remove_account(self, account_id: AccountId, now: float) -> None:
        """Forget an account; its calls end and its registration is taken back."""
        identity = self._identities.pop(account_id, None)
        if identity is None:
            return
        for session in list(self._sessions.values()):
            if session.identity is identity:
                self._step(session.call_id, HangUpRequested(), now)
        if account_id in self._registrations:
            self._leaving.add(account_id)
            self._registrations[account_id].stop(now)
            self._forget_left()

    def start_registration(self, account_id: AccountId, now: float) -> None:
        """Register now and keep registered for ever; `RegistrationChanged` tells each step."""
        identity = self._identities.get(account_id)
        if identity is None:
            raise SipStateError(f"no account {account_id!r}; add it first")
        if account_id not in self._registrations:
            self._registrations[account_id] = Registration(self._core, self._client, identity)
        self._registrations[account_id].start(now)

    def stop_registration(self, account_id: AccountId, now: float) -> None:
        """Take the registration back (Expires: 0); UNREGISTERED follows within `unregister_timeout_s`."""
        registration = self._registrations.get(account_id)
        if registration is not None:
            registration.stop(now)

    def network_changed(self, now: float) -> None:
        """Our addresses changed or the link came back: every account registers again at once."""
        for registration in self._registrations.values():
            registration.network_changed(now)

    def _forget_left(self) -> None:
        for account_id in [name for name in self._leaving if self._registrations[name].is_idle]:
            self._leaving.discard(account_id)
            del self._registrations[account_id]

    # Calls.

    def invite(self, call_id: CallId, target: str, offer: bytes, account_id: AccountId | None, now: float) -> None:
        """Call `target`: "1002", "sip:x@y" or "10.0.0.5". `offer` is SDP; empty lets the other side offer.

        What cannot be called ends at once with `CallEnded`, its cause in words.
        """
        if call_id in self._sessions:
            raise SipStateError(f"call {call_id} exists already; give each call a name of its own")
        identity = self._nobody if account_id is None else self._identities.get(account_id)
        if identity is None:
            self._fail_at_once(call_id, 403, f"no account {account_id!r}; choose another or set it up")
            return
        if self._active_calls() >= self._core.settings.max_calls:
            self._fail_at_once(call_id, 486, f"{self._core.settings.max_calls} calls are going on already; end one")
            return
        try:
            uri = dialled_uri(target, identity.domain)
        except SipStateError as error:
            self._fail_at_once(call_id, 404, str(error))
            return
        usage = InviteUsage(self._core, self._client, identity, call_id, None)
        session = self._sessions[call_id] = CallerSession(usage, offer)
        session.start(uri, now)

    def _fail_at_once(self, call_id: CallId, status: int, text: str) -> None:
        _log.info("%s: ended: %s", call_id, text)
        self._core.emit(CallEnded(call_id, EndCause(status, text, local=True)))

    def ring(self, call_id: CallId, now: float) -> None:
        """Send 180 for an incoming call."""
        self._step(call_id, RingRequested(), now)

    def answer(self, call_id: CallId, sdp: bytes, now: float) -> None:
        """Send 200 for an incoming call, with our answer, or our offer where theirs was empty."""
        self._step(call_id, AnswerRequested(sdp), now)

    def reject(self, call_id: CallId, status: int, now: float) -> None:
        """Refuse an incoming call with `status` 400 to 699: 486 busy, 603 decline, 480 unavailable, 488 no codec."""
        self._step(call_id, RejectRequested(_failure(status)), now)

    def hang_up(self, call_id: CallId, now: float) -> None:
        """End the call by whatever its state needs: CANCEL, BYE or 603. `CallEnded` follows at once."""
        self._step(call_id, HangUpRequested(), now)

    def reoffer(self, call_id: CallId, sdp: bytes, now: float) -> None:
        """Send a re-INVITE with our new offer: hold, resume, another codec. Waits while another one is under way."""
        self._step(call_id, ReofferRequested(sdp), now)

    def accept_offer(self, call_id: CallId, sdp: bytes, now: float) -> None:
        """Answer `OfferReceived`, or give the offer that it asks for."""
        self._step(call_id, AcceptRequested(sdp), now)

    def refuse_offer(self, call_id: CallId, status: int, now: float) -> None:
        """Refuse `OfferReceived`, usually with 488; the session goes on as it was.

        Where the offer came in a 2xx the call ends, since nothing else refuses such an offer.
        """
        self._step(call_id, RefuseRequested(_failure(status)), now)

    def _step(self, call_id: CallId, happened: SessionInput, now: float) -> None:
        session = self._sessions.get(call_id)
        if session is not None:
            session.receive(happened, now)
            self._bury(session)

    def _active_calls(self) -> int:
        return sum(not session.has_ended for session in self._sessions.values())

    def _bury(self, session: InviteSession) -> None:
        """Forget a session that is over, all but what a late answer from another branch of a fork needs."""
        if session.is_over and self._sessions.get(session.call_id) is session:
            del self._sessions[session.call_id]
            if session.outgoing is not None:
                self._late.append(session.outgoing)

    @property
    def is_idle(self) -> bool:
        """Whether no call and no request is under way, so that the process may end or the network be taken down."""
        return not self._sessions and not len(self._client) and not self._merge_ids

    # The transaction user's side.

    def bind(self, layer: TransactionLayer) -> None:
        self._core.layer = layer

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        match event:
            case ResponseReceived(key, response, source):
                self._client.receive_response(key, response, source, now)
            case RequestReceived(key, request, source):
                self._receive_request(key, request, source, now)
            case AckReceived(request, _):
                self._receive_ack(request, now)
            case CancelReceived(key, invite_key, request, _):
                self._receive_cancel(key, invite_key, request, now)
            case StrayResponse(response, _):
                self._receive_stray(response, now)
            case TransactionTimedOut(ClientKey() as key):
                self._client.receive_failure(key, 408, "no answer from the network", now)
            case TransportFailed(ClientKey() as key, reason):
                self._client.receive_failure(key, 503, f"cannot reach the other side: {reason}", now)
            case TransactionTerminated(ClientKey() as key):
                self._client.forget(key)
            case TransactionTerminated(ServerKey() as key):
                self._open_requests.discard(self._merge_ids.pop(key, None))
            case _:
                pass
        self._bury_all()

    def _bury_all(self) -> None:
        for session in [session for session in self._sessions.values() if session.is_over]:
            self._bury(session)
        if self._leaving:
            self._forget_left()

    def handle_timeout(self, now: float) -> None:
        for session in list(self._sessions.values()):
            session.handle_timeout(now)
        for registration in list(self._registrations.values()):
            registration.handle_timeout(now)
        self._bury_all()

    def next_timeout(self) -> float | None:
        return earliest(
            *(session.next_timeout() for session in self._sessions.values()),
            *(registration.next_timeout() for registration in self._registrations.values()),
        )

    def next_event(self) -> SipEvent | None:
        """The oldest event not yet taken."""
        return self._core.events.popleft() if self._core.events else None

    # Requests that come in.

    def _receive_request(self, key: ServerKey, request: Request, source: Hop, now: float) -> None:
        refusal = find_fault(request)
        if refusal is not None:
            self._refuse(key, request, refusal, now)
        elif request.to.tag:
            self._receive_in_dialog(key, request, source, now)
        else:
            self._receive_outside_dialog(key, request, source, now)

    def _refuse(self, key: ServerKey, request: Request, refusal: Refusal, now: float) -> None:
        _log.debug("%s refused: %d", request.method, refusal.status)
        self._core.respond(key, refusal.response(request, self._core.ids.tag()), now)

    def _find_dialog(self, request: Request) -> tuple[InviteSession, Dialog] | None:
        """The call that a request within a dialog belongs to (section 12.2.2)."""
        return self._find_dialog_of(request.call_id, request.to, request.from_)

    def _find_dialog_of(self, call_id: str, local: NameAddr, remote: NameAddr) -> tuple[InviteSession, Dialog] | None:
        dialog_id = DialogId(call_id, local.tag or "", remote.tag or "")
        for session in self._sessions.values():
            dialog = session.dialog(dialog_id)
            if dialog is not None:
                return session, dialog
        return None

    def _receive_in_dialog(self, key: ServerKey, request: Request, source: Hop, now: float) -> None:
        found = self._find_dialog(request)
        if found is None or request.method == "NOTIFY":
            self._refuse(key, request, Refusal(481), now)
            return
        session, dialog = found
        if not dialog.is_in_order(request):
            self._refuse(key, request, Refusal(500, reason="CSeq is lower than the last one"), now)
        elif request.method == "BYE":
            session.receive(ByeReceived(key, request), now)
        elif request.method == "INVITE":
            session.receive(InviteReceived(key, request, source), now)
        elif request.method == "OPTIONS":
            self._core.respond(key, self._capabilities(request), now)
        else:
            self._core.respond(key, request.response(200), now)

    def _receive_outside_dialog(self, key: ServerKey, request: Request, source: Hop, now: float) -> None:
        merge_id = (request.from_.tag or "", request.call_id, request.cseq.number, request.method)
        if merge_id in self._open_requests:
            # The same request by another way, a fork of a proxy (section 8.2.2.2).
            self._refuse(key, request, Refusal(482), now)
            return
        self._open_requests.add(merge_id)
        self._merge_ids[key] = merge_id
        if request.method not in ("INVITE", "OPTIONS"):
            self._refuse(key, request, Refusal(481), now)
            return
        identity = self._called_identity(request, source)
        refusal = identity if isinstance(identity, Refusal) else self._overload()
        if isinstance(identity, Refusal) or refusal is not None:
            self._refuse(key, request, refusal or Refusal(500), now)
        elif request.method == "OPTIONS":
            self._core.respond(key, self._capabilities(request), now)
        else:
            self._take_call(identity, InviteReceived(key, request, source), now)

    def _take_call(self, identity: Identity, invite: InviteReceived, now: float) -> None:
        self._incoming_count += 1
        call_id = CallId(f"in-{self._incoming_count}")
        dialog = Dialog.of_request(invite.request, self._core.ids.tag())
        usage = InviteUsage(self._core, self._client, identity, call_id, dialog)
        session = self._sessions[call_id] = CalleeSession(usage, invite)
        session.start(now)

    def _called_identity(self, request: Request, source: Hop) -> Identity | Refusal:
        """Whom of us a request means, by the user part of its Request-URI; or why nobody may be disturbed."""
        settings = self._core.settings
        identities = [one for one in self._identities.values() if one.account is not None and one.account.enabled]
        if settings.trusted_sources_only and not any(source.host in one.servers for one in identities):
            return Refusal(403)
        user = request.uri.user
        named = [one for one in identities if one.user == user]
        if named:
            # Two servers may know us by the same user part: then the one that the request comes from is meant.
            by_source = [one for one in named if source.host in one.servers]
            by_domain = [one for one in named if one.is_home(request.to.uri)]
            return (by_source or by_domain or named)[0]
        if settings.accept_ip_calls and user in ("", settings.ip_call_user):
            return self._nobody
        return Refusal(404)

    def _overload(self) -> Refusal | None:
        limit = self._core.settings.max_calls
        if self._active_calls() >= limit:
            return Refusal(486)
        if len(self._sessions) >= LINGERING_LIMIT * limit:
            return Refusal(503, (("Retry-After", str(OVERLOAD_RETRY_AFTER_S)),))
        return None

    def _capabilities(self, request: Request) -> Response:
        """The 200 to OPTIONS (section 11.2)."""
        response = request.response(200, to_tag=self._core.ids.tag())
        self._core.add_capabilities(response)
        response.headers.add("Accept", SDP)
        response.headers.add("Accept-Encoding", "identity")
        response.headers.add("Accept-Language", "en")
        return response

    def _receive_ack(self, ack: Request, now: float) -> None:
        found = self._find_dialog(ack)
        if found is not None:
            found[0].receive_ack(ack, sdp_of(ack), now)

    def _receive_cancel(self, key: ServerKey, invite_key: ServerKey | None, request: Request, now: float) -> None:
        """200 when there is such an INVITE, whatever became of it, 481 when there is none (section 9.2)."""
        if invite_key is None:
            self._refuse(key, request, Refusal(481), now)
            return
        reasons = request.headers.get_all("Reason")
        session = next((one for one in self._sessions.values() if one.has_invite(invite_key)), None)
        tag = session.local_tag if session is not None else None
        self._core.respond(key, request.response(200, to_tag=tag or self._core.ids.tag()), now)
        if session is not None:
            session.receive_cancel(invite_key, reasons, now)

    def _receive_stray(self, response: Response, now: float) -> None:
        """A 2xx whose INVITE transaction is over: ours all the same if its Call-ID and From tag are (13.2.2.4)."""
        found = self._find_dialog_of(response.call_id, response.from_, response.to)
        if found is not None and found[0].acknowledge_again(response, now):
            return
        name = (response.call_id, response.from_.tag or "")
        outgoing = [one.outgoing for one in self._sessions.values()]
        for invite in (*outgoing, *self._late):
            if invite is not None and (invite.sip_call_id, invite.local_tag) == name:
                invite.receive_success(response, now)
                return
        _log.debug("a 2xx to an INVITE that is long forgotten")


def _failure(status: int) -> int:
    if not 300 <= status <= 699:
        raise SipStateError(f"{status} refuses nothing; use 486, 603 or another status from 300 to 699")
    return status
