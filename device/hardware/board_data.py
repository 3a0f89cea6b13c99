"""What is known of the boards: headers with every pin, and how a board is recognised. Data of the TOML files beside it.

For the command line, and for the child process that looks up the pins of a profile; the daemon never imports this.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache

from device.annotations import Any, Literal, cast
from device.hardware.errors import HardwareError
from device.hardware.pin_lookup import plain_name
from device.records import dataclass, replace

FOLDER = os.path.dirname(__file__)
DEVICE_TREE = "/proc/device-tree"

AUTOMATIC = "auto"
"""Stands for the board that this program runs on."""

Pull = Literal["up", "down", "none", "unknown"]
PULLS: tuple[Pull, ...] = ("up", "down", "none", "unknown")

GROUND = "GND"
VOLTAGES = ("3.3V", "5V", "SYS 5V")
SUPPLIES = (GROUND, *VOLTAGES, "PWR BUT", "SYS RESET", "VDD ADC", "GND ADC", "ADC 1.8V")
"""What a pin without a line may be."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One pin of a header: a supply, or a line of a GPIO chip."""

    number: int
    supply: str = ""
    """One of SUPPLIES; empty for a line."""
    name: str = ""
    """What documents of the board call the line, such as GPIO17 or PA12."""
    chip: str = ""
    """The label of its chip, or "any" where the line's own name is enough."""
    line: int | str = -1
    pull: Pull = "unknown"
    """The resistor that the chip has on it from reset until somebody takes the line."""
    primary: str = ""
    """The special function that the header has the pin for, on every board; empty for plain GPIO."""
    functions: tuple[str, ...] = ()
    """All special functions, the primary one first."""
    warning: str = ""
    """Why another pin is the better choice; empty for a good one."""


@dataclass(frozen=True, slots=True)
class Header:
    """A connector with pins in two rows, odd numbers on the left."""

    id: str
    title: str
    layout: str
    """Headers of one layout have supplies and lines in the same places."""
    label: str
    """What stands before the numbers, such as "P9"; empty where the board has one header only."""
    pins: tuple[Pin, ...]

    def pin_name(self, pin: Pin) -> str:
        """The pin as people write it: 11, or P9_12 on a board with several headers."""
        return f"{self.label}_{pin.number}" if self.label else str(pin.number)


@dataclass(frozen=True, slots=True)
class BoardData:
    """One kind of board."""

    id: str
    title: str
    models: tuple[str, ...]
    """How /proc/device-tree/model may begin, on the maker's kernels and on those of kernel.org."""
    revisions: tuple[int, ...]
    """Revision codes of the first Raspberry Pis, without the bits of the manufacturer's warranty."""
    revision_types: tuple[int, ...]
    """Bits 4 to 11 of the newer revision codes."""
    headers: tuple[Header, ...]
    warnings: tuple[str, ...]
    sources: tuple[str, ...]

    def pins(self) -> list[tuple[Header, Pin]]:
        """Every pin of every header, in order."""
        return [(header, pin) for header in self.headers for pin in header.pins]

    def find_line(self, chip: str, line: int | str) -> tuple[Header, Pin] | None:
        """The pin of a line, or None where it is on no header. `chip` may be any word for the chip of the header."""
        for header, pin in self.pins():
            by_name = isinstance(line, str) and line in (pin.name, pin.line)
            by_number = line == pin.line and chip in (pin.chip, "raspberry-pi", "mock")
            if not pin.supply and (by_name or by_number):
                return header, pin
        return None

    def find_pin(self, name: int | str) -> tuple[Header, Pin] | None:
        """The pin of a number, of a name such as P9_12 or P9.12, or of a line such as GPIO17; None for no pin."""
        wanted = plain_name(name)
        for header, pin in self.pins():
            numbered = wanted == plain_name(header.pin_name(pin))
            if numbered or (pin.name and wanted == plain_name(pin.name)):
                return header, pin
        return None


def _load(folder: str, name: str) -> dict[str, Any]:
    with open(os.path.join(FOLDER, folder, f"{name}.toml"), "rb") as file:
        return tomllib.load(file)


@cache
def _header_file(name: str) -> dict[str, Any]:
    return _load("headers", name)


def _header(name: str, chip: str, functions: Mapping[str, Sequence[str]]) -> Header:
    data = _header_file(name)
    return Header(
        id=name,
        title=data["title"],
        layout=data["layout"],
        label=data.get("label", ""),
        pins=tuple(_pin(row, data.get("chip", chip), functions) for row in data["pins"]),
    )


