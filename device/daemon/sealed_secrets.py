"""The secrets of a store, out of it and into it under a passphrase: credentials of accounts, and secret settings."""

import os
from collections.abc import Mapping

from device.annotations import Any
from device.daemon.sealing import NONCE_OCTETS, SALT_OCTETS, SealError, seal, unseal
from device.daemon.settings_methods import SECRETS
from device.model import Account, AccountId, Credential
from device.records import asdict
from device.store.accounts import Accounts
from device.store.database import Database
from device.store.settings import Settings


def seal_store(database: Database, passphrase: str) -> str:
    """Every secret of the store as one sealed text. Raises SealError."""
    accounts = Accounts(database)
    credentials = {
        str(account.id): asdict(credential)
        for account in accounts.list()
        if (credential := accounts.credential(account.id)) is not None
    }
    settings = {key: value for key, value in Settings(database).get_all().items() if key in SECRETS and value}
    secrets = {"accounts": credentials, "settings": settings}
    return seal(passphrase, secrets, os.urandom(SALT_OCTETS), os.urandom(NONCE_OCTETS))


def open_secrets(passphrase: str, text: str) -> tuple[dict[str, Credential], dict[str, str]]:
    """Credentials by account and secret settings of a sealed text. Raises SealError."""
    content = unseal(passphrase, text)
    try:
        credentials = {name: _credential(given) for name, given in content["accounts"].items()}
        settings = {str(key): str(value) for key, value in content["settings"].items() if key in SECRETS}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SealError("the sealed text opens, but holds no secrets of a phone") from error
    return credentials, settings


def unseal_into(database: Database, passphrase: str, text: str) -> list[str]:
    """Give the accounts of the store their credentials, and secret settings their values; answers which.

    Accounts that the store does not have are passed over. Raises SealError, StoreError.
    """
    credentials, settings = open_secrets(passphrase, text)
    accounts = Accounts(database)
    taken = []
    for name, credential in credentials.items():
        account: Account | None = accounts.get(AccountId(name))
        if account is not None:
            accounts.update(account, credential)
            taken.append(f"account.{name}.password")
    if settings:
        Settings(database).set_many(settings)
        taken += settings
    return taken


def _credential(given: Mapping[str, Any]) -> Credential:
    """JSON has no tuples."""
    further = tuple((str(realm), _pairs(values)) for realm, values in given["further"])
    return Credential(given["username"], given["realm"], _pairs(given["ha1"]), given["password"], further)


def _pairs(values: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(algorithm), str(value)) for algorithm, value in values)
