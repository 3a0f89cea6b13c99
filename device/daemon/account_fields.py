"""The fields of an account as people give them: which they change, and everything that is wrong with them."""

from collections.abc import Mapping

from device.annotations import Any, Final
from device.control.errors import INVALID_PARAMS, ControlError
from device.media.settings import codec_faults
from device.model import ACCOUNT_CHOICES, Account
from device.records import fields, replace

Params = Mapping[str, Any]

MIN_EXPIRES_S, MAX_EXPIRES_S = 10, 86_400
"""Registration lifetimes that an account may ask for, in seconds."""
MIN_KEEPALIVE_S, MAX_KEEPALIVE_S = 5, 3_600
"""Between keep-alives; more often would keep a board awake, and hardly any way is open for an hour by itself."""
_NOT_IN_ADDRESSES: Final = ' <>"@\r\n\t,;'


def changed_account(account: Account, params: Params) -> Account:
    """`account` with the fields that `params` names; raises ControlError for a value that does not fit."""
    changes: dict[str, object] = {}
    for item in fields(account):
        if item.name not in params or item.name == "id":
            continue
        value = params[item.name]
        wanted = type(getattr(account, item.name))
        if wanted is not type(value):
            raise ControlError(INVALID_PARAMS, f"{item.name}: {value!r} is not of type {wanted.__name__}")
        changes[item.name] = value
    changed = replace(account, **changes)  # type: ignore[arg-type]  # each type was checked above
    faults = account_faults(changed)
    if faults:
        raise all_faults(faults)
    return changed


def all_faults(faults: list[str]) -> ControlError:
    """The refusal that tells every fault at once."""
    return ControlError(INVALID_PARAMS, "nothing was changed: " + "; ".join(faults), {"faults": faults})


def account_faults(account: Account) -> list[str]:
    """Everything wrong with an account, in words."""
    found = []
    if not account.user and account.register:
        found.append("user: is empty; a registration needs the user part of the address")
    if not account.domain:
        found.append("domain: is empty; give the SIP domain or the server's address")
    for name in ("user", "domain", "registrar", "outbound_proxy"):
        if any(character in _NOT_IN_ADDRESSES for character in getattr(account, name)):
            found.append(f"{name}: {getattr(account, name)!r} contains a character that an address cannot have")
    for name in ("id", "display_name", "auth_user"):
        if not getattr(account, name).isprintable():
            found.append(f"{name}: contains a line break or another control character")
    for name, choices in ACCOUNT_CHOICES.items():
        if getattr(account, name) not in choices:
            words = ", ".join(choice or "nothing" for choice in choices)
            found.append(f"{name}: {getattr(account, name)!r} is not one of {words}")
    if not MIN_EXPIRES_S <= account.expires_s <= MAX_EXPIRES_S:
        found.append(f"expires_s: {account.expires_s} is not between {MIN_EXPIRES_S} and {MAX_EXPIRES_S}")
    return found + _way_faults(account) + (codec_faults(account.codecs) if account.codecs else [])


def _way_faults(account: Account) -> list[str]:
    """What is wrong with how the account reaches its server."""
    found = []
    if account.keepalive_s and not MIN_KEEPALIVE_S <= account.keepalive_s <= MAX_KEEPALIVE_S:
        found.append(
            f"keepalive_s: {account.keepalive_s} is neither 0, for what suits the transport, nor between "
            f"{MIN_KEEPALIVE_S} and {MAX_KEEPALIVE_S}"
        )
    if account.keepalive == "stun" and account.transport in ("tcp", "tls"):
        found.append(f"keepalive: stun keeps no {account.transport} connection open; choose auto, crlf or options")
    if account.proxy_mode == "always" and not account.outbound_proxy:
        found.append("proxy_mode: always needs an outbound_proxy to go to")
    return found
