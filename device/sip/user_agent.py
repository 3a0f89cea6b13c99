"""The user agent core (RFC 3261 section 8): finds the dialog, call or registration that a message belongs to."""

from __future__ import annotations

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.ids import IdSource
from device.model import Account, AccountId, CallId, Credential
from device.sip.call_table import CallTable
from device.sip.core import CallOwner, Core, LocalAddress
from device.sip.errors import SipStateError
from device.sip.events import CallEnded, EndCause, SipEvent
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.instance import NO_INSTANCE, Instance
from device.sip.registration import Registration
from device.sip.session_inputs import (
    AcceptRequested,
    AnswerRequested,
    HangUpRequested,
    RefuseRequested,
    RejectRequested,
    ReofferRequested,
    RingRequested,
)
from device.sip.settings import UserAgentSettings
from device.sip.target import dialled_uri
from device.sip.timers import SipTimers
from device.sip.transaction_layer import (
    AckReceived,
    CancelReceived,
    ClientKey,
    HopFailed,
    KeepAliveAnswered,
    KeepAliveLost,
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
from device.sip.user_agent_server import UserAgentServer
from device.timing import earliest

if TYPE_CHECKING:
    from device.sip.dialog import Dialog
    from device.sip.features import Features
    from device.sip.invite_options import InviteOptions
    from device.sip.invite_session import CallInput
    from device.sip.subscription_table import Package

_log = logging.getLogger(__name__)


class UserAgent:
    """The calls and registrations of all accounts of this phone; a `TransactionUser` of `SipEndpoint`.

    Every method may queue events (`next_event`) and messages (in the transaction layer).
    A method that a call's state does not allow raises `SipStateError`; a call that has ended is no error.
    """

    def __init__(
        self,
        settings: UserAgentSettings,
        timers: SipTimers,
        ids: IdSource,
        local_address: LocalAddress,
        instance: Instance = NO_INSTANCE,
    ) -> None:
        self._core = Core(settings, timers, ids, local_address, instance)
        self._client = UserAgentClient(self._core)
        self._nobody = Identity(self._core, None, None)
        self._identities: dict[AccountId, Identity] = {}
        self._registrations: dict[AccountId, Registration] = {}
        self._leaving: set[AccountId] = set()
        self._calls = CallTable()
        self._features: Features | None = None
        self._server = UserAgentServer(
            self._core, self._client, self._calls, self._identities, self._nobody, lambda: self.features
        )

    # Accounts.

    def check_account(self, account: Account) -> None:
        """Find out whether `add_account` would take it; raises SipStateError as that does, and changes nothing."""
        Identity(self._core, account, None)

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
        for session in self._calls:
            if session.identity.account_id == account_id:
                self._step(session.call_id, HangUpRequested(), now)
        if self._features is not None:
            self._features.subscriptions.leave_identity(identity, now)
        if account_id in self._registrations:
            self._leaving.add(account_id)
            self._registrations[account_id].stop(now)
            self._forget_left()

    def start_registration(self, account_id: AccountId, now: float, delay_s: float = 0.0) -> None:
        """Register now, or after `delay_s`, and keep registered for ever; `RegistrationChanged` tells each step."""
        identity = self._identities.get(account_id)
        if identity is None:
            raise SipStateError(f"no account {account_id!r}; add it first")
        if account_id not in self._registrations:
            self._registrations[account_id] = Registration(self._core, self._client, identity)
        self._registrations[account_id].start(now, delay_s)

    def stop_registration(self, account_id: AccountId, now: float) -> None:
        """Take the registration back (Expires: 0); UNREGISTERED follows within `unregister_timeout_s`."""
        registration = self._registrations.get(account_id)
        if registration is not None:
            registration.stop(now)
        if self._features is not None and account_id in self._identities:
            # Who is not registered cannot be told of anything either.
            self._features.subscriptions.leave_identity(self._identities[account_id], now)

    def server_of(self, account_id: AccountId) -> Hop | None:
        """The server that took the account's last REGISTER; its calls go there."""
        identity = self._identities.get(account_id)
        return identity.home_hop if identity is not None else None

    def network_changed(self, now: float) -> None:
        """Our addresses changed or the link came back: every account registers again at once."""
        self._core.layer.forget_failures()
        for registration in self._registrations.values():
            registration.network_changed(now)
        if self._features is not None:
            self._features.subscriptions.renew("", now)

    def forget_failures(self) -> None:
        """What made servers fail may be gone, as a clock with which no certificate was valid: try them all again."""
        self._core.layer.forget_failures()

    def connection_closed(self, source: Hop, now: float) -> None:
        """The way to a server broke: its accounts register anew, lest they be unreachable until the next refresh.

        RFC 5626 section 4.4 asks for it. One that is not registered waits for its own next attempt.
        """
        for registration in self._registrations.values():
            flow = registration.flow
            if flow is None or flow.transport != source.transport or source.host not in registration.identity.servers:
                continue
            # Another connection between the two, as one that the server opened for a call, may end in peace.
            if None in (flow.connection, source.connection) or flow.connection == source.connection:
                registration.connection_lost(now)

    def _forget_left(self) -> None:
        for account_id in [name for name in self._leaving if self._registrations[name].is_idle]:
            self._leaving.discard(account_id)
            del self._registrations[account_id]

    # Calls.

    def invite(
        self,
        call_id: CallId,
        target: str,
        offer: bytes,
        account_id: AccountId | None,
        now: float,
        options: InviteOptions | None = None,
    ) -> None:
        """Call `target`: "1002", "sip:x@y" or "10.0.0.5". `offer` is SDP; empty lets the other side offer.

        What cannot be called ends at once with `CallEnded`, its cause in words.
        """
        if self._calls.get(call_id) is not None:
            raise SipStateError(f"call {call_id} exists already; give each call a name of its own")
        identity = self._nobody if account_id is None else self._identities.get(account_id)
        if identity is None:
            self._fail_at_once(call_id, 403, f"no account {account_id!r}; choose another or set it up")
            return
        self._place(call_id, target, offer, identity, options, now)

    def _place(
        self,
        call_id: CallId,
        target: str,
        offer: bytes,
        identity: Identity,
        options: InviteOptions | None,
        now: float,
    ) -> None:
        if self._calls.active_count >= self._core.settings.max_calls:
            self._fail_at_once(call_id, 486, f"{self._core.settings.max_calls} calls are going on already; end one")
            return
        try:
            uri = dialled_uri(target, identity.domain)
        except SipStateError as error:
            self._fail_at_once(call_id, 404, str(error))
            return
        extra = options.headers if options is not None else ()
        if privacy := self._privacy(identity, options):
            from device.sip.anonymous_identity import AnonymousIdentity, privacy_headers  # noqa: PLC0415

            extra = (*privacy_headers(identity, uri), *extra)
            identity = AnonymousIdentity(identity, self._core) if privacy == "full" else identity
        from device.sip.caller_session import CallerSession  # noqa: PLC0415  # as in UserAgentServer
        from device.sip.invite_usage import InviteUsage  # noqa: PLC0415

        usage = InviteUsage(self._core, self._client, identity, call_id, None)
        session = CallerSession(usage, offer, extra)
        self._calls.add(session)
        session.start(uri, now)

    @staticmethod
    def _privacy(identity: Identity, options: InviteOptions | None) -> str:
        """How much of us a call withholds: "", "id" or "full", by its own option or by its account."""
        of_account = identity.account.privacy if identity.account is not None else ""
        asked = options.privacy if options is not None and options.privacy else of_account
        return "" if asked == "none" else asked

    def _fail_at_once(self, call_id: CallId, status: int, text: str) -> None:
        _log.debug("%s: ended: %s", call_id, text)
        self._core.emit(CallEnded(call_id, EndCause(status, text, local=True)))

    def ring(self, call_id: CallId, now: float) -> None:
        """Send 180 for an incoming call."""
        self._step(call_id, RingRequested(), now)

    def progress(self, call_id: CallId, sdp: bytes, now: float) -> None:
        """Send 183 for an incoming call with our answer to its offer, so that the caller hears us before `answer`.

        `answer` is then given the same description.
        """
        self._step(call_id, RingRequested(sdp), now)

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
        """Send a re-INVITE with our new offer: hold, resume, another codec. Waits while another one is under way.

        Before the call is answered it goes by UPDATE where the other side can take that, else after the answer.
        """
        self._step(call_id, ReofferRequested(sdp), now)

    def accept_offer(self, call_id: CallId, sdp: bytes, now: float) -> None:
        """Answer `OfferReceived`, or give the offer that it asks for."""
        self._step(call_id, AcceptRequested(sdp), now)

    def refuse_offer(self, call_id: CallId, status: int, now: float) -> None:
        """Refuse `OfferReceived`, usually with 488; the session goes on as it was.

        Where the offer came in a 2xx the call ends, since nothing else refuses such an offer.
        """
        self._step(call_id, RefuseRequested(_failure(status)), now)

    def retarget_calls(self, now: float) -> None:
        """Our address is another one: tell it to the other side of each call that was told the old one.

        The sessions stay as they are; where the address of their sound has changed, too, `reoffer` tells both.
        """
        for session in self._calls:
            session.retarget(now)

    # Subscriptions, transfers, messages.

    @property
    def features(self) -> Features:
        """The rooms of what few phones are ever asked for, loaded with the first use."""
        if self._features is None:
            from device.sip.features import Features  # noqa: PLC0415

            self._features = Features(self._core, self._client, self._calls, self._place_referred)
        return self._features

    def _place_referred(
        self,
        call_id: CallId,
        target: str,
        offer: bytes,
        identity: Identity,
        headers: tuple[tuple[str, str], ...],
        now: float,
    ) -> None:
        from device.sip.invite_options import InviteOptions  # noqa: PLC0415

        self._place(call_id, target, offer, identity, InviteOptions(headers=headers), now)

    def identity_of(self, account_id: AccountId | None) -> Identity:
        """Who we are at an account, or without one. Raises SipStateError for an account that is not there."""
        identity = self._nobody if account_id is None else self._identities.get(account_id)
        if identity is None:
            raise SipStateError(f"no account {account_id!r}; choose another or set it up")
        return identity

    def subscribe(
        self,
        name: str,
        target: str,
        package: str,
        accept: str,
        account_id: AccountId | None,
        now: float,
        expires_s: int = 3600,
    ) -> None:
        """Ask to be told of an event package (RFC 6665); `name` is the owner's word for it, and replaces another.

        `SubscriptionChanged` and `NotifyReceived` follow. Raises SipStateError for a target that cannot be asked,
        and when there are too many subscriptions.
        """
        from device.sip.subscriber import Wish  # noqa: PLC0415
        from device.sip.subscription import EventHeader  # noqa: PLC0415

        identity = self.identity_of(account_id)
        wish = Wish(name, dialled_uri(target, identity.domain), EventHeader(package), accept, expires_s)
        if not self.features.subscriptions.subscribe(identity, wish, now):
            raise SipStateError("too many subscriptions; end one")

    def renew_subscription(self, name: str, now: float) -> None:
        """Subscribe now instead of at the next deadline, as when our address has changed."""
        if self._features is not None:
            self._features.subscriptions.renew(name, now)

    def unsubscribe(self, name: str, now: float) -> None:
        """End a subscription; it is no error if there is none."""
        if self._features is not None:
            self._features.subscriptions.leave(name, now)

    def serve_package(self, name: str, make: Callable[[], Package]) -> None:
        """Let others subscribe to an event package; `make` is called with the first one who does."""
        self._core.packages[name] = make

    def package_changed(self, name: str, now: float) -> None:
        """Tell the subscribers of a package of ours that its state has changed."""
        if self._features is not None:
            self._features.subscriptions.changed(name, now)

    def set_owner(self, owner: CallOwner) -> None:
        """Ask `owner` how available we are and what we can, when OPTIONS asks us."""
        self._core.owner = owner

    def transfer(self, call_id: CallId, target: str, now: float, replaced: CallId | None = None) -> None:
        """Send the far end of a call to `target` (REFER), or to the far end of our call `replaced`.

        `TransferProgressed` and then once `TransferFinished` follow. Raises SipStateError for calls that are not
        established, and for a target that cannot be called.
        """
        self.features.transfers.transfer(call_id, target, replaced, now)

    def accept_transfer(self, transfer_id: str, call_id: CallId, offer: bytes, now: float) -> None:
        """Carry out `TransferRequested` by a call of the name `call_id`."""
        self.features.transfers.accept(transfer_id, call_id, offer, now)

    def refuse_transfer(self, transfer_id: str, status: int, now: float) -> None:
        """Answer `TransferRequested` with a failure, such as 603."""
        self.features.transfers.refuse(transfer_id, _failure(status), now)

    def send_message(self, target: str, text: str, account_id: AccountId | None, now: float) -> str:
        """Send a text (RFC 3428); answers its name, under which `MessageFinished` follows. Raises SipStateError."""
        return self.features.send_message(self.identity_of(account_id), target, text, now)

    def send_options(self, target: str, account_id: AccountId | None, now: float) -> str:
        """Ask a URI by OPTIONS; answers the name under which `OptionsFinished` follows. Raises SipStateError."""
        return self.features.send_options(self.identity_of(account_id), target, now)

    def dialog_of(self, call_id: CallId) -> Dialog | None:
        """The dialog of a call that has one."""
        session = self._calls.get(call_id)
        return session.usage.dialog if session is not None else None

    def publish(
        self, target: str, account_id: AccountId | None, package: str, content: tuple[str, bytes], now: float
    ) -> None:
        """Send a PUBLISH with content of a type (RFC 3903); what came of it is in the log. Raises SipStateError."""
        self.features.publish(self.identity_of(account_id), target, package, content, now)

    def send_info(self, call_id: CallId, content_type: str, body: bytes, now: float) -> None:
        """Send an INFO within a call (RFC 6086); `InfoFinished` follows. Raises SipStateError."""
        session = self._calls.get(call_id)
        if session is None:
            raise SipStateError(f"there is no call {call_id}")
        self.features.send_info(session, content_type, body, now)

    def may_send(self, call_id: CallId, method: str) -> bool:
        """Whether the far end of a call has told that it takes that method (RFC 3261 section 20.5)."""
        session = self._calls.get(call_id)
        exchange = session.usage.exchange if session is not None else None
        return exchange is not None and method in exchange.allow

    def _step(self, call_id: CallId, happened: CallInput, now: float) -> None:
        session = self._calls.get(call_id)
        if session is not None:
            session.receive(happened, now)
            self._calls.forget_over()

    @property
    def is_idle(self) -> bool:
        """Whether no call and no request is under way, so that the process may end or the network be taken down."""
        features_idle = self._features is None or self._features.is_idle
        return features_idle and not (len(self._calls) or len(self._client) or len(self._server))

    @property
    def is_settled(self) -> bool:
        """Whether every request of ours has its final answer; transactions may still wait for late copies."""
        return self._client.is_settled

    # The transaction user's side.

    def bind(self, layer: TransactionLayer) -> None:
        self._core.layer = layer

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        match event:
            case ResponseReceived(key, response, source):
                self._client.receive_response(key, response, source, now)
                self._calls.note_response(response, now)
            case RequestReceived(key, request, source):
                self._server.receive_request(key, request, source, now)
            case AckReceived(request, _):
                self._server.receive_ack(request, now)
            case CancelReceived(key, invite_key, request, _):
                self._server.receive_cancel(key, invite_key, request, now)
            case StrayResponse(response, _):
                self._calls.receive_stray(response, now)
            case TransactionTimedOut(ClientKey() as key):
                self._client.receive_failure(key, 408, "no answer from the network", now)
            case TransportFailed(ClientKey() as key, reason):
                self._client.receive_failure(key, 503, f"cannot reach the other side: {reason}", now)
            case TransactionTerminated(ClientKey() as key):
                self._client.forget(key)
            case TransactionTerminated(ServerKey() as key):
                self._server.forget(key)
            case _:
                self._receive_news_of_flow(event, now)
        self._tidy()

    def _receive_news_of_flow(self, event: TransactionEvent, now: float) -> None:
        if isinstance(event, KeepAliveAnswered | KeepAliveLost):
            for registration in self._registrations.values():
                registration.receive_keepalive(event, now)
        elif isinstance(event, HopFailed):
            for registration in self._registrations.values():
                home = registration.identity.home_hop
                if home is not None and home.is_same_path(event.hop):
                    registration.connection_lost(now)

    def _tidy(self) -> None:
        self._calls.forget_over()
        if self._leaving:
            self._forget_left()

    def handle_timeout(self, now: float) -> None:
        for session in self._calls:
            session.handle_timeout(now)
        for registration in list(self._registrations.values()):
            registration.handle_timeout(now)
        if self._features is not None:
            self._features.handle_timeout(now)
        self._tidy()

    def next_timeout(self) -> float | None:
        return earliest(
            *(session.next_timeout() for session in self._calls),
            *(registration.next_timeout() for registration in self._registrations.values()),
            self._features.next_timeout() if self._features is not None else None,
        )

    def next_event(self) -> SipEvent | None:
        """The oldest event not yet taken."""
        return self._core.events.popleft() if self._core.events else None


def _failure(status: int) -> int:
    if not 300 <= status <= 699:
        raise SipStateError(f"{status} refuses nothing; use 486, 603 or another status from 300 to 699")
    return status
