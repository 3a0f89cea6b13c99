"""Joins the user agent to the sound of its calls: SIP sessions and media sessions are what the phone calls a line."""

from __future__ import annotations

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.audio.commands import SendDigit
from device.audio.engine import AudioEngine
from device.daemon.accounts import AccountTable
from device.daemon.call_sound import CallSound
from device.errors import DeviceError
from device.ids import IdSource
from device.media.settings import MediaSettings
from device.model import Account, AccountId, CallId
from device.net.addresses import is_ipv6, somewhere
from device.net.resolver import Resolver
from device.net.rtp_socket import RtpSocketPair
from device.net.sip_sockets import SipSockets
from device.phone.events import (
    AnnouncementBegun,
    CallAnswered,
    CallFinished,
    CallOffered,
    CallProgressed,
    CallRang,
    PhoneEvent,
    ReplacementOffered,
)
from device.records import replace
from device.sdp.errors import NoCommonCodec, SdpError
from device.sip.errors import SipStateError
from device.sip.events import (
    CallEnded,
    CallEstablished,
    CallEvent,
    CallRinging,
    CallTrying,
    IncomingCall,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
)
from device.sip.hop import UDP, Hop, NextHop, ip_literal
from device.sip.user_agent import UserAgent

if TYPE_CHECKING:
    from device.daemon.digit_sender import DigitSender
    from device.sip.call_facts import CallFacts
    from device.sip.feature_events import TransferRequested

logger = logging.getLogger(__name__)

DISCARD_PORT = 9
LOOPBACKS = ("127.0.0.1", "::1")
"""What our address towards the far end is taken for while there is no way to it."""

ACCOUNTS_KEPT = 64
"""Of how many calls, the latest, it is remembered which account they went through: the call log asks after the end."""

ANSWERED_ELSEWHERE = 200
"""What the user agent gives as the cause when another phone of the same user took the call."""

RINGING = 180
EARLY_DIALOG_TERMINATED = 199
BAD_REQUEST = 400
TEMPORARILY_UNAVAILABLE = 480
NOT_ACCEPTABLE_HERE = 488
SERVICE_UNAVAILABLE = 503

OpenPorts = Callable[[], RtpSocketPair]


class Ringback:
    """What a call of ours has met since it began to ring."""

    __slots__ = ("alerted", "heard")

    def __init__(self) -> None:
        self.alerted = False
        """180 came."""
        self.heard = False
        """Sound comes from the far end."""

    @property
    def is_wanted(self) -> bool:
        """Whether the caller should hear our own ringback."""
        return self.alerted and not self.heard


