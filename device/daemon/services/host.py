"""The user agent of the services: takes the calls that the exchange sends it, and lets each go through its act.

It listens on this machine alone, and to the exchange alone; the sound goes straight between the phones and here.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, Final
from device.audio import hub_commands as hub
from device.audio.hub_thread import HubThread
from device.audio.reports import DigitHeard, RecordingEnded, StreamEnded, StreamSilent
from device.daemon.call_sound import CallSound
from device.daemon.digit_once import DigitOnce
from device.daemon.services.call_media import CallMedia
from device.daemon.services.page_calls import PageCalls
from device.daemon.services.stage import ServiceCall, Stage
from device.errors import DeviceError
from device.exchange.services import orders
from device.exchange.services.conference import ConferenceVisit
from device.exchange.services.happenings import Happening, KeyPressed, RecordingFinished, Said, TimePassed
from device.exchange.services.numbers import ServiceNumbers
from device.exchange.services.settings import ServiceSettings
from device.exchange.services.switch import SERVICES_USER, ServiceSwitch, called_number
from device.model import CallId
from device.net.addresses import is_unspecified
from device.net.resolver import Resolver
from device.net.sip_sockets import SipSockets
from device.records import dataclass
from device.sdp.errors import NoCommonCodec, SdpError
from device.sip.endpoint import SipEndpoint, StreamBroken
from device.sip.events import CallEnded, CallEstablished, IncomingCall, OfferAnswered, OfferReceived
from device.sip.feature_events import DigitReceived
from device.sip.hop import UDP, Hop, NextHop
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.transaction_layer import LookupWanted
from device.sip.uri import parse_uri
from device.sip.user_agent import UserAgent
from device.timing import TimerSet, earliest

if TYPE_CHECKING:
    from device.audio.hub_thread import HubReport
    from device.daemon.services.concierge import Concierge
    from device.exchange.services.acts import Act
    from device.exchange.services.orders import Order
    from device.ids import IdSource
    from device.net.interfaces import Reactor

logger = logging.getLogger(__name__)

LOOPBACK: Final = "127.0.0.1"
LOOPBACK_IPV6: Final = "::1"
BAD_REQUEST, NOT_FOUND, NOT_ACCEPTABLE_HERE, UNAVAILABLE = 400, 404, 488, 503
DISCARD_PORT: Final = 9
"""A port, whichever, says that a name is a host and no domain with servers."""
OLD_MESSAGES: Final = "old messages"
OLD_MESSAGES_EVERY_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the services ask of the exchange around them."""

    media_address: Callable[[str], str]
    """Our own address for sound as another host sees it; "" where there is no way to it."""
    host_of: Callable[[str], str]
    """The address of a user's phone, "" for one that is not registered."""


