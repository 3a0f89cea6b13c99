"""Session timers (RFC 4028): how long a session lasts without a refresh, who refreshes it, and when it is dead."""

from device.annotations import Final, NamedTuple
from device.sip.errors import SipParseError
from device.sip.headers import parse_int_header
from device.sip.message import Request, Response

TIMER: Final = "timer"
"""The option tag (section 7.1)."""
LEAST_S: Final = 90
"""The smallest interval that may be asked for (section 5)."""
PRACTICABLE_S: Final = 30
"""Shorter ones, which a proxy may have written for a peer without session timers, are not kept."""
MOST_S: Final = 2**31 - 1
BYE_MARGIN_S: Final = 32.0
"""A dead session is ended so long before its interval is over, or a third of it if that is less (section 10)."""
LAST_ATTEMPT_S: Final = 2.0
"""No refresh is tried later than so long before that."""


class SessionInterval(NamedTuple):
    """A Session-Expires header field."""

    seconds: int
    refresher: str
    """ "uac", "uas" or "" where nobody is named."""


def read_interval(message: Request | Response) -> SessionInterval | None:
    """The Session-Expires of a message; None when there is none that can be read."""
    value = message.headers.get("Session-Expires")
    if value is None:
        return None
    number, *parameters = value.split(";")
    try:
        seconds = parse_int_header(number.strip(), MOST_S)
    except SipParseError:
        return None
    refresher = ""
    for parameter in parameters:
        name, _, named = parameter.partition("=")
        if name.strip().lower() == "refresher" and named.strip().lower() in ("uac", "uas"):
            refresher = named.strip().lower()
    return SessionInterval(seconds, refresher)


def read_minimum(message: Request | Response) -> int:
    """The Min-SE of a message in seconds; 90 when there is none that can be read (section 5)."""
    value = (message.headers.get("Min-SE") or "").partition(";")[0].strip()
    try:
        return max(LEAST_S, parse_int_header(value, MOST_S))
    except SipParseError:
        return LEAST_S


def supports_timer(message: Request | Response) -> bool:
    """Whether who sent this speaks RFC 4028 itself; a proxy may write Session-Expires for one that does not."""
    return any(token.lower() == TIMER for name in ("Supported", "Require") for token in message.tokens(name))


def is_too_brief(request: Request, least_s: int) -> bool:
    """Whether a request is to be answered 422: only one whose sender can read that (section 9)."""
    interval = read_interval(request)
    return interval is not None and interval.seconds < least_s and supports_timer(request)


class SessionTimer:
    """The timer of one dialog; still until an answer starts it.

    Whoever refreshes does so when half of the interval is over, and again at half of what is left if that failed.
    """

    __slots__ = ("_asked_at", "_bye_at", "_heard", "_refresh_at", "interval_s", "we_refresh")

    def __init__(self) -> None:
        self.interval_s = 0
        """The interval in force, 0 for none."""
        self.we_refresh = False
        self._asked_at: float | None = None
        """When our request that refreshes was sent."""
        self._refresh_at: float | None = None
        self._bye_at: float | None = None
        self._heard = False
        """Whether the other side has refused a refresh of ours: then it is there."""

    def start(self, interval_s: int, we_refresh: bool, now: float) -> None:
        """A request or answer that refreshes the session has gone through.

        The other side counts from when it got our request, which may have been long before its answer came through.
        """
        since, self._asked_at = now if self._asked_at is None else self._asked_at, None
        self._heard = False
        self.interval_s = interval_s
        self.we_refresh = we_refresh
        self._refresh_at = max(now, since + interval_s / 2) if we_refresh else None
        # Who refreshes has the whole interval for it; who waits for the other one gives up a little earlier.
        self._bye_at = now + interval_s - (0 if we_refresh else min(BYE_MARGIN_S, interval_s / 3))

    def stop(self) -> None:
        """The session lasts for ever: the answer named no interval (section 7.2)."""
        self.interval_s = 0
        self._refresh_at = self._bye_at = None

    def next_timeout(self) -> float | None:
        """When `take_refresh` or `take_expiry` is next needed."""
        return self._bye_at if self._refresh_at is None else self._refresh_at

    def take_expiry(self, now: float) -> bool:
        """Whether no refresh came through in time, so that the other side is taken for gone; told once.

        A far end that keeps refusing ours is not gone: nobody's talk is cut off for that, it is asked anew.
        """
        if self._bye_at is None or now < self._bye_at:
            return False
        if self._heard and self.we_refresh:
            self._asked_at = None
            self.start(self.interval_s, True, now)
            return False
        self.stop()
        return True

    def hear(self) -> None:
        """The other side answered a refresh of ours with a refusal."""
        self._heard = True

    def take_refresh(self, now: float) -> bool:
        """Whether it is time for a refresh of ours; told once for each attempt."""
        if self._bye_at is None or self._refresh_at is None or not self._refresh_at <= now < self._bye_at:
            return False
        self._refresh_at = now + (self._bye_at - now) / 2 if self._bye_at - now > LAST_ATTEMPT_S else None
        return True

    # In requests of ours.

    def add_to(self, request: Request, now: float) -> bool:
        """Ask to go on with the interval and the roles in force (section 7.4); false when there are none."""
        self._asked_at = now
        if self.interval_s:
            refresher = "uac" if self.we_refresh else "uas"
            request.headers.set("Session-Expires", f"{self.interval_s};refresher={refresher}")
        return self.interval_s > 0

    def take_answer(self, response: Response, now: float) -> None:
        """A 2xx to a request that refreshes: it says whether the session has an interval (section 7.2)."""
        interval = read_interval(response)
        if interval is None or interval.seconds < PRACTICABLE_S:
            self.stop()
        else:
            self.start(interval.seconds, interval.refresher != "uas", now)

    # In answers of ours.

    def answer(self, request: Request, response: Response, wanted_s: int, now: float) -> None:
        """Put the interval into our 2xx to their request and start it (section 9).

        `wanted_s` is what this phone asks for by itself, 0 for nothing. Where the choice is ours we refresh: a
        session that depends on nobody else's refreshes cannot be lost by their absence.
        """
        self._asked_at = None
        theirs = read_interval(request)
        able = supports_timer(request)
        if theirs is not None and theirs.seconds >= PRACTICABLE_S:
            seconds = theirs.seconds
            if wanted_s:
                seconds = min(seconds, max(wanted_s, read_minimum(request)))
        elif theirs is None and able and wanted_s:
            seconds = max(wanted_s, read_minimum(request))
        else:
            self.stop()
            return
        we_refresh = not (able and theirs is not None and theirs.refresher == "uac")
        response.headers.set("Session-Expires", f"{seconds};refresher={'uas' if we_refresh else 'uac'}")
        if able:
            response.headers.add("Require", TIMER)
        self.start(seconds, we_refresh, now)
