"""The calls of a user agent: by our own name, by dialog, by what an INVITE of ours was called."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, Final
from device.model import CallId
from device.sip.dialog import Dialog, DialogId
from device.sip.events import EndCause
from device.sip.headers import NameAddr
from device.sip.message import Request, Response
from device.sip.transaction import ServerKey

if TYPE_CHECKING:
    from device.sip.invite_session import InviteSession
    from device.sip.outgoing_invite import OutgoingInvite

_log = logging.getLogger(__name__)

CALL_UNKNOWN: Final = 481
LATE_INVITES_KEPT: Final = 8
"""How many ended calls are remembered for answers that come too late."""


class CallTable:
    """All calls until nothing is left to do for them. A phone has a handful, so that looking through all is quick."""

    __slots__ = ("_late", "_sessions")

    def __init__(self) -> None:
        self._sessions: dict[CallId, InviteSession] = {}
        self._late: deque[OutgoingInvite] = deque(maxlen=LATE_INVITES_KEPT)

    def add(self, session: InviteSession) -> None:
        """Take a new call in."""
        self._sessions[session.call_id] = session

    def get(self, call_id: CallId) -> InviteSession | None:
        """The call of that name, None when it is over."""
        return self._sessions.get(call_id)

    @property
    def active_count(self) -> int:
        """How many calls have not ended for their owner."""
        return sum(not session.has_ended for session in self._sessions.values())

    def find(self, request: Request) -> tuple[InviteSession, Dialog] | None:
        """The call and the dialog that a request within a dialog belongs to (RFC 3261 section 12.2.2)."""
        return self._find(request.call_id, request.to, request.from_)

    def _find(self, call_id: str, local: NameAddr, remote: NameAddr) -> tuple[InviteSession, Dialog] | None:
        dialog_id = DialogId(call_id, local.tag or "", remote.tag or "")
        for session in self._sessions.values():
            dialog = session.dialog(dialog_id)
            if dialog is not None:
                return session, dialog
        return None

    def find_invite(self, key: ServerKey) -> InviteSession | None:
        """The call that an INVITE of the other side belongs to."""
        return next((session for session in self._sessions.values() if session.has_invite(key)), None)

    def note_response(self, response: Response, now: float) -> None:
        """A call is over whose other side answers an INFO or a REFER of ours with 481 (section 12.2.1.2, RFC 5057).

        Silence to these ends no call: phones that do not know a method should refuse it, but some say nothing.
        What becomes of a call when its INVITE, UPDATE, PRACK or BYE meets 481 its own tables say.
        """
        if response.status != CALL_UNKNOWN or response.cseq.method not in ("INFO", "REFER"):
            return
        found = self._find(response.call_id, response.from_, response.to)
        if found is not None:
            found[0].lose(EndCause(CALL_UNKNOWN, "the other side does not know this call any more", local=False), now)

    def receive_stray(self, response: Response, now: float) -> None:
        """A 2xx whose INVITE transaction is over: ours all the same if its Call-ID and From tag are (13.2.2.4)."""
        if len(response.headers.get_all("Via")) > 1:
            _log.debug("a 2xx that was meant for somebody else")  # section 8.1.3.3
            return
        found = self._find(response.call_id, response.from_, response.to)
        if found is not None and found[0].acknowledge_again(response, now):
            return
        name = (response.call_id, response.from_.tag or "")
        for invite in (*self._outgoing(), *self._late):
            if (invite.sip_call_id, invite.local_tag) == name:
                invite.receive_success(response, now)
                return
        _log.debug("a 2xx to an INVITE that is long forgotten")

    def _outgoing(self) -> Iterable[OutgoingInvite]:
        return [session.outgoing for session in self._sessions.values() if session.outgoing is not None]

    def forget_over(self) -> None:
        """Drop the calls that are over, all but what a late answer from another branch of a fork needs."""
        for session in [session for session in self._sessions.values() if session.is_over]:
            del self._sessions[session.call_id]
            if session.outgoing is not None:
                self._late.append(session.outgoing)

    def __iter__(self) -> Iterator[InviteSession]:
        return iter(tuple(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)
