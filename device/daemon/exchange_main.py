"""`offhook exchange`: the exchange as a process of its own, and the management of its users."""

import gc
import getpass
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from device import __version__
from device.annotations import Any, Protocol
from device.control.client import ControlClient
from device.control.errors import DaemonUnreachableError
from device.control.server import ControlServer
from device.daemon.config import ConfigurationError
from device.daemon.logs import start_logging
from device.daemon.loop import Loop
from device.daemon.notify import ServiceNotifier
from device.daemon.options import UsageError, default_socket, default_store
from device.daemon.sip_trace import trace_record
from device.errors import DeviceError
from device.exchange.exchange import BindingsChanged, CallForwarded, Exchange
from device.exchange.settings import ExchangeSettings
from device.ids import SystemIds
from device.model import Aor, Credential
from device.net.addresses import is_unspecified, local_address_towards
from device.net.resolver import Resolver
from device.net.sip_sockets import SipSockets
from device.records import asdict, dataclass, replace
from device.sip.digest import ALGORITHMS, ha1
from device.sip.endpoint import SipEndpoint, StreamBroken
from device.sip.hop import Hop, ip_literal
from device.sip.timers import SipTimers
from device.sip.transaction import LookupWanted
from device.store.bindings import Bindings
from device.store.database import Database, open_database
from device.store.subscribers import Subscribers
from device.timing import earliest

logger = logging.getLogger(__name__)

DEFAULT_PORT = 5060
STORED_ALGORITHMS = tuple(name for name in ALGORITHMS if name != "SHA-512-256")
"""What the exchange challenges with; decision 0003 tells why the third is left out."""

USAGE = """\
usage: offhook exchange run [--listen ADDRESS:PORT] [--domain NAME] [--store FILE] [--socket PATH] [--log-level LEVEL]
       offhook exchange user add NAME    [--domain NAME] [--store FILE] [--password-stdin]
       offhook exchange user remove NAME [--domain NAME] [--store FILE]
       offhook exchange user list        [--store FILE]

A registrar and proxy for a handful of phones. `run` works in the foreground until SIGTERM or Ctrl-C.

  --listen            where phones reach it (default: every address, port 5060)
  --domain            the SIP domain of its users (default: the address of --listen, or of this machine)
  --store FILE        the SQLite file with users and registrations
  --socket PATH       its control socket; `user` speaks to the exchange that runs there, if one does
  --password-stdin    take the password from standard input instead of asking for it

example: offhook exchange user add 1001 --domain pbx.lan
         offhook exchange run --listen 192.0.2.10:5060 --domain pbx.lan
"""


@dataclass(frozen=True, slots=True)
class ExchangeOptions:
    """What the command line says."""

    words: tuple[str, ...]
    host: str
    port: int
    domain: str
    store: str
    socket: str
    log_level: str
    password_stdin: bool
    given: tuple[str, ...] = ()
    """Which of the options were named, without their dashes; the others have defaults."""


def main(arguments: Sequence[str]) -> int:
    """Run `offhook exchange` with the arguments after these words; answers the process's exit status."""
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        sys.stdout.write(USAGE)
        return 0 if arguments else 2
    try:
        options = parse_options(arguments, os.environ)
        if options.words == ("run",):
            return _run(options)
        return _manage_users(options)
    except UsageError as error:
        sys.stderr.write(f"offhook exchange: {error}\n")
        return 2
    except ConfigurationError as error:
        sys.stderr.write("".join(f"offhook exchange: {fault}\n" for fault in error.faults))
        return 2
    except DeviceError as error:
        sys.stderr.write(f"offhook exchange: {error}\n")
        return 1


def parse_options(arguments: Sequence[str], environment: Mapping[str, str]) -> ExchangeOptions:
    """Read the command line; raises UsageError with the word that is wrong."""
    folder = os.path.dirname(default_store(environment))
    values = {
        "--listen": "",
        "--domain": "",
        "--store": os.path.join(folder, "exchange.db"),
        "--socket": os.path.join(os.path.dirname(default_socket(environment)), "exchange.sock"),
        "--log-level": "info",
    }
    words: list[str] = []
    given: list[str] = []
    password_stdin = False
    rest = iter(arguments)
    for word in rest:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name == "--password-stdin":
            password_stdin = True
        elif name in values:
            values[name] = value if equals else next(rest, "")
            given.append(name.removeprefix("--"))
            if not values[name]:
                raise UsageError(f"{name} needs a value; `offhook exchange --help` shows an example")
        elif name.startswith("-"):
            raise UsageError(f"{name} is no option; `offhook exchange --help` lists them")
        else:
            words.append(word)
    host, port = _address(values["--listen"])
    domain = values["--domain"] or (host if not is_unspecified(host) else local_address_towards("192.0.2.1"))
    return ExchangeOptions(
        tuple(words),
        host,
        port,
        domain,
        values["--store"],
        values["--socket"],
        values["--log-level"],
        password_stdin,
        tuple(given),
    )


