"""The upgrade file as a stream: its order, its packing, and what is damaged, too long or too short."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from device.annotations import Any
from device.upgrade.errors import UpgradeError
from device.upgrade.manifest import Part
from device.upgrade.upgrade_file import CHUNK_BYTES, UpgradeFile
from tests.upgrade.board import pack

KERNEL, ROOT = b"kernel" * 100_000, b"root" * 50_000


def opened(data: bytes) -> UpgradeFile:
    return UpgradeFile(io.BytesIO(data), "some.upgrade")


def part(name: str, size: int, packing: str) -> Part:
    return Part(name, size, "0" * 64, packing)


def test_the_parts_come_back_unpacked() -> None:
    file = opened(pack(b"{}", b"signature", gzip.compress(KERNEL), ROOT))
    assert file.read_manifest() == (b"{}", b"signature")
    assert b"".join(file.read_part(part("kernel", len(KERNEL), "gzip"))) == KERNEL
    assert b"".join(file.read_part(part("root", len(ROOT), "none"))) == ROOT


def test_what_swells_is_given_in_small_pieces() -> None:
    zeros = bytes(50 * CHUNK_BYTES)
    file = opened(pack(b"{}", b"", gzip.compress(zeros), b""))
    file.read_manifest()
    pieces = list(file.read_part(part("kernel", len(zeros), "gzip")))
    assert max(map(len, pieces)) <= CHUNK_BYTES
    assert sum(map(len, pieces)) == len(zeros)


@pytest.mark.parametrize(
    ("size", "said"), [(len(KERNEL) - 1, "longer than"), (len(KERNEL) + 1, "before the part kernel")]
)
@pytest.mark.parametrize("packing", ["gzip", "none"])
def test_a_part_of_another_length_is_refused(size: int, said: str, packing: str) -> None:
    file = opened(pack(b"{}", b"", gzip.compress(KERNEL) if packing == "gzip" else KERNEL, ROOT))
    file.read_manifest()
    with pytest.raises(UpgradeError, match=said):
        list(file.read_part(part("kernel", size, packing)))


def test_a_damaged_part_is_refused() -> None:
    packed = bytearray(gzip.compress(KERNEL))
    packed[100] ^= 0x40
    file = opened(pack(b"{}", b"", bytes(packed), ROOT))
    file.read_manifest()
    with pytest.raises(UpgradeError, match="kernel"):
        list(file.read_part(part("kernel", len(KERNEL), "gzip")))


def test_a_file_that_ends_too_soon_is_refused() -> None:
    whole = pack(b"{}", b"", gzip.compress(KERNEL), ROOT)
    file = opened(whole[: len(whole) - len(ROOT)])
    file.read_manifest()
    list(file.read_part(part("kernel", len(KERNEL), "gzip")))
    with pytest.raises(UpgradeError, match="ends"):
        list(file.read_part(part("root", len(ROOT), "none")))


@pytest.mark.parametrize("data", [b"", b"no tar at all", bytes(100_000)])
def test_what_is_no_upgrade_is_told(data: bytes) -> None:
    with pytest.raises(UpgradeError, match=r"no upgrade file|damaged"):
        opened(data).read_manifest()


def test_another_order_is_refused() -> None:
    with pytest.raises(UpgradeError, match=r"kernel should come next, 'offhook-upgrade.json' does"):
        list(opened(pack(b"{}", b"", b"", b"")).read_part(part("kernel", 1, "none")))


def test_a_manifest_without_end_is_refused() -> None:
    with pytest.raises(UpgradeError, match="too long"):
        opened(pack(bytes(100_000), b"", b"", b"")).read_manifest()


class Endless(io.RawIOBase):
    """One header that says how much follows it, and then as much as anybody will read."""

    def __init__(self, header: bytes) -> None:
        self._header = io.BytesIO(header)
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._header.read(len(buffer)) or bytes(len(buffer))
        buffer[: len(data)] = data
        self.taken += len(data)
        return len(data)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_nothing_of_what_is_not_signed_is_taken_into_memory(kind: bytes) -> None:
    entry = tarfile.TarInfo("offhook-upgrade.json")
    entry.type, entry.size = kind, 6 << 30
    stream = Endless(entry.tobuf(tarfile.USTAR_FORMAT))
    with pytest.raises(UpgradeError, match="should come next"):
        UpgradeFile(stream, "some.upgrade").read_manifest()
    assert stream.taken < 1 << 20


def test_a_header_whose_checksum_is_wrong_is_refused() -> None:
    data = bytearray(pack(b"{}", b"", gzip.compress(KERNEL), ROOT))
    data[5] ^= 1
    with pytest.raises(UpgradeError, match=r"no upgrade file"):
        opened(bytes(data)).read_manifest()


@pytest.mark.parametrize("size", [b"77777777777x", b"\xff" * 12, b"            "])
def test_a_length_that_is_none_is_refused(size: bytes) -> None:
    data = bytearray(pack(b"{}", b"", b"", b""))
    data[124:136] = size
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    with pytest.raises(UpgradeError, match=r"damaged|no upgrade file"):
        opened(bytes(data)).read_manifest()


def test_a_real_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "some.upgrade"
    path.write_bytes(pack(b"{}", b"s", gzip.compress(KERNEL), ROOT))
    with path.open("rb") as stream:
        assert UpgradeFile(stream, "some.upgrade").read_manifest() == (b"{}", b"s")
