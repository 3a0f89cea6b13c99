"""Digits to the far end where they do not simply go as events in RTP: by INFO, or as tones; loaded with the first."""

from __future__ import annotations

from collections import deque

from device import plain_logging as logging
from device.annotations import Final
from device.audio.commands import SendDigit
from device.audio.engine import AudioEngine
from device.model import CallId
from device.sip.errors import SipStateError
from device.sip.info import DTMF, DTMF_RELAY, build_digit
from device.sip.user_agent import UserAgent

logger = logging.getLogger(__name__)

IN_BAND: Final = "inband"
INFO_BODIES: Final = {"info-relay": DTMF_RELAY, "info": DTMF}
"""The content type of each way that is an INFO."""
MAX_WAITING: Final = 64
"""Digits of one call that may wait for the answer to the INFO before them; further ones are dropped."""
_BODY_REFUSED: Final = (400, 415)
"""What a far end answers that takes INFO but not this body."""


def ways_to_send(wanted: str, info_allowed: bool) -> tuple[str, ...]:
    """In which ways to try, best first, in a call that has agreed on no events in RTP or is not to use them."""
    if wanted in INFO_BODIES:
        return (wanted,)
    return (*INFO_BODIES, IN_BAND) if wanted == "auto" and info_allowed else (IN_BAND,)


class DigitSender:
    """One call's digits. INFOs go one at a time, each after the answer to the one before it, so that they stay in
    order on any transport; a body or a method that the far end refuses is not tried again in this call."""

    __slots__ = ("_asked", "_call_id", "_duration_ms", "_engine", "_user_agent", "_waiting", "_ways")

    def __init__(
        self, call_id: CallId, ways: tuple[str, ...], user_agent: UserAgent, engine: AudioEngine, duration_ms: int
    ) -> None:
        self._call_id = call_id
        self._ways = ways
        self._user_agent = user_agent
        self._engine = engine
        self._duration_ms = duration_ms
        self._waiting: deque[str] = deque()
        self._asked = ""
        """The digit whose INFO is under way."""

    def send(self, digit: str, now: float) -> None:
        """Send a digit after those that wait."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(digit.upper())
        self._go_on(now)

    def receive_answer(self, status: int, now: float) -> None:
        """The far end's final answer to our INFO, 408 for none at all."""
        digit, self._asked = self._asked, ""
        if digit and not 200 <= status < 300:
            self._refused(digit, status)
        self._go_on(now)

    def _refused(self, digit: str, status: int) -> None:
        if len(self._ways) == 1:
            # Not the digit itself: it may be part of a PIN.
            logger.warning(
                "%s: the far end answers a digit by INFO (%s) with %d; set media.dtmf or the account's dtmf to auto",
                self._call_id,
                INFO_BODIES[self._ways[0]],
                status,
            )
            return
        self._ways = self._ways[1:] if status in _BODY_REFUSED else (IN_BAND,)
        logger.info("%s: digits by INFO are answered with %d; trying %s", self._call_id, status, self._ways[0])
        self._waiting.appendleft(digit)

    def _go_on(self, now: float) -> None:
        while self._waiting and not self._asked:
            digit = self._waiting.popleft()
            if self._ways[0] == IN_BAND or not self._ask(digit, now):
                self._engine.submit(SendDigit(self._call_id, digit, in_band=True))

    def _ask(self, digit: str, now: float) -> bool:
        """Send an INFO; answers false where the call is not established yet, and so can have none."""
        content_type = INFO_BODIES[self._ways[0]]
        body = build_digit(content_type, digit, self._duration_ms)
        try:
            self._user_agent.send_info(self._call_id, content_type, body, now)
        except SipStateError:
            return False
        self._asked = digit
        return True
