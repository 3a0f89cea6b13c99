"""Trying things out from a script: DNS, a registration."""

from argparse import Namespace

from device.cli_commands.command import EXIT_FAILED, EXIT_OK, Command, Session
from device.console.commands.tests import DNS_PATIENCE_S
from device.console.dns_words import DnsReport
from device.control.errors import FAILED, ControlError


def _dns(session: Session, given: Namespace) -> int:
    session.client.subscribe(["dns"])
    report = DnsReport(session.ask("test.dns", name=given.name))
    if not session.output.as_json:
        session.output.lines(report.head())
    while not report.is_done:
        event = session.client.next_event(DNS_PATIENCE_S)
        if event is None:
            raise ControlError(FAILED, "the phone tells nothing more of its look-up: `offhook log` may say why")
        lines = report.receive(event.params)
        if not session.output.as_json:
            session.output.lines(lines)
    if session.output.as_json:
        session.output.json(report.facts())
    return EXIT_OK if report.is_good else EXIT_FAILED


COMMANDS = (
    Command(
        "test dns",
        "look up the servers of the accounts, or of an address, and say what DNS answers and what is wrong with it",
        "test dns office",
        _dns,
        lambda parser: parser.add_argument(
            "name", metavar="NAME", nargs="?", help="an account, a host or a SIP address (default: every account)"
        ),
    ),
)
