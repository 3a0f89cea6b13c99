"""`offhook exchange`: the embedded exchange as a process of its own."""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

from device import __version__
from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, Any
from device.control.errors import FAILED, INVALID_PARAMS, ControlError
from device.control.server import ControlServer
from device.daemon.clock_watch import ClockWatch
from device.daemon.config import ConfigurationError, parse_section
from device.daemon.exchange_door import Door
from device.daemon.exchange_ledger import Ledger
from device.daemon.exchange_options import ANYWHERE, USAGE, ExchangeOptions, chosen_domain, parse_options
from device.daemon.exchange_outside import load_outside
from device.daemon.exchange_services import ExchangeServices
from device.daemon.logs import start_logging
from device.daemon.loop import Loop
from device.daemon.notify import ServiceNotifier
from device.daemon.options import UsageError
from device.daemon.sip_trace import trace_record
from device.errors import DeviceError
from device.exchange.accounting import Accounted
from device.exchange.enum_rules import EnumRecord
from device.exchange.exchange import Exchange
from device.exchange.exchange_events import BindingsChanged, CallForwarded, EnumWanted
from device.exchange.route_set import received_hop
from device.exchange.settings import ExchangeSettings
from device.ids import SystemIds
from device.model import Binding, Credential
from device.net.addresses import is_ipv6
from device.net.resolver import Resolver
from device.net.sip_sockets import SipSockets
from device.net.tls_options import TlsOptions
from device.records import asdict, replace
from device.sip.endpoint import SipEndpoint, StreamBroken
from device.sip.events import FlowDoubted
from device.sip.hop import TLS, Hop, ip_literal
from device.sip.settings import parse_dns_servers
from device.sip.timers import SipTimers
from device.sip.transaction import LookupWanted
from device.store.accounting import CallDetails
from device.store.bindings import Bindings, split_aor
from device.store.database import Database, open_database
from device.store.settings import Settings
from device.store.subscribers import Subscribers
from device.timing import earliest

if TYPE_CHECKING:
    from device.daemon.services.office import ServiceOffice
    from device.net.dns_message import Naptr
    from device.net.enum_lookups import EnumLookups

logger = logging.getLogger(__name__)

SECRET_KEY = "exchange.secret"  # noqa: S105  # the name of a setting
"""The stored setting with which dialogs are sealed, so that calls go on over a restart."""


def main(arguments: Sequence[str]) -> int:
    """Run `offhook exchange` with the arguments after these words; answers the process's exit status."""
    if not arguments or arguments[0] == "help":
        sys.stdout.write(USAGE)
        return 0 if arguments else 2
    try:
        options = parse_options(arguments, os.environ)
        if options.help:
            sys.stdout.write(USAGE)
        elif options.words == ("run",):
            _run(options)
        else:
            # Whoever runs the exchange need not load what manages it.
            from device.daemon.exchange_configure import configure, watch  # noqa: PLC0415

            (watch if options.words == ("watch",) else configure)(options)
    except UsageError as error:
        sys.stderr.write(f"offhook exchange: {error}\n")
        return 2
    except ConfigurationError as error:
        sys.stderr.write("".join(f"offhook exchange: {fault}\n" for fault in error.faults))
        return 2
    except DeviceError as error:
        sys.stderr.write(f"offhook exchange: {error}\n")
        return 1
    return 0


GOODBYE_TURNS = 3
GOODBYE_TURN_S = 0.05
"""At the end the BYEs of services have so many turns of the loop to get to the phones."""


