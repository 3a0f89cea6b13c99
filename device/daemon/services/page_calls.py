"""The calls that a page makes: every member of the group is called, asked to answer by itself, and only listens."""

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final
from device.audio.hub_commands import EnterRoom, ListenToRoom
from device.audio.hub_thread import HubThread
from device.audio.multicast_page import MulticastPage
from device.daemon.call_sound import CallSound
from device.daemon.services.call_media import CallMedia
from device.errors import DeviceError
from device.exchange.services.orders import PagingGroup
from device.ids import IdSource
from device.model import Account, AccountId, CallId
from device.net.multicast_port import MulticastPort
from device.records import dataclass
from device.sip.hop import Hop, bracketed
from device.sip.invite_options import InviteOptions
from device.sip.user_agent import UserAgent

logger = logging.getLogger(__name__)

ANSWER_BY_ITSELF: Final = (
    ("Alert-Info", "<http://127.0.0.1>;info=alert-autoanswer;delay=0"),
    ("Call-Info", "<sip:{domain}>;answer-after=0"),
    ("Answer-Mode", "Auto"),
)
"""The ways in which phones are asked to answer without a hand: two that makers invented, and RFC 5373."""


@dataclass(frozen=True, slots=True)
class PagedCall:
    """A phone that is called for a page."""

    sound: CallSound
    speaker: CallId
    room: str


class PageCalls:
    """All pages under way, by the call of whoever speaks."""

    def __init__(
        self,
        user_agent: UserAgent,
        hub: HubThread,
        media: CallMedia,
        exchange: Hop,
        domain: str,
        ids: IdSource,
        host_of: Callable[[str], str],
    ) -> None:
        """`exchange` takes the calls; `host_of` gives the address of a user's phone as far as it is known."""
        self._user_agent = user_agent
        self._hub = hub
        self._media = media
        self._exchange = exchange
        self._domain = domain
        self._ids = ids
        self._host_of = host_of
        self._made = 0
        self.calls: dict[CallId, PagedCall] = {}
        self._sent: set[CallId] = set()
        """Speakers who are sent to a multicast group."""

    def begin(self, speaker: CallId, room: str, user: str, name: str, group: PagingGroup, now: float) -> None:
        """Call the members of a group in the name of `user`, who speaks in `room`, and send it to the multicast."""
        if group.multicast is not None:
            self._send_to(speaker, room, group.multicast, group.codec)
        members = [member for member in group.members if member != user]
        if not members:
            return
        proxy = f"{bracketed(self._exchange.host)}:{self._exchange.port}"
        account = Account(
            _account_of(speaker), user, self._domain, display_name=name, outbound_proxy=proxy, register=False
        )
        self._user_agent.add_account(account, None)
        for member in members:
            self._call(speaker, room, account.id, member, now)

    def _call(self, speaker: CallId, room: str, account: AccountId, member: str, now: float) -> None:
        self._made += 1
        call_id = CallId(f"page-{self._made}")
        try:
            sound = self._media.open(call_id, self._host_of(member))
        except DeviceError as error:
            logger.error("%s cannot be paged: %s", member, error)
            return
        self.calls[call_id] = PagedCall(sound, speaker, room)
        headers = tuple((name, value.format(domain=self._domain)) for name, value in ANSWER_BY_ITSELF)
        target, offer = f"sip:{member}@{self._domain}", sound.session.create_offer()
        self._user_agent.invite(call_id, target, offer, account, now, InviteOptions(headers=headers))

    def is_heard(self, speaker: CallId) -> bool:
        """Whether a phone rings or listens still, or a multicast is sent."""
        return speaker in self._sent or any(paged.speaker == speaker for paged in self.calls.values())

    def _send_to(self, speaker: CallId, room: str, multicast: tuple[str, int], codec: str) -> None:
        try:
            port = MulticastPort(self._media.host, *multicast)
        except DeviceError as error:
            logger.error("nothing can be sent to the multicast group %s: %s", multicast[0], error)
            return
        ids = self._ids
        page = MulticastPage(port, codec, ids.number(32), ids.number(16), ids.number(32))
        self._hub.submit(ListenToRoom(room, page))
        self._sent.add(speaker)

    def sound_of(self, call_id: CallId) -> CallSound | None:
        """The sound of a call that a page made."""
        paged = self.calls.get(call_id)
        return paged.sound if paged is not None else None

    def answered(self, call_id: CallId) -> None:
        """A phone listens from now on."""
        if (paged := self.calls.get(call_id)) is not None:
            self._hub.submit(EnterRoom(call_id, paged.room, muted=True, announced=False))

    def ended(self, call_id: CallId) -> None:
        """A phone has hung up, or never answered."""
        if (paged := self.calls.pop(call_id, None)) is not None:
            paged.sound.end()

    def end(self, speaker: CallId, now: float) -> None:
        """Whoever spoke has hung up: all phones do."""
        self._sent.discard(speaker)
        for call_id in [one for one, paged in self.calls.items() if paged.speaker == speaker]:
            self._user_agent.hang_up(call_id, now)
        self._user_agent.remove_account(_account_of(speaker), now)


def _account_of(speaker: CallId) -> AccountId:
    return AccountId(f"page of {speaker}")
