"""The board: its lines, and the hands that move a simulated one."""

import os
from argparse import ArgumentParser, Namespace

from device.cli_commands.command import EXIT_FAILED, EXIT_OK, Command, Session
from device.console.layout import shown
from device.daemon.options import default_store
from device.hardware.errors import HardwareError
from device.hardware.profile import BoardProfile
from device.hardware.safe_outputs import SafeOutputs, make_safe, outputs_of, outputs_path, recorded_outputs
from device.records import asdict


def _show(session: Session, _given: Namespace) -> int:
    board = session.ask("board.show")
    if session.output.as_json:
        return session.answer(board)
    lines = board.get("lines", [])
    session.output.fields({name: value for name, value in board.items() if name not in ("lines", "missing")})
    session.output.line()
    for name, why in board.get("missing", {}).items():
        session.output.line(f"{name} does not work: {why}")
    rows = [
        (line["name"], line["direction"], *(shown(line.get(name)) for name in ("active", "changes", "chip", "line")))
        for line in lines
    ]
    session.output.table(("line", "", "active", "changes", "chip", "number"), rows, "the board has no lines")
    return EXIT_OK


def _lift(session: Session, _given: Namespace) -> int:
    return session.answer(session.ask("board.lift"), "the handset is lifted")


def _replace(session: Session, _given: Namespace) -> int:
    return session.answer(session.ask("board.replace"), "the handset is back")


def _press(session: Session, given: Namespace) -> int:
    return session.answer(session.ask("board.press", digits=given.digits), f"pressed {given.digits}")


def _drive_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("line", metavar="LINE", help="name of the line, as `offhook board show` has it")
    parser.add_argument("state", choices=("on", "off"), help="its new state")


def _drive(session: Session, given: Namespace) -> int:
    result = session.ask("board.drive", line=given.line, active=given.state == "on")
    return session.answer(result, f"{given.line} is {given.state}")


def _safe_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--profile", metavar="NAME", help="board profile; left out: the outputs of the last start")
    parser.add_argument("--store", metavar="FILE", help="the store of the phone, beside which that list is kept")


def _safe(session: Session, given: Namespace) -> int:
    """Needs no daemon: the guard of a phone that has ended badly calls this."""
    outputs = _wanted_outputs(session, given)
    if outputs is None:
        return session.answer({"outputs": []}, "no phone has opened a board here yet: there is nothing to make safe")
    results = make_safe(outputs)
    if session.output.as_json:
        session.output.json({"outputs": [asdict(result) for result in results]})
    else:
        said = {"held": "held by a running phone, which answers for it", "failed": "FAILED"}
        rows = [(result.name, result.line, said.get(result.state, result.state)) for result in results]
        session.output.table(("output", "line", "state"), rows, "the board has no outputs")
    faults = [result.fault for result in results if result.fault]
    for fault in faults:
        session.output.complain(fault)
    return EXIT_FAILED if faults else EXIT_OK


def _wanted_outputs(session: Session, given: Namespace) -> SafeOutputs | None:
    """The profile's outputs; where it is broken, those of the last start: better these than none."""
    recorded = outputs_path(given.store or default_store(os.environ))
    if not given.profile:
        return recorded_outputs(recorded)
    try:
        return outputs_of(BoardProfile.load(given.profile))
    except HardwareError as error:
        outputs = recorded_outputs(recorded)
        if outputs is None:
            raise
        session.output.complain(f"{error}; the outputs of the last start are taken instead")
        return outputs


COMMANDS = (
    Command("board show", "show inputs and outputs of the board", "board show", _show),
    Command("board lift", "lift the handset of a simulated board", "board lift", _lift),
    Command("board replace", "put the handset of a simulated board back", "board replace", _replace),
    Command(
        "board press",
        "press keys of a simulated board",
        "board press 1002",
        _press,
        lambda parser: parser.add_argument("digits", metavar="DIGITS", help="0-9, *, #, A-D"),
    ),
    Command(
        "board safe",
        "drive every output of the board inactive, without the daemon",
        "board safe",
        _safe,
        _safe_arguments,
    ),
    Command("board drive", "move one input of a simulated board", "board drive hook on", _drive, _drive_arguments),
)
