"""The search for the canary finds it wherever it may be planted."""

import base64
import gzip
import io
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canary import CANARY, search, tells

TEXT = f"the password is {CANARY}, do not tell".encode()


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that is gone before the search at the end of the run."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def tar(data: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo("log.txt")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def zipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("log.txt", data)
    return packed.getvalue()


@pytest.mark.parametrize(
    "planted",
    [
        TEXT,
        b"\xff\x00" * 999 + TEXT,
        TEXT.decode().encode("utf-16-le"),
        TEXT.hex().encode(),
        TEXT.hex().upper().encode(),
        gzip.compress(TEXT),
        tar(TEXT),
        zipped(TEXT),
        gzip.compress(gzip.compress(TEXT)),
        *(base64.b64encode(b"x" * before + TEXT) for before in range(3)),
        base64.b64encode(f"1001:{CANARY}".encode()),
    ],
)
def test_wherever_it_is_planted_it_is_found(planted: bytes, folder: Path) -> None:
    assert tells(planted)
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "phone.log").write_bytes(planted)
    assert search(folder) == [folder / "deep" / "er" / "phone.log"]


def test_what_is_clean_is_clean(folder: Path) -> None:
    (folder / "phone.log").write_bytes(TEXT.replace(CANARY.encode(), b"***"))
    (folder / "no.zip").write_bytes(b"PK1")
    (folder / "half.gz").write_bytes(gzip.compress(TEXT)[:20])
    assert search(folder) == []


def test_files_that_are_meant_to_keep_it_are_left_out_and_no_others(folder: Path) -> None:
    for name in ("phone.db", "phone.db-wal", "phone.toml", "phone.db.log", "toml"):
        (folder / name).write_bytes(TEXT)
    assert [path.name for path in search(folder)] == ["phone.db.log", "toml"]
