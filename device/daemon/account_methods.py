"""What clients ask about accounts: of the running daemon, or of the store alone while it is down."""

from collections.abc import Callable

from device.annotations import Protocol
from device.control.errors import INVALID_PARAMS, NOT_FOUND, ControlError
from device.daemon.account_fields import Params, changed_account
from device.daemon.accounts import AccountStatus, seal
from device.model import Account, AccountId, Credential
from device.records import asdict


class AccountBook(Protocol):
    """The accounts and where they stand."""

    def get(self, account_id: AccountId) -> Account | None:
        """The account of that name."""

    def put(self, account: Account, credential: Credential | None, now: float) -> None:
        """Add or replace an account."""

    def remove(self, account_id: AccountId, now: float) -> None:
        """Forget an account."""

    def secret(self, account_id: AccountId) -> tuple[str, str]:
        """How its password is kept, and its realms."""

    def statuses(self) -> list[AccountStatus]:
        """Every account with where it stands."""


class AccountMethods:
    """The methods account.*; `follow` is told the account that has changed, `clock` answers monotonic seconds."""

    def __init__(self, book: AccountBook, follow: Callable[[AccountId], None], clock: Callable[[], float]) -> None:
        self._book = book
        self._follow = follow
        self._clock = clock

    def table(self) -> dict[str, Callable[[Params], object]]:
        """Every method by its name."""
        return {
            "account.list": lambda params: {"accounts": self.all()},
            "account.show": lambda params: self.shown(self.status(params)),
            "account.add": self.add,
            "account.update": lambda params: self._put(self.status(params).account, params),
            "account.remove": self.remove,
        }

    def status(self, params: Params) -> AccountStatus:
        """The account that the parameters name. Raises ControlError."""
        wanted = _text(params, "id")
        for status in self._book.statuses():
            if status.account.id == wanted:
                return status
        raise ControlError(NOT_FOUND, f"there is no account {wanted!r}; `offhook account list` shows all")

    def all(self) -> list[dict[str, object]]:
        """Every account as it is shown."""
        return [self.shown(status) for status in self._book.statuses()]

    def shown(self, status: AccountStatus) -> dict[str, object]:
        """One account, without its secret."""
        password, realm = self._book.secret(status.account.id)
        return {
            **asdict(status.account),
            "aor": str(status.account.aor),
            "password": password,
            "realm": realm,
            "state": status.state,
            "status": status.status,
            "text": status.text,
            "server": status.server,
            "registered_for_s": status.expires_s,
            "next_attempt_s": tenths(status.next_attempt_s),
        }

    def add(self, params: Params) -> object:
        """Add an account."""
        if self._book.get(AccountId(_text(params, "id"))) is not None:
            raise ControlError(
                INVALID_PARAMS, f"account {params['id']!r} exists; change it with `offhook account set {params['id']}`"
            )
        blank = Account(AccountId(_text(params, "id")), str(params.get("user") or ""), _text(params, "domain"))
        return self._put(blank, params)

    def _put(self, before: Account, params: Params) -> object:
        account = changed_account(before, params)
        self._book.put(account, credential_of(account, params), self._clock())
        self._follow(account.id)
        return self.shown(self.status({"id": account.id}))

    def remove(self, params: Params) -> object:
        """Forget an account."""
        account = self.status(params).account
        self._book.remove(account.id, self._clock())
        self._follow(account.id)
        return {"removed": account.id}


def credential_of(account: Account, params: Params) -> Credential | None:
    """What answers challenges, by password and realm; None without a password, so that the old one stays.

    Raises ControlError for a realm without a password.
    """
    password, realm = str(params.get("password") or ""), str(params.get("realm") or "")
    if password:
        username = account.auth_user or account.user
        return seal(username, realm, password) if realm else Credential(username, password=password)
    if realm:
        raise ControlError(INVALID_PARAMS, "realm: give the password with it, so that it can be sealed for it")
    return None


def tenths(seconds: float | None) -> float | None:
    """Seconds as precise as anybody wants them."""
    return None if seconds is None else round(seconds, 1)


def _text(params: Params, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError(INVALID_PARAMS, f'"{name}" is missing: give it as text')
    return value
