"""`offhook exchange export`: the way out, written into a folder."""

import os
import sys
import time

from device import plain_json as json
from device.annotations import Final
from device.daemon.config import parse_section
from device.daemon.exchange_commands import Action, Desk, take_words
from device.daemon.exchange_options import ExchangeOptions
from device.daemon.options import UsageError
from device.errors import DeviceError
from device.exchange.settings import ExchangeSettings
from device.ids import SystemIds
from device.records import replace
from device.store.accounting import ACCOUNTING_ROWS_KEPT, CALLS_KEPT, Accounting, CallDetails
from device.store.bindings import Bindings
from device.store.database import Database
from device.store.settings import Settings
from device.store.subscribers import Aliases, Subscribers
from device.way_out.household import SERVERS, Household
from device.way_out.servers import URLS, Destination, move
from device.way_out.sql import DATABASES


class ExportError(DeviceError):
    """The files could not be written; the message says why and what to do."""


def export_words(options: ExchangeOptions) -> tuple[str, ...]:
    """The command as the exchange that runs is told it. Raises UsageError for options that say nothing."""
    if options.words != ("export",):
        raise UsageError(f"export: {' '.join(options.words[1:])!r} is too much; say --to, --database and --output")
    if options.to not in SERVERS:
        raise UsageError(f"export: say where to: --to {' or '.join(SERVERS)}")
    if options.database not in DATABASES:
        raise UsageError(f"export: --database {options.database}: choose one of {', '.join(DATABASES)}")
    if not options.output:
        raise UsageError("export: name a folder for the files, such as --output way-out")
    if os.path.isdir(options.output) and os.listdir(options.output):
        raise UsageError(f"export: {options.output} has files in it: name a new folder")
    return ("export", options.to, options.database, options.database_url or URLS[options.database])


def write_files(said: str, folder: str) -> None:
    """Write the files, which hold what stands for passwords, for nobody else to read. Raises ExportError."""
    found = json.loads(said)["files"]
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for name, text in found.items():
            path = os.path.join(folder, os.path.basename(name))
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise ExportError(f"{folder} cannot be written ({error.strerror}): name another one with --output") from None
    sys.stdout.write(found["README.txt"])
    sys.stdout.write(f"\n{', '.join(sorted(found))} are in {folder}\n")


def _export(desk: Desk, words: tuple[str, ...]) -> str:
    server, database, url = take_words("export", words, "a server", "a kind of database", "the URL of the database")
    if server not in SERVERS or database not in DATABASES:
        raise UsageError(f"export: give one of {', '.join(SERVERS)} and one of {', '.join(DATABASES)}")
    destination = Destination(server, database, url, SystemIds().nonce())
    files = move(household(desk.database, desk.domain, desk.unix_now), _settings(desk), destination, _moment)
    return json.dumps({"files": files}) + "\n"


def household(database: Database, domain: str, unix_now: float) -> Household:
    """What the store holds of a domain."""
    subscribers = Subscribers(database)
    found = [subscribers.credential(aor.user, aor.domain) for aor in subscribers.list() if aor.domain == domain]
    return Household(
        domain,
        tuple(credential for credential in found if credential is not None),
        tuple(
            (alias if alias.domain else replace(alias, domain=domain), replace(target, domain=target.domain or domain))
            for alias, target in Aliases(database).list()
        ),
        tuple(one for one in Bindings(database).load(unix_now) if one.aor.endswith(f"@{domain}")),
        tuple(reversed(Accounting(database).recent(2 * ACCOUNTING_ROWS_KEPT))),
        tuple(reversed(CallDetails(database).recent(CALLS_KEPT))),
    )


def _settings(desk: Desk) -> ExchangeSettings:
    return parse_section(ExchangeSettings, dict(Settings(desk.database).get_all()), [])


def _moment(unix_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_s))


ACTIONS: Final[dict[str, Action]] = {"export": _export}