class ServiceHost:
    """Calls of services, a participant of the exchange's loop. `open` it, then `switch` is for the exchange."""

    def __init__(
        self,
        loop: Reactor,
        ids: IdSource,
        exchange_address: tuple[str, int],
        settings: ServiceSettings,
        concierge: Concierge,
        surroundings: Surroundings,
    ) -> None:
        """`exchange_address` is where the exchange listens; "" or an unspecified one stands for every address."""
        listening, port = exchange_address
        bound = "" if is_unspecified(listening) else listening
        self._host = LOOPBACK_IPV6 if ":" in bound else LOOPBACK
        self._exchange = Hop(UDP, bound or self._host, port)
        self._concierge = concierge
        self.user_agent = UserAgent(
            UserAgentSettings(
                ip_call_user=SERVICES_USER, max_calls=settings.max_calls, accept_refer="off", dialog_state="off"
            ),
            SipTimers(),
            ids,
            lambda *_: self._own_address(),
        )
        self._endpoint = SipEndpoint(self.user_agent, SipTimers(), ids, lambda _: self._own_address())
        self._sockets = SipSockets(loop, self, self._host)
        self.hub = HubThread(lambda: loop.call_soon_threadsafe(_nothing), settings.silent_s)
        self._host_of = surroundings.host_of
        self._media = CallMedia(self.hub, ids, bound, settings, surroundings.media_address)
        self.pages = PageCalls(
            self.user_agent, self.hub, self._media, self._exchange, concierge.domain, ids, surroundings.host_of
        )
        concierge.is_page_heard = self.pages.is_heard
        self._stage = Stage(self.user_agent, self.hub, concierge, self.pages)
        self._calls: dict[CallId, ServiceCall] = {}
        self._digits = DigitOnce()
        self._resolver = Resolver(loop, self._resolved, ids)
        self._timers: TimerSet[str] = TimerSet()
        self.switch: ServiceSwitch

    # Its life.

    def open(self, now: float) -> None:
        """Listen, on this machine alone. Raises NetError."""
        self._sockets.open(0)
        self.switch = ServiceSwitch(self._concierge.numbers, *self._own_address())
        self._concierge.mailboxes.put_in_order()
        self._timers.set(OLD_MESSAGES, now)

    def configure(self, settings: ServiceSettings, numbers: ServiceNumbers) -> None:
        """Take other settings; calls that are under way go on as they began."""
        self._media.settings = settings
        self._concierge.configure(settings, numbers)
        self.switch.numbers = numbers

    def close(self, now: float) -> None:
        """End every call; what was being recorded is kept."""
        for call_id in (*self._calls, *self.pages.calls):
            self.user_agent.hang_up(call_id, now)
        self._flush(now)
        self.hub.close()
        self._take_reports(now)
        self._sockets.close()
        self._resolver.close()

    def pump(self, now: float) -> float | None:
        """Do what is due; answers the next deadline."""
        self._endpoint.handle_timeout(now)
        self._sockets.handle_timeout(now)
        self._resolver.handle_timeout(now)
        self._take_reports(now)
        for call_id, call in list(self._calls.items()):
            due = call.act.next_timeout()
            if due is not None and due <= now:
                self._happen(call_id, TimePassed(), now)
        if self._timers.pop_due(now):
            self._timers.set(OLD_MESSAGES, now + OLD_MESSAGES_EVERY_S)
            self._concierge.mailboxes.delete_old(time.time())
        self._flush(now)
        return earliest(
            self._endpoint.next_timeout(),
            self._sockets.next_timeout(),
            self._resolver.next_timeout(),
            self._timers.next_timeout(),
            *(call.act.next_timeout() for call in self._calls.values()),
        )

    def calls(self) -> list[dict[str, str]]:
        """Who is where, for whoever looks after the exchange."""
        return [
            {
                "call": call_id,
                "caller": call.visitor.address,
                "service": f"{call.service.kind} {call.service.argument}".strip(),
                "room": call.room,
            }
            for call_id, call in self._calls.items()
        ]

    def _own_address(self) -> tuple[str, int]:
        return self._host, self._sockets.local_port

    # Between the sockets and the user agent: nobody but the exchange is heard.

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        """One UDP datagram."""
        if (source.host, source.port) == (self._exchange.host, self._exchange.port):
            self._endpoint.receive_datagram(data, source, now)

    def receive_stream(self, data: bytes, source: Hop, now: float) -> None:
        """Some bytes of a stream, as for a message that is too long for a datagram."""
        if source.host == self._exchange.host:
            self._endpoint.receive_stream(data, source, now)

    def connection_closed(self, source: Hop, now: float) -> None:
        """A stream ended."""
        self._endpoint.connection_closed(source, now)

    def receive_transport_error(self, hop: Hop, now: float, text: str) -> None:
        """What was sent to `hop` did not get there."""
        self._endpoint.receive_transport_error(hop, now, text)

    def _flush(self, now: float) -> None:
        busy = True
        while busy:
            busy = False
            while (event := self._endpoint.next_event()) is not None:
                busy = True
                self._receive(event, now)
            for transmission in self._endpoint.transmissions_to_send():
                busy = True
                self._sockets.send(transmission)

    # What the user agent tells.

    def _receive(self, event: object, now: float) -> None:
        match event:
            case LookupWanted(next_hop):
                self._endpoint.receive_lookup(next_hop, [self._exchange], now)
            case StreamBroken(source, _):
                self._sockets.close_connection(source)
            case IncomingCall():
                self._take_call(event, now)
            case CallEstablished(call_id, sdp):
                self._established(call_id, sdp, now)
            case OfferReceived(call_id, offer):
                self._take_offer(call_id, offer, now)
            case OfferAnswered(call_id, sdp):
                self._take_answer(call_id, sdp, now)
            case DigitReceived(call_id, digit, held_s):
                self._press(call_id, digit, "info", now, held_s)
            case CallEnded(call_id):
                self._forget(call_id, now)

    def _take_call(self, event: IncomingCall, now: float) -> None:
        call_id = event.call_id
        service = self._concierge.numbers.find(called_number(parse_uri(event.request_uri)))
        try:
            act = self._concierge.act(service, event) if service is not None else None
            if service is None or act is None:
                self.user_agent.reject(call_id, NOT_FOUND, now)
                return
            # The INVITE came from the exchange, which does not tell where the caller is.
            sound = self._media.open(call_id, self._host_of(self._concierge.visitor(event).user))
        except DeviceError as error:
            logger.error("%s: a service cannot take a call: %s", call_id, error)
            self.user_agent.reject(call_id, UNAVAILABLE, now)
            return
        try:
            body = self._media.answer(sound, event.offer) if event.offer else sound.session.create_offer()
        except SdpError as error:
            logger.info("%s: no sound in common with %s: %s", call_id, event.caller, error)
            sound.end()
            self.user_agent.reject(call_id, _refusal(error), now)
            return
        logger.info("%s: %s calls %s %s", call_id, event.caller, service.kind, service.argument)
        self._calls[call_id] = ServiceCall(sound, act, service, self._concierge.visitor(event))
        self.user_agent.answer(call_id, body, now)

    def _established(self, call_id: CallId, sdp: bytes, now: float) -> None:
        if sdp:
            self._take_answer(call_id, sdp, now)
        sound = self._sound_of(call_id)
        if sound is None:
            return
        sound.connect()
        self._look_up(sound)
        if call_id in self._calls:
            self._step(call_id, lambda act: act.begin(now), now)
        else:
            self.pages.answered(call_id)

    def _take_offer(self, call_id: CallId, offer: bytes, now: float) -> None:
        sound = self._sound_of(call_id)
        if sound is None:
            return
        try:
            body = self._media.answer(sound, offer) if offer else sound.session.create_offer()
        except SdpError as error:
            logger.info("%s: a new offer is refused: %s", call_id, error)
            self.user_agent.refuse_offer(call_id, _refusal(error), now)
            return
        self.user_agent.accept_offer(call_id, body, now)
        sound.refresh()
        self._look_up(sound)

    def _take_answer(self, call_id: CallId, sdp: bytes, now: float) -> None:
        sound = self._sound_of(call_id)
        if sound is None:
            return
        try:
            sound.session.receive_answer(sdp)
        except SdpError as error:
            logger.info("%s: an answer that is no good: %s", call_id, error)
            self.user_agent.hang_up(call_id, now)
            return
        sound.refresh()
        self._look_up(sound)

    def _look_up(self, sound: CallSound) -> None:
        """A description may name a host instead of an address; its sound waits for that."""
        if (name := sound.unresolved_host()) is not None:
            self._resolver.lookup(NextHop(name, DISCARD_PORT, UDP))

    def _resolved(self, next_hop: NextHop, hops: list[Hop]) -> None:
        sounds = (*(call.sound for call in self._calls.values()), *(paged.sound for paged in self.pages.calls.values()))
        for sound in sounds:
            if hops and sound.unresolved_host() == next_hop.host:
                sound.resolved(next_hop.host, hops[0].host)

    def _sound_of(self, call_id: CallId) -> CallSound | None:
        call = self._calls.get(call_id)
        return call.sound if call is not None else self.pages.sound_of(call_id)

    def _forget(self, call_id: CallId, now: float) -> None:
        call = self._calls.pop(call_id, None)
        if call is None:
            self.pages.ended(call_id)
            return
        call.sound.end()
        if isinstance(call.act, ConferenceVisit):
            call.act.leave()
        self.pages.end(call_id, now)

    # What the sound tells.

    def _take_reports(self, now: float) -> None:
        for report in self.hub.reports():
            try:
                self._take_report(report, now)
            except DeviceError as error:
                logger.error("a service met a fault: %s", error)

    def _take_report(self, report: HubReport, now: float) -> None:
        match report:
            case DigitHeard(call_id, digit, way):
                self._press(call_id, digit, way, now)
            case hub.ProgramEnded(call_id, number):
                call = self._calls.get(call_id)
                if call is not None and call.number == number:
                    self._happen(call_id, RecordingFinished() if call.is_recorded else Said(), now)
            case RecordingEnded(_, path, seconds, fault):
                if fault:
                    logger.warning("a recording ended early: %s", fault)
                self._stage.recorded(path, seconds)
            case StreamSilent(call_id, seconds):
                logger.info("%s: nothing was heard for %.0f s", call_id, seconds)
                self.user_agent.hang_up(call_id, now)
            case StreamEnded(call_id, _, error) if error:
                self.user_agent.hang_up(call_id, now)

    def _press(self, call_id: CallId, digit: str, way: str, now: float, held_s: float = 0.0) -> None:
        if call_id in self._calls and self._digits.is_new(call_id, digit, way, now, held_s):
            self._happen(call_id, KeyPressed(digit), now)

    # Acts and their orders.

    def _happen(self, call_id: CallId, happened: Happening, now: float) -> None:
        self._step(call_id, lambda act: act.receive(happened, now), now)

    def _step(self, call_id: CallId, ask: Callable[[Act], Order | None], now: float) -> None:
        call = self._calls.get(call_id)
        if call is None:
            return
        try:
            order = ask(call.act)
            while isinstance(order, orders.Become):
                call.act = order.act
                order = call.act.begin(now)
            if order is not None:
                self._stage.carry_out(call_id, call, order, now)
        except DeviceError as error:
            logger.error("%s: the service ends: %s", call_id, error)
            self.user_agent.hang_up(call_id, now)


def _nothing() -> None:
    """Wakes the loop, which then looks at the reports."""


def _refusal(error: SdpError) -> int:
    return NOT_ACCEPTABLE_HERE if isinstance(error, NoCommonCodec) else BAD_REQUEST
