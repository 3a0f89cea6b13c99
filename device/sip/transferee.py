"""A REFER that somebody sent us (RFC 3515 section 2.4): its answer, and the NOTIFYs about the call that it led to."""

from device import plain_logging as logging
from device.annotations import Final
from device.model import CallId
from device.records import dataclass
from device.sip.causes import cause_text
from device.sip.core import Core
from device.sip.dialog import Dialog
from device.sip.events import CallEnded, CallEstablished, CallRinging, SipEvent
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.message import Request
from device.sip.notifier import Notifier, Topic
from device.sip.refer import SIPFRAG_TYPE, Referral, build_sipfrag
from device.sip.subscription import EventHeader, Finished, StateChanged
from device.sip.transaction import ServerKey
from device.sip.user_agent_client import UserAgentClient

_log = logging.getLogger(__name__)

ACCEPTED: Final = 202
EXPIRES_MARGIN_S: Final = 20
"""So much longer than a call may ring does the subscription to its progress last."""
REPORTED: Final = frozenset((180, 181, 182, 183))
"""The provisional statuses that are worth a NOTIFY."""


@dataclass(frozen=True, slots=True)
class ReceivedRefer:
    """A REFER as it came: `dialog` is that of the call `call_id`, or one of its own where that is None."""

    key: ServerKey
    request: Request
    source: Hop
    dialog: Dialog
    call_id: CallId | None


class Transferee:
    """One REFER until its owner has decided, and then the subscription to the new call's progress."""

    __slots__ = ("_client", "_core", "_last", "_refer", "identity", "referral")

    def __init__(
        self, core: Core, client: UserAgentClient, identity: Identity, referral: Referral, refer: ReceivedRefer
    ) -> None:
        self._core = core
        self._client = client
        self._refer = refer
        self._last = build_sipfrag(100)
        self.identity = identity
        self.referral = referral

    @property
    def invite_headers(self) -> tuple[tuple[str, str], ...]:
        """What the INVITE that it asks for must carry (RFC 3892 section 2.3, RFC 3891)."""
        referred_by = self.referral.referred_by
        return (*self.referral.headers, *((("Referred-By", referred_by),) if referred_by else ()))

    def refuse(self, status: int, now: float) -> None:
        """Say no."""
        refer = self._refer
        self._core.respond(refer.key, refer.request.response(status, to_tag=refer.dialog.local.tag), now)

    def accept(self, now: float) -> Notifier | None:
        """Say 202 and that the call is being tried; None where nobody wants to hear more (RFC 4488)."""
        refer = self._refer
        response = refer.request.response(ACCEPTED, to_tag=refer.dialog.local.tag)
        response.headers.add("Contact", str(self.identity.contact(refer.source.transport, refer.source.host)))
        for route in refer.request.headers.get_all("Record-Route") if refer.call_id is None else ():
            response.headers.add("Record-Route", route)
        if not self.referral.wants_notify:
            response.headers.add("Refer-Sub", "false")
        self._core.respond(refer.key, response, now)
        if not self.referral.wants_notify:
            return None
        expires_at = now + self._core.settings.ring_timeout_s + EXPIRES_MARGIN_S
        event = EventHeader("refer", str(refer.request.cseq.number))
        topic = Topic(event, SIPFRAG_TYPE, lambda: self._last)
        notifier = Notifier(self._core, self._client, self.identity, refer.dialog, topic, expires_at)
        notifier.receive(StateChanged(self._last), now)
        return notifier

    def report(self, notifier: Notifier, event: SipEvent, now: float) -> bool:
        """Tell the subscriber what became of the new call; true when there is no more to tell."""
        if isinstance(event, CallRinging):
            if event.status in REPORTED:
                self._last = build_sipfrag(event.status)
                notifier.receive(StateChanged(self._last), now)
            return False
        if isinstance(event, CallEstablished):
            self._last = build_sipfrag(200)
        elif isinstance(event, CallEnded):
            # A call that was given up here, or never began, has a status of ours, which says the same.
            status = event.cause.status if event.cause.status >= 300 else 487
            self._last = build_sipfrag(status)
            _log.debug("%s: referred call failed: %s", event.call_id, cause_text(status))
        else:
            return False
        notifier.receive(Finished("noresource", self._last), now)
        return True
