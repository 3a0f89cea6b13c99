"""What a user agent does beyond calls and registrations: subscriptions, transfers, texts, INFO. Loaded when needed."""

from device import plain_logging as logging
from device.model import CallId
from device.sip.call_table import CallTable
from device.sip.core import Core, readable
from device.sip.dialog import Dialog
from device.sip.errors import SipStateError
from device.sip.feature_events import DigitReceived, InfoFinished, MessageReceived
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.incoming_request import Refusal
from device.sip.instant_message import MessageQueue, OutgoingText, new_message_id, read_text
from device.sip.invite_session import InviteSession, SessionState
from device.sip.message import Request, Response
from device.sip.subscription_table import SubscriptionTable
from device.sip.target import dialled_uri
from device.sip.transaction import ServerKey
from device.sip.transfers import Place, Transfers
from device.sip.user_agent_client import SentRequest, UserAgentClient
from device.timing import earliest

_log = logging.getLogger(__name__)


class Features:
    """The further methods of a user agent, for its owner and for requests that come in."""

    __slots__ = ("_client", "_core", "messages", "subscriptions", "transfers")

    def __init__(self, core: Core, client: UserAgentClient, calls: CallTable, place: Place) -> None:
        self._core = core
        self._client = client
        self.subscriptions = SubscriptionTable(core, client)
        self.transfers = Transfers(core, client, calls, self.subscriptions, place)
        self.messages = MessageQueue(core, client)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not (len(self.subscriptions) or len(self.transfers) or len(self.messages))

    def handle_timeout(self, now: float) -> None:
        """Do all that is due."""
        self.subscriptions.handle_timeout(now)
        self.transfers.handle_timeout(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return earliest(self.subscriptions.next_timeout(), self.transfers.next_timeout())

    # For the owner.

    def send_message(self, identity: Identity, target: str, text: str, now: float) -> str:
        """Send a text; answers the name under which `MessageFinished` tells its outcome.

        Raises SipStateError for a target that cannot be reached or an empty text.
        """
        if not text.strip():
            raise SipStateError("the message is empty; write some text")
        uri = dialled_uri(target, identity.domain)
        message_id = new_message_id(self._core.ids)
        self.messages.send(OutgoingText(message_id, identity, uri, text), now)
        return message_id

    def send_options(self, identity: Identity, target: str, now: float) -> str:
        """Ask whether somebody is there; answers the name of `OptionsFinished`, which follows. Raises SipStateError."""
        from device.sip.options_query import send_options  # noqa: PLC0415  # for whoever looks for a fault

        return send_options(self._core, self._client, identity, dialled_uri(target, identity.domain), now)

    def publish(self, identity: Identity, target: str, package: str, content: tuple[str, bytes], now: float) -> None:
        """Tell `target` something of an event package once. Raises SipStateError."""
        from device.sip.publication import publish_once  # noqa: PLC0415  # few phones report to anybody

        uri = dialled_uri(target, identity.domain)
        publish_once(self._core, self._client, identity, uri, package, content, now)

    def send_info(self, session: InviteSession, content_type: str, body: bytes, now: float) -> None:
        """Send an INFO within an established call; `InfoFinished` tells its outcome. Raises SipStateError."""
        if session.state is not SessionState.CONFIRMED:
            raise SipStateError(f"call {session.call_id} is not established; an INFO needs an established call")
        usage = session.usage
        request = usage.confirmed_dialog.build_request("INFO")
        request.headers.add("Content-Type", content_type)
        request.body = body
        usage.send(request, _InfoOwner(self._core, session.call_id), now)

    # For requests that come in.

    def receive_outside_dialog(
        self, key: ServerKey, request: Request, source: Hop, identity: Identity, now: float
    ) -> None:
        """MESSAGE, NOTIFY, SUBSCRIBE or REFER for us."""
        match request.method:
            case "MESSAGE":
                self._receive_message(key, request, identity, None, now)
            case "NOTIFY":
                self.subscriptions.receive_unsolicited(key, request, identity, source, now)
            case "SUBSCRIBE":
                self.subscriptions.receive_subscribe(key, request, identity, source, now)
            case _:
                self.transfers.receive_refer(key, request, source, identity, None, now)

    def receive_in_dialog(self, key: ServerKey, request: Request, source: Hop, now: float) -> bool:
        """A NOTIFY or SUBSCRIBE in a dialog, whosever; false when it belongs to nothing here."""
        if request.method == "SUBSCRIBE":
            self.subscriptions.refresh(key, request, source, now)
            return True
        if request.method != "NOTIFY":
            return False
        return self.subscriptions.receive_notify(key, request, now) or self.transfers.receive_notify(key, request, now)

    def receive_in_call(
        self, key: ServerKey, request: Request, source: Hop, session: InviteSession, dialog: Dialog, now: float
    ) -> None:
        """MESSAGE, INFO or REFER in the dialog of a call."""
        if session.has_ended:
            self._core.respond(key, request.response(481), now)
        elif request.method == "REFER":
            call = (session.call_id, dialog)
            self.transfers.receive_refer(key, request, source, session.identity, call, now)
        elif request.method == "MESSAGE":
            self._receive_message(key, request, session.identity, session.call_id, now)
        else:
            self._receive_info(key, request, session.call_id, now)

    def _receive_message(
        self, key: ServerKey, request: Request, identity: Identity, call_id: CallId | None, now: float
    ) -> None:
        text = read_text(request.headers, request.body, request.content_type)
        if isinstance(text, Refusal):
            self._core.respond(key, text.response(request, self._core.ids.tag()), now)
            return
        self._core.respond(key, request.response(200, to_tag=self._core.ids.tag()), now)
        sender = request.from_
        told = MessageReceived(identity.account_id, call_id, str(sender.uri), readable(sender.display_name), text)
        self._core.emit(told)

    def _receive_info(self, key: ServerKey, request: Request, call_id: CallId, now: float) -> None:
        from device.sip.info import judge_info  # noqa: PLC0415  # few calls have any

        verdict = judge_info(request)
        if verdict.refusal is not None:
            self._core.respond(key, verdict.refusal.response(request, self._core.ids.tag()), now)
            return
        self._core.respond(key, request.response(200), now)
        if verdict.digit:
            self._core.emit(DigitReceived(call_id, verdict.digit, verdict.duration_s))


class _InfoOwner:
    """Tells what became of one INFO of ours."""

    __slots__ = ("_call_id", "_core")

    def __init__(self, core: Core, call_id: CallId) -> None:
        self._core = core
        self._call_id = call_id

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        if response.status >= 200:
            self._core.emit(InfoFinished(self._call_id, response.status))

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        self._core.emit(InfoFinished(self._call_id, status))
