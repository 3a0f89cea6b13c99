"""PRACK for the reliable provisional responses to an INVITE of ours (RFC 3262 section 4)."""

from __future__ import annotations

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.sip.dialog_exchange import DialogExchange
from device.sip.errors import SipParseError
from device.sip.headers import parse_int_header
from device.sip.message import Response
from device.sip.reliable_provisional import RELIABLE
from device.sip.user_agent_client import SentRequest

if TYPE_CHECKING:
    from device.sip.invite_usage import InviteUsage

_log = logging.getLogger(__name__)


def reliable_number(response: Response) -> int:
    """The RSeq of a 101 to 199 that wants a PRACK; 0 for every other response (section 4)."""
    if response.status == 100 or not any(token.lower() == RELIABLE for token in response.tokens("Require")):
        return 0
    try:
        return parse_int_header((response.headers.get("RSeq") or "").strip())
    except SipParseError:
        return 0


def is_next(exchange: DialogExchange, number: int) -> bool:
    """Whether a reliable response is the next one of its dialog, which then waits for its successor.

    A copy is none, nor is one that has overtaken another: neither is acknowledged (section 4).
    """
    if exchange.rseq and number != exchange.rseq + 1:
        return False
    exchange.rseq = number
    return True


class ProvisionalAcknowledgement:
    """One PRACK on its way. `fail` is told when a description of ours in it did not arrive."""

    __slots__ = ("_fail", "_name")

    def __init__(self, name: str, fail: Callable[[int, str, float], None] | None) -> None:
        self._name = name
        self._fail = fail

    @classmethod
    def send(
        cls,
        usage: InviteUsage,
        exchange: DialogExchange,
        response: Response,
        sdp: bytes,
        fail: Callable[[int, str, float], None] | None,
        now: float,
    ) -> None:
        """Acknowledge `response`; with `sdp`, our answer to the offer in it."""
        dialog = exchange.dialog
        prack = dialog.build_request("PRACK")
        prack.headers.add("RAck", f"{exchange.rseq} {response.cseq.number} INVITE")
        usage.core.add_body(prack, sdp)
        owner = cls(f"call {usage.call_id}", fail if sdp else None)
        usage.client.send(prack, dialog.next_hop, usage.identity, owner, dialog.next_cseq, now)

    def receive_response(self, _sent: SentRequest, response: Response, now: float) -> None:
        if response.status >= 300:
            self._failed(response.status, response.reason, now)

    def receive_failure(self, _sent: SentRequest, status: int, text: str, now: float) -> None:
        self._failed(status, text, now)

    def _failed(self, status: int, text: str, now: float) -> None:
        """Without a description in it nothing is lost: the callee has our PRACK or gives the call up by itself."""
        _log.debug("%s: PRACK failed: %d %s", self._name, status, text)
        if self._fail is not None:
            self._fail(status, text, now)
