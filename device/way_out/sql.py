"""Tables and rows as SQL for PostgreSQL, MySQL and SQLite; what differs between them stands here and nowhere else."""

from collections.abc import Sequence

from device.annotations import Final
from device.records import dataclass

DATABASES: Final = ("postgresql", "mysql", "sqlite")

KEY, NUMBER, REAL, MOMENT = "key", "number", "real", "moment"
"""Kinds of columns beside text: a key that counts by itself, whole numbers, fractions, points in time."""

_KINDS: Final = {
    "postgresql": {
        KEY: "SERIAL PRIMARY KEY",
        NUMBER: "INTEGER",
        REAL: "REAL",
        MOMENT: "TIMESTAMP WITHOUT TIME ZONE",
    },
    "mysql": {KEY: "INT UNSIGNED AUTO_INCREMENT PRIMARY KEY", NUMBER: "INT", REAL: "FLOAT", MOMENT: "DATETIME"},
    "sqlite": {KEY: "INTEGER PRIMARY KEY", NUMBER: "INTEGER", REAL: "REAL", MOMENT: "TIMESTAMP"},
}

LONG_AGO: Final = "2000-01-01 00:00:01"

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `kind` is one of those above, or the longest text in characters. Without `default` it may be NULL."""

    name: str
    kind: str | int
    default: Value = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `version` is what the server's modules look up in the table `version`; 0 for a table of our own."""

    name: str
    version: int
    columns: tuple[Column, ...]
    unique: tuple[str, ...] = ()
    indexed: tuple[tuple[str, ...], ...] = ()


def create(table: Table, database: str) -> str:
    """The statements that make a table and its indexes."""
    lines = [f"    {_column(column, database)}" for column in table.columns]
    if table.unique:
        lines.append(f"    CONSTRAINT {table.name}_idx UNIQUE ({_names(table.unique, database)})")
    body = ",\n".join(lines)
    text = f"CREATE TABLE {table.name} (\n{body}\n);\n"
    for columns in table.indexed:
        text += f"CREATE INDEX {table.name}_{'_'.join(columns)}_idx ON {table.name} ({_names(columns, database)});\n"
    return text


def _names(columns: Sequence[str], database: str) -> str:
    """Names of columns; MySQL has taken one of theirs, `partition`, for a word of its own since."""
    return ", ".join(f"`{name}`" if database == "mysql" else name for name in columns)


def _column(column: Column, database: str) -> str:
    kind = f"VARCHAR({column.kind})" if isinstance(column.kind, int) else _KINDS[database][column.kind]
    name = _names((column.name,), database)
    if column.kind == KEY:
        return f"{name} {kind}"
    if column.default is None:
        return f"{name} {kind} DEFAULT NULL"
    default = LONG_AGO if column.kind == MOMENT and column.default == "" else column.default
    default = 0 if column.kind in (NUMBER, REAL) and default == "" else default
    return f"{name} {kind} DEFAULT {literal(default, database)} NOT NULL"


def insert(table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]], database: str) -> str:
    """One statement for each row: a bad one is easily found and mended, and no limit of a server is met."""
    head = f"INSERT INTO {table} ({_names(columns, database)}) VALUES"
    return "".join(f"{head} ({', '.join(literal(value, database) for value in row)});\n" for row in rows)


def literal(value: Value, database: str) -> str:
    """A value as SQL writes it. NUL, which no text column takes, is left out."""
    if value is None:
        return "NULL"
    if isinstance(value, int | float):
        return repr(value)
    text = value.replace("\0", "").replace("'", "''")
    if database == "mysql":
        # There a backslash escapes, unless the server is told otherwise.
        text = text.replace("\\", "\\\\")
    return f"'{text}'"
