"""The board: its lines, and the hands that move a simulated one."""

from argparse import ArgumentParser, Namespace

from device.cli_commands.command import EXIT_OK, Command, Session
from device.cli_commands.output import shown


def _show(session: Session, _given: Namespace) -> int:
    board = session.ask("board.show")
    if session.output.as_json:
        return session.answer(board)
    lines = board.get("lines", [])
    session.output.fields({name: value for name, value in board.items() if name != "lines"})
    session.output.line()
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
    Command("board drive", "move one input of a simulated board", "board drive hook on", _drive, _drive_arguments),
)
