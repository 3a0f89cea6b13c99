import sqlite3

import pytest

from device.way_out.sql import DATABASES, KEY, MOMENT, NUMBER, REAL, Column, Table, create, insert, literal

TABLE = Table(
    "location",
    9,
    (
        Column("id", KEY),
        Column("contact", 512),
        Column("partition", NUMBER),
        Column("q", REAL, 1.0),
        Column("expires", MOMENT),
        Column("path", 255, None),
    ),
    ("contact", "partition"),
    (("expires",),),
)


@pytest.mark.parametrize("database", DATABASES)
def test_every_column_is_made(database: str) -> None:
    text = create(TABLE, database)
    assert text.count("\n    ") == len(TABLE.columns) + 1
    assert "VARCHAR(512) DEFAULT '' NOT NULL" in text
    assert "DEFAULT NULL" in text
    assert "UNIQUE" in text
    assert "CREATE INDEX location_expires_idx" in text


def test_mysql_keeps_a_word_of_its_own_for_itself() -> None:
    assert "`partition` INT" in create(TABLE, "mysql")
    assert insert("location", ("partition",), [(1,)], "mysql") == "INSERT INTO location (`partition`) VALUES (1);\n"
    assert "`" not in create(TABLE, "postgresql")


STRANGE = ["it's", "a\\b", 'quoted "so"', "line\nbreak", "'; DROP TABLE location; --", "müller", "nul\0nul", ""]


@pytest.mark.parametrize("text", STRANGE)
def test_what_others_have_sent_stays_text(text: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(create(TABLE, "sqlite") + insert("location", ("contact",), [(text,)], "sqlite"))
    assert connection.execute("SELECT contact FROM location").fetchall() == [(text.replace("\0", ""),)]


def test_a_backslash_is_doubled_where_it_escapes() -> None:
    assert literal("a\\'b", "mysql") == "'a\\\\''b'"
    assert literal("a\\b", "postgresql") == "'a\\b'"


@pytest.mark.parametrize(("value", "text"), [(None, "NULL"), (7, "7"), (0.5, "0.5")])
def test_other_values(value: float | None, text: str) -> None:
    assert literal(value, "postgresql") == text
