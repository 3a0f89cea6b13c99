"""Who is at the other end now: From changes within a dialog (RFC 4916), and what our server asserts (RFC 3325)."""

from device.sip.asserted_identity import ANONYMOUS, asserted_identity, is_private
from device.sip.core import readable
from device.sip.dialog import Dialog
from device.sip.headers import NameAddr
from device.sip.identity import Identity
from device.sip.invite_usage import InviteUsage
from device.sip.message import Request, Response


def note_party(usage: InviteUsage, dialog: Dialog, message: Request | Response, *, trusted: bool) -> None:
    """Take over a changed From, and tell the owner when the party that is to be shown is another one."""
    before = usage.party or _shown(dialog.remote, private=False)
    if not message.is_response and not _is_same(message.from_, dialog.remote):
        # What we send from now on is addressed to the new identity; the tag stays (section 4.5).
        dialog.remote = message.from_
    private = is_private(message)
    asserted = asserted_identity(message.headers) if trusted and not private else None
    party = _shown(asserted or dialog.remote, private=private)
    if not party[1] and party[0] == before[0]:
        party = before
    usage.party = party
    if party != before:
        from device.sip.feature_events import RemoteIdentityChanged  # noqa: PLC0415  # few calls change their party

        usage.core.emit(RemoteIdentityChanged(usage.call_id, *party))


def answering_identity(identity: Identity, invite: Request, dialog: Dialog) -> NameAddr | None:
    """Our From for a call that was meant for somebody else; None where it was meant for us, or nobody wants to know."""
    meant = invite.to.uri
    if identity.account is None or not meant.is_sip or meant.user == identity.user:
        return None
    if "from-change" not in [token.lower() for token in invite.tokens("Supported")]:
        return None
    return identity.address(dialog.next_hop).with_tag(dialog.local.tag or "")


def _is_same(one: NameAddr, other: NameAddr) -> bool:
    return one.uri.matches(other.uri) and one.display_name == other.display_name


def _shown(address: NameAddr, *, private: bool) -> tuple[str, str]:
    name = readable(address.display_name)
    return str(address.uri), name or (ANONYMOUS if private else "")
