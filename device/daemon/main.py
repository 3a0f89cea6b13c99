"""The daemon's life: start, run, stop. `offhook run` and the systemd unit come in here."""

import gc
import os
import sys
import time
from collections.abc import Sequence

from device import __version__
from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.daemon.config import Configuration, ConfigurationError
from device.daemon.logs import RecentLines, set_level, start_logging
from device.daemon.loop import Loop
from device.daemon.notify import ServiceNotifier
from device.daemon.options import USAGE, RunOptions, UsageError, parse_options
from device.daemon.upkeep import StatusLine, Upkeep
from device.daemon.wiring import PhoneParts, build_phone, usable_configuration, usable_profile
from device.errors import DeviceError
from device.net.addresses import NetError
from device.sip.settings import UserAgentSettings
from device.store.database import Database, open_database
from device.store.errors import StoreUnwritableError
from device.store.files import is_reset_requested
from device.store.settings import Settings

if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # the names of `signal` without its enumerations

logger = logging.getLogger(__name__)

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

STOP_RESERVE_S = 8.0
"""Beside the wait for answers, for a sound card that hangs and a last good copy on a slow card, in seconds."""

STOP_POLL_S = 0.05
"""How often a stop looks whether the last answers have come, in seconds."""


def main(arguments: Sequence[str]) -> int:
    """Run the phone with the arguments after `offhook run`; answers the process's exit status."""
    try:
        options = parse_options(arguments, os.environ)
    except UsageError as error:
        sys.stderr.write(f"offhook run: {error}\n")
        return EXIT_USAGE
    if options.help:
        sys.stdout.write(USAGE)
        return EXIT_OK
    log = start_logging(options.settings.get("daemon.log_level", "info"), os.environ)
    try:
        while _run(options, log):
            logger.info("starting anew")
        return EXIT_OK
    except ConfigurationError as error:
        for fault in error.faults:
            logger.error("%s", fault)
        return EXIT_USAGE
    except DeviceError as error:
        logger.error("%s", error)
        return EXIT_FAILED


def _run(options: RunOptions, log: RecentLines) -> bool:
    """The phone from its start to its stop; answers whether it is to start anew."""
    loop = Loop()
    parts: PhoneParts | None = None
    try:
        if is_reset_requested(options.store):
            _reset(options)
        with _open_store(options) as database:
            if Settings(database).is_unconfirmed():
                _take_back_unconfirmed(database)
            configuration, notices = _configuration(database, options)
            set_level(configuration.daemon.log_level)
            if configuration.daemon.time_zone:
                from device.local_time import use_zone  # noqa: PLC0415  # most phones have the system's zone

                use_zone(configuration.daemon.time_zone)
            profile = usable_profile(configuration.hardware, "hardware.board" in options.settings, notices)
            parts = build_phone(configuration, profile, database, loop, options.socket, log, notices)
            asked_before = is_reset_requested(options.store)
            starts_anew = _live(parts, configuration, database, notices)
            return starts_anew or (is_reset_requested(options.store) and not asked_before)
    finally:
        # Last of all: whoever waits for the socket to go away finds everything else done, the store closed.
        if parts is not None:
            parts.server.close()
        loop.close()


def _reset(options: RunOptions) -> None:
    """Erase the store and begin it anew with what is kept; where it cannot be erased, the next start tries again."""
    from device.store import factory_reset  # noqa: PLC0415  # once in a phone's life

    kept = factory_reset.erase(options.store)
    if kept is None:
        return
    with _open_store(options) as database:
        Settings(database).set_many(kept)
    factory_reset.finish(options.store)


def _take_back_unconfirmed(database: Database) -> None:
    """A commit that was not confirmed before the phone ended may be why it ended: what held before comes back."""
    from device.daemon.config_methods import ConfigMethods  # noqa: PLC0415  # rarely needed
    from device.daemon.settings_methods import SettingsMethods  # noqa: PLC0415

    try:
        methods = ConfigMethods(database, SettingsMethods(Settings(database), list), None, time.monotonic, time.time)
        methods.take_back()
    except DeviceError as error:
        logger.error("the commit that was not confirmed could not be taken back: %s", error)


def _open_store(options: RunOptions) -> Database:
    """The store or, where it cannot be written, a copy of it in memory: a phone works, and says what is wrong.

    Raises StoreError.
    """
    try:
        return open_database(options.store)
    except StoreUnwritableError as error:
        from device.store.memory_copy import open_memory_copy  # noqa: PLC0415  # hardly any phone needs it

        return open_memory_copy(options.store, os.path.join(os.path.dirname(options.socket), "store-copy"), error)


def _configuration(database: Database, options: RunOptions) -> tuple[Configuration, list[str]]:
    """What the store and the command line say, and what an administrator should know about it."""
    configuration, notices = usable_configuration(Settings(database).get_all(), options.settings)
    for notice in notices:
        logger.error("%s", notice)
    if database.notice:
        notices.append(database.notice)
    return configuration, notices


