"""`offhook exchange trunk`, `permission` and their kin: told to the exchange that runs or written into its store."""

import getpass
import sys
import time

from device.control.client import ControlClient
from device.control.errors import DaemonUnreachableError
from device.daemon.exchange_commands import Desk, check_command, run_command
from device.daemon.exchange_export import export_words, write_files
from device.daemon.exchange_options import ExchangeOptions, chosen_domain
from device.daemon.exchange_users import ask_password, give_to_owner_of_folder, is_meant
from device.store.database import open_database
from device.store.subscribers import Subscribers

WATCH_S = 1.0
"""Seconds between two looks of `watch`."""

CLEAR = "\x1b[H\x1b[2J"
"""Clears a terminal (ECMA-48)."""


def configure(options: ExchangeOptions) -> None:
    """Do what the words after `offhook exchange` say; raises DeviceError, for bad words UsageError."""
    check_command(options.words)
    secret = _secret(options)
    is_export = options.words[:1] == ("export",)
    words = export_words(options) if is_export else options.words
    with ControlClient(options.socket) as client:
        try:
            running = client.call("status")
        except DaemonUnreachableError:
            running = None
        if isinstance(running, dict) and is_meant(running, options):
            answer = client.call(
                "exchange.command", words=list(words), domain=options.domain, secret=secret, form=options.form
            )
            said = str(answer["said"]) if isinstance(answer, dict) else ""
            _say(said, options, is_export)
            return
    with open_database(options.store) as database:
        domain = chosen_domain(options, Subscribers(database).list())
        said = run_command(Desk(database, domain, time.time(), secret, form=options.form), words)
    _say(said, options, is_export)
    give_to_owner_of_folder(options.store)


def _say(said: str, options: ExchangeOptions, is_export: bool) -> None:
    if is_export:
        write_files(said, options.output)
    else:
        sys.stdout.write(said)


def watch(options: ExchangeOptions) -> None:
    """Show registrations and calls as they are, anew each second, until Ctrl-C. Raises DeviceError."""
    try:
        with ControlClient(options.socket) as client:
            while True:
                answer = client.call("exchange.command", words=["overview"], domain="")
                said = str(answer["said"]) if isinstance(answer, dict) else ""
                sys.stdout.write(f"{CLEAR}{time.strftime('%H:%M:%S')}  (Ctrl-C ends)\n\n{said}")
                sys.stdout.flush()
                time.sleep(WATCH_S)
    except KeyboardInterrupt:
        sys.stdout.write("\n")


def _secret(options: ExchangeOptions) -> str:
    """The password of a trunk or user, from standard input or asked for where a person sits there; "" for none."""
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    words = options.words
    if words[:2] == ("user", "add") and len(words) == 3:
        return ask_password(words[2])
    if words[:2] == ("voicemail", "pin") and len(words) == 3 and sys.stdin.isatty():
        return getpass.getpass(f"PIN of {words[2]}: ")
    if words[:2] != ("trunk", "add") or len(words) < 4 or "@" not in words[3] or not sys.stdin.isatty():
        return ""
    return getpass.getpass(f"Password of {words[3]} (empty for none): ")
