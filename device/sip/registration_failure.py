"""What an answer to a REGISTER that is no 2xx means, for the table and in words. Loaded with the first failure."""

import re

from device.annotations import Final
from device.records import replace
from device.sip.headers import NameAddr
from device.sip.identity import Identity
from device.sip.message import REASON_PHRASES, Response
from device.sip.registration_grant import INSTANCE, readable_contacts
from device.sip.registration_inputs import Failed, PlainWanted, Redirected, TooBrief
from device.sip.registration_rules import Manner, manner_of
from device.sip.uri import Uri

_SECONDS: Final = re.compile(r"\d{1,9}")


def failure_of(response: Response, identity: Identity, contact: NameAddr | None) -> Failed | PlainWanted | TooBrief:
    """A 4xx, 5xx or 6xx by the table of registration_rules; `contact` is what was to be registered."""
    status = response.status
    if status == 423:
        return TooBrief(_leading_number(response.headers.get("Min-Expires")) or 0)
    manner = manner_of(status)
    if manner is Manner.PLAIN:
        if contact is not None and contact.has_param(INSTANCE):
            return PlainWanted()
        manner = Manner.SLOW
    if status in (401, 407) and identity.auth is not None and identity.auth.lacks_nonce:
        manner = Manner.SOON
    retry_after = _leading_number(response.headers.get("Retry-After"))
    return Failed(status, _failure_text(response, identity, manner), manner, retry_after)


def redirection_of(response: Response, asked: Uri, was_followed: bool) -> Redirected | Failed:
    """A 3xx to a REGISTER for `asked`: the address that it names is asked, once.

    The account's own registrar stays the one to begin with.
    """
    said = f"{response.status} {_reason(response)}"
    contacts = sorted(readable_contacts(response), key=lambda contact: -contact.q)
    # A registrar is addressed without a user part (section 10.2).
    targets = (replace(contact.uri.target(), user="", password="") for contact in contacts)
    target = next((uri for uri in targets if uri.scheme == "sip" and not uri.matches(asked)), None)
    if was_followed:
        text = f"the server that registrations were sent to sends them on again ({said}); ask its provider"
    elif target is None:
        text = f"the server takes no registrations ({said}) and names no other that can be asked; check the account"
    else:
        return Redirected(target)
    return Failed(response.status, text, Manner.SLOW)


def silence(status: int, text: str) -> Failed:
    """No answer came: 408 for silence, 503 for a broken transport."""
    return Failed(status, text, Manner.SOON)


def nothing_kept(status: int) -> Failed:
    """A 2xx that grants no time."""
    return Failed(status, "the server accepted the registration but does not keep it", Manner.SOON)


def no_longer_time() -> Failed:
    """A 423 that does not say what would be long enough."""
    return Failed(423, "the server calls the registration too brief but names no longer time", Manner.SLOW)


def _failure_text(response: Response, identity: Identity, manner: Manner) -> str:
    if response.status in (401, 407):
        return identity.refusal_text(response)
    said = f"{response.status} {_reason(response)}"
    if response.status in (404, 410):
        return f"the server does not know user {identity.user} ({said}); check the account's user and domain"
    if manner is Manner.SLOW:
        return f"the server refused to register user {identity.user} ({said}); check the account or ask its provider"
    return f"the server answered {said}"


def _leading_number(text: str | None) -> int | None:
    match = _SECONDS.match(text) if text else None
    return int(match[0]) if match is not None else None


def _reason(response: Response) -> str:
    reason = response.reason if response.reason.isprintable() else ""
    return (reason or REASON_PHRASES.get(response.status, "")).strip()[:80]
