"""One account's registration (RFC 3261 section 10.2) as a table: get it, keep it for ever, give it back."""

from enum import Enum, auto

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, ClassVar, Final
from device.model import AccountId
from device.sip.core import Core
from device.sip.events import RegistrationChanged, RegistrationState, TransportDoubted
from device.sip.headers import NameAddr
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.message import Response
from device.sip.register_request import RegisterContacts, RegisterNames, build_register
from device.sip.registration_grant import NOTHING_GRANTED, read_grant
from device.sip.registration_inputs import (
    Accepted,
    AnswerOverdue,
    Failed,
    ForgetRequested,
    NetworkChanged,
    PlainWanted,
    Redirected,
    RefreshDue,
    RegistrationInput,
    RetryDue,
    StartHeldBack,
    StartRequested,
    StopRequested,
    StopTimedOut,
    TooBrief,
)
from device.sip.registration_times import keepalive_of, refresh_pause
from device.sip.state_table import StateTable, Table
from device.sip.transaction import KeepAliveAnswered, KeepAliveLost
from device.sip.uri import Uri
from device.sip.user_agent_client import SentRequest, UserAgentClient
from device.timing import TimerSet, earliest

if TYPE_CHECKING:
    from device.sip.flow_watch import FlowWatch

_log = logging.getLogger(__name__)

RECONNECT_PAUSE_S: Final = 30.0
"""Between two registrations for the sake of a broken connection: some servers close it after each answer."""
RECONNECT_SPREAD_S: Final = 2.0
"""When a server dies all its phones lose their connections at once; they come back spread over this time."""
GIVE_UP_S: Final = 200.0
"""Longer than a REGISTER with its challenges, look-ups and hops can take; none may keep a registration from trying."""
STARVED_LIFETIMES: Final = 2
"""After so many lifetimes without success the sockets themselves are doubted."""
MAX_DOUBTFUL: Final = 4
"""Of so many unanswered REGISTERs, the latest, with contacts of their own it is remembered what they may have bound."""


class Phase(Enum):
    """The states of a registration, finer than what a person is shown."""

    IDLE = auto()
    REGISTERING = auto()
    REGISTERED = auto()
    REFRESHING = auto()
    WAITING = auto()
    """After a failure, until the next attempt."""
    STOPPING = auto()
    """To be taken back as soon as the open REGISTER is answered, since two must not cross (section 10.2)."""
    UNREGISTERING = auto()


_P = Phase