def _address(text: str) -> tuple[str, int]:
    """Host and port of "host:port", "[v6]:port" or a host alone."""
    if not text:
        return "", DEFAULT_PORT
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(DEFAULT_PORT)
    if not port.isdigit() or not 0 <= int(port) <= 65_535:
        raise UsageError(f"--listen {text}: write it as ADDRESS:PORT, such as 192.0.2.10:5060")
    return host.strip("[]"), int(port)


# Users.


def _manage_users(options: ExchangeOptions) -> int:
    actions: dict[str, Callable[[Users, ExchangeOptions], None]] = {
        "add": _add_user,
        "remove": _remove_user,
        "list": _list_users,
    }
    if len(options.words) < 2 or options.words[0] != "user" or options.words[1] not in actions:
        raise UsageError(f"{' '.join(options.words)!r} is not understood; `offhook exchange --help` shows what is")
    if (options.words[1] == "list") != (len(options.words) == 2):
        raise UsageError(
            f"user {options.words[1]}: give one user name" if len(options.words) == 2 else "too many words"
        )
    action = actions[options.words[1]]
    with ControlClient(options.socket) as client:
        try:
            running = client.call("status")
        except DaemonUnreachableError:
            running = None
        if isinstance(running, dict) and _is_meant(running, options):
            domain = options.domain if "domain" in options.given else str(running["domain"])
            action(RunningSubscribers(client), replace(options, domain=domain))
            return 0
    with open_database(options.store) as database:
        action(Subscribers(database), options)
    return 0


def _is_meant(running: dict[str, object], options: ExchangeOptions) -> bool:
    """Whether the exchange that runs is the one whose users are meant: a store that is named must be its own."""
    named = os.path.realpath(options.store)
    return "store" not in options.given or named == os.path.realpath(str(running["store"]))


class Users(Protocol):
    """The users of the exchange, in its store or through the exchange that has the store open."""

    def put(self, username: str, domain: str, ha1s: Mapping[str, str]) -> None:
        """Add a user, or give one new digest values."""

    def remove(self, username: str, domain: str) -> None:
        """Take a user away; raises DeviceError for one that is not there."""

    def list(self) -> tuple[Aor, ...]:
        """Every user."""