class ExchangeRuntime:
    """The exchange in the loop: sockets below it, the store and the control socket beside it."""

    def __init__(self, options: ExchangeOptions, settings: ExchangeSettings, database: Database, loop: Loop) -> None:
        self._database = database
        self._settings = settings
        self._bindings = Bindings(database)
        self._changed: dict[str, Sequence[Binding]] = {}
        """Contacts that are to be stored before this turn's answers go out."""
        self._ledger = Ledger(database)
        self._subscribers = Subscribers(database)
        self._unix_offset_s = time.time() - time.monotonic()
        ids = SystemIds()
        self.exchange = Exchange(
            settings,
            self._credential,
            self._own_address,
            ids,
            self._stored_bindings(time.time()),
            self._unix_offset_s,
            _secret(Settings(database), ids),
        )
        self.endpoint = SipEndpoint(self.exchange, SipTimers(), ids, self._sent_by, self._trace)
        tls = TlsOptions(
            ca_file=options.tls_ca,
            certificate=options.tls_certificate,
            key=options.tls_key,
            calls_back=True,
            prefix="--tls-",
        )
        self._admission = self.exchange.strangers.admission
        door = Door(self.endpoint, self._admission, self._close_connection)
        self.sockets = SipSockets(loop, door, options.host, tls_options=tls)
        self._loop = loop
        self._enum: EnumLookups | None = None
        self._resolver = Resolver(
            loop,
            lambda next_hop, hops: self.endpoint.receive_lookup(next_hop, hops, time.monotonic()),
            ids,
            ipv6=not options.host or is_ipv6(options.host),
        )
        self.exchange.accounting.resume(CallDetails(database).open_calls())
        self.services = ExchangeServices(self.exchange, database, settings.domain, self._make_office)
        self._bind_address = options.host
        self._server = ControlServer(loop, options.socket, self._methods(loop))
        self._clock_watch = ClockWatch(loop, lambda ahead_s: self._clock_set(ahead_s, loop.now()))

    def _close_connection(self, source: Hop) -> None:
        """End a connection; the sockets are made with the door that asks for this."""
        self.sockets.close_connection(source)

    def open(self, port: int, tls_port: int | None = None) -> None:
        """Listen, by TLS where there is a port for that; raises NetError or SocketTakenError."""
        self._server.open()
        self.sockets.open(port)
        if tls_port is not None:
            self.sockets.listen_tls(tls_port)
        self.exchange.own.add_host(self.sockets.address_towards(ANYWHERE))
        self._clock_watch.open()
        self.services.configure(time.monotonic())

    def close(self) -> None:
        """Close every socket."""
        if self.services.close(time.monotonic()):
            for _ in range(GOODBYE_TURNS):
                self._loop.turn(GOODBYE_TURN_S)
        self._clock_watch.close()
        self._ledger.write()
        self.sockets.close()
        self._resolver.close()
        if self._enum is not None:
            self._enum.close()
        self._server.close()

    def pump(self, now: float) -> float | None:
        """Do what is due, store and send what came of it; answers the next deadline."""
        next_look = self._clock_watch.pump(now)
        self._tell_bans(now)
        self._database.handle_timeout(now)
        self.endpoint.handle_timeout(now)
        self.sockets.handle_timeout(now)
        self._resolver.handle_timeout(now)
        if self._enum is not None:
            self._enum.handle_timeout(now)
        busy = True
        while busy:
            busy = False
            while (event := self.endpoint.next_event()) is not None:
                busy = True
                self._receive(event, now)
            self._store_changes(now)
            for transmission in self.endpoint.transmissions_to_send():
                busy = True
                self.sockets.send(transmission)
        self._ledger.handle_timeout(now)
        return earliest(
            next_look,
            self._ledger.next_timeout(),
            self.endpoint.next_timeout(),
            self.sockets.next_timeout(),
            self._resolver.next_timeout(),
            self._enum.next_timeout() if self._enum is not None else None,
            self._database.next_timeout(),
        )

    def _make_office(self) -> "ServiceOffice":
        """What the exchange answers itself; loaded where there is any such service."""
        from device.daemon.services.host import Surroundings  # noqa: PLC0415
        from device.daemon.services.office import ExchangeParts, ServiceOffice  # noqa: PLC0415

        office = ServiceOffice(
            ExchangeParts(
                self._loop,
                self.exchange,
                self._database,
                self._settings.domain,
                (self._bind_address, self.sockets.local_port),
                lambda user: self._credential(user) is not None,
                Surroundings(self.sockets.media_address_towards, self._host_of),
            )
        )
        self._loop.add_participant(office)
        return office

    def _host_of(self, user: str) -> str:
        """The address of a phone of a user, "" where none is registered."""
        hops = (
            received_hop(one.received) for one in self.exchange.location.everything() if split_aor(one.aor)[0] == user
        )
        return next((hop.host for hop in hops if hop is not None), "")

    def _receive(self, event: object, now: float) -> None:
        match event:
            case LookupWanted(next_hop):
                self._resolver.lookup(next_hop)
            case StreamBroken(source, reason):
                logger.info("closing the connection of %s: %s", source, reason)
                self.sockets.close_connection(source)
            case BindingsChanged(aor, bindings):
                self._changed[aor] = bindings
            case Accounted():
                self._ledger.add(event, now)
            case CallForwarded(caller, called, targets):
                logger.info("call from %s to %s, %d contact(s)", caller, called, targets)
            case FlowDoubted(hop):
                # The keep-alives of a trunk were lost: it registers over another connection.
                self.sockets.close_connection(hop)
            case EnumWanted(name):
                self._ask_enum(name)
            case _:
                self.services.receive(event)

    def _ask_enum(self, name: str) -> None:
        if self._enum is None:
            # Few houses ask DNS for numbers.
            from device.net.enum_lookups import EnumLookups  # noqa: PLC0415

            self._enum = EnumLookups(self._loop, SystemIds(), self._receive_enum)
        self._enum.servers = parse_dns_servers(load_outside(self._database).numbers.enum_servers)
        self._enum.lookup(name)

    def _receive_enum(self, name: str, records: "tuple[Naptr, ...]") -> None:
        found = [EnumRecord(one.order, one.preference, one.flags, one.service, one.regexp) for one in records]
        self.exchange.receive_enum(name, found, time.monotonic())

    def _tell_bans(self, now: float) -> None:
        for ban in self._admission.news:
            logger.warning("%s is banned for %.0f s: %s", ban.sender, ban.until - now, ban.reason)
        self._admission.news.clear()

    # The store.

    def _credential(self, user: str) -> Credential | None:
        try:
            return self._subscribers.credential(user, self._settings.domain)
        except DeviceError as error:
            logger.error("user %s cannot be looked up: %s", user, error)
            return None

    def _stored_bindings(self, unix_now: float) -> list[Binding]:
        """What was registered before. A clock that was wrong then, as on a board without one, makes none eternal."""
        try:
            over = self._bindings.expire(unix_now)
        except DeviceError as error:
            logger.error("contacts that are over stay in the store: %s", error)
        else:
            if over:
                logger.info("%d contact(s) ran out while the exchange was off", over)
        latest = unix_now + self._settings.max_expires_s
        return [replace(one, expires_at=min(one.expires_at, latest)) for one in self._bindings.load(unix_now)]

    def _store_changes(self, now: float) -> None:
        """Write the contacts that came in this turn, all at once: a card that is slow makes many phones wait once.

        The answers to them go out afterwards. What is to be accounted goes along.
        """
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        try:
            with self._database.transaction(precious=False):
                for aor, bindings in changed.items():
                    self._bindings.replace(aor, bindings, now + self._unix_offset_s)
                self._ledger.write()
        except DeviceError as error:
            logger.error("the contacts of %s are kept in memory only: %s", ", ".join(changed), error)

    def _clock_set(self, ahead_s: float, now: float) -> None:
        self._unix_offset_s += ahead_s
        self.exchange.clock_set(ahead_s, now)

    # The network.

    def _sent_by(self, hop: Hop) -> tuple[str, int]:
        return self.sockets.sent_by(hop)

    def _own_address(self, transport: str, host: str) -> tuple[str, int]:
        address = ip_literal(host) or self._resolver.known_address(host) or ANYWHERE
        return self.sockets.address_towards(address), self.sockets.port_of(transport)

    # The control socket.

    def _trace(self, direction: str, data: bytes, hop: Hop, _at: float) -> None:
        if self._server.has_subscribers("sip"):
            self._server.publish("sip", trace_record(direction, data, hop, time.time()))

    def _methods(self, loop: Loop) -> dict[str, Callable[[dict[str, Any]], object]]:
        return {
            "status": lambda params: self._status(),
            "exchange.registrations": lambda params: {
                "registrations": [asdict(binding) for binding in self.exchange.location.everything()]
            },
            "exchange.user.put": self._put_user,
            "exchange.user.remove": self._remove_user,
            "exchange.user.list": lambda params: {"users": [asdict(aor) for aor in self._subscribers.list()]},
            "daemon.version": lambda params: {"version": __version__},
            "daemon.stop": lambda params: loop.stop(),
            "exchange.command": self._command,
        }

    def _command(self, params: dict[str, Any]) -> object:
        # Whoever asks what went on wants the last second, too.
        self._ledger.write()
        return self.services.command(params)

    def _status(self) -> dict[str, object]:
        return {
            "version": __version__,
            "pid": os.getpid(),
            "domain": self._settings.domain,
            "store": os.path.abspath(self._database.path),
            "port": self.sockets.local_port,
            "tls_port": self.sockets.port_of(TLS),
            "users": len(self._subscribers.list()),
            "registrations": len(self.exchange.location.everything()),
            "requests_under_way": self.exchange.under_way,
            "messages": asdict(self.endpoint.counters()),
            **self.services.status(),
            "notices": [self._database.notice] if self._database.notice else [],
        }

    def _put_user(self, params: dict[str, Any]) -> None:
        user, domain = _text(params, "user"), _text(params, "domain")
        values = params.get("ha1s")
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise ControlError(INVALID_PARAMS, "ha1s: is not digest values by algorithm")
        if domain != self._settings.domain:
            raise ControlError(FAILED, f"the exchange that runs serves {self._settings.domain}, not {domain}")
        self._subscribers.put(user, domain, values)
        logger.info("user %s may register", user)

    def _remove_user(self, params: dict[str, Any]) -> None:
        from device.daemon.exchange_commands import Desk  # noqa: PLC0415  # for whoever manages users
        from device.daemon.exchange_users import remove_user  # noqa: PLC0415

        user, domain = _text(params, "user"), _text(params, "domain")
        if domain == self._settings.domain:
            remove_user(Desk(self._database, domain, time.time()), user)
            self.exchange.forget_user(user, time.monotonic())
        else:
            self._subscribers.remove(user, domain)
        logger.info("user %s@%s is removed", user, domain)