class Registration(StateTable[Phase, RegistrationInput]):
    """The binding of one account's Contact to its address of record."""

    __slots__ = (
        "_answers_keepalives",
        "_asks_plainly",
        "_bound",
        "_bound_until",
        "_client",
        "_contact",
        "_core",
        "_cseq",
        "_doubtful",
        "_expires_s",
        "_failures",
        "_followed",
        "_follows_move",
        "_identity",
        "_names",
        "_reconnect_at",
        "_sent",
        "_timers",
        "_told",
        "_watch",
        "_well_at",
        "flow",
    )

    def __init__(self, core: Core, client: UserAgentClient, identity: Identity) -> None:
        super().__init__(Phase.IDLE)
        self._core = core
        self._client = client
        self._identity = identity
        self._names = RegisterNames(core.ids.tag(), core.ids.call_id())
        self._cseq = 0
        self._sent: SentRequest | None = None
        self._contact: NameAddr | None = None
        """The contact of the open REGISTER."""
        self._bound: NameAddr | None = None
        """The contact that the server holds, as far as we know, until `_bound_until`."""
        self._bound_until = 0.0
        self._doubtful: tuple[NameAddr, ...] = ()
        """The contacts of REGISTERs that had no answer: the server may hold them all the same."""
        self._expires_s = 0
        """The lifetime that a 423 made us ask for."""
        self._failures = 0
        self._asks_plainly = False
        """Whether the server has refused what RFC 5626 adds."""
        self._followed = False
        """Whether the open REGISTER follows a redirection."""
        self._follows_move = False
        self._reconnect_at = 0.0
        """When a broken connection is next made good at once."""
        self._well_at = 0.0
        """When we last were registered, began to try, or doubted the sockets."""
        self._told: tuple[RegistrationState, int, str] | None = None
        self._timers: TimerSet[type] = TimerSet()
        self._watch: FlowWatch | None = None
        self._answers_keepalives = False
        """Whether the server answered keep-alives before the last REGISTER."""
        self.flow: Hop | None = None
        """Where the answer to the last REGISTER came from."""

    @property
    def account_id(self) -> AccountId:
        """The account that is registered."""
        account_id = self._identity.account_id
        assert account_id is not None
        return account_id

    def start(self, now: float, delay_s: float = 0.0) -> None:
        """Register for ever, from now or, where nothing is under way yet, from `delay_s` on."""
        self._expires_s = 0
        self._asks_plainly = False
        self._well_at = now
        self._told = None  # Whoever asks waits for an answer, also for one that changes nothing.
        self.receive(StartHeldBack(delay_s) if delay_s and self.is_idle else StartRequested(), now)

    def stop(self, now: float) -> None:
        """Take the registration back; UNREGISTERED follows, at once where the server holds nothing."""
        waiting = self.state is Phase.WAITING and (self._bound is None or now >= self._bound_until)
        self.receive(ForgetRequested() if waiting else StopRequested(), now)

    def network_changed(self, now: float) -> None:
        """Register again at once from wherever we are now."""
        self._identity.forget_address()
        self._asks_plainly = self._answers_keepalives = False
        self.receive(NetworkChanged(), now)

    def connection_lost(self, now: float) -> None:
        """The connection to the server broke, or keep-alives on it were lost: register over a new one.

        Soon, or after a pause since the last time. What is under way takes care of itself.
        """
        if self.state is not Phase.REGISTERED:
            return
        due = max(now + RECONNECT_SPREAD_S * self._core.instance.spread, self._reconnect_at)
        planned = self._timers.next_timeout()
        if planned is None or due < planned:
            self._timers.set(RefreshDue, due)
            self._reconnect_at = due + RECONNECT_PAUSE_S
        self.handle_timeout(now)

    @property
    def name(self) -> str:
        return f"{self.account_id}: registration"

    @property
    def is_idle(self) -> bool:
        """Whether nothing is registered and nothing under way."""
        return self.state is Phase.IDLE

    @property
    def identity(self) -> Identity:
        """Whose registration this is."""
        return self._identity

    def _enter(self, state: Phase) -> None:
        super()._enter(state)
        if self._watch is not None:
            self._answers_keepalives = self._watch.has_answered
            self._watch.stop()
            self._watch = None
        if state is not Phase.UNREGISTERING:
            self._timers.clear()

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        status = response.status
        if sent is not self._sent or status < 200:
            return
        self._sent = None
        self.flow = sent.source
        if status < 300:
            self._succeed(sent, response, now)
        else:
            self._fail(sent, response, now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        if sent is self._sent:
            from device.sip.registration_failure import silence  # noqa: PLC0415  # as in `_fail`

            self._sent = None
            self._doubt()
            self.receive(silence(status, text), now)

    def _doubt(self) -> None:
        """The open REGISTER will have no answer, but it may have arrived."""
        contact = self._contact
        if contact is not None:
            known = (doubtful for doubtful in self._doubtful if not doubtful.uri.matches(contact.uri))
            self._doubtful = (*known, contact)[-MAX_DOUBTFUL:]

    def receive_keepalive(self, event: KeepAliveAnswered | KeepAliveLost, now: float) -> None:
        """The flow to the server is alive, or may be dead."""
        if self._watch is not None:
            self._watch.receive(event, now)

    def handle_timeout(self, now: float) -> None:
        """Do all that is due."""
        for kind in self._timers.pop_due(now):
            # One that came due together with another may be out of place by now.
            if (self.state, kind) in self.TABLE:
                self.receive(kind(), now)
        if self._watch is not None:
            self._watch.handle_timeout(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return earliest(self._timers.next_timeout(), self._watch.next_timeout() if self._watch is not None else None)

    def _succeed(self, sent: SentRequest, response: Response, now: float) -> None:
        if self.state in (Phase.STOPPING, Phase.UNREGISTERING) or self._contact is None:
            self.receive(Accepted(NOTHING_GRANTED), now)
            return
        grant = read_grant(response, self._contact, self._asked_s)
        if grant.expires_s == 0:
            from device.sip.registration_failure import nothing_kept  # noqa: PLC0415  # as in `_fail`

            self.receive(nothing_kept(response.status), now)
            return
        # A contact that the server saw under another address is registered again, once, under that one; not where
        # the server sends calls back over our flow whatever the contact says.
        learnt = self._identity.learn_address(response.top_via)
        moved = (learnt or self._identity.is_reached_otherwise(self._contact)) and not grant.outbound
        self.receive(Accepted(grant, sent.note), now)
        self._plan_fail_back(sent, now)
        self._follows_move = moved and not self._follows_move
        if self._follows_move:
            self.receive(RefreshDue(), now)

    def _plan_fail_back(self, sent: SentRequest, now: float) -> None:
        """Where a better server was passed over because it failed: register again when it gets its next chance."""
        chance = self._core.layer.fail_back_at(sent.key)
        planned = self._timers.next_timeout()
        if chance is not None and (planned is None or chance < planned):
            self._timers.set(RefreshDue, max(chance, now))

    def _fail(self, sent: SentRequest, response: Response, now: float) -> None:
        """Anything but a 2xx. A phone whose server is well does without the room of failures."""
        from device.sip.registration_failure import failure_of, redirection_of  # noqa: PLC0415

        if response.status < 400:
            self.receive(redirection_of(response, sent.request.uri, self._followed), now)
        else:
            self.receive(failure_of(response, self._identity, self._contact), now)

    @property
    def _is_of_another(self) -> bool:
        """Whether the account has got another user or server since the open REGISTER was sent."""
        sent, identity = self._sent, self._identity
        if sent is None or self._followed:
            return True
        hop = identity.registrar_hop(identity.registrar_uri())
        return sent.next_hop != identity.vouched(hop) or not sent.request.to.uri.matches(identity.address(hop).uri)

    @property
    def _asked_s(self) -> int:
        account = self._identity.account
        return max(self._expires_s, account.expires_s if account is not None else 0)

    # What the table does.

    def _hold_back(self, happened: StartHeldBack, now: float) -> None:
        self._timers.set(RetryDue, now + happened.delay_s)
        _log.info("%s: registering in %.1f s, lest all phones come at once", self.account_id, happened.delay_s)
        self._tell(RegistrationState.REGISTERING, 0, "", happened.delay_s)

    def _register(self, _happened: object, now: float) -> None:
        self._tell(RegistrationState.REGISTERING, 0, "", None)
        self._send(self._asked_s, now)

    def _register_afresh(self, happened: object, now: float) -> None:
        self._failures = 0
        self._register(happened, now)

    def _refresh(self, _happened: object, now: float) -> None:
        self._send(self._asked_s, now)

    def _ask_plainly(self, _happened: PlainWanted, now: float) -> None:
        _log.info("%s: the server takes no outbound registration; asking without", self.account_id)
        self._asks_plainly = True
        self._send(self._asked_s, now)

    def _follow(self, happened: Redirected, now: float) -> None:
        _log.info("%s: the server sends us to %s", self.account_id, happened.target)
        self._send(0 if self.state is Phase.UNREGISTERING else self._asked_s, now, happened.target)

    def _send(self, expires_s: int, now: float, target: Uri | None = None) -> None:
        """Send a REGISTER to the account's registrar, or to `target` where that sent us there."""
        identity = self._identity
        self._followed = target is not None
        uri = identity.registrar_uri() if target is None else target
        next_hop = identity.registrar_hop(uri)
        if self._sent is not None:
            # Two must not be under way at once (section 10.2), and nothing comes back to where we were.
            self._client.abandon(self._sent, now)
            self._doubt()
        bound = self._bound if now < self._bound_until else None
        held = self._doubtful if bound is None else (bound, *self._doubtful)
        if expires_s == 0 and bound is not None:
            contacts = RegisterContacts.of_end(held)
        else:
            address = identity.direct_contact(next_hop.transport, next_hop.host)
            contacts = RegisterContacts.of(identity, address, held, self._asks_plainly)
        self._contact = contacts.contact
        request = build_register(self._core, identity, uri, self._names, self._next_cseq(), contacts, expires_s)
        self._timers.set(AnswerOverdue, now + GIVE_UP_S)
        self._sent = self._client.send(request, next_hop, identity, self, self._next_cseq, now)

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _registered(self, happened: Accepted, now: float) -> None:
        grant = happened.grant
        self._failures = 0
        self._well_at = now
        self._identity.grant = grant
        self._bound, self._bound_until = self._contact, now + grant.expires_s
        self._doubtful = ()
        # What we did not ask for we do not rely on.
        pause = refresh_pause(min(grant.expires_s, self._asked_s), self._core.instance.spread)
        self._timers.set(RefreshDue, now + pause)
        text = f"registered; {happened.note}" if happened.note else "registered"
        if self._told != (RegistrationState.REGISTERED, grant.expires_s, text):
            self._tell(RegistrationState.REGISTERED, 200, text, pause)
        self._watch_flow(now)

    def _watch_flow(self, now: float) -> None:
        """Keep the way to the server open, where that needs doing; an idle phone without address translation sleeps."""
        identity, hop = self._identity, self.flow
        assert identity.account is not None
        assert hop is not None, "a 2xx has come from somewhere"
        plan = keepalive_of(identity.account, hop, identity.grant, identity.is_translated)
        if plan is not None:
            from device.sip.flow_watch import FlowWatch  # noqa: PLC0415

            self._watch = FlowWatch(self._core, self._client, identity, hop, *plan, self.connection_lost, now)
            self._watch.has_answered = self._answers_keepalives

    def _ask_longer(self, happened: TooBrief, now: float) -> None:
        if happened.min_expires_s <= self._asked_s:
            from device.sip.registration_failure import no_longer_time  # noqa: PLC0415  # as in `_fail`

            self.receive(no_longer_time(), now)
            return
        self._expires_s = happened.min_expires_s
        self._send(self._asked_s, now)

    def _wait(self, happened: Failed, now: float) -> None:
        """Pause as the rule says, and doubt the sockets when nothing has helped for long."""
        pause = self._pause(happened)
        self._failures += 1
        self._timers.set(RetryDue, now + pause)
        _log.warning("%s: not registered: %s; next attempt in %.0f s", self.account_id, happened.text, pause)
        self._tell(RegistrationState.FAILED, happened.status, happened.text, pause)
        if now >= self._bound_until:
            self._identity.grant = NOTHING_GRANTED
        if now - self._well_at >= STARVED_LIFETIMES * self._asked_s:
            self._well_at = now
            self._core.emit(TransportDoubted(self.account_id))

    def _pause(self, happened: Failed) -> float:
        from device.sip.registration_rules import Pauses  # noqa: PLC0415  # as in `_fail`

        settings, instance = self._core.settings, self._core.instance
        fraction = instance.fraction(self._failures) if instance.urn else self._core.ids.number(16) / 2**16
        pauses = Pauses(settings.retry_cap_s, settings.slow_retry_s, self._identity.grant.outbound)
        return pauses.after(happened.manner, self._failures, fraction, happened.retry_after_s)

    def _await_answer(self, _happened: StopRequested, now: float) -> None:
        self._timers.set(StopTimedOut, now + self._core.settings.unregister_timeout_s)
        self._tell(RegistrationState.UNREGISTERING, 0, "", None)

    def _unregister(self, happened: StopRequested, now: float) -> None:
        self._await_answer(happened, now)
        self._send(0, now)

    def _unregister_now(self, _happened: object, now: float) -> None:
        """The REGISTER that was open when we stopped has been answered; the time already runs."""
        self._bound, self._bound_until = self._contact, now + self._asked_s
        self._send(0, now)

    def _unregistered(self, _happened: object, _now: float) -> None:
        self._sent = self._bound = None
        self._doubtful = ()
        self._failures = 0
        self._identity.grant = NOTHING_GRANTED
        self._tell(RegistrationState.UNREGISTERED, 0, "not registered", None)

    def _resume(self, happened: StartRequested, now: float) -> None:
        """Started again before the open REGISTER was answered: its answer is welcome after all, if it is still ours."""
        if self._is_of_another:
            # Its answer would be taken for that of the account as it is now, and may take 32 s.
            self._register_afresh(happened, now)
            return
        self._timers.set(AnswerOverdue, now + GIVE_UP_S)
        self._tell(RegistrationState.REGISTERING, 0, "", None)

    def _tell(self, state: RegistrationState, status: int, text: str, pause: float | None) -> None:
        expires_s = self._identity.grant.expires_s if state is RegistrationState.REGISTERED else 0
        self._told = (state, expires_s, text)
        if expires_s:
            _log.info("%s: %s for %d s", self.account_id, text, expires_s)
        self._core.emit(RegistrationChanged(self.account_id, state, status, text, expires_s, pause))

    TABLE: ClassVar[Table] = {
        (_P.IDLE, StartRequested): (_P.REGISTERING, _register_afresh),
        (_P.IDLE, StartHeldBack): (_P.WAITING, _hold_back),
        (_P.IDLE, StopRequested): (_P.IDLE, _unregistered),
        (_P.REGISTERING, Accepted): (_P.REGISTERED, _registered),
        (_P.REGISTERING, TooBrief): (_P.REGISTERING, _ask_longer),
        (_P.REGISTERING, Redirected): (_P.REGISTERING, _follow),
        (_P.REGISTERING, PlainWanted): (_P.REGISTERING, _ask_plainly),
        (_P.REGISTERING, Failed): (_P.WAITING, _wait),
        (_P.REGISTERING, AnswerOverdue): (_P.REGISTERING, _refresh),
        (_P.REGISTERING, NetworkChanged): (_P.REGISTERING, _refresh),
        (_P.REGISTERING, StopRequested): (_P.STOPPING, _await_answer),
        (_P.REGISTERED, RefreshDue): (_P.REFRESHING, _refresh),
        (_P.REGISTERED, StartRequested): (_P.REFRESHING, _refresh),
        (_P.REGISTERED, NetworkChanged): (_P.REFRESHING, _refresh),
        (_P.REGISTERED, StopRequested): (_P.UNREGISTERING, _unregister),
        (_P.REFRESHING, Accepted): (_P.REGISTERED, _registered),
        (_P.REFRESHING, TooBrief): (_P.REFRESHING, _ask_longer),
        (_P.REFRESHING, Redirected): (_P.REFRESHING, _follow),
        (_P.REFRESHING, PlainWanted): (_P.REFRESHING, _ask_plainly),
        (_P.REFRESHING, Failed): (_P.WAITING, _wait),
        (_P.REFRESHING, AnswerOverdue): (_P.REGISTERING, _register),
        (_P.REFRESHING, NetworkChanged): (_P.REFRESHING, _refresh),
        (_P.REFRESHING, StopRequested): (_P.STOPPING, _await_answer),
        (_P.WAITING, RetryDue): (_P.REGISTERING, _register),
        (_P.WAITING, StartRequested): (_P.REGISTERING, _register_afresh),
        (_P.WAITING, NetworkChanged): (_P.REGISTERING, _register_afresh),
        (_P.WAITING, StopRequested): (_P.UNREGISTERING, _unregister),
        (_P.WAITING, ForgetRequested): (_P.IDLE, _unregistered),
        (_P.STOPPING, Accepted): (_P.UNREGISTERING, _unregister_now),
        (_P.STOPPING, TooBrief): (_P.IDLE, _unregistered),
        (_P.STOPPING, Redirected): (_P.IDLE, _unregistered),
        (_P.STOPPING, PlainWanted): (_P.IDLE, _unregistered),
        (_P.STOPPING, Failed): (_P.IDLE, _unregistered),
        (_P.STOPPING, StopTimedOut): (_P.IDLE, _unregistered),
        (_P.STOPPING, StartRequested): (_P.REGISTERING, _resume),
        (_P.UNREGISTERING, Accepted): (_P.IDLE, _unregistered),
        (_P.UNREGISTERING, TooBrief): (_P.IDLE, _unregistered),
        (_P.UNREGISTERING, Redirected): (_P.UNREGISTERING, _follow),
        (_P.UNREGISTERING, PlainWanted): (_P.IDLE, _unregistered),
        (_P.UNREGISTERING, Failed): (_P.IDLE, _unregistered),
        (_P.UNREGISTERING, StopTimedOut): (_P.IDLE, _unregistered),
        (_P.UNREGISTERING, StartRequested): (_P.REGISTERING, _register_afresh),
    }

    IGNORED: ClassVar[frozenset[tuple[Enum, type]]] = frozenset(
        {
            (_P.IDLE, NetworkChanged),
            # It is being done already.
            (_P.REGISTERING, StartRequested),
            (_P.REFRESHING, StartRequested),
            (_P.STOPPING, StopRequested),
            (_P.UNREGISTERING, StopRequested),
            # Nobody needs the new address any more.
            (_P.STOPPING, NetworkChanged),
            (_P.UNREGISTERING, NetworkChanged),
        }
    )
