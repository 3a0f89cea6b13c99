"""Which thing is plugged into which: builds the whole phone from its configuration."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.audio.engine import AudioEngine
from device.audio.interfaces import AudioDevice
from device.audio.settings import AudioSettings
from device.control.server import ControlServer
from device.daemon.accounts import AccountTable
from device.daemon.config import (
    Configuration,
    ConfigurationError,
    DaemonSettings,
    names_in,
    parse_configuration,
    setting_exists,
)
from device.daemon.control_methods import ControlMethods, Rooms, speed_dials
from device.daemon.desk import Desk, load_profile, stand_in_for
from device.daemon.executor import Executor
from device.daemon.instance import device_instance, power_up_delay
from device.daemon.logs import RecentLines, set_level
from device.daemon.loop import Loop
from device.daemon.phone_line import PhoneLine
from device.daemon.runtime import Runtime
from device.daemon.sip_trace import trace_record
from device.desk_events import DeskEvent
from device.errors import DeviceError
from device.hardware.board import Board, BoardProfile
from device.hardware.drivers import open_chip
from device.hardware.errors import LineError, ProfileError
from device.hardware.mock_chip import MockChip
from device.hardware.profile import RingerProfile
from device.hardware.ringer import RingDrive
from device.hardware.settings import HardwareSettings
from device.hardware.simulated_desk import SimulatedDesk, resting_levels
from device.ids import SystemIds
from device.media.codecs import missing_library
from device.model import CallId
from device.net.addresses import is_ipv6, somewhere
from device.net.link_monitor import LinkMonitor
from device.net.resolver import Resolver
from device.net.rtp_socket import RtpSocketPair, open_rtp_sockets
from device.net.sip_sockets import SipSockets
from device.net.tls_options import TlsOptions
from device.phone.events import PhoneEvent
from device.phone.phone import Phone
from device.phone.settings import PhoneSettings
from device.records import dataclass, replace
from device.sip.endpoint import SipEndpoint
from device.sip.hop import TCP, TLS, UDP, Hop, ip_literal
from device.sip.instance import Instance
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.user_agent import UserAgent
from device.store.accounts import Accounts
from device.store.call_log import CallLog
from device.store.database import Database
from device.store.phonebook import Phonebook
from device.store.settings import Settings

if TYPE_CHECKING:
    from device.daemon.quality_reports import QualityReports
    from device.sip.subscription_table import Package
    from device.store.console_access import ConsoleAccess
    from device.store.dns_answers import DnsAnswers

logger = logging.getLogger(__name__)

TRANSACTIONS = 250
"""Finished transactions are kept for half a minute, at 2 kB each; a telephone has no use for the 1000 of a server."""

PHONE_PREFIX = f"{PhoneSettings.SECTION}."
TIME_ZONE = "daemon.time_zone"
LIVE_SETTINGS = ("daemon.log_level", TIME_ZONE, "console.open", "console.idle_log_out_s", "console.setup_done")
"""Settings that count at once; all others count from the next start."""


@dataclass(frozen=True, slots=True)
class PhoneParts:
    """The parts of a running phone that its owner starts and stops."""

    loop: Loop
    sockets: SipSockets
    user_agent: UserAgent
    accounts: AccountTable
    line: PhoneLine
    engine: AudioEngine
    desk: Desk
    runtime: Runtime
    server: ControlServer
    link_monitor: LinkMonitor
    call_log: CallLog
    power_up_delay_s: float
    """How long the first registration is held back."""
    notices: Callable[[], list[str]]
    """What an administrator should know."""


def usable_configuration(stored: dict[str, str], given: dict[str, str]) -> tuple[Configuration, list[str]]:
    """The configuration of stored and given settings; stored ones that no longer fit are left out and told.

    A phone must come up after an update that knows a setting no more. What the command line gives must be right:
    raises ConfigurationError for that.
    """
    parse_configuration(given)
    kept = dict(stored)
    notices: list[str] = []
    # First only what is at fault, then the whole sections of that, for settings depend on each other.
    for left_out in (_names_at_fault, _sections_at_fault):
        try:
            return parse_configuration({**kept, **given}), notices
        except ConfigurationError as error:
            notices += [f"stored setting ignored: {fault}" for fault in error.faults]
            bad = left_out(error.faults)
        kept = {key: value for key, value in kept.items() if key not in bad and key.partition(".")[0] not in bad}
    return parse_configuration({**kept, **given}), notices


def _names_at_fault(faults: list[str]) -> set[str]:
    return {name for fault in faults for name in names_in(fault)}


def _sections_at_fault(faults: list[str]) -> set[str]:
    return {fault.partition(".")[0] for fault in faults}


def _missing_codecs(configuration: Configuration) -> list[str]:
    """Codecs of the settings that cannot be used, each with what to install."""
    faults = {name: missing_library(name) for name in configuration.media.codec_names}
    return [f"codec {name} is not offered: {fault}" for name, fault in faults.items() if fault]


def _missing_music(path: str) -> list[str]:
    """Why those on hold will hear silence although a file is set."""
    if not path:
        return []
    from device.audio.playing import check_playable  # noqa: PLC0415  # few phones have music

    try:
        check_playable(path)
    except DeviceError as error:
        return [f"media.hold_music: {error}; those on hold hear silence"]
    return []


def usable_profile(hardware: HardwareSettings, must_fit: bool, notices: list[str]) -> BoardProfile:
    """The board profile of the settings, or else, unless it `must_fit`, the simulated one and a notice.

    A phone without its board can still be reached and set right. Raises ConfigurationError, or HardwareError where
    even the simulated board cannot be had.
    """
    try:
        return load_profile(hardware)
    except ProfileError as error:
        if must_fit:
            raise ConfigurationError([f"hardware.board: {error}"]) from error
        notices.append(f"hardware.board: {error}; a simulated board stands in until this is set right")
        logger.error("%s", notices[-1])
        return BoardProfile.load(HardwareSettings().board)


def open_board(profile: BoardProfile, store: str) -> Board:
    """The real board of a profile. Raises HardwareError.

    Its outputs are noted beside the store first, for whoever must make them safe after us.
    """
    from device.hardware.safe_outputs import outputs_of, outputs_path, record_outputs  # noqa: PLC0415

    record_outputs(outputs_path(store), outputs_of(profile))
    return Board(profile, open_chip(profile.driver), _open_sounder, time.monotonic)


def open_desk(profile: BoardProfile, store: str, loop: Loop, late: _Late) -> Desk:
    """The board of a profile in the loop, with hands to move it where it is simulated.

    A driver that does not work yet is waited for here; lines that others hold, or a chip that comes late, by the board.
    """
    if profile.driver == "mock":
        chip = MockChip(initially=resting_levels(profile))
        board = Board(profile, chip, _open_sounder)
        return Desk(board, SimulatedDesk(profile, chip), chip, loop, late.desk_event, late.line_changed)

    def reopen() -> Board:
        return open_board(profile, store)

    try:
        board, fault = reopen(), ""
    except LineError as error:
        board, fault = stand_in_for(profile), str(error)
    return Desk(board, None, None, loop, late.post, late.line_changed, reopen, fault)


def _open_sounder(ringer: RingerProfile) -> RingDrive:
    """The drive of a ringer on a sound card; loaded for the phones that have one."""
    from device.daemon.sounder import open_sounder  # noqa: PLC0415

    return open_sounder(ringer)


class _Late:
    """What is built last but told things by all the others: the inbox, and the socket that events are published on."""

    runtime: Runtime
    server: ControlServer

    def post(self, event: PhoneEvent) -> None:
        """Put an event into the inbox."""
        self.runtime.post(event)

    def desk_event(self, event: DeskEvent) -> None:
        """Tell what the person at the desk did to whoever tries the keys, and put it into the inbox."""
        if self.server.has_subscribers("desk"):
            name = getattr(event, "digit", "") or getattr(event, "name", "")
            self.server.publish("desk", {"event": type(event).__name__, "name": name, "at": event.at})
        self.runtime.post(event)

    def usable_changed(self, usable: bool, by_account: bool) -> None:
        """Whether a call could be placed now, and whether that is by an account."""
        self.runtime.usable_changed(usable, by_account)

    def transfer(self, call_id: CallId, target: str, joined: CallId | None, now: float) -> None:
        """Ask the far end of a call to call somebody else."""
        self.runtime.transfer(call_id, target, joined, now)

    def publish(self, topic: str, params: dict[str, object]) -> None:
        """Tell the subscribers of a topic, if there are any."""
        if self.server.has_subscribers(topic):
            self.server.publish(topic, params)

    def line_changed(self, name: str, active: bool, at: float) -> None:
        """Tell that an input of the board changed."""
        self.publish("board", {"line": name, "active": active, "at": at})

    def trace(self, direction: str, data: bytes, hop: Hop, _at: float) -> None:
        """Show a SIP message to whoever follows the trace."""
        if self.server.has_subscribers("sip"):
            self.server.publish("sip", trace_record(direction, data, hop, time.time()))


class CallOwner:
    """What the user agent says of us when somebody asks by OPTIONS."""

    def __init__(self, phone: Phone, line: PhoneLine) -> None:
        self._phone = phone
        self._line = line

    def availability(self) -> int:
        """The status that a call would get now."""
        return self._phone.availability

    def capabilities(self) -> bytes:
        """A session description of all that we can."""
        return self._line.capabilities()


@dataclass(frozen=True, slots=True)
class _SipSide:
    """Everything that speaks SIP."""

    user_agent: UserAgent
    endpoint: SipEndpoint
    sockets: SipSockets
    resolver: Resolver


def tls_options(settings: UserAgentSettings) -> TlsOptions:
    """What the settings say about TLS."""
    return TlsOptions(
        ca_file=settings.tls_ca_file,
        system_cas=settings.tls_system_cas,
        certificate=settings.tls_certificate,
        key=settings.tls_key,
        verify=settings.tls_verify,
        wildcards=settings.tls_wildcards,
        minimum=settings.tls_minimum,
    )


def _build_sip(
    configuration: Configuration, database: Database, loop: Loop, ids: SystemIds, instance: Instance, late: _Late
) -> _SipSide:
    sip = configuration.sip

    def local_address(transport: str, host: str) -> tuple[str, int]:
        address = ip_literal(host) or resolver.known_address(host) or somewhere()
        return sockets.address_towards(address), sockets.port_of(transport)

    def sent_by(hop: Hop) -> tuple[str, int]:
        return sockets.sent_by(hop)

    timers = SipTimers(next_server=float(sip.failover_s))
    user_agent = UserAgent(sip, timers, ids, local_address, instance)
    endpoint = SipEndpoint(user_agent, timers, ids, sent_by, late.trace, TRANSACTIONS, TRANSACTIONS)
    sockets = SipSockets(loop, endpoint, sip.bind_address, sip.advertised_address, tls_options(sip), sip.dscp)
    resolver = Resolver(
        loop,
        lambda next_hop, hops: late.runtime.receive_lookup(next_hop, hops, loop.now()),
        ids,
        ipv6=not sip.bind_address or is_ipv6(sip.bind_address),
        servers=sip.dns_servers,
        open_store=lambda: _dns_answers(database),
    )
    resolver.transports = (UDP, TCP, TLS)
    return _SipSide(user_agent, endpoint, sockets, resolver)


def build_phone(
    configuration: Configuration,
    profile: BoardProfile,
    database: Database,
    loop: Loop,
    socket_path: str,
    log: RecentLines,
    notices: list[str],
) -> PhoneParts:
    """Build every part, closed and still; raises DeviceError for a board that cannot be had."""
    ids, late = SystemIds(), _Late()
    phonebook, call_log = Phonebook(database), CallLog(database)
    notices += [*_missing_codecs(configuration), *_missing_music(configuration.media.hold_music)]
    instance = device_instance(database.path)
    sip = _build_sip(configuration, database, loop, ids, instance, late)
    accounts = AccountTable(Accounts(database), sip.user_agent, late.usable_changed)
    engine = _make_engine(configuration.audio, loop)
    ports = _port_opener(configuration, ids)
    line = PhoneLine(sip.user_agent, accounts, engine, sip.sockets, sip.resolver, configuration.media, ports, ids)
    phone = Phone(configuration.phone, _call_namer(), speed_dials(phonebook))
    desk = open_desk(profile, database.path, loop, late)
    executor = Executor(line, engine, desk, call_log, configuration.media, _wall_clock, late.transfer)
    agent, ways = sip.user_agent, (sip.endpoint, sip.sockets, sip.resolver)
    late.runtime = Runtime(phone, *ways, accounts, line, executor, engine, desk, late.publish, agent)
    _present(agent, phone, line, configuration.sip.dialog_state)
    late.runtime.quality_reports = _quality_reports(configuration, agent, line)
    live = LiveSettings(configuration.phone, Settings(database), late.runtime)
    rooms = Rooms(
        phone=phone,
        runtime=late.runtime,
        line=line,
        accounts=accounts,
        desk=desk,
        engine=engine,
        sockets=sip.sockets,
        resolver=sip.resolver,
        settings=Settings(database),
        phonebook=phonebook,
        call_log=call_log,
        log=log,
        stop=loop.stop,
        apply_settings=live.apply,
        waiting_settings=lambda: sorted(live.waiting),
        console_access=lambda: _console_access(database),
        take_part=loop.add_participant,
        media=configuration.media,
        database=database,
        publish=late.publish,
        console_settings=lambda: usable_configuration(Settings(database).get_all(), {})[0].console,
        notices=lambda: [*notices, *filter(None, (late.runtime.card_fault,)), *desk.notices()],
        started_at=time.monotonic(),
        instance=instance.urn,
    )
    late.server = ControlServer(loop, socket_path, ControlMethods(rooms).table())
    _let_follow(late, log)
    late.runtime.watch_extensions(configuration.phone.busy_lamps, loop.now())
    link_monitor = LinkMonitor(loop, _network_follower(sip, line, loop))
    delay_s = power_up_delay(instance, configuration.sip.power_up_spread_s, database.was_cut_off, loop.now())
    sides = (loop, sip.sockets, agent, accounts, line, engine, desk)
    return PhoneParts(*sides, late.runtime, late.server, link_monitor, call_log, delay_s, rooms.notices)


def _make_engine(audio: AudioSettings, loop: Loop) -> AudioEngine:
    """The audio engine, which wakes the loop when it has something to tell."""
    return AudioEngine(audio, lambda: _make_device(audio), lambda: loop.call_soon_threadsafe(_nothing))


def _let_follow(late: _Late, log: RecentLines) -> None:
    """Let whoever follows the log be told, and nobody else cost time."""
    late.runtime.is_heard = late.server.has_subscribers
    log.follower = lambda level, text: late.server.publish("log", {"level": level, "line": text})


def _quality_reports(configuration: Configuration, agent: UserAgent, line: PhoneLine) -> QualityReports | None:
    """What tells a collector how calls sounded, where the settings name one."""
    if not configuration.sip.quality_collector:
        return None
    from device.daemon.quality_reports import QualityReports  # noqa: PLC0415  # few phones report to anybody

    return QualityReports(configuration.sip.quality_collector, configuration.media.jitter_max_ms, agent, line)


def _present(agent: UserAgent, phone: Phone, line: PhoneLine, dialog_state: str) -> None:
    """Let others ask what this phone can and, as far as the setting allows, what it is doing; and what it wants."""
    agent.set_owner(CallOwner(phone, line))
    line.wants_digits = lambda: phone.wants_digits

    def make() -> Package:
        from device.daemon.dialog_state import dialog_package  # noqa: PLC0415  # most phones are watched by nobody

        return dialog_package(phone, dialog_state == "servers")

    if dialog_state != "off":
        agent.serve_package("dialog", make)


def _network_follower(sip: _SipSide, line: PhoneLine, loop: Loop) -> Callable[[], None]:
    """Tells everybody whom it concerns that links or addresses have changed."""

    def network_changed() -> None:
        sip.sockets.drop_connections()
        sip.resolver.network_changed()
        sip.user_agent.network_changed(loop.now())
        line.network_changed(loop.now())

    return network_changed


class LiveSettings:
    """Makes changed settings count in the running phone, where that needs no restart."""

    def __init__(self, phone_settings: PhoneSettings, stored: Settings, runtime: Runtime) -> None:
        self._phone_settings = phone_settings
        self._stored = stored
        self._runtime = runtime
        self.waiting: set[str] = set()
        """Settings that were changed since the start and count only from the next one on."""

    def apply(self, changed: Mapping[str, str | None]) -> list[str]:
        """Take what has been stored; answers the keys that wait for a restart."""
        if "daemon.log_level" in changed:
            set_level(changed["daemon.log_level"] or DaemonSettings().log_level)
        if TIME_ZONE in changed:
            from device.local_time import use_zone  # noqa: PLC0415  # most phones have the system's zone

            use_zone(changed[TIME_ZONE] or "")
        waiting = [key for key in changed if key not in LIVE_SETTINGS and not key.startswith(PHONE_PREFIX)]
        names = [key for key in changed if key.startswith(PHONE_PREFIX) and setting_exists(key)]
        found = waiting if self._follow(names) else [*waiting, *names]
        self.waiting.update(found)
        return found

    def _follow(self, keys: list[str]) -> bool:
        """Let the phone follow those of its settings that changed; answers false where they must wait."""
        if not keys:
            return True
        fresh, _ = usable_configuration(self._stored.get_all(), {})
        # Only what was changed: the command line may have given other settings for this run alone.
        changes = {name: getattr(fresh.phone, name) for name in (key.removeprefix(PHONE_PREFIX) for key in keys)}
        settings = replace(self._phone_settings, **changes)
        faults = settings.faults()
        if faults:
            logger.warning("what was set counts from the next start, since it does not fit this run: %s", faults[0])
            return False
        self._phone_settings = settings
        self._runtime.configure(settings, time.monotonic())
        return True


def _make_device(audio: AudioSettings) -> AudioDevice:
    """The card, the files or the silence of the settings; the room of devices is loaded at the first sound."""
    from device.audio.devices import make_device  # noqa: PLC0415

    return make_device(audio)


def _port_opener(configuration: Configuration, ids: SystemIds) -> Callable[[], RtpSocketPair]:
    daemon = configuration.daemon
    host = configuration.sip.bind_address
    dscp = configuration.media.dscp
    return lambda: open_rtp_sockets(host, daemon.rtp_first_port, daemon.rtp_last_port, ids, dscp)


def _wall_clock(monotonic: float) -> float:
    """The Unix time at `monotonic`, by what the clock says now: it may have been set since the start.

    A board without a battery begins in the past and learns the time from the network minutes later.
    """
    return monotonic + time.time() - time.monotonic()


def _call_namer() -> Callable[[], CallId]:
    """Names for our outgoing calls that a log of several days keeps apart: the process and a count."""
    count = 0
    process = os.getpid()

    def name() -> CallId:
        nonlocal count
        count += 1
        return CallId(f"out-{process}-{count}")

    return name


def _dns_answers(database: Database) -> DnsAnswers:
    """Where what DNS said outlives the process; loaded with the first name that must be looked up."""
    from device.store.dns_answers import DnsAnswers  # noqa: PLC0415

    return DnsAnswers(database)


def _console_access(database: Database) -> ConsoleAccess:
    """Who may use a console; loaded with the first one."""
    from device.store.console_access import ConsoleAccess  # noqa: PLC0415

    return ConsoleAccess(database)


def _nothing() -> None:
    """The loop's turn itself is what a wake-up is for."""
