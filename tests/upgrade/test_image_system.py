"""What the running image says of itself, and what is told where there is none."""

from pathlib import Path

import pytest

from device.upgrade.errors import UpgradeError
from device.upgrade.image_system import find_image
from tests.upgrade.board import make_system


def test_the_layout_names_slots_and_partitions(tmp_path: Path) -> None:
    system = make_system(tmp_path, slot="b", version="1.5")
    assert (system.slot, system.target_slot, system.version, system.board) == ("b", "a", "1.5", "virt")
    assert system.partition("root", "a") == f"{tmp_path}/dev/root_a"
    assert system.state_path == f"{tmp_path}/dev/state"


def test_a_system_that_is_no_image_is_told_what_to_do_instead(tmp_path: Path) -> None:
    with pytest.raises(UpgradeError, match=r"install-system / && sudo systemctl restart offhook"):
        find_image(str(tmp_path))


@pytest.mark.parametrize(("old", "new"), [("slot=a", "slot=c"), ("root_b=", "somewhere="), ("slot=a\n", "")])
def test_a_damaged_layout_is_not_used(tmp_path: Path, old: str, new: str) -> None:
    make_system(tmp_path)
    layout = tmp_path / "run/offhook-image/layout"
    layout.write_text(layout.read_text().replace(old, new))
    with pytest.raises(UpgradeError, match="start the board anew"):
        find_image(str(tmp_path))


def test_a_damaged_description_is_not_used(tmp_path: Path) -> None:
    make_system(tmp_path)
    (tmp_path / "usr/lib/offhook/image.json").write_text("{")
    with pytest.raises(UpgradeError, match="damaged"):
        find_image(str(tmp_path))
