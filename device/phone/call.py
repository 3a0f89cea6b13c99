"""The one call there is: who, since when, how far it has come; and what the call log keeps of it."""

from device.model import CallId
from device.phone.commands import LogCall


class Call:
    """A call from the moment it is placed or offered until somebody ends it.

    `remote` is a number or URI text. Times are seconds on the phone's monotonic clock.
    """

    __slots__ = (
        "alert",
        "announced",
        "answered",
        "audio",
        "button",
        "call_id",
        "direction",
        "early_media",
        "emergency",
        "handed_over",
        "held",
        "held_to_transfer",
        "joined",
        "next_targets",
        "pressed_at",
        "remote",
        "remote_name",
        "ringback",
        "started",
    )

    def __init__(self, call_id: CallId, direction: str, remote: str, remote_name: str, started: float) -> None:
        self.call_id = call_id
        self.direction = direction
        self.remote = remote
        self.remote_name = remote_name
        self.started = started
        self.answered: float | None = None
        self.audio = False
        """Whether microphone and earpiece are joined to it."""
        self.early_media = False
        """Whether the far end may be heard before it answers."""
        self.ringback = True
        """Whether our own tone is heard while the far end rings."""
        self.held = False
        self.held_to_transfer = False
        """Whether it was put on hold only to be transferred."""
        self.joined = False
        """Whether it takes part in the talk although it is the one that waited."""
        self.handed_over = False
        """Whether its far end has sent us on to somebody else, so that it waits only until that call stands."""
        self.announced: float | None = None
        """While the caller hears our announcement: the delay in seconds of the automatic answer after it, else -1."""
        self.alert = ""
        """The cadence of the bell that the caller asked for."""
        self.emergency = False
        self.button = ""
        """Name of the button that began or answered it."""
        self.pressed_at = started
        """When that button was pressed."""
        self.next_targets: tuple[str, ...] = ()
        """Whom to call if nobody answers here."""

    def log(self, ended: float, cause: str, missed: bool) -> LogCall:
        """The facts for the call log."""
        return LogCall(
            self.call_id,
            self.direction,
            self.remote,
            self.remote_name,
            self.started,
            self.answered,
            ended,
            cause,
            missed,
        )


def user_of(remote: str) -> str:
    """The user part of a URI text, or the number itself: "1001" of "sip:1001@example.org"."""
    scheme, _, rest = remote.partition(":")
    scheme = scheme.lower()
    user = rest if scheme in ("sip", "sips", "tel") else remote
    user = user.partition("@")[0].partition(";")[0]
    if scheme == "tel":
        for separator in "-.()":  # for the eye alone (RFC 3966 section 5.1.1)
            user = user.replace(separator, "")
    return user


def is_among(remote: str, others: tuple[str, ...]) -> bool:
    """Whether `remote` is one of `others`, each a number, a user name or a whole URI text."""
    wanted = {other.casefold() for other in others}
    return remote.casefold() in wanted or user_of(remote).casefold() in wanted


_BUSY = (486, 600)
_UNKNOWN = (404, 410, 484, 485, 604)
_CAUSES = {0: "failed", 408: "no answer", 480: "unavailable", 486: "busy", 487: "cancelled", 600: "busy"}


def is_busy(status: int) -> bool:
    """Whether a final status means that the far end is busy (RFC 3261 sections 21.4.24 and 21.6.1)."""
    return status in _BUSY


def is_unknown_number(status: int) -> bool:
    """Whether a final status means that nobody has this number, or has it any more (RFC 3261 section 21)."""
    return status in _UNKNOWN


def cause_of(status: int) -> str:
    """A final status in words for the call log."""
    if status in _CAUSES:
        return _CAUSES[status]
    if status in (401, 403, 407, 603, 607, 608):
        return f"rejected {status}"
    return f"failed {status}"
