"""What needs no daemon: the boards that are known, their pins, pictures of the wiring, checks."""

import os
import sys
from argparse import Namespace

from device.cli_commands.command import EXIT_FAILED, EXIT_OK, Session, UsageError
from device.errors import DeviceError
from device.hardware.board_check import Finding, check_machine, check_profile
from device.hardware.board_data import (
    BoardData,
    all_boards,
    board_of,
    detect_board,
    load_board,
    read_identity,
)
from device.hardware.errors import HardwareError
from device.hardware.profile import BoardProfile
from device.hardware.profile_reader import SIMULATED_HEADER, builtin_profiles, read_toml, split_board
from device.hardware.wiring_plan import plan_wiring
from device.records import asdict

DEFAULT_PROFILE = "handset"


def list_boards(session: Session, _given: Namespace) -> int:
    """The boards that are known, and the profiles that fit them all."""
    boards = all_boards()
    if session.output.as_json:
        session.output.json({"boards": [asdict(board) for board in boards]})
        return EXIT_OK
    rows = [(board.id, board.title, ", ".join(header.id for header in board.headers)) for board in boards]
    session.output.table(("name", "board", "headers"), rows, "no board is known")
    session.output.line()
    session.output.line(f"profiles with pins for them: {', '.join(_profiles_with_pins())}")
    return EXIT_OK


def _profiles_with_pins() -> list[str]:
    return [name for name in builtin_profiles() if read_toml(name).get("pins")]


def detect(session: Session, _given: Namespace) -> int:
    """Which board this is, with the lines to type next."""
    identity = read_identity()
    board = detect_board()
    revision = "" if identity.revision is None else f"{identity.revision:x}"
    if session.output.as_json:
        session.output.json({"board": board.id, "model": identity.model, "revision": revision})
        return EXIT_OK
    session.output.fields({"board": board.id, "model": identity.model, "revision": revision})
    session.output.line()
    for profile in _profiles_with_pins():
        session.output.line(f"offhook settings set hardware.board={profile}")
    return EXIT_OK


def list_pins(session: Session, given: Namespace) -> int:
    """Every pin of a board with all that is known of it."""
    board = board_of(given.board)
    if session.output.as_json:
        session.output.json(asdict(board))
        return EXIT_OK
    rows = []
    for header, pin in board.pins():
        line = "" if pin.supply else f"{pin.chip} {pin.line}"
        pull = "" if pin.supply else pin.pull
        rows.append((header.pin_name(pin), pin.supply or pin.name, line, pull, ", ".join(pin.functions), pin.warning))
    session.output.table(("pin", "name", "chip and line", "pull", "functions", ""), rows, "no pins are known")
    for warning in board.warnings:
        session.output.line(f"mind: {warning}")
    return EXIT_OK


def draw_picture(session: Session, given: Namespace) -> int:
    """The wiring of a profile, as SVG or with letters."""
    profile, board = _profile_and_board(session, given)
    plan = plan_wiring(profile, board)
    if given.text or (given.out is None and sys.stdout.isatty()):
        from device.hardware.picture_text import draw_text  # noqa: PLC0415  # one of the two

        text = draw_text(plan)
    else:
        from device.hardware.picture import draw_svg  # noqa: PLC0415

        text = draw_svg(plan)
    if given.out is None:
        session.output.text(text)
        return EXIT_OK
    try:
        with open(given.out, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{given.out} cannot be written: {error.strerror}") from error
    return session.answer(
        {"file": os.path.abspath(given.out), "board": board.id},
        f"{given.out} shows {profile.name} on the {board.title}; a web browser opens it",
    )


def _profile_and_board(session: Session, given: Namespace) -> tuple[BoardProfile, BoardData]:
    """The profile with its lines on the board that is meant. Raises HardwareError."""
    name, named_board = split_board(given.profile or _running_profile(session))
    board = _wanted_board(name, given.board or named_board)
    return BoardProfile.load(f"{name}@{board.id}"), board


def _wanted_board(profile: str, name: str) -> BoardData:
    if name:
        return load_board(name)
    try:
        return detect_board()
    except HardwareError:
        # A picture of the simulated desk, or of a profile for a Raspberry Pi, is no matter of this machine.
        if profile in _profiles_with_lines():
            return load_board(SIMULATED_HEADER)
        raise


def _profiles_with_lines() -> tuple[str, ...]:
    return "simulated", "raspberry-pi", "rotary", "door-intercom"


def _running_profile(session: Session) -> str:
    try:
        value = session.ask("settings.get", key="hardware.board")["value"]
    except DeviceError:
        return DEFAULT_PROFILE
    return str(value or DEFAULT_PROFILE)


def check(session: Session, given: Namespace) -> int:
    """What of a profile does not go well with its board; fails where something cannot work."""
    profile, board = _profile_and_board(session, given)
    findings = check_profile(profile, board)
    if not given.offline and profile.driver != "mock" and _is_here(board):
        from device.hardware.gpiod_chip import GpiodChip  # noqa: PLC0415  # it tells who holds a line with every driver

        findings += check_machine(profile, GpiodChip())
    _show_findings(session, profile, board, findings)
    return EXIT_FAILED if any(finding.level == "error" for finding in findings) else EXIT_OK


def _is_here(board: BoardData) -> bool:
    """Whether this machine is such a board, so that its kernel can be asked."""
    try:
        return detect_board().id == board.id
    except HardwareError:
        return False


def _show_findings(session: Session, profile: BoardProfile, board: BoardData, findings: list[Finding]) -> None:
    if session.output.as_json:
        rows = [asdict(finding) for finding in findings]
        session.output.json({"profile": profile.name, "board": board.id, "findings": rows})
        return
    session.output.line(f"{profile.name} on the {board.title}")
    for finding in findings:
        about = f"{finding.about}: " if finding.about else ""
        session.output.line(f"{finding.level}: {about}{finding.text}")
    if not any(finding.level != "advice" for finding in findings):
        session.output.line("nothing to complain of")
