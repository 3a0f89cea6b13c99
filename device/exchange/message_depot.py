"""Texts for users who are away (RFC 3428 section 5): kept, and delivered when a phone of theirs registers."""

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final, Protocol
from device.errors import DeviceError
from device.exchange.date import sip_date
from device.exchange.house_agent import HouseAgent
from device.exchange.response_context import Target
from device.exchange.route_set import next_hop_of
from device.exchange_model import StoredText
from device.sip.headers import CSeq, Headers, NameAddr
from device.sip.identity import Identity
from device.sip.message import Request, Response
from device.sip.timers import DeadlineHeap
from device.sip.transaction import ServerKey
from device.sip.uri import Uri
from device.sip.user_agent_client import SentRequest
from device.timing import earliest

logger = logging.getLogger(__name__)

MAX_OF_USER: Final = 100
"""Texts that are kept for one user; a further one is refused as before."""
MAX_BODY: Final = 16_384
TEXT_TYPES: Final = ("text/", "message/cpim")
"""What the media type of a text begins with; "is typing" and the like are of no use later."""
SILENCE_S: Final = 8.0
"""A phone that has not answered a MESSAGE after so long is away; the sender itself waits for 32 s."""
LATE_S: Final = 40.0
"""After so long no answer to a MESSAGE can come any more: 64*T1 and some."""
PAUSE_S: Final = 1.0
"""Between a REGISTER and the first text, so that the phone has its answer before."""
NOT_THERE: Final = frozenset((408, 430, 480, 500, 503, 504))
"""What a text comes to whose phone cannot be reached now."""


class Shelf(Protocol):
    """Where texts lie until their user comes."""

    def add(self, text: StoredText) -> int:
        """Keep a text; answers its number. Raises DeviceError where it cannot be kept."""

    def of(self, user: str, unix_now: float) -> list[StoredText]:
        """The texts for a user that are not over yet, the oldest first."""

    def count(self, user: str, unix_now: float) -> int:
        """How many those are: asked at each registration, so nothing is read for it."""

    def remove(self, number: int) -> None:
        """A text has reached its user, or nobody wants it."""


class MemoryShelf:
    """A shelf that is empty after a restart; stands in where nothing is stored."""

    def __init__(self) -> None:
        self._texts: dict[int, StoredText] = {}
        self._last = 0

    def add(self, text: StoredText) -> int:
        """See Shelf."""
        self._last += 1
        self._texts[self._last] = text.numbered(self._last)
        return self._last

    def of(self, user: str, unix_now: float) -> list[StoredText]:
        """See Shelf."""
        return [text for text in self._texts.values() if text.user == user and text.expires_at > unix_now]

    def count(self, user: str, unix_now: float) -> int:
        """See Shelf."""
        return len(self.of(user, unix_now))

    def remove(self, number: int) -> None:
        """See Shelf."""
        self._texts.pop(number, None)


