"""Reliable provisional responses to an INVITE of the other side (RFC 3262 section 3), repeated until PRACK comes."""

from device.annotations import Final
from device.sip.core import Core
from device.sip.errors import SipParseError
from device.sip.headers import parse_int_header
from device.sip.message import Request, Response
from device.sip.transaction import ServerKey

RELIABLE: Final = "100rel"
"""The option tag."""
_RSEQ_BITS: Final = 31
"""The first RSeq is below 2**31 (section 3)."""


class ReliableProvisionals:
    """Those of one INVITE: one at a time, sent again after T1, 2*T1, 4*T1 and so on until its PRACK or 64*T1."""

    __slots__ = ("_awaiting", "_core", "_cseq", "_deadline", "_due", "_interval", "_key", "_next", "_rseq")

    def __init__(self, core: Core, key: ServerKey, invite: Request) -> None:
        self._core = core
        self._key = key
        self._cseq = invite.cseq.number
        self._rseq = core.ids.number(_RSEQ_BITS - 1) + 1
        self._awaiting: Response | None = None
        self._next: Response | None = None
        """What waits for the PRACK of the one before."""
        self._interval = 0.0
        self._due: float | None = None
        self._deadline = 0.0

    @property
    def is_pending(self) -> bool:
        """Whether a response awaits its PRACK."""
        return self._awaiting is not None

    @property
    def owes_session(self) -> bool:
        """Whether a description of ours is not known to have arrived: no 2xx may be sent yet (section 3)."""
        waiting = (self._awaiting, self._next) if self._awaiting is not None else ()
        return any(response is not None and response.body for response in waiting)

    def send(self, response: Response, now: float) -> None:
        """Send a 101 to 199, or let it wait until the one before is acknowledged.

        Of several that wait the newest is sent, but a description gives way to none.
        """
        response.headers.add("Require", RELIABLE)
        if self._awaiting is None:
            self._start(response, now)
        elif self._next is None or response.body or not self._next.body:
            self._next = response

    def _start(self, response: Response, now: float) -> None:
        response.headers.set("RSeq", str(self._rseq))
        self._awaiting = response
        self._interval = self._core.timers.t1
        self._due = now + self._interval
        self._deadline = now + self._core.timers.transaction_timeout
        self._core.respond(self._key, response, now)

    def acknowledge(self, prack: Request, now: float) -> bool:
        """Take a PRACK; false when it is for nothing that was sent and not acknowledged (then 481)."""
        if self._awaiting is None or not self._is_meant(prack.headers.get("RAck") or ""):
            return False
        self._awaiting = self._due = None
        self._rseq += 1
        following, self._next = self._next, None
        if following is not None:
            self._start(following, now)
        return True

    def _is_meant(self, rack: str) -> bool:
        """Whether a RAck names the response that waits: RSeq, CSeq number and method (section 7.2)."""
        parts = rack.split()
        if len(parts) != 3:
            return False
        try:
            numbers = parse_int_header(parts[0]), parse_int_header(parts[1])
        except SipParseError:
            return False
        return (*numbers, parts[2]) == (self._rseq, self._cseq, "INVITE")

    def stop(self) -> None:
        """The final response goes out: nothing is repeated any more, but a PRACK that is under way is still met."""
        self._due = None
        self._next = None

    def handle_timeout(self, now: float) -> bool:
        """Repeat the response if it is time; true when 64*T1 have passed without PRACK, once."""
        if self._due is None or self._awaiting is None or now < self._due:
            return False
        if now >= self._deadline:
            self._due = None
            return True
        self._core.layer.send_response(self._key, self._awaiting, now)
        self._interval *= 2
        self._due = min(now + self._interval, self._deadline)
        return False

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return self._due
