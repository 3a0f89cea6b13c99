"""The board: its lines, and the hands that move a simulated one."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from importlib import import_module

from device.cli_commands.command import EXIT_OK, Command, Session
from device.console.layout import shown


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


def _board_argument(parser: ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD", nargs="?", default="auto", help="a name of `offhook board list`")


def _profile_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="board profile or file; left out: that of the running phone, or handset",
    )
    parser.add_argument("--board", metavar="BOARD", help="a name of `offhook board list`; left out: the one we run on")


def _picture_arguments(parser: ArgumentParser) -> None:
    _profile_arguments(parser)
    parser.add_argument("--out", metavar="FILE", help="write the SVG file here; left out: to standard output")
    parser.add_argument("--text", action="store_true", help="draw with letters, for this terminal")


def _check_arguments(parser: ArgumentParser) -> None:
    _profile_arguments(parser)
    parser.add_argument("--offline", action="store_true", help="look at the data only, not at this machine's kernel")


def _tool(name: str, module: str = "board_tools") -> Callable[[Session, Namespace], int]:
    """A deed of a module that is loaded for whoever wants it: most commands do without all that it needs."""

    def run(session: Session, given: Namespace) -> int:
        return int(getattr(import_module(f"device.cli_commands.{module}"), name)(session, given))

    return run


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
        _tool("make_outputs_safe", "safe"),
        _safe_arguments,
    ),
    Command("board drive", "move one input of a simulated board", "board drive hook on", _drive, _drive_arguments),
    Command("board list", "list the boards that offhook knows", "board list", _tool("list_boards")),
    Command("board detect", "say which board this is", "board detect", _tool("detect")),
    Command(
        "board pins",
        "list the pins of a board with their lines and pulls",
        "board pins raspberry-pi-4",
        _tool("list_pins"),
        _board_argument,
    ),
    Command(
        "board picture",
        "draw the wiring of a board profile",
        "board picture --profile handset --board raspberry-pi-4 --out wiring.svg",
        _tool("draw_picture"),
        _picture_arguments,
    ),
    Command(
        "board check",
        "check a board profile against the board and its kernel",
        "board check --profile handset --board raspberry-pi-4 --offline",
        _tool("check"),
        _check_arguments,
    ),
)
