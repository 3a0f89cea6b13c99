"""An INVITE with Replaces (RFC 3891 section 3): which of our calls it is to take the place of, or why of none."""

from device.annotations import Final
from device.model import CallId
from device.sip.call_table import CallTable
from device.sip.dialog import DialogId
from device.sip.incoming_request import Refusal
from device.sip.invite_session import InviteSession, SessionState
from device.sip.message import Request
from device.sip.refer import Replaces, parse_replaces

_S = SessionState
_CONFIRMED: Final = frozenset((_S.CONFIRMED, _S.ACCEPTED))
"""States of a call in which its dialog is confirmed at our end (RFC 3261 section 12)."""
_EARLY_OF_OURS: Final = frozenset((_S.CALLING, _S.PROCEEDING))
"""A call of ours that has not been answered."""
_NO_TAG: Final = "0"
"""What stands for the missing tag of a peer of RFC 2543 (section 6.1)."""


def find_replaced(invite: Request, calls: CallTable) -> CallId | Refusal:
    """The call that `invite` replaces. Raises SipParseError (400) for a header that cannot be read."""
    values = invite.headers.get_all("Replaces")
    if len(values) != 1 or "Join" in invite.headers:
        return Refusal(400, reason="Replaces must stand alone")
    replaces = parse_replaces(values[0])
    session = _find(replaces, calls)
    if session is None:
        return Refusal(481)
    if session.has_ended:
        # The dialog is known, but terminated: whoever wanted it has come too late.
        return Refusal(603)
    if session.state in _CONFIRMED:
        return Refusal(486) if replaces.early_only else session.call_id
    # Only who made an early dialog can give it up; a call that rings here is not to be taken away (section 3).
    return session.call_id if session.state in _EARLY_OF_OURS else Refusal(481)


def _find(replaces: Replaces, calls: CallTable) -> InviteSession | None:
    local = ("", _NO_TAG) if replaces.to_tag == _NO_TAG else (replaces.to_tag,)
    remote = ("", _NO_TAG) if replaces.from_tag == _NO_TAG else (replaces.from_tag,)
    names = [DialogId(replaces.call_id, ours, theirs) for ours in local for theirs in remote]
    found = [session for session in calls for name in names if session.dialog(name) is not None]
    # Several matches count as none.
    return found[0] if len(found) == 1 else None
