"""`offhook exchange user`: who may register, told to the exchange that runs or written into its store."""

import getpass
import os
import sys
from collections.abc import Callable, Mapping

from device.annotations import Protocol
from device.control.client import ControlClient
from device.control.errors import DaemonUnreachableError
from device.daemon.exchange_options import ExchangeOptions, chosen_domain
from device.daemon.options import UsageError
from device.model import Aor
from device.sip.digest import ALGORITHMS, ha1
from device.store.database import open_database
from device.store.subscribers import Subscribers

STORED_ALGORITHMS = tuple(name for name in ALGORITHMS if name != "SHA-512-256")
"""What the exchange challenges with; decision 0003 tells why the third is left out."""

FORBIDDEN_IN_NAMES = ' <>"@:;,?%/\\'
"""What would have to be escaped in a URI, and never looks the same again."""


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
        """Take a user away, and with it its registrations."""
        self._client.call("exchange.user.remove", user=username, domain=domain)

    def list(self) -> tuple[Aor, ...]:
        """Every user."""
        answer = self._client.call("exchange.user.list")
        users = answer["users"] if isinstance(answer, dict) else []
        return tuple(Aor(user["user"], user["domain"]) for user in users)


def manage_users(options: ExchangeOptions) -> None:
    """Do what the words after `offhook exchange` say; raises DeviceError, for bad words UsageError."""
    action = _action(options.words)
    with ControlClient(options.socket) as client:
        try:
            running = client.call("status")
        except DaemonUnreachableError:
            running = None
        if isinstance(running, dict) and is_meant(running, options):
            action(RunningSubscribers(client), options.domain or str(running["domain"]), options)
            return
    with open_database(options.store) as database:
        subscribers = Subscribers(database)
        action(subscribers, chosen_domain(options, subscribers.list()), options)
    give_to_owner_of_folder(options.store)


def is_meant(running: dict[str, object], options: ExchangeOptions) -> bool:
    """Whether the exchange that runs is the one whose users are meant: a store that is named must be its own."""
    return not options.store_named or os.path.realpath(options.store) == os.path.realpath(str(running["store"]))


def _action(words: tuple[str, ...]) -> Callable[[Users, str, ExchangeOptions], None]:
    actions: dict[str, tuple[int, Callable[[Users, str, ExchangeOptions], None]]] = {
        "add": (3, _add_user),
        "remove": (3, _remove_user),
        "list": (2, _list_users),
    }
    if len(words) < 2 or words[0] != "user" or words[1] not in actions:
        raise UsageError(f"{' '.join(words)!r} is not understood; `offhook exchange --help` shows what is")
    wanted, action = actions[words[1]]
    if len(words) < wanted:
        raise UsageError(f"user {words[1]}: give a user name")
    if len(words) > wanted:
        raise UsageError(f"user {words[1]}: {' '.join(words[wanted:])!r} is too much")
    return action


def _add_user(users: Users, domain: str, options: ExchangeOptions) -> None:
    name = options.words[2]
    if not name or not name.isprintable() or any(character in FORBIDDEN_IN_NAMES for character in name):
        raise UsageError(f"{name!r} cannot be a user name: letters, digits and . _ - + * # are fine")
    password = sys.stdin.readline().rstrip("\r\n") if options.password_stdin else _ask_password(name)
    if not password:
        raise UsageError("the password is empty; nothing was changed")
    users.put(name, domain, {algorithm: ha1(algorithm, name, domain, password) for algorithm in STORED_ALGORITHMS})
    sys.stdout.write(f"{name}@{domain} may register now\n")


def _ask_password(name: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the password: pipe it in with --password-stdin")
    password = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Again: ") != password:
        raise UsageError("the two passwords differ; nothing was changed")
    return password


def _remove_user(users: Users, domain: str, options: ExchangeOptions) -> None:
    users.remove(options.words[2], domain)
    sys.stdout.write(f"{options.words[2]}@{domain} is removed\n")


def _list_users(users: Users, _domain: str, _options: ExchangeOptions) -> None:
    for aor in users.list():
        sys.stdout.write(f"{aor.user}@{aor.domain}\n")


def give_to_owner_of_folder(store: str) -> None:
    """What root has written must stay readable for the service, which is another user."""
    if os.geteuid() != 0:
        return
    folder, name = os.path.split(os.path.abspath(store))
    owner = os.stat(folder)
    for entry in os.listdir(folder):
        if entry.startswith(name):
            os.chown(os.path.join(folder, entry), owner.st_uid, owner.st_gid, follow_symlinks=False)
