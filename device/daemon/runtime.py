"""The one inbox of the daemon: takes events from every side, asks the phone, has its commands carried out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.audio.engine import AudioEngine
from device.audio.reports import (
    AudioReport,
    DeviceFound,
    DeviceLost,
    DigitHeard,
    MicrophoneMeasured,
    PlayingEnded,
    RecordingEnded,
    StreamEnded,
    StreamHeard,
    StreamSilent,
)
from device.daemon.accounts import AccountTable
from device.daemon.desk import Desk
from device.daemon.executor import Executor
from device.daemon.phone_line import PhoneLine
from device.media.stream_parameters import StreamReport
from device.model import AccountId, CallId
from device.net.resolver import Resolver
from device.net.sip_sockets import SipSockets
from device.phone.commands import AnswerCall, Command, HangUp, PlaceCall, RejectCall, SendRinging
from device.phone.events import MediaLost, PhoneEvent, RegistrationUpdated
from device.phone.phone import Phone
from device.phone.settings import PhoneSettings
from device.phone.states import PhoneState
from device.records import asdict
from device.sip.endpoint import SipEndpoint, StreamBroken
from device.sip.errors import SipStateError
from device.sip.events import (
    CallEnded,
    CallEstablished,
    CallEvent,
    CallRinging,
    CallTrying,
    FlowDoubted,
    IncomingCall,
    RealmLearnt,
    RegistrationChanged,
    RegistrationState,
    TransportDoubted,
)
from device.sip.hop import Hop, NextHop
from device.sip.transaction import LookupWanted
from device.sip.user_agent import UserAgent
from device.timing import earliest

if TYPE_CHECKING:
    from device.daemon.features import Features
    from device.daemon.quality_log import QualityLog
    from device.daemon.quality_reports import QualityReports
    from device.sip.call_facts import CallFacts

logger = logging.getLogger(__name__)

Publish = Callable[[str, dict[str, object]], None]

TOLD_AT_ONCE = (PlaceCall, SendRinging, AnswerCall, RejectCall, HangUp)
"""Commands whose message leaves before the next command is carried out."""

CALL_TOPIC_NAMES: dict[type, str] = {
    IncomingCall: "incoming",
    CallTrying: "trying",
    CallRinging: "ringing",
    CallEstablished: "established",
    CallEnded: "ended",
}
"""What the topic "call" calls the steps of a call."""

TURNS_PER_PUMP = 64
"""Rounds of events before the loop looks at its descriptors again, however much still comes."""


class Runtime:
    """A participant of the loop; nobody else calls the phone, the endpoint's events or the executor."""

    def __init__(  # noqa: PLR0913, PLR0917  # every side of the house meets here, once
        self,
        phone: Phone,
        endpoint: SipEndpoint,
        sockets: SipSockets,
        resolver: Resolver,
        accounts: AccountTable,
        line: PhoneLine,
        executor: Executor,
        engine: AudioEngine,
        desk: Desk,
        publish: Publish,
        user_agent: UserAgent,
    ) -> None:
        self._phone = phone
        self._endpoint = endpoint
        self._sockets = sockets
        self._resolver = resolver
        self._accounts = accounts
        self._line = line
        self._executor = executor
        self._engine = engine
        self._desk = desk
        self._publish = publish
        self.is_heard: Callable[[str], bool] = lambda _topic: True
        """Whether anybody follows a topic; what costs time to tell is told to those alone."""
        self._user_agent = user_agent
        self._features: Features | None = None
        self.quality_reports: QualityReports | None = None
        """Tells a collector how calls sounded; None where nobody wants to know."""
        self.card_fault = ""
        """What is wrong with the sound card, for whoever asks for the status; empty when it works."""
        self._inbox: deque[PhoneEvent] = deque()
        self._state: PhoneState | None = None
        self._usable: tuple[bool, bool] | None = None

    def post(self, event: PhoneEvent) -> None:
        """Put an event into the inbox; it is handled in the next pump."""
        self._inbox.append(event)

    def request(self, event: PhoneEvent, now: float) -> str | None:
        """Handle a request at once; answers why it was refused, None when it was not."""
        self._handle(event, now)
        refusal = self._executor.take_refusal()
        self.pump(now)
        return refusal

    @property
    def is_idle(self) -> bool:
        """Whether nobody uses the phone now: no call, handset down."""
        return self._phone.call_id is None and self._phone.state in (PhoneState.IDLE, PhoneState.OUT_OF_SERVICE)

    @property
    def activity(self) -> str:
        """What the phone is doing, in a word."""
        return self._phone.state.value

    def close(self) -> None:
        """Ask for no names any more."""
        self._resolver.close()

    def configure(self, settings: PhoneSettings, now: float) -> None:
        """Let the phone follow other settings from now on; a call that stands goes on."""
        self._execute(self._phone.configure(settings, now), now)
        self.watch_extensions(settings.busy_lamps, now)

    def watch_extensions(self, lamps: str, now: float) -> None:
        """Let lamps show whether other extensions are busy, as the setting `phone.busy_lamps` says."""
        if lamps or (self._features is not None and self._features.busy_lamps is not None):
            self.features.watch_extensions(lamps, self._desk.show_lamp, now)

    def usable_changed(self, usable: bool, by_account: bool) -> None:
        """Whether a call could be placed now, and whether that is by an account."""
        if (usable, by_account) != self._usable:
            self._usable = usable, by_account
            self.post(RegistrationUpdated(usable, by_account))

    def receive_lookup(self, next_hop: NextHop, hops: list[Hop], now: float) -> None:
        """An answer of the resolver: for the endpoint, and for a call whose description names a host."""
        self._endpoint.receive_lookup(next_hop, hops, now)
        self._line.receive_lookup(next_hop, hops)

    def pump(self, now: float) -> float | None:
        """Let everything that is due happen and everything that has come be handled; answers the next deadline."""
        self._endpoint.handle_timeout(now)
        self._sockets.handle_timeout(now)
        self._resolver.handle_timeout(now)
        self._desk.handle_timeout(now)
        self._execute(self._phone.handle_timeout(now), now)
        for report in self._engine.reports():
            self._receive_report(report, now)
        for _ in range(TURNS_PER_PUMP):
            if not self._turn(now):
                break
        else:
            return now
        return earliest(
            self._endpoint.next_timeout(),
            self._sockets.next_timeout(),
            self._resolver.next_timeout(),
            self._desk.next_timeout(),
            self._phone.next_timeout(),
        )

    def _turn(self, now: float) -> bool:
        """One round; answers whether anything happened."""
        busy = False
        while (event := self._endpoint.next_event()) is not None:
            busy = True
            self._receive_sip(event, now)
        self._inbox.extend(self._line.take_events())
        while self._inbox:
            busy = True
            self._handle(self._inbox.popleft(), now)
        return self._send() or busy

    def _send(self) -> bool:
        """Put on the wire what the endpoint has for it; answers whether that was anything."""
        transmissions = self._endpoint.transmissions_to_send()
        for transmission in transmissions:
            self._sockets.send(transmission)
        return bool(transmissions)

    def _receive_sip(self, event: object, now: float) -> None:
        if isinstance(event, CallEvent):
            self._publish_call(event)
            self._line.receive(event, now)
            if self.quality_reports is not None and isinstance(event, CallEstablished):
                self.quality_reports.established(event.call_id)
        elif isinstance(event, (RegistrationChanged, RealmLearnt)):
            self._accounts.receive(event, now)
            if isinstance(event, RegistrationChanged):
                self._publish_registration(event)
                if event.state is RegistrationState.REGISTERED:
                    self.follow_account(event.account_id, now)
        elif not self._receive_of_transport(event):
            self.features.receive(event, now)  # type: ignore[arg-type]  # the rest are those

    def _receive_of_transport(self, event: object) -> bool:
        """What the sockets and the resolver are to do; false when the event is about something else."""
        if isinstance(event, LookupWanted):
            self._resolver.lookup(event.next_hop)
        elif isinstance(event, StreamBroken):
            logger.info("closing the connection of %s: %s", event.source, event.reason)
            self._sockets.close_connection(event.source)
        elif isinstance(event, FlowDoubted):
            self._sockets.close_connection(event.hop)
        elif isinstance(event, TransportDoubted):
            logger.warning("account %s: unregistered for long; making new sockets", event.account_id)
            self._sockets.renew()
        else:
            return False
        return True

    def follow_account(self, account_id: AccountId, now: float) -> None:
        """An account is registered, changed or gone: ask for its waiting messages if it wants that, or no longer."""
        account = self._accounts.get(account_id)
        wanted = account is not None and account.mwi and self._accounts.is_registered(account_id)
        if wanted or self._features is not None:
            self.features.follow_account(account_id, now)

    @property
    def quality(self) -> QualityLog:
        """How calls sound and sounded."""
        return self._executor.quality

    @property
    def features(self) -> Features:
        """What subscriptions, transfers and texts mean, loaded with the first of them."""
        if self._features is None:
            from device.daemon.features import Features  # noqa: PLC0415

            self._features = Features(self._user_agent, self._accounts, self._line, self.post, self._publish)
        return self._features

    @property
    def has_features(self) -> bool:
        """Whether there was any need for them yet."""
        return self._features is not None

    def transfer(self, call_id: CallId, target: str, joined: CallId | None, now: float) -> None:
        """Ask the far end of a call to call somebody else."""
        try:
            self._user_agent.transfer(call_id, target, now, joined)
        except SipStateError as error:
            self.features.refuse(call_id, error)

    def _publish_call(self, event: CallEvent) -> None:
        name = CALL_TOPIC_NAMES.get(type(event))
        if name is None:
            return
        remote, status, text = "", 0, ""
        more: dict[str, object] = {}
        match event:
            case IncomingCall():
                remote = event.caller
                more = _said(event.facts)
            case CallEstablished():
                remote = event.remote
            case CallRinging():
                status, text = event.status, event.reason
            case CallEnded():
                status, text = event.cause.status, event.cause.text
        direction = "out" if event.call_id.startswith("out") else "in"
        self._publish(
            "call",
            {
                "event": name,
                "call": event.call_id,
                "direction": direction,
                "remote": remote,
                "status": status,
                "text": text,
                **more,
            },
        )

    def _receive_report(self, report: AudioReport, now: float) -> None:
        if isinstance(report, (DeviceLost, DeviceFound, MicrophoneMeasured)):
            self._receive_of_card(report)
            return
        match report:
            case DigitHeard(call_id, digit, way):
                self.features.hear_digit(call_id, digit, way, now)
            case StreamHeard(call_id, heard):
                self._line.sound_heard(call_id, heard)
            case StreamSilent(call_id, seconds):
                logger.warning("%s: no sound from the other side for %.0f s", call_id, seconds)
                self.post(MediaLost(call_id))
            case StreamEnded(call_id, figures, error):
                if error:
                    logger.error("%s: ended, for its sound had to be given up: %s", call_id, error)
                    self._line.give_up(call_id, now)
                self._end_sound(call_id, figures, now)
            case RecordingEnded(call_id, path, seconds, fault):
                level = logging.WARNING if fault else logging.INFO
                logger.log(level, "%s: recorded %.0f s to %s%s", call_id, seconds, path, f"; {fault}" if fault else "")
                self._publish("audio", {"call": call_id, "recorded": path, "seconds": seconds, "fault": fault})
            case PlayingEnded(call_id, path, fault):
                self._publish("audio", {"call": call_id, "played": path, "fault": fault})
            case _:
                self._executor.quality.progressed(report.call_id, report.report)
                if self.is_heard("audio"):  # once a second in each call
                    self._publish("audio", {"call": report.call_id, "ended": False, "report": asdict(report.report)})

    def _receive_of_card(self, report: DeviceLost | DeviceFound | MicrophoneMeasured) -> None:
        match report:
            case DeviceLost(text):
                logger.error("sound card: %s", text)
                self.card_fault = text
                self._publish("audio", {"device": "lost", "text": text})
            case DeviceFound(name):
                logger.info("sound card: %s works again", name)
                self.card_fault = ""
                self._publish("audio", {"device": "found", "text": name})
            case MicrophoneMeasured(rms_db, peak_db):
                self._publish("meter", {"rms_db": rms_db, "peak_db": peak_db})

    def _end_sound(self, call_id: CallId, figures: StreamReport | None, now: float) -> None:
        quality = self._executor.quality.ended(call_id, figures)
        if figures is not None:
            _log_figures(call_id, figures)
            if self.quality_reports is not None and quality is not None:
                self.quality_reports.ended(call_id, figures, quality, now)
        told = {"report": asdict(figures) if figures else None, "quality": asdict(quality) if quality else None}
        self._publish("audio", {"call": call_id, "ended": True, **told})

    def _handle(self, event: PhoneEvent, now: float) -> None:
        self._execute(self._phone.handle(event, now), now)

    def _execute(self, commands: list[Command], now: float) -> None:
        for command in commands:
            self._executor.execute([command], now)
            if isinstance(command, TOLD_AT_ONCE):
                # The other side waits for this; the card, the lamps and the bell can wait a millisecond.
                self._send()
        if self._phone.state is not self._state:
            previous, self._state = self._state, self._phone.state
            before = previous.value if previous else ""
            self._user_agent.package_changed("dialog", now)
            self._publish(
                "phone", {"state": self._state.value, "previous": before, "at": now, "call": self._phone.call_id}
            )

    def _publish_registration(self, event: RegistrationChanged) -> None:
        self._publish(
            "registration",
            {
                "account": event.account_id,
                "state": event.state.value,
                "status": event.status,
                "text": event.text,
                "expires_s": event.expires_s,
                "next_attempt_s": event.next_attempt_s,
            },
        )


def _said(facts: CallFacts | None) -> dict[str, object]:
    """What the caller said besides name and address, what was not said left out."""
    if facts is None:
        return {}
    told = {name: value for name, value in asdict(facts).items() if value and name not in ("caller", "caller_name")}
    return {"name": facts.caller_name, "facts": told}


def _log_figures(call_id: str, figures: StreamReport) -> None:
    """One line an installer can judge the sound of a call by."""
    logger.info(
        "%s: sound: %s with %s, sent %d, received %d, lost %d, late %d packets, jitter %.0f ms",
        call_id,
        figures.codec,
        figures.remote,
        figures.packets_sent,
        figures.packets_received,
        figures.packets_lost,
        figures.packets_late,
        figures.jitter_ms,
    )
