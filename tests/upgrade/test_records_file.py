"""What is remembered of an upgrade across the restart."""

import json
from pathlib import Path

from device.upgrade.records_file import FinishedUpgrade, PendingUpgrade, UpgradeRecords
from tests.upgrade.board import make_system

PENDING = PendingUpgrade("b", "1.0", "2.0", ["office"])


def test_nothing_is_remembered_at_first(tmp_path: Path) -> None:
    records = UpgradeRecords(make_system(tmp_path))
    assert records.pending() is None
    assert records.last() is None


def test_a_pending_upgrade_is_remembered(tmp_path: Path) -> None:
    system = make_system(tmp_path)
    UpgradeRecords(system).begin(PENDING)
    assert UpgradeRecords(system).pending() == PENDING


def test_a_rollback_leaves_a_notice_until_an_upgrade_holds(tmp_path: Path) -> None:
    records = UpgradeRecords(make_system(tmp_path))
    records.begin(PENDING)
    records.finish(FinishedUpgrade("rolled-back", "1.0", "2.0", "not registered in time: office"))
    notice = tmp_path / "data/upgrade/notice"
    assert notice.read_text() == "the upgrade to 2.0 was rolled back to 1.0: not registered in time: office\n"
    assert records.pending() is None
    records.begin(PENDING)
    records.finish(FinishedUpgrade("good", "1.0", "2.0", "ready"))
    assert not notice.exists()
    last = records.last()
    assert last is not None
    assert last.outcome == "good"


def test_a_damaged_record_is_none(tmp_path: Path) -> None:
    records = UpgradeRecords(make_system(tmp_path))
    records.begin(PENDING)
    for text in ("", "[]", "{", "\0\0\0"):
        (tmp_path / "data/upgrade/pending.json").write_text(text)
        assert records.pending() is None


def test_what_a_newer_version_adds_to_a_record_keeps_no_older_one_from_reading_it(tmp_path: Path) -> None:
    records = UpgradeRecords(make_system(tmp_path))
    records.begin(PENDING)
    path = tmp_path / "data/upgrade/pending.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"of_version_3": 1}))
    assert records.pending() == PENDING
    path.write_text('{"slot": "b"}')
    assert records.pending() is None
