"""The phone's calls as others may watch them, for the busy lamps of their phones (RFC 4235)."""

from itertools import count

from device.annotations import Final
from device.phone.phone import CallSnapshot, Phone
from device.phone.states import PhoneState
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.subscription_table import Package

PACKAGE: Final = "dialog"
CONTENT_TYPE: Final = "application/dialog-info+xml"
_STATES: Final = {
    PhoneState.CALLING.value: "trying",
    PhoneState.RINGBACK.value: "early",
    PhoneState.ALERTING.value: "early",
}
"""What the state of the phone says of its call; in all others it is confirmed."""


def dialog_package(phone: Phone, servers_only: bool) -> Package:
    """The package as the user agent serves it; with `servers_only` to the accounts' own servers alone."""
    versions = count()

    def current(identity: Identity) -> bytes:
        return _document(phone, identity, next(versions))

    def allows(identity: Identity, source: Hop) -> bool:
        return not servers_only or source.host in identity.servers

    return Package(PACKAGE, CONTENT_TYPE, current, allows)


def _document(phone: Phone, identity: Identity, version: int) -> bytes:
    """The whole state, each time (section 4.3); who the others are is left to those who take part in the calls."""
    snapshot = phone.snapshot()
    entity = str(identity.account.aor) if identity.account is not None else f"sip:{identity.user}@anonymous.invalid"
    head = 'xmlns="urn:ietf:params:xml:ns:dialog-info" '
    dialogs = [
        _dialog(call, state)
        for call, state in ((snapshot.call, _STATES.get(snapshot.state, "confirmed")), (snapshot.parked, "confirmed"))
        if call is not None
    ]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<dialog-info {head}version="{version}" state="full" entity="{_escaped(entity)}">',
        *dialogs,
        "</dialog-info>",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def _dialog(call: CallSnapshot, state: str) -> str:
    direction = "initiator" if call.direction == "out" else "recipient"
    return f'<dialog id="{_escaped(call.call_id)}" direction="{direction}"><state>{state}</state></dialog>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
