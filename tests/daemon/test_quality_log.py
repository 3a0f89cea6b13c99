"""How calls sounded, on its way from the audio thread to the call log."""

from pathlib import Path

import pytest

from device.audio.reports import AudioCounters
from device.daemon.quality_log import LINES_KEPT, QualityLog
from device.media.stream_parameters import StreamReport
from device.model import CallId
from device.records import replace
from device.store.call_log import CallLog
from device.store.database import Database, open_database
from tests.media.test_voip_metrics import HEARD
from tests.store.test_call_log import CALL

CALL_ID = CallId("in-1")


class Desk:
    """A quality log on a real store, and the counters of an audio thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.call_log = CallLog(database)
        self.counters = AudioCounters()
        self.quality = QualityLog(self.call_log, lambda: self.counters)

    def drop(self) -> None:
        """A store that has lost the table."""
        with self._database.transaction():
            self._database.execute("DROP TABLE call_quality")

    def talk(self, call_id: CallId = CALL_ID, seconds: int = 3) -> StreamReport:
        report = replace(HEARD, packets_received=1)
        for number in range(seconds):
            self.quality.progressed(call_id, replace(report, jitter_ms=float(number)))
        return report


@pytest.fixture
def desk(tmp_path: Path):
    with open_database(str(tmp_path / "store.db")) as database:
        yield Desk(database)


@pytest.mark.parametrize("logged_first", [True, False])
def test_the_row_and_the_figures_may_come_in_either_order(desk: Desk, logged_first: bool) -> None:
    report, row = desk.talk(), desk.call_log.add(CALL)
    desk.counters = AudioCounters(capture_xruns=2, playback_xruns=1)
    if logged_first:
        desk.quality.logged(CALL_ID, row)
    told = desk.quality.ended(CALL_ID, report)
    if not logged_first:
        desk.quality.logged(CALL_ID, row)
    assert told is not None
    assert desk.call_log.quality(row) == told
    assert (told.jitter_mean_ms, told.jitter_max_ms) == (1.0, 2.0)
    assert (told.capture_xruns, told.playback_xruns) == (2, 1)
    (record,) = desk.call_log.recent()
    assert (record.mos, record.loss_percent) == (told.mos_listening, 5.0)
    line = desk.quality.line_of(row)
    assert line is not None
    assert len(line) == 3


def test_a_call_of_now(desk: Desk) -> None:
    assert desk.quality.now(CALL_ID) == (None, None)
    desk.talk()
    quality, line = desk.quality.now(CALL_ID)
    assert quality is not None
    assert quality.missing == 50
    assert line is not None
    desk.quality.ended(CALL_ID, None)
    assert desk.quality.now(CALL_ID) == (None, None)


def test_a_call_without_a_single_figure_has_no_quality(desk: Desk) -> None:
    row = desk.call_log.add(CALL)
    assert desk.quality.ended(CALL_ID, None) is None
    desk.quality.logged(CALL_ID, row)
    assert desk.call_log.quality(row) is None


def test_sound_that_was_given_up_is_told_by_its_last_second(desk: Desk) -> None:
    desk.talk()
    quality = desk.quality.ended(CALL_ID, None)
    assert quality is not None
    assert quality.missing == 50


def test_time_lines_that_are_kept_are_bounded(desk: Desk) -> None:
    rows = []
    for number in range(3 * LINES_KEPT):
        call_id = CallId(f"in-{number}")
        rows.append(desk.call_log.add(CALL))
        desk.quality.ended(call_id, desk.talk(call_id))
        desk.quality.logged(call_id, rows[-1])
    kept = [row for row in rows if desk.quality.line_of(row) is not None]
    assert kept == rows[-LINES_KEPT:]
    assert all(desk.call_log.quality(row) is not None for row in rows)


def test_calls_that_never_meet_their_other_half_are_forgotten(desk: Desk) -> None:
    for number in range(3 * LINES_KEPT):
        desk.quality.logged(CallId(f"unheard-{number}"), number)
        desk.quality.ended(CallId(f"unlogged-{number}"), HEARD)
    assert len(desk.quality._rows) <= LINES_KEPT
    assert len(desk.quality._ended) <= LINES_KEPT


def test_a_store_that_cannot_be_written_is_told_in_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.drop()
    desk.quality.logged(CALL_ID, 1)
    assert desk.quality.ended(CALL_ID, HEARD) is not None
    assert "how a call sounded could not be put in the call log" in caplog.text
