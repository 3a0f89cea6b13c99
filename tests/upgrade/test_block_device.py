"""Bytes to a disk and back, on files."""

import hashlib
import os

import pytest

from device.upgrade import block_device
from device.upgrade.block_device import digest_on_disk, write_at


@pytest.fixture
def descriptor(tmp_path):
    descriptor = os.open(tmp_path / "disk", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def test_all_is_written_although_the_kernel_takes_it_in_pieces(descriptor, monkeypatch):
    whole = os.pwrite
    monkeypatch.setattr(block_device.os, "pwrite", lambda fd, data, at: whole(fd, bytes(data[:3]), at))
    write_at(descriptor, b"telephone", 2)
    assert os.pread(descriptor, 20, 0) == b"\0\0telephone"


def test_digest_is_that_of_the_first_bytes_and_tells_how_far_it_is(descriptor, monkeypatch):
    monkeypatch.setattr(block_device, "CHUNK_BYTES", 4)
    write_at(descriptor, b"telephone", 0)
    told = []
    assert digest_on_disk(descriptor, 6, told.append) == hashlib.sha256(b"teleph").hexdigest()
    assert told == [4, 6]


def test_a_disk_that_ends_early_gives_the_digest_of_what_it_has(descriptor):
    write_at(descriptor, b"bell", 0)
    assert digest_on_disk(descriptor, 100, lambda _read: None) == hashlib.sha256(b"bell").hexdigest()
