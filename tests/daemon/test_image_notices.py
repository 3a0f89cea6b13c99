"""What the image tells in `status`."""

from pathlib import Path

from device.daemon.image_notices import image_notices
from device.upgrade.records_file import FinishedUpgrade, UpgradeRecords
from tests.upgrade.board import make_system


def test_a_system_that_is_no_image_has_nothing_to_tell(tmp_path: Path) -> None:
    assert image_notices(str(tmp_path)) == []


def test_an_upgrade_that_was_rolled_back_is_told_until_one_holds(tmp_path: Path) -> None:
    records = UpgradeRecords(make_system(tmp_path))
    records.finish(FinishedUpgrade("rolled-back", "1.0", "2.0", "not registered in time: office"))
    assert image_notices(str(tmp_path)) == [
        "the upgrade to 2.0 was rolled back to 1.0: not registered in time: office",
    ]
    records.finish(FinishedUpgrade("good", "1.0", "2.1", "ready"))
    assert image_notices(str(tmp_path)) == []


def test_a_lost_data_partition_is_told(tmp_path: Path) -> None:
    make_system(tmp_path)
    (tmp_path / "run/offhook-image/data-lost").touch()
    assert "nothing that is changed now is kept" in image_notices(str(tmp_path))[0]
    (tmp_path / "run/offhook-image/data-lost").write_text("readable\n")
    assert "can only be read: what was stored is there" in image_notices(str(tmp_path))[0]