def _text(params: dict[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError(INVALID_PARAMS, f"{name}: is not text")
    return value


def _secret(settings: Settings, ids: SystemIds) -> str:
    """The secret of this exchange, made at its first start."""
    secret = settings.get(SECRET_KEY)
    if not secret:
        secret = ids.nonce()
        settings.set_many({SECRET_KEY: secret})
    return secret


def _run(options: ExchangeOptions) -> None:
    start_logging(options.log_level, os.environ)
    with open_database(options.store) as database:
        faults: list[str] = []
        stored = parse_section(ExchangeSettings, Settings(database).get_all(), faults)
        settings = replace(stored, domain=chosen_domain(options, Subscribers(database).list()))
        faults += settings.faults()
        if faults:
            raise ConfigurationError(faults)
        if database.notice:
            logger.error("%s", database.notice)
        loop = Loop()
        runtime = ExchangeRuntime(options, settings, database, loop)
        notifier = ServiceNotifier(os.environ)
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(loop.stop))
            runtime.open(options.port, options.tls_port if options.tls_certificate else None)
            loop.add_participant(notifier)
            loop.add_participant(runtime)
            tls_port = runtime.sockets.port_of(TLS)
            by_tls = f", by TLS at port {tls_port}" if tls_port else ""
            logger.info("exchange for %s at port %d%s", settings.domain, runtime.sockets.local_port, by_tls)
            notifier.ready("running")
            gc.collect()
            gc.freeze()
            loop.run()
        finally:
            notifier.stopping()
            runtime.close()
            loop.close()
            notifier.close()
