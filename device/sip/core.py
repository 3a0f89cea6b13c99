"""What all parts of the user agent share: settings, timers, identifiers, the layer below and the event queue above."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from device.annotations import TYPE_CHECKING, Final, Protocol
from device.ids import IdSource
from device.model import CallId
from device.sip.events import CallEnded, SipEvent
from device.sip.hop import Hop, NextHop
from device.sip.instance import NO_INSTANCE, Instance
from device.sip.message import Request, Response
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.transaction import ServerKey
from device.sip.transaction_layer import TransactionLayer

if TYPE_CHECKING:
    from device.sip.subscription_table import Package

Follower = Callable[[SipEvent, float], bool]
"""Told of each event of a call that it follows; true when it has heard enough."""

LocalAddress = Callable[[str, str], tuple[str, int]]
"""From transport ("UDP", "TCP") and destination host to our own (host, port) as that destination sees it."""

METHODS_SERVED: Final = (
    "INVITE",
    "ACK",
    "CANCEL",
    "BYE",
    "OPTIONS",
    "INFO",
    "PRACK",
    "UPDATE",
    "MESSAGE",
    "NOTIFY",
    "REFER",
    "SUBSCRIBE",
)
"""The methods that this user agent takes; every other known one gets 405."""
ALLOW: Final = ", ".join(METHODS_SERVED)
EXTENSIONS: Final[tuple[str, ...]] = ("100rel", "answermode", "from-change", "norefersub", "replaces", "timer")
"""The option tags of what we understand when a peer requires it, and name in Supported (sections 20.32 and 20.37)."""
SDP: Final = "application/sdp"
MULTIPART: Final = "multipart/"
ACCEPT: Final = f"{SDP}, multipart/mixed, multipart/alternative"
"""The bodies that are read (section 20.1)."""


def readable(text: str) -> str:
    """Text of a header for others to read: bytes that were not UTF-8 are taken for Latin-1, as old PBXs mean."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return text


def describes_session(message: Request | Response) -> bool:
    """Whether the body, if it is SDP, is about the session itself (section 20.11), not for instance an early one."""
    disposition = message.headers.get("Content-Disposition")
    return disposition is None or disposition.partition(";")[0].strip().lower() == "session"


def sdp_of(message: Request | Response) -> bytes:
    """The session description that a message carries, b"" for none or for a body of another type or purpose."""
    content_type = message.content_type if message.body else None
    if content_type is None or content_type == SDP:
        return message.body if content_type and describes_session(message) else b""
    if not content_type.startswith(MULTIPART):
        return b""
    # Few callers send such bodies; a phone that never meets one does without the code.
    from device.sip.multipart import find_session  # noqa: PLC0415

    return find_session(message.headers.get("Content-Type") or "", message.body)


class CallOwner(Protocol):
    """What the user agent asks its owner when somebody wants to know what it can (RFC 3261 section 11.2)."""

    def availability(self) -> int:
        """The status that a call would get now: 200 where it would ring, 486 or 480 where not."""

    def capabilities(self) -> bytes:
        """A session description of all that we can, its ports 0 (RFC 3264 section 9); b"" for none."""


class Core:
    """The surroundings of the calls and registrations of one user agent."""

    __slots__ = (
        "_followers",
        "events",
        "ids",
        "instance",
        "layer",
        "local_address",
        "owner",
        "packages",
        "settings",
        "timers",
    )

    def __init__(
        self,
        settings: UserAgentSettings,
        timers: SipTimers,
        ids: IdSource,
        local_address: LocalAddress,
        instance: Instance = NO_INSTANCE,
    ) -> None:
        self.settings = settings
        self.timers = timers
        self.ids = ids
        self.local_address = local_address
        self.instance = instance
        self.events: deque[SipEvent] = deque()
        self.layer: TransactionLayer
        self.owner: CallOwner | None = None
        self.packages: dict[str, Callable[[], Package]] = {}
        """The event packages that we serve besides refer, each made when it is first asked for."""
        self._followers: dict[CallId, list[Follower]] = {}

    def emit(self, event: SipEvent) -> None:
        """Queue an event for the owner of the user agent, and tell whoever follows its call."""
        self.events.append(event)
        if self._followers:
            self._tell_followers(event)

    def follow(self, call_id: CallId, follower: Follower) -> None:
        """Let `follower` hear of a call until it has heard enough or the call ends."""
        self._followers.setdefault(call_id, []).append(follower)

    def _tell_followers(self, event: SipEvent) -> None:
        call_id: CallId | None = getattr(event, "call_id", None)
        followers = self._followers.pop(call_id, None) if call_id is not None else None
        if call_id is None or followers is None:
            return
        left = [one for one in followers if not one(event, self.layer.now)]
        if left and not isinstance(event, CallEnded):
            self._followers.setdefault(call_id, []).extend(left)

    def add_capabilities(self, message: Request | Response, *further: str) -> None:
        """Say which methods and extensions we know (RFC 3261 section 13.2.1), `further` ones for this message alone."""
        message.headers.set("Allow", ALLOW)
        message.headers.set("Supported", ", ".join((*EXTENSIONS, *further)))

    @property
    def allow_events(self) -> str:
        """The packages that we serve (RFC 6665 section 8.2.2)."""
        return ", ".join(("refer", *self.packages))

    def add_body(self, message: Request | Response, sdp: bytes) -> None:
        """Put an offer or answer into a message; nothing for b""."""
        if sdp:
            message.headers.set("Content-Type", SDP)
            message.body = sdp

    def sign(self, message: Request | Response) -> None:
        """Name this product: User-Agent in requests, Server in responses (sections 20.35 and 20.41)."""
        if self.settings.user_agent:
            message.headers.set("Server" if message.is_response else "User-Agent", self.settings.user_agent)

    def respond(self, key: ServerKey, response: Response, now: float) -> None:
        """Answer a request."""
        self.sign(response)
        self.layer.send_response(key, response, now)

    def acknowledge(self, ack: Request, next_hop: NextHop, preferred: Hop | None, now: float) -> None:
        """Send an ACK for a 2xx, by `preferred` if that is one of the hops that `next_hop` leads to."""
        self.sign(ack)
        self.layer.send_ack(ack, next_hop, now, preferred)
