"""The accounts that are in use: from the store to the user agent, their registration, their sealed secrets."""

from collections.abc import Callable

from device import plain_logging as logging
from device.errors import DeviceError
from device.model import Account, AccountId, Credential
from device.records import dataclass
from device.sip.digest import seal
from device.sip.events import RealmLearnt, RegistrationChanged, RegistrationState
from device.sip.hop import NextHop
from device.sip.user_agent import UserAgent
from device.store.accounts import Accounts

logger = logging.getLogger(__name__)

__all__ = ["AccountStatus", "AccountTable", "seal"]


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """An account as a status display shows it."""

    account: Account
    state: str
    status: int
    text: str
    expires_s: int
    next_attempt_s: float | None
    changed_at: float
    """Monotonic seconds."""
    server: str = ""
    """Where the registration lives, as "udp:192.0.2.10:5060"; empty without one."""


class AccountTable:
    """Every account of the store, told to the user agent and followed from there."""

    __slots__ = ("_accounts", "_changed", "_registrations", "_store", "_unusable", "_user_agent")

    def __init__(self, store: Accounts, user_agent: UserAgent, changed: Callable[[bool, bool], None]) -> None:
        self._store = store
        self._user_agent = user_agent
        self._changed = changed
        self._registrations: dict[AccountId, tuple[RegistrationChanged, float]] = {}
        self._accounts: list[Account] = []
        self._unusable: dict[AccountId, str] = {}

    def start(self, now: float, delay_s: float = 0.0) -> None:
        """Register every account that is enabled, after `delay_s`."""
        self._accounts = list(self._store.list())
        for account in self._accounts:
            try:
                self._use(account, self._store.credential(account.id), now, delay_s)
            except DeviceError as error:
                # One bad account, perhaps of an earlier version, must not keep the phone from its other ones.
                logger.error("account %s cannot be used: %s", account.id, error)
                self._unusable[account.id] = str(error)
        self._tell_usable()

    def put(self, account: Account, credential: Credential | None, now: float) -> None:
        """Add an account, or replace one; a missing credential keeps the old one.

        Raises DeviceError, and changes nothing, when the account cannot be used.
        """
        before = self.get(account.id)
        self._user_agent.check_account(account)
        if before is not None:
            self._store.update(account, credential)
        else:
            self._store.add(account, credential)
        self.follow(before, account.id, now)

    def remove(self, account_id: AccountId, now: float) -> None:
        """Forget an account and take its registration back."""
        self._store.remove(account_id)
        self.follow(None, account_id, now)

    def check(self, account: Account) -> None:
        """Raises DeviceError when the account cannot be used."""
        self._user_agent.check_account(account)

    def follow(self, before: Account | None, account_id: AccountId, now: float) -> None:
        """The store has another account of that name than `before`, or none any more: use that."""
        self._accounts = list(self._store.list())
        self._unusable.pop(account_id, None)
        account = self.get(account_id)
        if account is None or (before is not None and (not account.enabled or _home(before) != _home(account))):
            # It is gone or somebody else now: the old registration must go. Otherwise calls go on undisturbed.
            self._user_agent.remove_account(account_id, now)
            self._registrations.pop(account_id, None)
        if account is not None:
            self._use(account, self._store.credential(account.id), now)
        self._tell_usable()

    def registrar_hop(self, account_id: AccountId) -> NextHop:
        """Where the registration of an account goes. Raises DeviceError for one that cannot be used."""
        identity = self._user_agent.identity_of(account_id)
        return identity.vouched(identity.registrar_hop(identity.registrar_uri()))

    def refresh(self, account_id: AccountId | None, now: float) -> list[AccountId]:
        """Register one account, or every one, anew and at once; answers which."""
        chosen = [
            account
            for account in self._accounts
            if account.enabled
            and account.register
            and account_id in (None, account.id)
            and account.id not in self._unusable
        ]
        for account in chosen:
            self._user_agent.start_registration(account.id, now)
        return [account.id for account in chosen]

    def retry(self, now: float) -> None:
        """Register at once what is not registered: something that may have been in the way is gone."""
        self._user_agent.forget_failures()
        for account in self._accounts:
            if not self.is_registered(account.id):
                self.refresh(account.id, now)

    def summary(self) -> str:
        """As whom the phone is registered, in one line."""
        wanted = [account for account in self._accounts if account.enabled and account.register]
        if not wanted:
            return "no account to register" if self._accounts else "no account"
        there = [str(account.aor) for account in wanted if self.is_registered(account.id)]
        words = [f"registered as {' and '.join(there)}"] if there else []
        for account in wanted:
            if not self.is_registered(account.id):
                event, _ = self._registrations.get(account.id, (None, 0.0))
                said = event.text or str(event.status or "") if event is not None else ""
                words.append(f"not registered as {account.aor}{f' ({said})' if said else ''}")
        return ", ".join(words)

    def secret(self, account_id: AccountId) -> tuple[str, str]:
        """How the password is kept: "none", "pending" in clear text, or "sealed" as HA1; and its realms, if known."""
        credential = self._store.credential(account_id)
        if credential is None:
            return "none", ""
        return "pending" if credential.password else "sealed", ", ".join(credential.realms)

    def stop(self, now: float) -> None:
        """Take every registration back."""
        for account in self._accounts:
            if account.enabled and account.register and account.id not in self._unusable:
                self._user_agent.stop_registration(account.id, now)

    def stopped(self) -> bool:
        """Whether no registration is left at any server, as far as we know."""
        gone = (RegistrationState.UNREGISTERED, RegistrationState.FAILED)
        return all(event.state in gone for event, _ in self._registrations.values())

    def receive(self, event: RegistrationChanged | RealmLearnt, now: float) -> None:
        """Follow what the user agent tells about an account."""
        if isinstance(event, RealmLearnt):
            self._seal(event)
        elif self.get(event.account_id) is not None:
            # An account that was removed may still tell how its registration is taken back.
            self._registrations[event.account_id] = (event, now)
            self._tell_usable()

    def _tell_usable(self) -> None:
        self._changed(self.usable(), self.choose() is not None)

    def usable(self) -> bool:
        """Whether a call could be placed now: by an account, or straight by IP where there is no account at all."""
        return self.choose() is not None or not self._accounts

    def choose(self) -> Account | None:
        """The account for the next call: the first that is registered, else the first that needs no registration."""
        accounts = [account for account in self._accounts if account.enabled and account.id not in self._unusable]
        for account in accounts:
            if account.register and self._state(account.id) is RegistrationState.REGISTERED:
                return account
        return next((account for account in accounts if not account.register), None)

    def is_registered(self, account_id: AccountId) -> bool:
        """Whether its server knows where we are."""
        return self._state(account_id) is RegistrationState.REGISTERED

    def any_enabled(self) -> Account | None:
        """Some enabled account, registered or not: for an emergency call there is nothing to lose."""
        usable = (account for account in self._accounts if account.enabled and account.id not in self._unusable)
        return next(usable, None)

    def get(self, account_id: AccountId) -> Account | None:
        """The account of that name."""
        return next((account for account in self._accounts if account.id == account_id), None)

    def statuses(self) -> list[AccountStatus]:
        """Every account with where it stands."""
        return [self._status(account) for account in self._accounts]

    def _status(self, account: Account) -> AccountStatus:
        if account.id in self._unusable:
            return AccountStatus(account, "unusable", 0, self._unusable[account.id], 0, None, 0.0)
        event, at = self._registrations.get(account.id, (None, 0.0))
        if event is None or not (account.enabled and account.register):
            idle = "unregistered" if account.register else "no registration needed"
            return AccountStatus(account, idle if account.enabled else "disabled", 0, "", 0, None, at)
        hop = self._user_agent.server_of(account.id) if event.state is RegistrationState.REGISTERED else None
        server = str(hop) if hop is not None else ""
        return AccountStatus(
            account, event.state.value, event.status, event.text, event.expires_s, event.next_attempt_s, at, server
        )

    def _state(self, account_id: AccountId) -> RegistrationState | None:
        entry = self._registrations.get(account_id)
        return entry[0].state if entry else None

    def _use(self, account: Account, credential: Credential | None, now: float, delay_s: float = 0.0) -> None:
        if not account.enabled:
            return
        self._user_agent.add_account(account, credential)
        if account.register:
            self._user_agent.start_registration(account.id, now, delay_s)

    def _seal(self, event: RealmLearnt) -> None:
        """Keep the HA1 values of a realm that has become known instead of the clear-text password."""
        kept, sealed = self._store.credential(event.account_id), event.sealed
        if kept is None or kept.username != sealed.username:
            return
        if kept.password:
            # A newer one may have been entered since the user agent hashed its own.
            sealed = seal(kept.username, sealed.realm, kept.password)
        try:
            self._store.seal(event.account_id, sealed.realm, dict(sealed.ha1))
        except DeviceError as error:
            logger.error("account %s: the password could not be sealed: %s", event.account_id, error)
            return
        logger.info("account %s: the password is now kept as digest HA1 for realm %r", event.account_id, sealed.realm)


def _home(account: Account) -> tuple[object, ...]:
    """What makes an account another one in the eyes of its server."""
    return account.user, account.domain, account.registrar, account.outbound_proxy, account.transport, account.register
