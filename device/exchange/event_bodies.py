"""What watchers are told, as documents: dialog-info (RFC 4235), PIDF (RFC 3863), message-summary (RFC 3842)."""

from collections.abc import Iterable

from device.annotations import Final
from device.exchange.call_watch import WatchedDialog
from device.exchange.seal import Seal
from device.sip.headers import NameAddr

DIALOG_INFO: Final = "application/dialog-info+xml"
PIDF: Final = "application/pidf+xml"
MESSAGE_SUMMARY: Final = "application/simple-message-summary"

_XML: Final = '<?xml version="1.0" encoding="UTF-8"?>'


def dialog_info(entity: str, version: int, dialogs: Iterable[WatchedDialog], seal: Seal) -> bytes:
    """The whole state, each time (RFC 4235 section 4.3), with the tags that a pickup by Replaces needs.

    `seal` names the dialogs: the same one has the same id in every document.
    """
    lines = [
        _XML,
        f'<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}" state="full"'
        f' entity="{escaped(entity)}">',
    ]
    for dialog in dialogs:
        lines += _dialog(dialog, seal)
    return _document([*lines, "</dialog-info>"])


def _dialog(dialog: WatchedDialog, seal: Seal) -> list[str]:
    direction = "initiator" if dialog.is_initiator else "recipient"
    name = seal.of("dialog-id", dialog.call_id, dialog.local_tag, dialog.remote_tag, direction)
    attributes = f'id="{name}" call-id="{escaped(dialog.call_id)}" direction="{direction}"'
    for attribute, tag in (("local-tag", dialog.local_tag), ("remote-tag", dialog.remote_tag)):
        if tag:
            attributes += f' {attribute}="{escaped(tag)}"'
    return [
        f"<dialog {attributes}>",
        f"<state>{dialog.phase.value}</state>",
        *_party("local", dialog.local),
        *_party("remote", dialog.remote),
        "</dialog>",
    ]


def _party(name: str, address: NameAddr) -> list[str]:
    display = f' display="{escaped(address.display_name)}"' if address.display_name else ""
    uri = escaped(str(address.uri))
    return [f'<{name}><identity{display}>{uri}</identity><target uri="{uri}"/></{name}>']


def presence(entity: str, is_open: bool, is_busy: bool) -> bytes:
    """What is known of a user without a word of the user's own: reachable or not, on the telephone or not."""
    lines = [
        _XML,
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"'
        f' xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="{escaped(entity)}">',
        '<tuple id="exchange">',
        f"<status><basic>{'open' if is_open else 'closed'}</basic></status>",
        f"<contact>{escaped(entity)}</contact>",
    ]
    if is_busy:
        lines.append("<note>On the phone</note>")
    lines.append("</tuple>")
    if is_busy:
        lines.append('<dm:person id="user"><rpid:activities><rpid:on-the-phone/></rpid:activities></dm:person>')
    return _document([*lines, "</presence>"])


def message_summary(account: str, new: int, old: int) -> bytes:
    """How many voice messages wait for a user; `account` is what to call to hear them (RFC 3842 section 5.2)."""
    lines = [f"Messages-Waiting: {'yes' if new else 'no'}"]
    if account:
        lines.append(f"Message-Account: {account}")
    return ("\r\n".join([*lines, f"Voice-Message: {new}/{old} (0/0)"]) + "\r\n").encode("utf-8", "replace")


def escaped(text: str) -> str:
    """Text as it stands in XML; what XML 1.0 cannot hold becomes a question mark."""
    kept = "".join(sign if sign >= " " and not "\ud800" <= sign <= "\udfff" else "?" for sign in text)
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _document(lines: list[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n").encode()