class RunningSubscribers:
    """The users of a running exchange, by its control socket: the store belongs to it alone."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def put(self, username: str, domain: str, ha1s: Mapping[str, str]) -> None:
        """Add a user; only digest values travel, never the password."""
        self._client.call("exchange.user.put", user=username, domain=domain, ha1s=dict(ha1s))

    def remove(self, username: str, domain: str) -> None:
        """Take a user away."""
        self._client.call("exchange.user.remove", user=username, domain=domain)

    def list(self) -> tuple[Aor, ...]:
        """Every user."""
        answer = self._client.call("exchange.user.list")
        users = answer["users"] if isinstance(answer, dict) else []
        return tuple(Aor(user["user"], user["domain"]) for user in users)


def _add_user(subscribers: Users, options: ExchangeOptions) -> None:
    name = options.words[2]
    if not name or any(character in ' <>"@:;,\r\n\t' for character in name):
        raise UsageError(f"{name!r} cannot be a user name: letters, digits and . _ - + * # are fine")
    password = sys.stdin.readline().rstrip("\r\n") if options.password_stdin else _ask_password(name)
    if not password:
        raise UsageError("the password is empty; nothing was changed")
    values = {algorithm: ha1(algorithm, name, options.domain, password) for algorithm in STORED_ALGORITHMS}
    subscribers.put(name, options.domain, values)
    sys.stdout.write(f"{name}@{options.domain} may register now\n")


def _ask_password(name: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the password: pipe it in with --password-stdin")
    password = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Again: ") != password:
        raise UsageError("the two passwords differ; nothing was changed")
    return password


def _remove_user(subscribers: Users, options: ExchangeOptions) -> None:
    subscribers.remove(options.words[2], options.domain)
    sys.stdout.write(f"{options.words[2]}@{options.domain} is removed\n")


def _list_users(subscribers: Users, _options: ExchangeOptions) -> None:
    for aor in subscribers.list():
        sys.stdout.write(f"{aor.user}@{aor.domain}\n")


# The process.


class ExchangeRuntime:
    """The exchange in the loop: sockets below it, the store and the control socket beside it."""

    def __init__(self, options: ExchangeOptions, settings: ExchangeSettings, database: Database, loop: Loop) -> None:
        self._domain = settings.domain
        self._store = os.path.abspath(options.store)
        self._bindings = Bindings(database)
        self._unix_offset_s = time.time() - time.monotonic()
        self._subscribers = subscribers = Subscribers(database)

        def lookup(user: str) -> Credential | None:
            return subscribers.credential(user, settings.domain)

        ids = SystemIds()
        self.exchange = Exchange(
            settings,
            lookup,
            self._own_address,
            ids,
            self._bindings.load(time.time()),
            self._unix_offset_s,
        )
        self.endpoint = SipEndpoint(self.exchange, SipTimers(), ids, self._sent_by)
        self.sockets = SipSockets(loop, self.endpoint, options.host)
        self._resolver = Resolver(
            loop, lambda next_hop, hops: self.endpoint.receive_lookup(next_hop, hops, time.monotonic())
        )
        self._server = ControlServer(loop, options.socket, self._methods(loop))
        self.endpoint.on_trace = self._trace

    def open(self, port: int) -> None:
        """Listen; raises NetError or SocketTakenError."""
        self._server.open()
        self.sockets.open(port)
        self.exchange.own.add_host(self.sockets.address_towards("192.0.2.1"))

    def close(self) -> None:
        """Close every socket."""
        self.sockets.close()
        self._server.close()

    def pump(self, now: float) -> float | None:
        """Do what is due, store and send what came of it; answers the next deadline."""
        self.endpoint.handle_timeout(now)
        self.sockets.handle_timeout(now)
        busy = True
        while busy:
            busy = False
            while (event := self.endpoint.next_event()) is not None:
                busy = True
                self._receive(event, now)
            for transmission in self.endpoint.transmissions_to_send():
                busy = True
                self.sockets.send(transmission)
        return earliest(self.endpoint.next_timeout(), self.sockets.next_timeout())

    def _receive(self, event: object, now: float) -> None:
        match event:
            case LookupWanted(next_hop):
                self._resolver.lookup(next_hop)
            case StreamBroken(source, reason):
                logger.info("closing the connection of %s: %s", source, reason)
                if source.connection is not None:
                    self.sockets.tcp.close_connection(source.connection)
            case BindingsChanged(aor, bindings):
                self._bindings.replace(aor, bindings, now + self._unix_offset_s)
            case CallForwarded(caller, called, targets):
                logger.info("call from %s to %s, %d contact(s)", caller, called, targets)

    def _sent_by(self, hop: Hop) -> tuple[str, int]:
        return self.sockets.sent_by(hop)

    def _own_address(self, _transport: str, host: str) -> tuple[str, int]:
        address = ip_literal(host) or self._resolver.known_address(host) or "192.0.2.1"
        return self.sockets.address_towards(address), self.sockets.local_port

    def _trace(self, direction: str, data: bytes, hop: Hop, _at: float) -> None:
        if self._server.has_subscribers("sip"):
            self._server.publish("sip", trace_record(direction, data, hop, time.time()))

    def _methods(self, loop: Loop) -> dict[str, Callable[[dict[str, Any]], object]]:
        return {
            "status": lambda params: {
                "version": __version__,
                "pid": os.getpid(),
                "port": self.sockets.local_port,
                "domain": self._domain,
                "store": self._store,
            },
            "exchange.registrations": lambda params: {
                "registrations": [asdict(binding) for binding in self.exchange.location.everything()]
            },
            "exchange.user.put": lambda params: self._subscribers.put(params["user"], params["domain"], params["ha1s"]),
            "exchange.user.remove": lambda params: self._subscribers.remove(params["user"], params["domain"]),
            "exchange.user.list": lambda params: {"users": [asdict(aor) for aor in self._subscribers.list()]},
            "daemon.version": lambda params: {"version": __version__},
            "daemon.stop": lambda params: loop.stop(),
        }


def _run(options: ExchangeOptions) -> int:
    start_logging(options.log_level, os.environ)
    settings = ExchangeSettings(domain=options.domain)
    faults = settings.faults()
    if faults:
        raise ConfigurationError(faults)
    with open_database(options.store) as database:
        loop = Loop()
        runtime = ExchangeRuntime(options, settings, database, loop)
        notifier = ServiceNotifier(os.environ)
        try:
            runtime.open(options.port)
            loop.add_participant(runtime)
            loop.add_participant(notifier)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(loop.stop))
            logger.info("exchange for %s at port %d", settings.domain, runtime.sockets.local_port)
            notifier.ready("running")
            gc.freeze()
            loop.run()
        finally:
            notifier.stopping()
            runtime.close()
            loop.close()
            notifier.close()
    return 0
