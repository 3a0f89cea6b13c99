"""The image on a card whose data partition is lost, or can only be read: the phone runs, and says so."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware_scripts.imaging.disk_image import make_layout
from tests.board.device_tree import find_tool
from tests.board.house import House
from tests.board.qemu_rig import QemuRig
from tests.support.processes import PATIENCE_S, wait_until

pytestmark = pytest.mark.qemu

DATA = make_layout().data
RO_FEATURES = slice(1024 + 0x64, 1024 + 0x68)
"""Where the superblock of ext4 has what a kernel must know to write, but not to read (s_feature_ro_compat)."""
UNKNOWN_FEATURE = 1 << 21


@pytest.fixture
def board(running_house) -> Iterator[House]:
    assert isinstance(running_house.rig, QemuRig)
    running_house.use("gpiod")
    yield running_house
    running_house.phone.begin_to_listen()
    running_house.rest()


@contextmanager
def damaged(house: House, spoil: Callable[[Path], None]) -> Iterator[None]:
    """The board started with a data partition that was spoilt; whole again afterwards."""
    rig = house.rig
    assert isinstance(rig, QemuRig)
    house.phone.client.close()
    rig.stop()
    disk = rig.board.disk
    with disk.open("rb") as file:
        file.seek(DATA.start)
        whole = file.read(DATA.size)
    partition = disk.with_name("data.img")
    partition.write_bytes(whole)
    spoil(partition)
    write_partition(house, partition.read_bytes())
    rig.start()
    wait_until("the phone to answer", house.answers, 6 * PATIENCE_S * rig.patience)
    try:
        yield
    finally:
        house.phone.client.close()
        rig.stop()
        write_partition(house, whole)
        rig.start()
        wait_until("the phone to answer", house.answers, 6 * PATIENCE_S * rig.patience)
        wait_until("the board to be registered", house.registered, 6 * PATIENCE_S * rig.patience)


def lose(partition: Path) -> None:
    partition.write_bytes(bytes(DATA.size))


def forbid_writing(partition: Path) -> None:
    features = int.from_bytes(partition.read_bytes()[RO_FEATURES], "little") | UNKNOWN_FEATURE
    words = [find_tool("debugfs"), "-w", "-R", f"set_super_value feature_ro_compat {features:#x}", str(partition)]
    subprocess.run(words, check=True, capture_output=True)


def write_partition(house: House, data: bytes) -> None:
    assert isinstance(house.rig, QemuRig)
    with house.rig.board.disk.open("r+b") as file:
        file.seek(DATA.start)
        file.write(data)


def notices(house: House) -> list[str]:
    status = house.rig.ask_json("status")
    found = status["notices"]
    assert isinstance(found, list)
    return found


def test_a_data_partition_that_is_lost_leaves_a_new_phone_that_says_so(board) -> None:
    with damaged(board, lose):
        (notice,) = notices(board)
        assert "nothing that is changed now is kept" in notice
        assert board.rig.ask_json("status")["accounts"] == []
        assert "settings are those of a new phone" in board.rig.agent.read_text("/run/offhook-image/notes")


def test_a_data_partition_that_can_only_be_read_leaves_a_phone_that_works(board) -> None:
    with damaged(board, forbid_writing):
        wait_until("the board to be registered", board.registered, 6 * PATIENCE_S * board.rig.patience)
        (notice,) = notices(board)
        assert "can only be read: what was stored is there" in notice
