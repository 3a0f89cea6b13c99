from pathlib import Path

from device.media.call_quality import Sampled, summarize
from device.media.stream_parameters import StreamReport
from device.model import CallRecord
from device.records import replace
from device.store.call_log import CallLog
from device.store.database import Database, open_database
from tests.media.test_voip_metrics import HEARD

CALL = CallRecord("in", "sip:1002@pbx", "Anna", "office", 1_700_000_000.25, 1_700_000_003.5, 1_700_000_060, "busy")


def test_a_call_survives_a_restart(path: Path) -> None:
    with open_database(str(path)) as database:
        assert CallLog(database).add(CALL) == 1
    with open_database(str(path)) as database:
        assert CallLog(database).recent() == [replace(CALL, id=1)]


def test_the_newest_comes_first_and_no_more_than_asked(database: Database) -> None:
    log = CallLog(database)
    for number in range(5):
        log.add(replace(CALL, remote=f"sip:{number}@pbx"))
    assert [call.remote for call in log.recent(2)] == ["sip:4@pbx", "sip:3@pbx"]
    assert log.recent(0) == log.recent(-1) == []


def test_the_oldest_are_pruned(database: Database) -> None:
    log = CallLog(database, rows_kept=3)
    for number in range(10):
        log.add(replace(CALL, remote=f"sip:{number}@pbx"))
    assert [call.remote for call in log.recent(100)] == ["sip:9@pbx", "sip:8@pbx", "sip:7@pbx"]


def test_clearing_forgets_every_call(database: Database) -> None:
    log = CallLog(database)
    log.add(CALL)
    log.add(CALL)
    assert log.clear() == 2
    assert log.recent() == []


def test_calls_of_a_board_without_a_clock_get_their_time_when_it_is_set(path: Path) -> None:
    early = replace(CALL, started_at=100.0, answered_at=0.0, ended_at=130.0)
    with open_database(str(path)) as database:
        CallLog(database).add(early)
    with open_database(str(path)) as database:
        log = CallLog(database)
        assert log.clock_set(1_700_000_000.0) == 0
        log.add(replace(early, remote="sip:missed@pbx"))
        log.add(replace(early, remote="sip:talked@pbx", answered_at=110.0))
        log.add(replace(CALL, remote="sip:late@pbx"))
        assert log.clock_set(1_700_000_000.0) == 2
        late, talked, missed, of_the_run_before = log.recent()
        assert late.started_at == CALL.started_at
        assert (talked.started_at, talked.answered_at, talked.ended_at) == (1_700_000_100, 1_700_000_110, 1_700_000_130)
        assert (missed.started_at, missed.answered_at, missed.ended_at) == (1_700_000_100, 0, 1_700_000_130)
        assert of_the_run_before.started_at == 100


def test_a_clock_that_is_set_among_right_times_changes_no_call(database: Database) -> None:
    log = CallLog(database)
    log.add(CALL)
    assert log.clock_set(3600.0) == log.clock_set(-3600.0) == 0
    assert log.recent()[0].started_at == CALL.started_at


QUALITY = summarize(
    replace(HEARD, remote_lost=4, remote_jitter_ms=2.5), Sampled(2, 6.0, 4.0), Sampled(), Sampled(), (3, 4)
)


def test_how_a_call_sounded_survives_a_restart(path: Path) -> None:
    with open_database(str(path)) as database:
        log = CallLog(database)
        log.add(CALL)
        row = log.add(CALL)
        log.keep_quality(row, QUALITY)
    with open_database(str(path)) as database:
        log = CallLog(database)
        assert log.quality(row) == QUALITY
        assert log.quality(row - 1) is None
        last, before = log.recent()
        assert (last.mos, last.loss_percent) == (QUALITY.mos_listening, 5.0)
        assert (before.mos, before.loss_percent) == (None, None)
        assert log.nth_last(1) == last
        assert log.nth_last(2) == before
        assert log.nth_last(3) is log.nth_last(0) is None


def test_the_quality_goes_with_its_call(database: Database) -> None:
    log = CallLog(database, rows_kept=2)
    rows = [log.add(CALL) for _ in range(2)]
    for row in rows:
        log.keep_quality(row, QUALITY)
    log.add(CALL)
    assert [log.quality(row) is None for row in rows] == [True, False]
    log.clear()
    assert database.query("SELECT count(*) FROM call_quality") == [(0,)]


def test_a_call_that_has_been_pruned_gets_no_quality(database: Database) -> None:
    CallLog(database).keep_quality(77, QUALITY)
    assert database.query("SELECT count(*) FROM call_quality") == [(0,)]


def test_a_call_in_which_nothing_was_heard_has_no_score(database: Database) -> None:
    log = CallLog(database)
    row = log.add(CALL)
    silent = summarize(StreamReport("PCMA", ""), Sampled(), Sampled(), Sampled(), (0, 0))
    log.keep_quality(row, silent)
    assert log.quality(row) == silent
    assert (log.recent()[0].mos, log.recent()[0].loss_percent) == (None, None)
