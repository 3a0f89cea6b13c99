from pathlib import Path

import pytest

from device.daemon.exchange_ledger import MOST_WAITING, PAUSE_S, Ledger
from device.exchange.accounting import Accounted
from device.exchange_model import AccountingRecord, CallDetail
from device.store.accounting import Accounting, CallDetails
from device.store.database import Database, open_database
from device.store.errors import StoreError

RECORD = Accounted(AccountingRecord("BYE", "f", "t", "c", "200", "OK", 1_700_000_000))
CALL = Accounted(None, CallDetail("c", "f", "t", "a", "b", 1.0, "", 2.0, 3.0))


@pytest.fixture
def database(tmp_path: Path):
    with open_database(str(tmp_path / "x.db")) as database:
        yield database


def written(database: Database) -> tuple[int, int]:
    return len(Accounting(database).recent(999)), len(CallDetails(database).recent(999))


def test_records_wait_for_each_other_and_are_written_at_once(database: Database) -> None:
    statements: list[str] = []
    ledger = Ledger(database)
    assert ledger.next_timeout() is None
    ledger.add(RECORD, 10.0)
    ledger.add(CALL, 11.0)
    assert ledger.next_timeout() == 10.0 + PAUSE_S
    ledger.handle_timeout(11.9)
    assert written(database) == (0, 0)
    database._connection.set_trace_callback(statements.append)
    ledger.handle_timeout(12.0)
    assert statements.count("COMMIT") == 1
    assert (written(database), ledger.next_timeout()) == ((1, 1), None)


def test_many_do_not_wait(database: Database) -> None:
    ledger = Ledger(database)
    for _ in range(MOST_WAITING):
        ledger.add(RECORD, 10.0)
    ledger.handle_timeout(10.0)
    assert written(database)[0] == MOST_WAITING


def test_a_card_that_fails_loses_records_and_nothing_else(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the card is full")

    ledger = Ledger(database)
    ledger.add(RECORD, 10.0)
    with monkeypatch.context() as patch:
        patch.setattr(Accounting, "add", fail)
        ledger.write()
    assert "1 registration(s) and ends of calls are not accounted: the card is full" in caplog.text
    ledger.add(RECORD, 20.0)
    ledger.write()
    assert written(database) == (1, 0)
