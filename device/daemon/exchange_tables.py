"""Tables of the exchange's commands in the forms that are asked for: columns for people, JSON and CSV for programs."""

from collections.abc import Mapping, Sequence

from device import plain_json as json
from device.annotations import Any, Final
from device.records import dataclass

FORMS: Final = ("text", "json", "csv")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with the same names in each; `empty` is what is said instead of none."""

    name: str
    rows: Sequence[Mapping[str, Any]]
    empty: str


def told(table: Table, form: str) -> str:
    """The table as text, with a line break at its end."""
    if form == "json":
        return json.dumps({table.name: [dict(row) for row in table.rows]}) + "\n"
    if form == "csv":
        return _csv(table)
    return _columns(table) if table.rows else f"{table.empty}\n"


def answer(name: str, rows: Sequence[Mapping[str, Any]], form: str, text: str) -> str:
    """Rows for programs, or for people the `text` that says the same."""
    return text if form == "text" else told(Table(name, rows, ""), form)


def _csv(table: Table) -> str:
    """As RFC 4180 has it, with the names first; nothing at all for an empty table, whose names nobody knows."""
    if not table.rows:
        return ""
    lines = [tuple(table.rows[0]), *(tuple(row.values()) for row in table.rows)]
    return "".join(",".join(_field(value) for value in line) + "\r\n" for line in lines)


def _field(value: object) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)
    # A spreadsheet would take such a text for a formula, and a caller's name may be anything.
    if text[:1] in ("=", "+", "-", "@", "\t", "\r") and isinstance(value, str):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if any(character in text for character in ',"\r\n') else text


def _columns(table: Table) -> str:
    """Columns that have anything in them, as wide as their widest value, one row a line."""
    names = [name for name in table.rows[0] if any(row[name] not in ("", None, 0) for row in table.rows)]
    lines = [[name.replace("_", " ") for name in names]]
    lines += [[_printable(row[name]) for name in names] for row in table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    return "".join(
        "  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )


def _printable(value: object) -> str:
    """A value as it may go to a terminal: what others sent must not move the cursor."""
    text = "" if value is None else str(value)
    return "".join(character if character.isprintable() else "?" for character in text)
