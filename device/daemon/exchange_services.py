"""The exchange's services in its process: what is configured is given to the cores, what they learn to the store."""

import time
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, Any
from device.control.errors import FAILED, INVALID_PARAMS, ControlError
from device.daemon.exchange_commands import Desk, run_command
from device.daemon.exchange_outside import load_outside
from device.daemon.exchange_tables import FORMS
from device.daemon.options import UsageError
from device.errors import DeviceError
from device.exchange.exchange import Exchange
from device.exchange.trunks import TrunkLine
from device.exchange_model import CallDetail
from device.model import Binding
from device.sip.events import RealmLearnt, RegistrationChanged
from device.store.bindings import split_aor
from device.store.call_routing import load_routing
from device.store.database import Database
from device.store.paging import PagingGroups
from device.store.settings import Settings
from device.store.subscribers import Subscribers
from device.store.texts import Texts
from device.store.trunks import Permissions, Trunks

if TYPE_CHECKING:
    from device.daemon.services.office import ServiceOffice

logger = logging.getLogger(__name__)


class LiveExchange:
    """What the exchange that runs tells commands."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def registrations(self) -> list[Binding]:
        """Every contact that is registered now."""
        return self._exchange.location.everything()

    def calls(self) -> list[CallDetail]:
        """Every call that stands or is being set up."""
        return self._exchange.accounting.calls

    def bans(self) -> list[tuple[str, float, str]]:
        """Who is banned, for how many seconds more, and why."""
        now = time.monotonic()
        return [(ban.sender, ban.until - now, ban.reason) for ban in self._exchange.strangers.admission.bans(now)]

    def lift_ban(self, sender: str) -> bool:
        """Hear somebody again; answers whether they were banned."""
        return self._exchange.strangers.admission.pardon(sender)


class ExchangeServices:
    """Stands between the exchange's cores and its store, and carries out commands that change what is configured."""

    def __init__(
        self, exchange: Exchange, database: Database, domain: str, make_office: Callable[[], "ServiceOffice"]
    ) -> None:
        """`make_office` makes what answers calls of services, once there is one with a number."""
        self._exchange = exchange
        self._database = database
        self._domain = domain
        self._trunk_states: dict[str, str] = {}
        self._make_office = make_office
        self._office: ServiceOffice | None = None
        exchange.trunks.permissions = self._permitted
        exchange.depot.shelf = Texts(database, domain)

    def configure(self, now: float) -> None:
        """Take what is configured. Raises StoreError."""
        configuration = load_outside(self._database)
        names = {trunk.name for trunk in configuration.trunks}
        self._trunk_states = {name: state for name, state in self._trunk_states.items() if name in names}
        self._exchange.trunks.configure(configuration, now)
        self._exchange.router.configure(load_routing(self._database, self._domain))
        if self._office is None and self._wants_office():
            self._office = self._make_office()
        if self._office is not None:
            self._office.configure(now)

    def _wants_office(self) -> bool:
        """Whether anything was ever set of what the exchange answers itself."""
        stored = Settings(self._database).get_all()
        return any(key.startswith("services.") for key in stored) or bool(PagingGroups(self._database).list())

    def close(self, now: float) -> bool:
        """End what the exchange answers itself; answers whether there was a call that must still be told."""
        if self._office is None:
            return False
        had_calls = bool(self._office.status()["service_calls"])
        self._office.close(now)
        return had_calls

    def _permitted(self, user: str) -> frozenset[str] | None:
        try:
            return Permissions(self._database).of(user, self._domain)
        except DeviceError as error:
            logger.error("what %s may call cannot be looked up: %s", user, error)
            return frozenset()

    def receive(self, event: object) -> None:
        """Take an event of the exchange; those of others change nothing."""
        match event:
            case RegistrationChanged(account_id, state, status, text, expires_s):
                told = f"{state.name.lower()} for {expires_s} s" if expires_s else state.name.lower()
                self._trunk_states[str(account_id)] = f"{told} ({status} {text})" if status >= 300 else told
                logger.info("trunk %s: %s", account_id, self._trunk_states[str(account_id)])
            case RealmLearnt(account_id, sealed):
                self._seal(str(account_id), sealed.realm, dict(sealed.ha1))

    def _seal(self, name: str, realm: str, ha1s: dict[str, str]) -> None:
        trunks = Trunks(self._database)
        try:
            trunks.seal(name, realm, ha1s)
            credential = trunks.get(name).credential
        except DeviceError as error:
            logger.error("the password of trunk %s stays as it was typed: %s", name, error)
            return
        if credential is not None:
            self._exchange.trunks.take_credential(name, credential)

    # The control socket.

    def status(self) -> dict[str, object]:
        """What only a running exchange knows."""
        states = {line.trunk.name: self._state_of(line) for line in self._exchange.trunks.lines}
        own = self._office.status() if self._office is not None else {}
        return {"trunks": states, "texts": Texts(self._database, self._domain).counts(time.time()), **own}

    def _state_of(self, line: TrunkLine) -> str:
        """How a trunk fares, in words."""
        state = "ready" if line.registration is None else self._trunk_states.get(line.trunk.name, "registering")
        rests_s = line.rests_until - time.monotonic()
        return f"{state}, did not take a call, asked last for {rests_s:.0f} s" if rests_s > 0 else state

    def _forget_removed_users(self) -> None:
        """Nobody reaches the phones of a user who was removed."""
        subscribers = Subscribers(self._database)
        for user in {split_aor(binding.aor)[0] for binding in self._exchange.location.everything()}:
            if subscribers.credential(user, self._domain) is None:
                self._exchange.forget_user(user, time.monotonic())

    def command(self, params: dict[str, Any]) -> dict[str, str]:
        """Carry out one of `offhook exchange` and take what it changed. Raises ControlError."""
        words, domain, secret = params.get("words"), params.get("domain"), params.get("secret", "")
        form = params.get("form", "text")
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ControlError(INVALID_PARAMS, "words: is not a list of texts")
        if domain not in ("", self._domain) or not isinstance(secret, str):
            raise ControlError(FAILED, f"the exchange that runs serves {self._domain}, not {domain}")
        if form not in FORMS:
            raise ControlError(INVALID_PARAMS, f"form: is none of {', '.join(FORMS)}")
        live = LiveExchange(self._exchange)
        running = {**self.status(), "voicemail_changed": self._office and self._office.mailboxes.on_change}
        desk = Desk(self._database, self._domain, time.time(), secret, running, live, form)
        try:
            before = self._database.changes
            said = run_command(desk, tuple(words))
            if self._database.changes != before:
                self.configure(time.monotonic())
                self._forget_removed_users()
        except (UsageError, DeviceError) as error:
            raise ControlError(FAILED, str(error)) from None
        return {"said": said}
