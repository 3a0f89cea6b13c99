"""A 2xx to an INVITE that is repeated until its ACK comes (RFC 3261 section 13.3.1.4), on any transport."""

from device.sip.core import Core
from device.sip.message import Request, Response
from device.sip.transaction import ServerKey


class SuccessRetransmission:
    """Sends a 2xx at once and again after T1, 2*T1, 4*T1 up to T2, until it is dropped or 64*T1 have passed."""

    __slots__ = ("_core", "_deadline", "_due", "_interval", "_response", "cseq_number", "key")

    def __init__(self, core: Core, key: ServerKey, request: Request, response: Response, now: float) -> None:
        self._core = core
        self.key = key
        self.cseq_number = request.cseq.number
        self._response = response
        self._interval = core.timers.t1
        self._due: float | None = now + self._interval
        self._deadline = now + core.timers.transaction_timeout
        core.respond(key, response, now)

    def handle_timeout(self, now: float) -> bool:
        """Repeat the 2xx if it is time; true when 64*T1 have passed without an ACK, once."""
        if self._due is None or now < self._due:
            return False
        if now >= self._deadline:
            self._due = None
            return True
        self._core.layer.send_response(self.key, self._response, now)
        self._interval = min(2 * self._interval, self._core.timers.t2)
        self._due = min(now + self._interval, self._deadline)
        return False

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return self._due
