"""The record that the boot loader and the phone share: its bytes, its two copies, what a power cut leaves."""

import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.upgrade.errors import SlotStateError
from device.upgrade.slot_state import (
    COPY_DISTANCE_BYTES,
    COPY_OFFSETS,
    KINDS,
    RECORD_BYTES,
    SlotState,
    SlotStateFile,
    decode,
    encode,
    other_slot,
)

states = st.builds(
    SlotState,
    slot=st.sampled_from("ab"),
    a=st.sampled_from(KINDS),
    b=st.sampled_from(KINDS),
    tries=st.integers(0, 9),
    sequence=st.integers(1, 2**32 - 1),
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    place = tmp_path / "state"
    place.write_bytes(bytes(COPY_DISTANCE_BYTES + RECORD_BYTES))
    return str(place)


def spoil(path: str, copy: int) -> None:
    with open(path, "r+b") as file:
        file.seek(COPY_OFFSETS[copy] + 100)
        file.write(b"\xff")


@given(states)
def test_a_record_reads_back_as_it_was_written(state: SlotState) -> None:
    assert decode(encode(state)) == state
    assert len(encode(state)) == RECORD_BYTES


def test_the_record_is_an_environment_of_u_boot() -> None:
    # `env export -c -s 200`: CRC-32 of what follows, little endian, then NAME=VALUE with zeros.
    record = encode(SlotState("b", "good", "trial", 3, 0x1A))
    assert record[4:].startswith(b"oh_a=good\0oh_b=trial\0oh_seq=1a\0oh_slot=b\0oh_tries=3\0\0")


def test_the_order_that_u_boot_writes_is_read_too() -> None:
    body = b"oh_seq=2\0oh_slot=a\0oh_a=good\0oh_b=bad\0oh_tries=0\0\0".ljust(RECORD_BYTES - 4, b"\0")
    assert decode(zlib.crc32(body).to_bytes(4, "little") + body) == SlotState("a", "good", "bad", 0, 2)


@given(states, st.integers(0, RECORD_BYTES - 1), st.integers(1, 255))
def test_no_damaged_byte_goes_unnoticed(state: SlotState, place: int, change: int) -> None:
    record = bytearray(encode(state))
    record[place] ^= change
    with pytest.raises(SlotStateError):
        decode(bytes(record))


@pytest.mark.parametrize("fields", [b"oh_a=good\0", b"oh_seq=1\0oh_slot=c\0oh_a=good\0oh_b=good\0oh_tries=0\0"])
def test_a_record_without_sense_is_refused(fields: bytes) -> None:
    body = fields.ljust(RECORD_BYTES - 4, b"\0")
    with pytest.raises(SlotStateError, match="no sense"):
        decode(zlib.crc32(body).to_bytes(4, "little") + body)


def test_the_newer_copy_counts_and_the_other_one_is_written(path: str) -> None:
    file = SlotStateFile(path)
    first = file.write(SlotState())
    second = file.write(SlotState(slot="b", b="trial", tries=3))
    assert file.read() == second
    spoil(path, 1 if decode(Path(path).read_bytes()[:RECORD_BYTES]) == first else 0)
    assert file.read() == first


@pytest.mark.parametrize("cut", [1, 4, 20, 40, 50])
def test_a_write_that_is_cut_off_leaves_the_old_state(path: str, cut: int) -> None:
    file = SlotStateFile(path)
    file.write(SlotState())
    before = file.write(SlotState(slot="b", b="good"))
    # The copy that the next write goes to, half written.
    oldest = min(
        COPY_OFFSETS, key=lambda offset: decode(Path(path).read_bytes()[offset : offset + RECORD_BYTES]).sequence
    )
    with open(path, "r+b") as partition:
        partition.seek(oldest)
        partition.write(encode(SlotState("b", "bad", "trial", 3, before.sequence + 1))[:cut])
    assert file.read() == before
    after = file.write(SlotState(slot="a"))
    assert file.read() == after
    assert after.sequence == before.sequence + 1


def test_two_damaged_copies_say_what_to_do(path: str) -> None:
    with pytest.raises(SlotStateError, match="offhook upgrade repair"):
        SlotStateFile(path).read()


def test_a_partition_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SlotStateError, match="cannot be read"):
        SlotStateFile(str(tmp_path / "none")).read()
    with pytest.raises(SlotStateError, match="cannot be read"):
        SlotStateFile(str(tmp_path / "none")).write(SlotState())


def test_a_partition_that_cannot_be_written_is_told() -> None:
    with pytest.raises(SlotStateError, match=r"read back otherwise|cannot be written"):
        SlotStateFile("/dev/full" if os.path.exists("/dev/full") else "/dev/null").write(SlotState())


def test_the_other_slot() -> None:
    assert [other_slot(slot) for slot in "ab"] == ["b", "a"]
