import pytest

from device.exchange_model import StoredText
from device.records import replace
from device.store import texts as module
from device.store.database import Database
from device.store.errors import StoreError
from device.store.texts import Texts

TEXT = StoredText("1002", '"A" <sip:1001@pbx>', "text/plain", b"\x00\xffhello", 100.0, 200.5)


def test_kept_in_order_and_taken_away(database: Database) -> None:
    texts = Texts(database, "pbx")
    first, second = texts.add(TEXT), texts.add(replace(TEXT, body=b"two"))
    texts.add(replace(TEXT, user="1003"))
    assert [one.body for one in texts.of("1002", 150.0)] == [b"\x00\xffhello", b"two"]
    assert texts.of("1002", 150.0)[0] == replace(TEXT, expires_at=201, number=first)
    assert texts.counts(150.0) == {"1002": 2, "1003": 1}
    texts.remove(first)
    texts.remove(first)
    assert [one.number for one in texts.of("1002", 150.0)] == [second]
    assert Texts(database, "other").of("1002", 150.0) == []


def test_what_is_over_is_not_given_and_makes_room(database: Database) -> None:
    texts = Texts(database, "pbx")
    texts.add(TEXT)
    assert texts.of("1002", 201.0) == []
    texts.add(replace(TEXT, stored_at=300.0, expires_at=400.0))
    assert database.query("SELECT count(*) FROM silo") == [(1,)]


def test_the_whole_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_KEPT", 2)
    texts = Texts(database, "pbx")
    texts.add(TEXT)
    texts.add(TEXT)
    with pytest.raises(StoreError, match="2 texts wait already"):
        texts.add(TEXT)