def _pin(row: Mapping[str, Any], chip: str, functions: Mapping[str, Sequence[str]]) -> Pin:
    if "supply" in row:
        return Pin(row["pin"], supply=row["supply"])
    return Pin(
        number=row["pin"],
        name=row["name"],
        chip=row.get("chip", chip),
        line=row["line"],
        pull=cast("Pull", row["pull"]),
        primary=next(iter(row.get("functions", ())), ""),
        functions=(*row.get("functions", ()), *functions.get(row["name"], ())),
        warning=row.get("warning", ""),
    )


def board_names() -> list[str]:
    """The names of all boards that are known."""
    files = os.listdir(os.path.join(FOLDER, "boards"))
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def load_board(name: str) -> BoardData:
    """One board by its name. Raises HardwareError with the nearest known names."""
    if name not in board_names():
        raise HardwareError(f"there is no board {name!r}{nearest(name, board_names())}; `offhook board list` shows all")
    data = _load("boards", name)
    return BoardData(
        id=name,
        title=data["title"],
        models=tuple(data["models"]),
        revisions=tuple(data.get("revisions", ())),
        revision_types=tuple(data.get("revision_types", ())),
        headers=tuple(_header(header, data["chip"], data.get("functions", {})) for header in data["headers"]),
        warnings=tuple(data.get("warnings", ())),
        sources=tuple(data["sources"]),
    )


def all_boards() -> list[BoardData]:
    """Every board that is known."""
    return [load_board(name) for name in board_names()]


def nearest(word: str, known: Sequence[str]) -> str:
    """A question that names the known word most like `word`, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415  # only for a mistake that somebody made

    close = get_close_matches(word, known, 3, 0.5)
    return f", did you mean {' or '.join(close)}?" if close else ""


# Recognising the board.


@dataclass(frozen=True, slots=True)
class Identity:
    """What the firmware says of the board."""

    model: str = ""
    revision: int | None = None
    """The revision code of a Raspberry Pi."""


def read_identity(folder: str = "") -> Identity:
    """The model and revision in the device tree; empty where there is none, as on a PC."""
    folder = folder or DEVICE_TREE
    model = _read(os.path.join(folder, "model")).split(b"\0")[0].decode("utf-8", "replace").strip()
    code = _read(os.path.join(folder, "system", "linux,revision"))
    return Identity(model, int.from_bytes(code, "big") if len(code) == 4 else None)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(256)
    except OSError:
        return b""


NEW_STYLE_BIT = 1 << 23
"""Set in revision codes that hold the type of the board in bits 4 to 11."""


def recognise(identity: Identity, boards: Sequence[BoardData]) -> BoardData | None:
    """The board of that identity: by its revision code, else by the longest beginning of the model's name."""
    if identity.revision:
        for board in boards:
            if _has_revision(board, identity.revision):
                return board
    model = identity.model.lower()
    matches = [
        (len(name), board) for board in boards for name in board.models if model and model.startswith(name.lower())
    ]
    return max(matches, key=lambda match: match[0])[1] if matches else None


def _has_revision(board: BoardData, code: int) -> bool:
    if code & NEW_STYLE_BIT:
        return code >> 4 & 0xFF in board.revision_types
    return code & 0xFFFF in board.revisions


def detect_board(folder: str = "") -> BoardData:
    """The board that this program runs on. Raises HardwareError that says what to do where it is not known."""
    identity = read_identity(folder)
    board = recognise(identity, all_boards())
    if board is None:
        said = f"the model {identity.model!r} is" if identity.model else "this machine has no model name and is"
        raise HardwareError(
            f"{said} none of the boards that offhook knows: name the one it is like (`offhook board list`) behind the "
            "profile, as in hardware.board=handset@raspberry-pi-3, or give lines by number or name instead of pins"
        )
    return board


def board_of(name: str, folder: str = "") -> BoardData:
    """The board called `name`, or the one that we run on for AUTOMATIC. Raises HardwareError."""
    return detect_board(folder) if name == AUTOMATIC else load_board(name)


# Pins of a profile.


def pin_table(name: str, folder: str = "") -> dict[str, object]:
    """What the reader of a profile needs of a board, as JSON can carry it.

    "board" and "headers" (id and layout of each), and "pins": (name, supply or line's name, chip, line) of each pin.
    Where there is no such board, "fault" says why instead.
    """
    try:
        board = board_of(name, folder)
    except HardwareError as error:
        return {"fault": str(error)}
    rows = [(header.pin_name(pin), pin.supply or pin.name, pin.chip, pin.line) for header, pin in board.pins()]
    return {"board": board.id, "headers": [(header.id, header.layout) for header in board.headers], "pins": rows}


def with_profile_pins(board: BoardData, used: Sequence[tuple[Header, Pin]]) -> BoardData:
    """The board with only those of its headers that a pin is used of; all of them if none is."""
    headers = tuple(header for header in board.headers if any(other.id == header.id for other, _ in used))
    return replace(board, headers=headers) if headers else board
