"""A part is written whole, verified on the disk, and refused when it is not what its manifest says."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.upgrade.errors import UpgradeError
from device.upgrade.manifest import Part
from device.upgrade.partition_writer import SYNC_BYTES, write_part

DATA = bytes(range(256)) * 1000


def part(data: bytes = DATA, size: int | None = None) -> Part:
    return Part("root", len(data) if size is None else size, hashlib.sha256(data).hexdigest(), "none")


@pytest.fixture
def partition(tmp_path: Path) -> Path:
    path = tmp_path / "root_b"
    path.write_bytes(b"." * (len(DATA) + 1000))
    return path


def test_the_contents_and_nothing_else_are_written(partition: Path) -> None:
    told: list[int] = []
    write_part(str(partition), part(), [DATA[:70_000], DATA[70_000:]], told.append)
    assert partition.read_bytes() == DATA + b"." * 1000
    assert told == [len(DATA)]


def test_progress_is_told_as_it_reaches_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "root_b"
    pieces = [bytes(1 << 20)] * 20
    whole = b"".join(pieces)
    path.write_bytes(bytes(len(whole)))
    told: list[int] = []
    write_part(str(path), part(whole), pieces, told.append)
    assert told == [SYNC_BYTES, 2 * SYNC_BYTES, len(whole)]


def test_other_contents_are_refused(partition: Path) -> None:
    with pytest.raises(UpgradeError, match="not what its manifest says"):
        write_part(str(partition), part(), [DATA[:-1] + b"?"], lambda _: None)


def test_a_small_partition_is_refused_before_it_is_touched(partition: Path) -> None:
    before = partition.read_bytes()
    with pytest.raises(UpgradeError, match=r"its partition .* only"):
        write_part(str(partition), part(size=len(before) + 1), [DATA], lambda _: None)
    assert partition.read_bytes() == before


def test_a_disk_that_keeps_something_else_is_noticed(partition: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield DATA
        # By now the piece before is on the disk, which loses a byte of it.
        with partition.open("r+b") as disk:
            disk.seek(1234)
            disk.write(b"?")

    with pytest.raises(UpgradeError, match="read back otherwise"):
        write_part(str(partition), part(), pieces(), lambda _: None)


def test_a_missing_partition_is_told(tmp_path: Path) -> None:
    with pytest.raises(UpgradeError, match="cannot be opened"):
        write_part(str(tmp_path / "none"), part(), [DATA], lambda _: None)
