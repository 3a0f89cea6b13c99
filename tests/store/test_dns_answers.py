"""The last good answers of DNS in the store."""

import logging
from pathlib import Path

import pytest

from device.store.database import Database, open_database
from device.store.dns_answers import DnsAnswers
from device.store.errors import StoreError


def test_an_answer_outlives_the_process(tmp_path: Path) -> None:
    path = str(tmp_path / "phone.db")
    with open_database(path) as database:
        DnsAnswers(database).put("a.example", 1, "192.0.2.1")
        DnsAnswers(database).put("a.example", 28, "2001:db8::1")
        DnsAnswers(database).put("a.example", 1, "192.0.2.2")
    with open_database(path) as database:
        answers = DnsAnswers(database)
        assert answers.get("a.example", 1) == "192.0.2.2"
        assert answers.get("a.example", 28) == "2001:db8::1"
        assert answers.get("a.example", 33) is None
        assert answers.get("b.example", 1) is None


def test_the_answers_written_longest_ago_are_pruned(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "phone.db")) as database:
        answers = DnsAnswers(database, rows_kept=3)
        for name in ("a", "b", "c", "a", "d"):
            answers.put(name, 1, "192.0.2.1")
        assert [name for name in "abcd" if answers.get(name, 1)] == ["a", "c", "d"]


def test_trouble_with_the_store_is_told_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "device")

    def fail(*_: object) -> None:
        raise StoreError("no space left")

    with open_database(str(tmp_path / "phone.db")) as database:
        answers = DnsAnswers(database)
        monkeypatch.setattr(Database, "query", fail)
        monkeypatch.setattr(Database, "insert", fail)
        assert answers.get("a.example", 1) is None
        answers.put("a.example", 1, "192.0.2.1")
    assert "cannot be read: no space left" in caplog.text
    assert "a.example is kept in memory only: no space left" in caplog.text
