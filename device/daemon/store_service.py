"""`offhook store-service`: the store's part of the control socket while the phone is down, for a console.

The store is opened for each call and closed after it, so that the phone finds it free whenever it starts. The console
that started this process ends it by closing its standard input.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from device.console.settings import ConsoleSettings
from device.control.server import ControlServer, Handler
from device.daemon.account_fields import Params
from device.daemon.account_methods import AccountMethods
from device.daemon.accounts import AccountStatus
from device.daemon.call_reports import call_report
from device.daemon.config import ConfigurationError, parse_configuration
from device.daemon.config_methods import ConfigMethods
from device.daemon.console_methods import ConsoleMethods
from device.daemon.loop import Loop
from device.daemon.options import UsageError, default_store
from device.daemon.provision import become_owner
from device.daemon.settings_methods import SettingsMethods
from device.errors import DeviceError
from device.model import Account, AccountId, Credential
from device.records import asdict
from device.store.accounts import Accounts
from device.store.call_log import CallLog
from device.store.console_access import ConsoleAccess
from device.store.database import Database, open_database
from device.store.phonebook import Phonebook
from device.store.settings import Settings

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

READY = "ready\n"
DOWN = "phone down"
"""The state of every account meanwhile."""

USAGE = """\
usage: offhook store-service --socket PATH [--store FILE]

Answers for the store of a phone that is down, until its standard input ends. `offhook console` starts it by itself.

  --socket PATH    the socket to answer at, in a folder that only this user can enter
  --store FILE     the SQLite file with accounts, settings, call log and phone book

example: offhook store-service --socket /tmp/folder/store.sock
"""


class StoredAccounts:
    """The accounts as the store has them; where they stand nobody knows."""

    def __init__(self, store: Accounts) -> None:
        self._store = store

    def get(self, account_id: AccountId) -> Account | None:
        """The account of that name."""
        return self._store.get(account_id)

    def put(self, account: Account, credential: Credential | None, _now: float) -> None:
        """Add or replace an account."""
        if self._store.get(account.id) is None:
            self._store.add(account, credential)
        else:
            self._store.update(account, credential)

    def remove(self, account_id: AccountId, _now: float) -> None:
        """Forget an account."""
        self._store.remove(account_id)

    def secret(self, account_id: AccountId) -> tuple[str, str]:
        """How its password is kept, and its realms."""
        credential = self._store.credential(account_id)
        if credential is None:
            return "none", ""
        return "pending" if credential.password else "sealed", ", ".join(credential.realms)

    def statuses(self) -> list[AccountStatus]:
        """Every account."""
        return [AccountStatus(account, DOWN, 0, "", 0, None, 0.0) for account in self._store.list()]


class StoreMethods:
    """The methods that need nothing but the store at `path`."""

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._started: ConsoleMethods | None = None

    def table(self) -> dict[str, Handler]:
        """Every method by its name; each opens the store for itself."""
        with open_database(self._path) as database:
            names = list(self._methods(database))
        return {name: self._opening(name) for name in names}

    def _opening(self, name: str) -> Handler:
        def answer(params: dict[str, object]) -> object:
            with open_database(self._path) as database:
                return self._methods(database)[name](params)

        return answer

    def _methods(self, database: Database) -> Mapping[str, Callable[[Params], object]]:
        settings = Settings(database)
        methods = SettingsMethods(settings, list)
        console = self._console(database, settings)
        return {
            **methods.table(),
            **ConfigMethods(database, methods, None, self._clock, time.time).table(),
            **AccountMethods(StoredAccounts(Accounts(database)), lambda _: None, self._clock).table(),
            "console.access": console.access,
            "console.login": console.log_in,
            "console.password": console.set_password,
            "phonebook.list": lambda _: {"entries": [asdict(entry) for entry in Phonebook(database).list()]},
            "calllog.list": lambda params: {
                "calls": [asdict(record) for record in CallLog(database).recent(int(params.get("limit", 50)))]
            },
            "call.report": lambda params: call_report(params, (), CallLog(database), None),
        }

    def _console(self, database: Database, settings: Settings) -> ConsoleMethods:
        """One object for all calls, since it remembers when somebody failed; its store is the one that is open now."""
        if self._started is None:
            self._started = ConsoleMethods(
                ConsoleAccess(database), lambda: console_settings(settings.get_all()), self._clock
            )
        else:
            self._started.use(ConsoleAccess(database), lambda: console_settings(settings.get_all()))
        return self._started


def console_settings(stored: Mapping[str, str]) -> ConsoleSettings:
    """The section of the console; its defaults where what is stored cannot be used, for they are the safe ones."""
    section = f"{ConsoleSettings.SECTION}."
    try:
        return parse_configuration({key: value for key, value in stored.items() if key.startswith(section)}).console
    except ConfigurationError:
        return ConsoleSettings()


def main(arguments: Sequence[str]) -> int:
    """Run `offhook store-service` with the arguments after these words; answers the process's exit status."""
    try:
        given = _parse_words(arguments)
    except UsageError as error:
        sys.stderr.write(f"offhook store-service: {error}\n")
        return EXIT_USAGE
    if not given:
        sys.stdout.write(USAGE)
        return EXIT_OK
    try:
        _serve(given["--store"], given["--socket"])
    except DeviceError as error:
        sys.stderr.write(f"offhook store-service: {error}\n")
        return EXIT_FAILED
    return EXIT_OK


def _parse_words(arguments: Sequence[str]) -> dict[str, str]:
    """Store and socket; nothing where help is wanted. Raises UsageError."""
    given = {"--store": default_store(os.environ)}
    words = iter(arguments)
    for word in words:
        name, separator, value = word.partition("=")
        if word in ("--help", "-h", "help"):
            return {}
        if name not in ("--store", "--socket"):
            raise UsageError(f"{word!r} is no option here; `offhook store-service --help` lists them")
        given[name] = value if separator else next(words, "")
        if not given[name]:
            raise UsageError(f"{name} needs a value; `offhook store-service --help` shows an example")
    if "--socket" not in given:
        raise UsageError("name the socket to answer at with --socket PATH")
    return given


def _serve(store: str, socket: str) -> None:
    """Answer until standard input ends. Raises DeviceError."""
    loop = Loop()
    server: ControlServer | None = None
    try:
        server = ControlServer(loop, socket, {})
        server.open()
        # Root makes the socket in its own folder first and then goes on as the user whose store it is.
        become_owner(os.path.dirname(os.path.abspath(store)))
        server.serve(StoreMethods(store).table())
        loop.add_reader(sys.stdin.fileno(), loop.stop)
        sys.stdout.write(READY)
        sys.stdout.flush()
        loop.run()
    finally:
        if server is not None:
            server.close()
        loop.close()