def _live(parts: PhoneParts, configuration: Configuration, database: Database, notices: list[str]) -> bool:
    """Start, run, stop; answers whether to start anew, since the store can be used again."""
    notifier = ServiceNotifier(os.environ)
    upkeep = Upkeep(parts, database, notifier)
    try:
        _start(parts, configuration, notifier, upkeep, notices)
        if configuration.daemon.reset_button:
            _watch_reset_button(parts, configuration, database)
        if "fault" in parts.desk.lamp_names():
            _light_fault_lamp(parts)
        parts.loop.run()
    finally:
        upkeep.clock_watch.close()
        _stop(parts, configuration, notifier, upkeep.store_is_back)
    return upkeep.store_is_back


def _listen(parts: PhoneParts, sip: UserAgentSettings, notices: list[str]) -> None:
    """Open the SIP sockets. Without TLS a phone still works for whoever can put that right; raises NetError."""
    parts.sockets.open(sip.port, sip.tcp)
    if not sip.tls_verify:
        notices.append("sip.tls_verify is off: whoever is on the way to a server can read and change everything")
    if not sip.tls_certificate:
        return
    try:
        parts.sockets.listen_tls(sip.tls_port)
    except NetError as error:
        notices.append(f"nobody can call by TLS: {error}")
        logger.error("%s", notices[-1])


def _start(
    parts: PhoneParts,
    configuration: Configuration,
    notifier: ServiceNotifier,
    upkeep: Upkeep,
    notices: list[str],
) -> None:
    # From here on a stop is an orderly one, however early it comes.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: parts.loop.call_soon_threadsafe(parts.loop.stop))
    now = time.monotonic()
    parts.server.open()
    _listen(parts, configuration.sip, notices)
    parts.desk.start(now)
    parts.accounts.start(now, parts.power_up_delay_s)
    parts.link_monitor.open()
    # The runtime is last in a turn, so that whatever the others gave the user agent to send leaves in the same one.
    upkeep.clock_watch.open()
    parts.loop.add_participant(upkeep)
    parts.loop.add_participant(parts.runtime)
    parts.loop.add_participant(StatusLine(parts, notifier))
    # The first REGISTER leaves before anything else is done: a phone is registered as soon as it can be.
    parts.runtime.pump(time.monotonic())
    logger.info(
        "offhook %s: SIP at port %d, board %s, control socket %s",
        __version__,
        parts.sockets.local_port,
        configuration.hardware.board,
        parts.server.path,
    )
    notifier.ready("started")
    # Everything made so far lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()


def _watch_reset_button(parts: PhoneParts, configuration: Configuration, database: Database) -> None:
    from device.daemon.reset_button import ResetButton  # noqa: PLC0415  # where there is such a button
    from device.store import factory_reset  # noqa: PLC0415

    name, desk = configuration.daemon.reset_button, parts.desk
    if name not in desk.button_names():
        logger.error("daemon.reset_button: this board has no button %r; there are %s", name, desk.button_names())
        return

    def show(on: bool) -> None:
        for lamp in desk.lamp_names():
            if on:
                desk.try_lamp(lamp, "fast-blink", time.monotonic())
            else:
                desk.restore_lamp(lamp, time.monotonic())

    def reset() -> None:
        kept = factory_reset.kept_settings(Settings(database).get_all())
        factory_reset.request_reset(database.path, kept)
        parts.loop.stop()

    button = ResetButton(configuration.daemon.reset_hold_s, lambda: desk.is_pressed(name), reset, show)
    parts.loop.add_participant(button)


def _light_fault_lamp(parts: PhoneParts) -> None:
    from device.daemon.fault_lamp import LAMP, FaultLamp  # noqa: PLC0415  # where there is such a lamp

    parts.loop.add_participant(FaultLamp(parts.notices, lambda mode, now: parts.desk.show_lamp(LAMP, mode, now)))


def _all_answered(parts: PhoneParts) -> bool:
    return parts.accounts.stopped() and parts.user_agent.is_settled


def _stop(parts: PhoneParts, configuration: Configuration, notifier: ServiceNotifier, starts_anew: bool) -> None:
    """Hang up, unregister, wait a little for the answers, put everything in its safe state."""
    if not starts_anew:
        notifier.stopping(configuration.daemon.stop_timeout_s + STOP_RESERVE_S)
    now = time.monotonic()
    logger.info("stopping: hanging up and unregistering")
    parts.line.hang_up_all(now)
    parts.accounts.stop(now)
    # BYE leaves, and the phone hears of the end of its calls, also where no time is given for answers.
    parts.loop.turn(0.0)
    deadline = now + configuration.daemon.stop_timeout_s
    while time.monotonic() < deadline and not _all_answered(parts):
        parts.loop.turn(STOP_POLL_S)
    parts.desk.close()
    parts.engine.close()
    parts.loop.turn(0.0)
    parts.link_monitor.close()
    parts.sockets.close()
    parts.runtime.close()
    notifier.close()
    logger.info("stopped")
