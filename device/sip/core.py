"""What all parts of the user agent share: settings, timers, identifiers, the layer below and the event queue above."""

from collections import deque
from collections.abc import Callable

from device.annotations import Final
from device.ids import IdSource
from device.sip.events import SipEvent
from device.sip.hop import NextHop
from device.sip.instance import NO_INSTANCE, Instance
from device.sip.message import Request, Response
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.transaction import ServerKey
from device.sip.transaction_layer import TransactionLayer

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
)
"""The methods that this user agent takes; every other known one gets 405."""
ALLOW: Final = ", ".join(METHODS_SERVED)
EXTENSIONS: Final[tuple[str, ...]] = ("100rel", "timer")
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


class Core:
    """The surroundings of the calls and registrations of one user agent."""

    __slots__ = ("events", "ids", "instance", "layer", "local_address", "settings", "timers")

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

    def emit(self, event: SipEvent) -> None:
        """Queue an event for the owner of the user agent."""
        self.events.append(event)

    def add_capabilities(self, message: Request | Response, *further: str) -> None:
        """Say which methods and extensions we know (RFC 3261 section 13.2.1), `further` ones for this message alone."""
        message.headers.set("Allow", ALLOW)
        message.headers.set("Supported", ", ".join((*EXTENSIONS, *further)))

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

    def acknowledge(self, ack: Request, next_hop: NextHop, now: float) -> None:
        """Send an ACK for a 2xx."""
        self.sign(ack)
        self.layer.send_ack(ack, next_hop, now)
