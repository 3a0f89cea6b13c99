"""`offhook doctor`: examines the board, says what is missing with the line to type, and answers an exit status."""

import json
import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence

from device.annotations import TextIO
from device.control.paths import socket_path
from device.doctor.case import Case, open_case
from device.doctor.finding import SEVERITIES, Finding, note
from device.doctor.gpio import examine_gpio
from device.doctor.rights import examine_program, examine_real_time, examine_units, examine_user
from device.doctor.sound import examine_sound
from device.doctor.surroundings import examine_clock, examine_hardware, examine_network, examine_store
from device.doctor.system_view import SystemView
from device.records import asdict

EXAMINATIONS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    examine_hardware,
    examine_gpio,
    examine_user,
    examine_sound,
    examine_real_time,
    examine_units,
    examine_program,
    examine_store,
    examine_clock,
    examine_network,
)

SYSTEM_STORE = "/var/lib/offhook/offhook.db"
EXIT_HEALTHY, EXIT_FAULTS = 0, 1

EXAMPLES = """\
Exit status: 0 when the phone can work (warnings may stand), 1 when something keeps it from that, 2 not understood.

example: sudo offhook doctor
         offhook doctor --json --board raspberry-pi
         offhook doctor --root build/root      (an image before it is written to a card)
"""


def main(arguments: Sequence[str]) -> int:
    """Run `offhook doctor`; answers the exit status."""
    try:
        given = _parser().parse_args(list(arguments))
    except SystemExit as end:
        # The parser has shown the help or its complaint.
        return int(end.code or 0)
    if not os.path.isdir(given.root):
        sys.stderr.write(f"offhook doctor: --root {given.root}: there is no such folder\n")
        return 2
    view = SystemView(given.root, socket_path(os.environ, given.socket))
    store = given.store or (SYSTEM_STORE if not view.is_live else _store(view))
    case = open_case(view, store, given.user or "", given.board or "")
    findings = examine(case)
    try:
        if given.json:
            _print_json(findings, sys.stdout)
        else:
            _print(findings, given.quiet, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read this has seen enough; without another place to write, the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_FAULTS if any(finding.severity == "error" for finding in findings) else EXIT_HEALTHY


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="offhook doctor",
        description="Examine this board, and say what is missing for a telephone with the line to type. Run it as root "
        "to have everything examined; the phone may be running or not.",
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    parser.add_argument("--quiet", action="store_true", help="leave out what is as it should be")
    parser.add_argument("--board", metavar="NAME", help="examine for this board profile instead of the stored one")
    parser.add_argument("--user", metavar="NAME", help="as whom the phone runs (default: offhook, where there is one)")
    parser.add_argument("--store", metavar="FILE", help=f"the store of the phone (default: {SYSTEM_STORE})")
    parser.add_argument("--socket", metavar="PATH", help="control socket of the phone (also: OFFHOOK_SOCKET)")
    parser.add_argument("--root", metavar="FOLDER", default="/", help="examine this root file system, not the machine")
    return parser


def _store(view: SystemView) -> str:
    """The store of the system's phone or, where there is none, that of this user."""
    if view.exists("/var/lib/offhook") or os.geteuid() == 0:
        return SYSTEM_STORE
    home = os.environ.get("XDG_STATE_HOME") or os.path.join(os.environ.get("HOME", "/"), ".local/state")
    return os.path.join(home, "offhook", "offhook.db")


def examine(case: Case) -> list[Finding]:
    """Every finding, in the order of the examinations; a fault in one of them does not keep the others from it."""
    findings: list[Finding] = []
    for examination in EXAMINATIONS:
        try:
            findings += examination(case)
        except Exception as fault:  # one that a strange board trips up must not hide what the others found
            name = examination.__name__.removeprefix("examine_")
            findings.append(
                note("doctor", f"the examination of {name} failed: {fault!r}", "tell the makers of offhook")
            )
    return findings


def _print_json(findings: list[Finding], stream: TextIO) -> None:
    counts = {severity: sum(finding.severity == severity for finding in findings) for severity in SEVERITIES}
    json.dump({"findings": [asdict(finding) for finding in findings], "counts": counts}, stream, ensure_ascii=False)
    stream.write("\n")


def _print(findings: list[Finding], quiet: bool, stream: TextIO) -> None:
    shown = [finding for finding in findings if not quiet or finding.severity != "ok"]
    width = max((len(finding.area) for finding in shown), default=0)
    for finding in shown:
        stream.write(f"{finding.severity:<8} {finding.area:<{width}}  {finding.text}\n")
        if finding.remedy:
            stream.write(f"{'':<8} {'':<{width}}    {finding.remedy}\n")
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    if errors or warnings:
        stream.write(f"\n{errors} error(s), {warnings} warning(s)\n")
    else:
        stream.write("\nnothing is missing\n")
