from pathlib import Path

import pytest

from device.exchange_model import AccountingRecord, CallDetail
from device.records import replace
from device.store.accounting import Accounting, CallDetails
from device.store.database import Database, open_database

AT = 1_700_000_000
RECORD = AccountingRecord("INVITE", "f1", "t1", "call-1", "200", "OK", AT, 2500, 1, "1001", "1002", "192.0.2.1")
CALL = CallDetail("call-1", "f1", "t1", "sip:1001@pbx", "sip:1002@pbx", AT - 2.5, "sip:1002@192.0.2.2", float(AT))


def test_records_come_back_newest_first(database: Database) -> None:
    accounting = Accounting(database)
    for number in range(4):
        accounting.add(replace(RECORD, callid=f"call-{number}"))
    assert accounting.recent(2) == [replace(RECORD, callid="call-3"), replace(RECORD, callid="call-2")]
    assert database.query("SELECT DISTINCT duration, ms_duration FROM acc") == [(3, 2500)]


def test_calls_do_not_make_room_for_registrations(database: Database) -> None:
    accounting = Accounting(database, rows_kept=10)
    for number in range(20):
        accounting.add(replace(RECORD, callid=f"call-{number}"))
    for number in range(200):
        accounting.add(replace(RECORD, method="REGISTER", callid=f"register-{number}"))
    assert [one.callid for one in accounting.recent(99, registrations=False)] == [
        f"call-{number}" for number in range(19, 9, -1)
    ]
    registrations = [one.callid for one in accounting.recent(99, registrations=True)]
    assert (registrations[0], len(registrations)) == ("register-199", 10)


def test_a_call_is_one_row_from_answer_to_end(database: Database) -> None:
    details = CallDetails(database)
    details.put(CALL)
    assert (details.open_calls(), details.recent()) == ([CALL], [])
    ended = replace(CALL, ended_at=AT + 60.0, cause="ended normally", ended_by="callee", sip_code=200)
    details.put(ended)
    assert (details.open_calls(), details.recent()) == ([], [ended])
    assert ended.duration_s == 60.0


@pytest.mark.parametrize("change", [{"answered_at": 0.0}, {"ended_at": 0.0}, {"ended_at": AT - 1.0}])
def test_who_never_talked_talked_for_no_time(change: dict[str, float]) -> None:
    assert replace(CALL, **{"ended_at": AT + 60.0, **change}).duration_s == 0.0


def test_open_calls_outlive_a_power_cut(path: Path) -> None:
    with open_database(str(path)) as database:
        CallDetails(database).put(CALL)
    with open_database(str(path)) as database:
        assert CallDetails(database).open_calls() == [CALL]


def test_old_calls_are_pruned_and_open_ones_stay(database: Database) -> None:
    details = CallDetails(database, calls_kept=10)
    details.put(CALL)
    for number in range(60):
        details.put(replace(CALL, call_id=f"c{number}", ended_at=AT + 1.0))
    assert details.open_calls() == [CALL]
    assert 10 <= len(details.recent(999)) < 20
    assert details.recent(1)[0].call_id == "c59"
