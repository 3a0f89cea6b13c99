"""Text messages (RFC 3428): reading one, and sending them one after the other."""

from collections import deque

from device.annotations import Final
from device.ids import IdSource
from device.records import dataclass
from device.sip.causes import cause_text
from device.sip.core import Core
from device.sip.feature_events import MessageFinished
from device.sip.header_syntax import parse_params, unquote
from device.sip.headers import Headers
from device.sip.identity import Identity
from device.sip.incoming_request import Refusal
from device.sip.message import Request, Response
from device.sip.standalone_request import StandaloneRequest
from device.sip.uri import Uri
from device.sip.user_agent_client import SentRequest, UserAgentClient

TEXT: Final = "text/plain"
LONGEST_BYTES: Final = 1300
"""The largest MESSAGE, header included, that may go over a path with UDP in it (RFC 3428 section 8)."""
MAX_WAITING: Final = 16
"""So many texts of ours may wait for the answer to the one before; a further one fails at once."""
_VIA_BYTES: Final = 160
"""Room for the Via and the credentials that are added when a message is sent."""
_CHARSETS: Final = frozenset(("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"))


def read_text(headers: Headers, body: bytes, content_type: str | None) -> str | Refusal:
    """The text of a MESSAGE, or why it cannot be taken: 415 for another type, coding or character set."""
    encodings = [token.strip().lower() for value in headers.get_all("Content-Encoding") for token in value.split(",")]
    if any(encoding != "identity" for encoding in encodings):
        return Refusal(415, (("Accept-Encoding", "identity"),))
    if content_type != TEXT and body:
        return Refusal(415, (("Accept", TEXT),))
    charset = _charset(headers.get("Content-Type") or "")
    if charset not in _CHARSETS:
        return Refusal(415, (("Accept", f"{TEXT};charset=utf-8"),))
    return body.decode(charset, "replace")


def _charset(content_type: str) -> str:
    _, semicolon, rest = content_type.partition(";")
    value = dict(parse_params(rest)).get("charset") if semicolon else None
    return unquote(value or "utf-8").lower()


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """A text that waits to be sent; `message_id` is our own name for it."""

    message_id: str
    identity: Identity
    target: Uri
    text: str


class MessageQueue:
    """Our texts, one under way at a time, so that they arrive in order and flood nobody (RFC 3428 section 8)."""

    __slots__ = ("_client", "_core", "_sent", "_under_way", "_waiting")

    def __init__(self, core: Core, client: UserAgentClient) -> None:
        self._core = core
        self._client = client
        self._waiting: deque[OutgoingText] = deque()
        self._under_way: OutgoingText | None = None
        self._sent: SentRequest | None = None

    def __len__(self) -> int:
        """How many have no outcome yet."""
        return len(self._waiting) + (self._under_way is not None)

    def send(self, text: OutgoingText, now: float) -> None:
        """Send it, or queue it; `MessageFinished` tells its outcome in any case."""
        if len(self) >= MAX_WAITING:
            self._finish(text, 503, f"{MAX_WAITING} messages wait to be sent already; try again later")
            return
        self._waiting.append(text)
        self._send_next(now)

    def _send_next(self, now: float) -> None:
        while self._under_way is None and self._waiting:
            text = self._waiting.popleft()
            standalone = StandaloneRequest(self._core, text.identity, text.target)
            request = _build(standalone, text.text)
            size = len(request.encode()) + _VIA_BYTES
            if size > LONGEST_BYTES:
                spare = LONGEST_BYTES - (size - len(text.text.encode()))
                self._finish(text, 513, f"the message is too long: at most {max(spare, 0)} bytes of text fit")
                continue
            self._under_way = text
            sent = self._client.send(request, standalone.next_hop, text.identity, self, standalone.next_cseq, now)
            self._sent = sent if self._under_way is text else self._sent

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        """The response to the MESSAGE that is under way."""
        if response.status < 200 or self._under_way is None:
            return
        text, status = self._under_way, response.status
        if status in (401, 407):
            self._done(status, text.identity.refusal_text(response), now)
        elif status < 300:
            self._done(status, "kept for later delivery" if status == 202 else "delivered", now)
        else:
            self._done(status, cause_text(status, response.reason), now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        """No response came."""
        if self._under_way is not None:
            self._done(status, text, now)

    def _done(self, status: int, words: str, now: float) -> None:
        text, self._under_way = self._under_way, None
        assert text is not None, "no message is under way"
        self._finish(text, status, words)
        self._send_next(now)

    def _finish(self, text: OutgoingText, status: int, words: str) -> None:
        self._core.emit(MessageFinished(text.message_id, status, words))


def _build(standalone: StandaloneRequest, text: str) -> Request:
    request = standalone.build("MESSAGE", contact=False)
    request.headers.add("Content-Type", f"{TEXT};charset=utf-8")
    request.body = text.encode("utf-8", "replace")
    return request


def new_message_id(ids: IdSource) -> str:
    """A name for one text, for whoever waits for its outcome."""
    return f"m-{ids.number(32):08x}"