class PhoneLine:
    """Places, answers and ends calls with sound, and turns what the user agent tells into events for the phone."""

    def __init__(
        self,
        user_agent: UserAgent,
        accounts: AccountTable,
        engine: AudioEngine,
        sockets: SipSockets,
        resolver: Resolver,
        media_settings: MediaSettings,
        open_ports: OpenPorts,
        ids: IdSource,
    ) -> None:
        self._user_agent = user_agent
        self._accounts = accounts
        self._engine = engine
        self._sockets = sockets
        self._resolver = resolver
        self._media_settings = media_settings
        self._open_ports = open_ports
        self._ids = ids
        self._calls: dict[CallId, CallSound] = {}
        self._answers: dict[CallId, bytes] = {}
        self._early: dict[CallId, bytes] = {}
        self._ringing: dict[CallId, Ringback] = {}
        """Calls of ours that ring and are not answered."""
        self._events: list[PhoneEvent] = []
        self.last_end = ""
        """Why the last call ended, in words: for whoever asked for a call that could not even begin."""
        self._reoffered: set[CallId] = set()
        """Calls with an offer of ours (hold, resume) that has not been answered yet."""
        self._preferred: AccountId | None = None
        self._account_ids: dict[CallId, AccountId] = {}
        self._transfers: dict[str, tuple[AccountId | None, str]] = {}
        """Account and target of each REFER that the phone has not decided on."""
        self._facts: dict[CallId, CallFacts] = {}
        self.wants_digits: Callable[[], bool] = lambda: False
        """Whether it matters which keys the far end presses."""
        self._digits: dict[CallId, DigitSender] = {}
        """Of calls whose digits do not go as events in RTP."""

    # What the phone wants.

    def place(self, call_id: CallId, target: str, emergency: bool, now: float, anonymous: bool = False) -> None:
        """Call `target` through the account that suits, or straight by IP where the target is an address."""
        account = self._accounts.get(self._preferred) if self._preferred else self._accounts.choose()
        if account is None and emergency:
            account = self._accounts.any_enabled()
        sound = self._open_for(call_id, account, target)
        if sound is None:
            return
        account_id = account.id if account else None
        logger.info("%s: calling %s%s", call_id, target, f" through account {account_id}" if account_id else "")
        options = None
        if anonymous:
            from device.sip.invite_options import InviteOptions  # noqa: PLC0415  # few calls have any

            options = InviteOptions("full")
        self._user_agent.invite(call_id, target, sound.session.create_offer(), account_id, now, options)

    def _open_for(self, call_id: CallId, account: Account | None, target: str) -> CallSound | None:
        """The sound of a call of ours; None, and the phone told, where there is no room for any."""
        if account is not None:
            self._keep_account(call_id, account.id)
        try:
            return self._open(call_id, self._far_host(account, target), account)
        except DeviceError as error:
            logger.error("%s: %s", call_id, error)
            self.last_end = str(error)
            self._events.append(CallFinished(call_id, SERVICE_UNAVAILABLE, str(error), local=True))
            return None

    # Transfers.

    def offer_transfer(self, event: TransferRequested) -> None:
        """Keep what a REFER asks for until the phone has decided."""
        self._transfers[event.transfer_id] = (event.account_id, event.target)

    def place_transfer(self, transfer_id: str, call_id: CallId, now: float) -> None:
        """Agree to a REFER and place the call that it asks for."""
        account_id, target = self._transfers.pop(transfer_id)
        sound = self._open_for(call_id, self._accounts.get(account_id) if account_id else None, target)
        if sound is None:
            self._user_agent.refuse_transfer(transfer_id, SERVICE_UNAVAILABLE, now)
            return
        logger.info("%s: calling %s, as asked", call_id, target)
        self._user_agent.accept_transfer(transfer_id, call_id, sound.session.create_offer(), now)

    def refuse_transfer(self, transfer_id: str, status: int, now: float) -> None:
        """Turn a REFER down."""
        self._transfers.pop(transfer_id, None)
        self._user_agent.refuse_transfer(transfer_id, status, now)

    def facts_of(self, call_id: CallId) -> CallFacts | None:
        """What the INVITE of a call that goes on said about the caller."""
        return self._facts.get(call_id)

    def capabilities(self) -> bytes:
        """A session description of all that we can, its ports 0 (RFC 3264 section 9)."""
        from device.media.media_session import MediaSession  # noqa: PLC0415  # as in `_open`

        session = MediaSession(self._media_settings, self._sockets.address_towards(somewhere()), 0, self._ids)
        return session.create_offer()

    def prefer_account(self, account_id: AccountId | None) -> None:
        """Use this account for the next calls; None leaves the choice to the registrations."""
        self._preferred = account_id

    def media_address(self, call_id: CallId) -> tuple[str, int] | None:
        """Where the far end of a call sends its sound to."""
        sound = self._calls.get(call_id)
        return sound.local_media if sound is not None else None

    def account_of(self, call_id: CallId) -> str:
        """The account that a call goes or went through; empty for a call straight by IP."""
        return self._account_ids.get(call_id, "")

    def _keep_account(self, call_id: CallId, account_id: AccountId) -> None:
        self._account_ids[call_id] = account_id
        while len(self._account_ids) > ACCOUNTS_KEPT:
            del self._account_ids[next(iter(self._account_ids))]

    def ring(self, call_id: CallId, now: float) -> None:
        """Tell the caller that the phone rings; an announcement is over."""
        if (sound := self._calls.get(call_id)) is not None:
            sound.end_announcement()
        self._user_agent.ring(call_id, now)

    def announce(self, call_id: CallId, path: str, now: float) -> None:
        """Let a caller hear a file before anybody answers (183 with our answer, RFC 3960)."""
        from device.daemon.announcement import seconds_of  # noqa: PLC0415  # few phones have one

        sound, answer = self._calls.get(call_id), self._answers.get(call_id)
        seconds = seconds_of(path) if sound is not None and answer else 0.0
        if sound is not None and answer and seconds:
            logger.info("%s: hears %s", call_id, path)
            self._user_agent.progress(call_id, answer, now)
            sound.announce(path)
        self._events.append(AnnouncementBegun(call_id, seconds))

    def answer(self, call_id: CallId, now: float) -> None:
        """Accept an offered call, with our answer or, where it came without an offer, with our own offer."""
        sound = self._calls.get(call_id)
        if sound is None:
            return
        body = self._answers.pop(call_id, b"")
        if not body and sound.session.parameters is None:
            # Where the caller was told our offer with the ringing already, all is settled and there is nothing to say.
            body = sound.session.create_offer()
        logger.info("%s: answered here", call_id)
        self._user_agent.answer(call_id, body, now)

    def reject(self, call_id: CallId, status: int, now: float) -> None:
        """Turn an offered call away."""
        self._user_agent.reject(call_id, status, now)

    def hang_up(self, call_id: CallId, now: float) -> None:
        """End a call by whatever its state needs."""
        self._user_agent.hang_up(call_id, now)

    def hang_up_all(self, now: float) -> None:
        """End every call, as at a stop of the daemon."""
        for call_id in list(self._calls):
            try:
                # Who rings here is told that nobody can answer now; a plain hang-up would decline for all our phones.
                self._user_agent.reject(call_id, TEMPORARILY_UNAVAILABLE, now)
            except SipStateError:
                self._user_agent.hang_up(call_id, now)

    def hold(self, call_id: CallId, now: float) -> None:
        """Put the far end on hold."""
        sound = self._calls.get(call_id)
        if sound is not None:
            self._reoffer(call_id, sound, sound.session.hold(), now)

    def resume(self, call_id: CallId, now: float) -> None:
        """Take the far end off hold."""
        sound = self._calls.get(call_id)
        if sound is not None:
            self._reoffer(call_id, sound, sound.session.resume(), now)

    def _reoffer(self, call_id: CallId, sound: CallSound, offer: bytes, now: float) -> None:
        self._reoffered.add(call_id)
        self._user_agent.reoffer(call_id, offer, now)
        sound.refresh()

    def network_changed(self, now: float) -> None:
        """Our address may be another one: tell it to the other side of each call, for its sound and its signalling."""
        for call_id, sound in list(self._calls.items()):
            address = self._sockets.address_towards(sound.far_host)
            if address == sound.session.local_address or address in LOOPBACKS:
                continue
            logger.info("%s: our address changed from %s to %s", call_id, sound.session.local_address, address)
            sound.session.set_local_address(address)
            if call_id in self._answers:
                self._answers[call_id] = self._answer_to(sound, sound.offer)
            else:
                self._reoffer(call_id, sound, sound.session.create_offer(), now)
        self._user_agent.retarget_calls(now)

    def give_up(self, call_id: CallId, now: float) -> None:
        """End a call whose sound cannot go on."""
        self._user_agent.hang_up(call_id, now)

    def connect_audio(self, call_id: CallId) -> None:
        """Join microphone and earpiece to the call."""
        if call_id in self._calls:
            self._calls[call_id].connect()

    def disconnect_audio(self, call_id: CallId) -> None:
        """Part microphone and earpiece from the call."""
        if call_id in self._calls:
            self._calls[call_id].disconnect()

    def send_digit(self, call_id: CallId, digit: str, now: float) -> None:
        """Send a digit to the far end in the way that the settings and the far end allow."""
        sound = self._calls.get(call_id)
        if sound is None:
            return
        session, parameters = sound.session, sound.session.parameters
        if session.dtmf in ("auto", "rtp") and (parameters is None or parameters.telephone_event_pt is not None):
            self._engine.submit(SendDigit(call_id, digit))
            return
        from device.daemon.digit_sender import IN_BAND, DigitSender, ways_to_send  # noqa: PLC0415  # few calls need them

        sender = self._digits.get(call_id)
        if sender is None:
            ways = ways_to_send(session.dtmf, self._user_agent.may_send(call_id, "INFO"))
            duration_ms = self._media_settings.digit_ms
            sender = DigitSender(call_id, ways, self._user_agent, self._engine, duration_ms)
            if ways != (IN_BAND,):  # what the far end allows may be told later
                self._digits[call_id] = sender
        sender.send(digit, now)

    def has_sound(self, call_id: CallId) -> bool:
        """Whether there is a call whose sound runs."""
        return call_id in self._calls and self._calls[call_id].is_running

    def info_answered(self, call_id: CallId, status: int, now: float) -> None:
        """The final answer to an INFO of ours within a call."""
        if call_id in self._digits:
            self._digits[call_id].receive_answer(status, now)

    @property
    def calls(self) -> int:
        """How many calls have sound or may get it."""
        return len(self._calls)

    # What the user agent tells.

    def receive(self, event: CallEvent, now: float) -> None:
        """Take one event of a call and see to its media; what the phone should hear of it is in `take_events`."""
        try:
            self._receive(event, now)
        except SdpError as error:
            logger.warning("%s: the other side's session description is no good: %s", event.call_id, error)
            self._user_agent.hang_up(event.call_id, now)

    def take_events(self) -> list[PhoneEvent]:
        """What happened to calls since the last time, for the phone."""
        events, self._events = self._events, []
        return events

    def _receive(self, event: CallEvent, now: float) -> None:
        match event:
            case IncomingCall():
                self._offered(event, now)
            case CallTrying():
                self._events.append(CallProgressed(event.call_id))
            case CallRinging():
                self._rang(event)
            case CallEstablished():
                self._established(event)
            case OfferReceived():
                self._take_offer(event, now)
            case OfferAnswered():
                self._reoffered.discard(event.call_id)
                self._take_answer(event.call_id, event.sdp)
            case OfferRefused():
                self._offer_refused(event)
            case CallEnded():
                self._ended(event)

    def _offered(self, event: IncomingCall, now: float) -> None:
        try:
            account = self._accounts.get(event.account_id) if event.account_id else None
            sound = self._open(event.call_id, _source_host(event.source), account)
            if event.offer:
                sound.offer = event.offer
                self._answers[event.call_id] = self._answer_to(sound, event.offer)
        except DeviceError as error:
            status = _refusal(error)
            level = logging.ERROR if status == SERVICE_UNAVAILABLE else logging.INFO
            logger.log(level, "%s: refused with %d: %s", event.call_id, status, error)
            self._user_agent.reject(event.call_id, status, now)
        else:
            if event.account_id:
                self._keep_account(event.call_id, event.account_id)
            logger.info("%s: %s <%s> calls", event.call_id, event.caller_name or "somebody", event.caller)
            self._look_up(sound)
            self._events.append(self._offer_event(event))

    def _offer_event(self, event: IncomingCall) -> PhoneEvent:
        """What the phone hears of a call: that it may ring, or that it takes the place of another (RFC 3891)."""
        facts = event.facts
        if facts is None:
            return CallOffered(event.call_id, event.caller, event.caller_name, event.auto_answer_after_s)
        self._facts[event.call_id] = facts
        if facts.replaces is not None:
            return ReplacementOffered(event.call_id, facts.replaces, event.caller, event.caller_name)
        return CallOffered(
            event.call_id,
            event.caller,
            event.caller_name,
            event.auto_answer_after_s,
            auto_answer_required=facts.answer_mode == "auto" and facts.answer_mode_required,
            alert=facts.alert,
        )

    def _rang(self, event: CallRinging) -> None:
        """Our tone is heard after 180, as long as the far end sends no sound of its own (RFC 3960 section 3.2)."""
        ringback = self._ringing.setdefault(event.call_id, Ringback())
        if event.status == RINGING:
            ringback.alerted = True
        elif event.status == EARLY_DIALOG_TERMINATED and not event.sdp:
            ringback.heard = False
            self._end_early_media(event.call_id)
        early = self._take_early_media(event)
        self._events.append(CallRang(event.call_id, early, ringback.is_wanted))

    def _end_early_media(self, call_id: CallId) -> None:
        sound = self._calls.get(call_id)
        if sound is not None and self._early.pop(call_id, None) is not None:
            sound.session.answer_gone()
            sound.refresh()

    def sound_heard(self, call_id: CallId, heard: bool) -> None:
        """Sound from the far end begins or ceases to come: while it rings that takes the place of our tone."""
        ringback = self._ringing.get(call_id)
        if ringback is not None:
            ringback.heard = heard
            self._events.append(CallRang(call_id, call_id in self._early, ringback.is_wanted))

    def _take_early_media(self, event: CallRinging) -> bool:
        if not event.sdp:
            return False
        try:
            self._take_answer(event.call_id, event.sdp)
        except SdpError as error:
            logger.info("%s: no early media, since its description is no good: %s", event.call_id, error)
            return False
        self._early[event.call_id] = event.sdp
        return True

    def _established(self, event: CallEstablished) -> None:
        if event.sdp and event.sdp != self._early.get(event.call_id):
            self._take_answer(event.call_id, event.sdp)
        self._ringing.pop(event.call_id, None)
        logger.info("%s: connected with %s", event.call_id, event.remote)
        self._events.append(CallAnswered(event.call_id))

    def _take_answer(self, call_id: CallId, sdp: bytes) -> None:
        sound = self._calls.get(call_id)
        if sound is not None:
            sound.session.receive_answer(sdp)
            self._look_up(sound)
            sound.refresh()

    def _take_offer(self, event: OfferReceived, now: float) -> None:
        sound = self._calls.get(event.call_id)
        if sound is None:
            return
        session = sound.session
        try:
            body = self._answer_to(sound, event.offer) if event.offer else session.create_offer()
        except SdpError as error:
            status = _refusal(error)
            logger.info("%s: a new offer refused with %d: %s", event.call_id, status, error)
            self._user_agent.refuse_offer(event.call_id, status, now)
            return
        self._user_agent.accept_offer(event.call_id, body, now)
        if event.offer and event.call_id in self._reoffered:
            # Both sides offered at once and ours has to wait (491). It was made for what was agreed before theirs, so
            # a new one takes its place.
            self._user_agent.reoffer(event.call_id, session.create_offer(), now)
        self._look_up(sound)
        sound.refresh()

    def _offer_refused(self, event: OfferRefused) -> None:
        self._reoffered.discard(event.call_id)
        sound = self._calls.get(event.call_id)
        if sound is not None:
            logger.info("%s: the other side refused our new offer with %d", event.call_id, event.status)
            sound.session.offer_refused()
            sound.refresh()

    def _ended(self, event: CallEnded) -> None:
        cause = event.cause
        self.last_end = cause.text
        logger.info("%s: ended by %s: %s", event.call_id, "us" if cause.local else "the other side", cause.text)
        self._forget(event.call_id)
        elsewhere = cause.status == ANSWERED_ELSEWHERE
        self._events.append(CallFinished(event.call_id, cause.status, cause.text, cause.local, elsewhere))

    # Media.

    def _open(self, call_id: CallId, far_host: str, account: Account | None) -> CallSound:
        """Ports and a media session for a call. Raises NetError where no port is left."""
        # Negotiation is loaded with the first call: a phone that has not rung yet need not carry it.
        from device.media.media_session import MediaSession  # noqa: PLC0415

        ports = self._open_ports()
        address = self._sockets.address_towards(far_host)
        settings = self._media_settings
        if account is not None and account.dtmf:
            settings = replace(settings, dtmf=account.dtmf)
        if account is not None and account.codecs:
            settings = replace(settings, codecs=account.codecs)
        if settings.dtmf_detector == "auto" and not self.wants_digits():
            settings = replace(settings, dtmf_detector="off")
        session = MediaSession(settings, address, ports.rtp.local_port, self._ids)
        sound = self._calls[call_id] = CallSound(call_id, session, ports, self._engine)
        sound.far_host = far_host
        return sound

    def _answer_to(self, sound: CallSound, offer: bytes) -> bytes:
        """Our answer, with an address of the family that the other side offered (RFC 6157 section 4).

        Raises SdpError; NoCommonCodec also where this network has no such address.
        """
        from device.media.media_session import offered_host  # noqa: PLC0415  # as in `_open`

        session, host = sound.session, offered_host(offer)
        before = session.local_address
        if ip_literal(host) is None or is_ipv6(host) == is_ipv6(before):
            return session.receive_offer(offer)
        address = self._sockets.media_address_towards(host)
        if not address:
            raise NoCommonCodec(f"the other side's sound is at {host}, to which there is no way from here")
        session.set_local_address(address)
        try:
            answer = session.receive_offer(offer)
        except SdpError:
            session.set_local_address(before)
            raise
        sound.far_host = host
        return answer

    def _forget(self, call_id: CallId) -> None:
        self._answers.pop(call_id, None)
        self._digits.pop(call_id, None)
        self._facts.pop(call_id, None)
        self._early.pop(call_id, None)
        self._ringing.pop(call_id, None)
        self._reoffered.discard(call_id)
        sound = self._calls.pop(call_id, None)
        if sound is not None:
            sound.end()

    def _far_host(self, account: Account | None, target: str) -> str:
        """An IP address on the way to the far end, as far as it is known before DNS has been asked."""
        server = self._user_agent.server_of(account.id) if account else None
        if server is not None:
            # Of several servers this is the one that is well, perhaps the only one of its family of addresses.
            return server.host
        candidates = [account.outbound_proxy, account.registrar, account.domain] if account else []
        candidates.append(target.rpartition("@")[2].removeprefix("sip:").partition(";")[0])
        for candidate in candidates:
            if not candidate:
                continue
            host = candidate[1 : candidate.index("]")] if candidate.startswith("[") and "]" in candidate else candidate
            if host.count(":") == 1:
                host = host.partition(":")[0]
            address = ip_literal(host) or self._resolver.known_address(host)
            if address:
                return address
        return somewhere()

    def _look_up(self, sound: CallSound) -> None:
        name = sound.unresolved_host()
        if name is not None:
            # A port, whichever, says that the name is a host and no domain with servers.
            self._resolver.lookup(NextHop(name, DISCARD_PORT, UDP))

    def receive_lookup(self, next_hop: NextHop, hops: list[Hop]) -> None:
        """A host name that stood in a session description has an address, or none."""
        for sound in self._calls.values():
            if sound.unresolved_host() == next_hop.host and hops:
                sound.resolved(next_hop.host, hops[0].host)


def _source_host(source: str) -> str:
    """The address in "udp:192.0.2.7:5060" or "tcp:[2001:db8::7]:5060"."""
    return source.partition(":")[2].rpartition(":")[0].strip("[]") or somewhere()


def _refusal(error: DeviceError) -> int:
    """The status that tells the other side why its offer is refused."""
    if isinstance(error, NoCommonCodec):
        return NOT_ACCEPTABLE_HERE
    return BAD_REQUEST if isinstance(error, SdpError) else SERVICE_UNAVAILABLE
