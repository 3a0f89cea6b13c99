"""From the pins that a profile names to lines: physical pins of a header, or names that the profile gives to pins."""

from collections.abc import Mapping, Sequence

from device.annotations import Any, cast
from device.hardware.errors import HardwareError, UnknownBoardError
from device.hardware.toml_file import in_child


class PinLookup:
    """The pins of one board, asked for when the first pin is looked up.

    `roles` is the table [pins] of the profile: a table for each header or layout of headers, from names to pins.
    """

    def __init__(self, board: str, roles: Mapping[str, object]) -> None:
        self._board = board
        self._roles = roles
        self._table: dict[str, Any] = {}
        self._named: Mapping[str, object] = {}
        self._chosen = ""

    def find(self, pin: object) -> tuple[str, int | str]:
        """Chip and line of a pin. Raises HardwareError with the nearest pins or names; UnknownBoardError."""
        if not self._table:
            self._load()
        if "fault" in self._table:
            raise UnknownBoardError(self._table["fault"])
        if isinstance(pin, bool) or not isinstance(pin, (int, str)):
            raise HardwareError(f'{pin!r} is no pin; give the number on the header, or a name such as "P9_12"')
        named = self._named.get(pin) if isinstance(pin, str) else None
        return self._line_of(pin if named is None else named)

    def _load(self) -> None:
        board = self._board
        self._table = cast("dict[str, Any]", in_child(lambda: _pin_table(board)))
        for identity, layout in self._table.get("headers", ()):
            for key in (identity, layout):
                table = self._roles.get(key)
                if isinstance(table, Mapping):
                    self._named = {**table, **self._named}
        if self._roles and not self._named and "fault" not in self._table:
            headers = " or ".join(f"[pins.{identity}]" for identity, _ in self._table["headers"])
            self._table["fault"] = (
                f"the profile names no pins for the header of {self._table['board']}: it has pins for "
                f"{', '.join(self._roles)}; add a table {headers}"
            )

    def _line_of(self, pin: object) -> tuple[str, int | str]:
        rows: list[tuple[str, str, str, int | str]] = self._table["pins"]
        wanted = plain_name(pin)
        for place, (number, name, chip, line) in enumerate(rows):
            if wanted == plain_name(number) or (chip and wanted == plain_name(name)):
                if chip:
                    return chip, line
                near = _usable_near(rows, place)
                raise HardwareError(
                    f"pin {number} of {self._table['board']} is {name}; the nearest with a line: {near}"
                )
        raise HardwareError(f"{self._table['board']} has no pin {pin}{self._suggestion(str(pin))}")

    def _suggestion(self, pin: str) -> str:
        rows = self._table["pins"]
        numbers = [str(row[0]) for row in rows]
        if pin.isdecimal() and numbers[0].isdecimal():
            return f"; its pins are {numbers[0]} to {numbers[-1]}"
        from difflib import get_close_matches  # noqa: PLC0415  # only for a mistake that somebody made

        known = [*self._named, *numbers, *(row[1] for row in rows if row[2])]
        close = get_close_matches(pin, known, 3, 0.5)
        if close:
            return f", did you mean {' or '.join(close)}?"
        return (
            f"; its pins are {numbers[0]} to {numbers[-1]}, or names such as {next(row[1] for row in rows if row[2])}"
        )


def _pin_table(board: str) -> dict[str, object]:
    from device.hardware.board_data import pin_table  # noqa: PLC0415  # in the child alone

    return pin_table(board)


def plain_name(pin: object) -> str:
    """A pin's name as it is compared: "P9_05", "p9.5" and "P9-5" are one, and so are 7 and "7"."""
    text = str(pin).strip().upper().replace(".", "_").replace("-", "_").replace(" ", "_")
    head, underline, tail = text.rpartition("_")
    return f"{head}{underline}{int(tail)}" if tail.isdecimal() else text


def _usable_near(rows: Sequence[tuple[str, str, str, int | str]], place: int) -> str:
    usable = sorted((abs(other - place), other) for other, row in enumerate(rows) if row[2])
    return ", ".join(
        f"{rows[other][0]} ({rows[other][1]})" for _, other in sorted(usable[:3], key=lambda near: near[1])
    )