class MessageDepot:
    """Takes texts that reached nobody and sends them later.

    `phones` gives the ways to the phones of a user, `unix_time` the time of day. A text may arrive twice where the
    answer of a phone was lost, but never not at all.
    """

    def __init__(
        self,
        agent: HouseAgent,
        domain: str,
        phones: Callable[[str, float], list[Target]],
        unix_time: Callable[[float], float],
        days: int,
    ) -> None:
        self.shelf: Shelf = MemoryShelf()
        """May be set by whoever stores."""
        self._agent = agent
        self._domain = domain
        self._phones = phones
        self._unix_time = unix_time
        self._longest_s = days * 86_400
        self._open: dict[ServerKey, tuple[Request, str]] = {}
        """MESSAGEs that were forwarded to a user and have no final answer."""
        self._taken: dict[ServerKey, int] = {}
        """Those of them that were kept meanwhile; taken back should a phone answer late."""
        self._late: DeadlineHeap[ServerKey] = DeadlineHeap()
        """Until when an answer may still come to them."""
        self._silent: DeadlineHeap[ServerKey] = DeadlineHeap()
        self._due: DeadlineHeap[str] = DeadlineHeap()
        """When to begin to deliver to a user."""
        self._under_way: dict[str, _Delivery] = {}

    # Taking.

    def receive_stranded(self, request: Request, user: str, now: float) -> Response | None:
        """Keep a MESSAGE whose user has no phone now: 202; None where it is not to be kept."""
        number = self._keep(request, user, now)
        return None if number is None else self._accepted(request)

    def note_forwarded(self, key: ServerKey, request: Request, user: str, now: float) -> None:
        """A MESSAGE is on its way to the phones of a user."""
        if self._wants(request):
            self._open[key] = (request, user)
            self._silent.set(key, now + SILENCE_S)

    def note_final(self, key: ServerKey, response: Response) -> None:
        """It has its answer."""
        if self._open.pop(key, None) is not None:
            self._silent.cancel(key)
        number = self._taken.pop(key, None)
        self._late.cancel(key)
        if number is not None and response.status < 300:
            self.shelf.remove(number)

    def soften(self, key: ServerKey, response: Response, now: float) -> Response:
        """What goes back in place of a failure: 202 where the text was kept instead."""
        known = self._open.get(key)
        if known is None or response.status not in NOT_THERE:
            return response
        request, user = known
        return self.receive_stranded(request, user, now) or response

    def _wants(self, request: Request) -> bool:
        is_text = (request.content_type or "").startswith(TEXT_TYPES) and 0 < len(request.body) <= MAX_BODY
        return request.method == "MESSAGE" and self._longest_s > 0 and is_text and request.expires != 0

    def _keep(self, request: Request, user: str, now: float) -> int | None:
        unix_now = self._unix_time(now)
        if not self._wants(request) or self.shelf.count(user, unix_now) >= MAX_OF_USER:
            return None
        lasts_s = min(request.expires or self._longest_s, self._longest_s)
        sender = NameAddr(request.from_.display_name, request.from_.uri)
        content_type = request.headers.get("Content-Type") or ""
        text = StoredText(user, str(sender), content_type, request.body, unix_now, unix_now + lasts_s)
        try:
            number = self.shelf.add(text)
        except DeviceError as error:
            logger.error("a text from %s for %s is not kept: %s", request.from_.uri, user, error)
            return None
        logger.info("a text from %s waits for %s", request.from_.uri, user)
        return number

    def _accepted(self, request: Request) -> Response:
        """202: it was taken, and will be delivered later."""
        return request.response(202, to_tag=self._agent.core.ids.tag())

    # Delivering.

    def user_came(self, user: str, now: float) -> None:
        """A phone of the user has registered, or has registered once more."""
        if user not in self._under_way and self.shelf.count(user, self._unix_time(now)):
            self._due.set(user, now + PAUSE_S)

    def forget_user(self, user: str) -> None:
        """A user is removed, and all that waits for them."""
        self._due.cancel(user)
        for text in self.shelf.of(user, 0.0):
            self.shelf.remove(text.number)

    def _deliver_next(self, user: str, now: float) -> None:
        texts = self.shelf.of(user, self._unix_time(now))
        targets = self._phones(user, now)
        if not texts or not targets:
            self._under_way.pop(user, None)
            return
        delivery = self._under_way[user] = _Delivery(self, texts[0], targets)
        self._send(delivery, now)

    def _send(self, delivery: "_Delivery", now: float) -> None:
        target = delivery.targets.pop(0)
        core = self._agent.core
        text = delivery.text
        headers = Headers([("Max-Forwards", "70")])
        for name, value in target.headers:
            headers.add(name, value)
        headers.add("From", f"{text.sender};tag={core.ids.tag()}")
        headers.add("To", str(NameAddr("", Uri("sip", user=text.user, host=self._domain))))
        headers.add("Call-ID", core.ids.call_id())
        headers.add("CSeq", str(CSeq(1, "MESSAGE")))
        headers.add("Date", sip_date(text.stored_at))
        headers.add("Content-Type", text.content_type)
        request = Request("MESSAGE", target.uri.target(), headers, text.body)
        hop = next_hop_of(request) if request.routes or target.hop is None else target.hop
        self._agent.client.send(request, hop, Identity(core, None, None), delivery, lambda: 2, now)

    def finish(self, delivery: "_Delivery", status: int, now: float) -> None:
        """A phone has answered, or has not (408, 503)."""
        text, user = delivery.text, delivery.text.user
        if status in NOT_THERE and delivery.targets:
            self._send(delivery, now)
            return
        if status in NOT_THERE:
            # It stays, and is tried when a phone registers again.
            self._under_way.pop(user, None)
            return
        if status >= 300:
            logger.warning("the phone of %s does not take a text from %s: %d", user, text.sender, status)
        self.shelf.remove(text.number)
        self._deliver_next(user, now)

    # Time.

    def next_timeout(self) -> float | None:
        """When `due` is next wanted."""
        return earliest(self._silent.next_timeout(), self._due.next_timeout(), self._late.next_timeout())

    def handle_timeout(self, now: float) -> list[tuple[ServerKey, Response]]:
        """Do all that is due; answers the MESSAGEs that are taken because their phones are silent."""
        answers = []
        for key in self._silent.pop_due(now):
            request, user = self._open.pop(key)
            number = self._keep(request, user, now)
            if number is not None:
                self._taken[key] = number
                self._late.set(key, now + LATE_S)
                answers.append((key, self._accepted(request)))
        for key in self._late.pop_due(now):
            self._taken.pop(key, None)
        for user in self._due.pop_due(now):
            if user not in self._under_way:
                self._deliver_next(user, now)
        return answers


class _Delivery:
    """One text on its way; a `RequestOwner`."""

    def __init__(self, depot: MessageDepot, text: StoredText, targets: list[Target]) -> None:
        self._depot = depot
        self.text = text
        self.targets = targets

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        """See RequestOwner."""
        if response.status >= 200:
            self._depot.finish(self, response.status, now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        """See RequestOwner."""
        self._depot.finish(self, status, now)
