"""One account's registration (RFC 3261 section 10.2) as a table: get it, keep it for ever, give it back."""

import logging
import re
from enum import Enum, auto

from device.annotations import ClassVar, Final
from device.model import AccountId
from device.records import replace
from device.sip.core import Core
from device.sip.dialog import MAX_FORWARDS
from device.sip.events import RegistrationChanged, RegistrationState
from device.sip.headers import CSeq, Headers, NameAddr
from device.sip.identity import Identity
from device.sip.message import REASON_PHRASES, Request, Response
from device.sip.registration_inputs import (
    Accepted,
    Failed,
    ForgetRequested,
    NetworkChanged,
    Redirected,
    RefreshDue,
    Refused,
    RegistrationInput,
    RetryDue,
    StartRequested,
    StopRequested,
    StopTimedOut,
    TooBrief,
)
from device.sip.state_table import StateTable, Table
from device.sip.uri import Uri
from device.sip.user_agent_client import SentRequest, UserAgentClient
from device.timing import TimerSet, earliest

_log = logging.getLogger(__name__)

REFRESH_MARGIN_S: Final = 30.0
"""How long before its end a registration is renewed; half the lifetime for short ones."""
RECONNECT_PAUSE_S: Final = 30.0
"""Between two registrations for the sake of a broken connection: some servers close it after each answer."""
FIRST_PAUSE_S: Final = 1.0
"""The first pause after a failure, at the least; each further one is twice as long."""
JITTER: Final = 0.5
"""By how much of itself a pause may be longer by chance, so that phones do not all come back at once."""
LONGEST_RETRY_AFTER_S: Final = 3600
"""No server makes us wait longer than this."""
_RETRY_AFTER = re.compile(r"\d{1,9}")
_TRANSIENT: Final = frozenset((408, 430, 480, 491, 500, 502, 503, 504, 580))
"""Statuses after which the next try may well succeed; the others want somebody to change something."""


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
        "_bound",
        "_bound_until",
        "_client",
        "_contact",
        "_core",
        "_cseq",
        "_expires_s",
        "_failures",
        "_followed",
        "_follows_move",
        "_granted_s",
        "_identity",
        "_reconnect_at",
        "_sent",
        "_sip_call_id",
        "_tag",
        "_timers",
        "_told",
    )

    def __init__(self, core: Core, client: UserAgentClient, identity: Identity) -> None:
        super().__init__(Phase.IDLE)
        self._core = core
        self._client = client
        self._identity = identity
        self._sip_call_id = core.ids.call_id()
        self._tag = core.ids.tag()
        self._cseq = 0
        self._sent: SentRequest | None = None
        self._contact: NameAddr | None = None
        """The contact of the open REGISTER."""
        self._bound: NameAddr | None = None
        """The contact that the server holds, as far as we know, until `_bound_until`."""
        self._bound_until = 0.0
        self._expires_s = 0
        self._granted_s = 0
        self._failures = 0
        self._followed = False
        """Whether the open REGISTER follows a redirection."""
        self._follows_move = False
        self._reconnect_at = 0.0
        """When a broken connection is next made good at once."""
        self._told: RegistrationState | None = None
        self._timers: TimerSet[type] = TimerSet()

    @property
    def account_id(self) -> AccountId:
        """The account that is registered."""
        account_id = self._identity.account_id
        assert account_id is not None
        return account_id

    def start(self, now: float) -> None:
        """Register now and for ever."""
        self._expires_s = 0
        self.receive(StartRequested(), now)

    def stop(self, now: float) -> None:
        """Take the registration back; UNREGISTERED follows, at once where the server holds nothing."""
        waiting = self.state is Phase.WAITING and (self._bound is None or now >= self._bound_until)
        self.receive(ForgetRequested() if waiting else StopRequested(), now)

    def network_changed(self, now: float) -> None:
        """Register again at once from wherever we are now."""
        self._identity.forget_address()
        self.receive(NetworkChanged(), now)

    def connection_lost(self, now: float) -> None:
        """The connection to the server broke: register over a new one, at once or after a pause since the last time.

        What is under way takes care of itself.
        """
        if self.state is not Phase.REGISTERED:
            return
        if now >= self._reconnect_at:
            self._reconnect_at = now + RECONNECT_PAUSE_S
            self.receive(NetworkChanged(), now)
        else:
            self._timers.set(RefreshDue, earliest(self._reconnect_at, self._timers.next_timeout()) or now)

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
        if state is not Phase.UNREGISTERING:
            self._timers.clear()

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        status = response.status
        if sent is not self._sent or status < 200:
            return
        self._sent = None
        if status < 300:
            self._succeed(response, now)
        elif status < 400:
            self._redirect(sent.request.uri, response, now)
        elif status == 423:
            self.receive(TooBrief(_leading_number(response.headers.get("Min-Expires")) or 0), now)
        elif status in _TRANSIENT:
            retry_after = _leading_number(response.headers.get("Retry-After"))
            self.receive(Failed(status, f"the server answered {status} {_reason(response)}", retry_after), now)
        else:
            self.receive(Refused(status, self._refusal_text(response)), now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        if sent is self._sent:
            self._sent = None
            self.receive(Failed(status, text, None), now)

    def handle_timeout(self, now: float) -> None:
        """Do all that is due."""
        for kind in self._timers.pop_due(now):
            if (self.state, kind) in self.TABLE:
                self.receive(kind(), now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return self._timers.next_timeout()

    def _succeed(self, response: Response, now: float) -> None:
        if self.state in (Phase.STOPPING, Phase.UNREGISTERING):
            self.receive(Accepted(0), now)
            return
        granted = self._granted(response)
        if granted == 0:
            self.receive(
                Failed(response.status, "the server accepted the registration but does not keep it", None), now
            )
            return
        # A contact that the server saw under another address is registered again, once, under that one.
        moved = self._identity.learn_address(response.top_via)
        self.receive(Accepted(granted), now)
        self._follows_move = moved and not self._follows_move
        if self._follows_move:
            self.receive(RefreshDue(), now)

    def _redirect(self, asked: Uri, response: Response, now: float) -> None:
        """Ask the address that a 3xx names, once; the account's own registrar stays the one to begin with."""
        said = f"{response.status} {_reason(response)}"
        contacts = sorted(response.contacts, key=lambda contact: -contact.q)
        # A registrar is addressed without a user part (section 10.2).
        targets = (replace(contact.uri.target(), user="", password="") for contact in contacts)
        target = next((uri for uri in targets if uri.scheme == "sip" and not uri.matches(asked)), None)
        if self._followed:
            text = f"the server that registrations were sent to sends them on again ({said}); ask its provider"
            self.receive(Refused(response.status, text), now)
        elif target is None:
            text = f"the server takes no registrations ({said}) and names no other that can be asked; check the account"
            self.receive(Refused(response.status, text), now)
        else:
            self.receive(Redirected(target), now)

    def _granted(self, response: Response) -> int:
        """The lifetime of our own binding, which stands among others in the 2xx (section 10.2.4)."""
        contact = self._own_binding(response.contacts)
        if contact is not None and contact.expires is not None:
            return contact.expires
        return self._asked_s if response.expires is None else response.expires

    def _own_binding(self, contacts: list[NameAddr]) -> NameAddr | None:
        own = self._contact
        if own is None or not contacts:
            return None
        for contact in contacts:
            if contact.uri.matches(own.uri):
                return contact
        for contact in contacts:
            # Some registrars change the parameters, others write the address that they saw.
            if (contact.uri.user, contact.uri.host_port) == (own.uri.user, own.uri.host_port):
                return contact
        return contacts[0] if len(contacts) == 1 else None

    @property
    def _asked_s(self) -> int:
        account = self._identity.account
        return max(self._expires_s, account.expires_s if account is not None else 0)

    def _refusal_text(self, response: Response) -> str:
        identity = self._identity
        if response.status in (401, 407):
            return identity.refusal_text()
        said = f"{response.status} {_reason(response)}"
        if response.status == 404:
            return f"the server does not know user {identity.user} ({said}); check the account's user and domain"
        return f"the server refused to register user {identity.user} ({said}); check the account or ask its provider"

    # What the table does.

    def _register(self, _happened: object, now: float) -> None:
        self._tell(RegistrationState.REGISTERING, 0, "", None)
        self._send(self._asked_s, now)

    def _register_afresh(self, happened: object, now: float) -> None:
        self._failures = 0
        self._register(happened, now)

    def _refresh(self, _happened: object, now: float) -> None:
        self._send(self._asked_s, now)

    def _follow(self, happened: Redirected, now: float) -> None:
        _log.info("%s: the server sends us to %s", self.account_id, happened.target)
        self._send(0 if self.state is Phase.UNREGISTERING else self._asked_s, now, happened.target)

    def _send(self, expires_s: int, now: float, target: Uri | None = None) -> None:
        """Send a REGISTER to the account's registrar, or to `target` where that sent us there."""
        identity = self._identity
        self._followed = target is not None
        uri = identity.registrar_uri() if target is None else target
        next_hop = identity.next_hop(uri)
        address = identity.address(next_hop)
        headers = Headers([("Route", str(route)) for route in identity.routes])
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", str(address.with_tag(self._tag)))
        headers.add("To", str(address))
        headers.add("Call-ID", self._sip_call_id)
        headers.add("CSeq", str(CSeq(self._next_cseq(), "REGISTER")))
        self._contact = identity.contact(next_hop.transport, next_hop.host)
        old = self._bound if now < self._bound_until else None
        if expires_s == 0 and old is not None:
            self._contact, old = old, None
        headers.add("Contact", str(self._contact))
        if old is not None and not old.uri.matches(self._contact.uri):
            headers.add("Contact", str(old.with_param("expires", "0")))
        headers.add("Expires", str(expires_s))
        request = Request("REGISTER", uri, headers)
        # A Path that a proxy adds is the registrar's affair; all we need do is not object (RFC 3327 section 5.1).
        self._core.add_capabilities(request, "path")
        self._sent = self._client.send(request, next_hop, identity, self, self._next_cseq, now)

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _registered(self, happened: Accepted, now: float) -> None:
        self._failures = 0
        self._bound, self._bound_until = self._contact, now + happened.expires_s
        pause = max(happened.expires_s / 2, happened.expires_s - REFRESH_MARGIN_S)
        self._timers.set(RefreshDue, now + pause)
        if self._told is not RegistrationState.REGISTERED or self._granted_s != happened.expires_s:
            self._granted_s = happened.expires_s
            self._tell(RegistrationState.REGISTERED, 200, "registered", pause)

    def _ask_longer(self, happened: TooBrief, now: float) -> None:
        if happened.min_expires_s <= self._asked_s:
            self.receive(Refused(423, "the server calls the registration too brief but names no longer time"), now)
            return
        self._expires_s = happened.min_expires_s
        self._send(self._asked_s, now)

    def _wait(self, status: int, text: str, pause: float, now: float) -> None:
        self._timers.set(RetryDue, now + pause)
        _log.warning("%s: not registered: %s; next attempt in %.0f s", self.account_id, text, pause)
        self._tell(RegistrationState.FAILED, status, text, pause)

    def _back_off(self, happened: Failed, now: float) -> None:
        """Pause twice as long after each failure, and up to half longer by chance, within the cap."""
        cap = float(self._core.settings.retry_cap_s)
        pause = min(max(FIRST_PAUSE_S, cap / (1 + JITTER)), FIRST_PAUSE_S * 2.0 ** min(self._failures, 30))
        self._failures += 1
        pause = min(cap, pause * (1 + JITTER * self._core.ids.number(16) / 2**16))
        if happened.retry_after_s is not None:
            pause = max(pause, min(happened.retry_after_s, LONGEST_RETRY_AFTER_S))
        self._wait(happened.status, happened.text, pause, now)

    def _refused(self, happened: Refused, now: float) -> None:
        self._wait(happened.status, happened.text, float(self._core.settings.slow_retry_s), now)

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
        self._granted_s = self._failures = 0
        self._tell(RegistrationState.UNREGISTERED, 0, "not registered", None)

    def _resume(self, _happened: StartRequested, _now: float) -> None:
        """Started again before the open REGISTER was answered: its answer is welcome after all."""
        self._tell(RegistrationState.REGISTERING, 0, "", None)

    def _tell(self, state: RegistrationState, status: int, text: str, pause: float | None) -> None:
        self._told = state
        expires_s = self._granted_s if state is RegistrationState.REGISTERED else 0
        if state is RegistrationState.REGISTERED:
            _log.info("%s: registered for %d s", self.account_id, expires_s)
        self._core.emit(RegistrationChanged(self.account_id, state, status, text, expires_s, pause))

    TABLE: ClassVar[Table] = {
        (_P.IDLE, StartRequested): (_P.REGISTERING, _register_afresh),
        (_P.IDLE, StopRequested): (_P.IDLE, _unregistered),
        (_P.REGISTERING, Accepted): (_P.REGISTERED, _registered),
        (_P.REGISTERING, TooBrief): (_P.REGISTERING, _ask_longer),
        (_P.REGISTERING, Redirected): (_P.REGISTERING, _follow),
        (_P.REGISTERING, Refused): (_P.WAITING, _refused),
        (_P.REGISTERING, Failed): (_P.WAITING, _back_off),
        (_P.REGISTERING, NetworkChanged): (_P.REGISTERING, _refresh),
        (_P.REGISTERING, StopRequested): (_P.STOPPING, _await_answer),
        (_P.REGISTERED, RefreshDue): (_P.REFRESHING, _refresh),
        (_P.REGISTERED, StartRequested): (_P.REFRESHING, _refresh),
        (_P.REGISTERED, NetworkChanged): (_P.REFRESHING, _refresh),
        (_P.REGISTERED, StopRequested): (_P.UNREGISTERING, _unregister),
        (_P.REFRESHING, Accepted): (_P.REGISTERED, _registered),
        (_P.REFRESHING, TooBrief): (_P.REFRESHING, _ask_longer),
        (_P.REFRESHING, Redirected): (_P.REFRESHING, _follow),
        (_P.REFRESHING, Refused): (_P.WAITING, _refused),
        (_P.REFRESHING, Failed): (_P.WAITING, _back_off),
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
        (_P.STOPPING, Refused): (_P.IDLE, _unregistered),
        (_P.STOPPING, Failed): (_P.IDLE, _unregistered),
        (_P.STOPPING, StopTimedOut): (_P.IDLE, _unregistered),
        (_P.STOPPING, StartRequested): (_P.REGISTERING, _resume),
        (_P.UNREGISTERING, Accepted): (_P.IDLE, _unregistered),
        (_P.UNREGISTERING, TooBrief): (_P.IDLE, _unregistered),
        (_P.UNREGISTERING, Redirected): (_P.UNREGISTERING, _follow),
        (_P.UNREGISTERING, Refused): (_P.IDLE, _unregistered),
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


def _leading_number(text: str | None) -> int | None:
    match = _RETRY_AFTER.match(text) if text else None
    return int(match[0]) if match is not None else None


def _reason(response: Response) -> str:
    reason = response.reason if response.reason.isprintable() else ""
    return (reason or REASON_PHRASES.get(response.status, "")).strip()[:80]
