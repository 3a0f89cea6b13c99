"""A power cut keeps what was flushed and anything of the rest."""

import random
from pathlib import Path

import pytest

from tests.board.write_log import ENTRY, MAGIC, PAGE_BYTES, SUPERBLOCK, EntryFlag, Write, play_back, read_log, survivors

SECTOR = 512


def log_of(path: Path, *entries: tuple[int, bytes, int], tail: bytes = b"") -> Path:
    """A log of (sector, data, flags)."""
    parts = [SUPERBLOCK.pack(MAGIC, 1, len(entries), SECTOR).ljust(SECTOR, b"\0")]
    for sector, data, flags in entries:
        parts.append(ENTRY.pack(sector, len(data) // SECTOR, flags, 0).ljust(SECTOR, b"\0") + data)
    path.write_bytes(b"".join(parts) + tail)
    return path


def block(letter: str, sectors: int = 1) -> bytes:
    return letter.encode() * SECTOR * sectors


FLUSH = (0, b"", EntryFlag.FLUSH)


def test_a_flush_secures_what_was_written_before_it(tmp_path) -> None:
    log = read_log(log_of(tmp_path / "log", (1, block("a"), 0), (2, block("b"), 0), FLUSH, (3, block("c"), 0)))
    assert log.secured == [Write(SECTOR, block("a")), Write(2 * SECTOR, block("b"))]
    assert log.loose == [Write(3 * SECTOR, block("c"))]


def test_a_write_that_forces_itself_out_is_secure_alone(tmp_path) -> None:
    log = read_log(log_of(tmp_path / "log", (1, block("a"), 0), (2, block("b"), EntryFlag.FUA)))
    assert [write.data for write in log.secured] == [block("b")]
    assert [write.data for write in log.loose] == [block("a")]


@pytest.mark.parametrize(
    "tail", [b"", bytes(4 * SECTOR), ENTRY.pack(9, 8, 0, 0).ljust(SECTOR, b"\0") + b"z" * 100, b"\xff" * SECTOR]
)
def test_a_log_that_a_kill_cut_off_is_read_as_far_as_it_goes(tmp_path, tail) -> None:
    log = read_log(log_of(tmp_path / "log", (1, block("a"), 0), FLUSH, tail=tail))
    assert log == ([Write(SECTOR, block("a"))], [])


def test_the_power_may_have_gone_at_any_length_of_the_log(tmp_path) -> None:
    path = log_of(tmp_path / "log", (1, block("a"), 0), FLUSH, (2, block("b"), 0), (3, block("c"), 0), FLUSH)
    a, b, c = (Write(number * SECTOR, block(letter)) for number, letter in enumerate("abc", 1))
    # The superblock, then an entry of one sector for each write with its data behind it, and one for each flush.
    assert read_log(path, 2 * SECTOR) == ([], [])
    assert read_log(path, 3 * SECTOR) == ([], [a])
    assert read_log(path, 4 * SECTOR) == ([a], [])
    assert read_log(path, 7 * SECTOR) == ([a], [b])
    assert read_log(path, 8 * SECTOR) == ([a], [b, c])
    assert read_log(path) == ([a, b, c], [])


def test_an_empty_log_holds_nothing(tmp_path) -> None:
    (tmp_path / "log").write_bytes(b"")
    assert read_log(tmp_path / "log") == ([], [])


def test_after_an_orderly_end_the_disk_has_everything(tmp_path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(block("-", 4))
    log = log_of(tmp_path / "log", (1, block("a"), 0), FLUSH, (1, block("b"), 0), (3, block("c"), 0))
    assert play_back(log, disk) == (1, 2)
    assert disk.read_bytes() == block("-") + block("b") + block("-") + block("c")


def test_after_a_power_cut_the_disk_has_at_least_what_was_flushed(tmp_path) -> None:
    seen = set()
    for seed in range(64):
        disk = tmp_path / "disk"
        disk.write_bytes(block("-", 4))
        log = log_of(tmp_path / "log", (0, block("a"), 0), FLUSH, (1, block("b"), 0), (2, block("c"), 0))
        play_back(log, disk, random.Random(seed))
        content = disk.read_bytes()
        assert content[:SECTOR] == block("a")
        seen.add(content[SECTOR::SECTOR].decode())
    assert seen == {"---", "b--", "-c-", "bc-"}, "unsecured writes are lost each by itself"


def test_long_writes_are_torn_between_pages() -> None:
    whole = Write(0, b"x" * (4 * PAGE_BYTES))
    lengths = {len(write.data) for seed in range(200) for write in survivors([whole], random.Random(seed))}
    assert lengths == {PAGE_BYTES, 2 * PAGE_BYTES, 3 * PAGE_BYTES, 4 * PAGE_BYTES}


def test_the_same_seed_tells_the_same_story(tmp_path) -> None:
    writes = [Write(at, b"x" * PAGE_BYTES) for at in range(20)]
    assert list(survivors(writes, random.Random(7))) == list(survivors(writes, random.Random(7)))
