"""The questions that a built SQLite is asked have the answers that are expected, and its source is pinned."""

import re
import sqlite3
from pathlib import Path

from firmware_scripts.cross.sqlite import BUILD, OPTIONS, QUESTIONS, SOURCE


def test_the_source_is_an_archive_of_a_release_with_its_hash() -> None:
    assert re.fullmatch(r"sqlite3_\d+\.\d+\.\d+\.orig\.tar\.xz", SOURCE.file)
    assert re.fullmatch(r"[0-9a-f]{64}", SOURCE.sha256)
    assert SOURCE.file == f"sqlite3_{SOURCE.version}.orig.tar.xz"


def test_a_sound_sqlite_gives_the_expected_answers(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "asked.db", isolation_level=None)
    for question, answer in QUESTIONS:
        *before, asked = question.split("; ")
        for statement in before:
            database.execute(statement)
        row = database.execute(asked).fetchone()
        assert "|".join(str(value) for value in row) == answer
    database.close()


def test_what_other_programs_expect_of_a_system_library_is_switched_on() -> None:
    switched = " ".join(OPTIONS)
    for feature in ("FTS5", "RTREE", "COLUMN_METADATA", "PREUPDATE_HOOK", "SESSION", "UNLOCK_NOTIFY"):
        assert f"-DSQLITE_ENABLE_{feature}" in switched
    assert "-DSQLITE_THREADSAFE=1" in switched


def test_the_library_takes_the_place_of_the_systems_own() -> None:
    assert "-soname,libsqlite3.so.0 " in BUILD
    for link in ("libsqlite3.so.0", "libsqlite3.so"):
        assert f"ln -s libsqlite3.so.0.8.6 ../out/lib/{link}\n" in BUILD
