"""The same content gives the same bytes, whoever packed it, and pip still accepts the wheel."""

import stat
import zipfile
from pathlib import Path

from firmware_scripts.cross.wheel_file import compiled_parts, normalise

RECORD = "a-1.dist-info/RECORD"
CONTENT = {
    "b.py": b"B = 1\n",
    "a-1.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
    RECORD: b"b.py,sha256=x,6\na.so,,\n",
    "a.cpython-313-aarch64-linux-gnu.so": b"\x7fELF",
    "a-1.data/scripts/run": b"#!python\n",
}


def packed(path: Path, names: list[str], date: tuple[int, int, int, int, int, int], mode: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, date)
            entry.external_attr = (stat.S_IFREG | (0o755 if name.endswith("run") else mode)) << 16
            data = CONTENT[name]
            archive.writestr(
                entry, b"".join(sorted(data.splitlines(True), reverse=mode == 0o600)) if name == RECORD else data
            )
        archive.mkdir("empty") if hasattr(archive, "mkdir") else None
    return path


def test_order_times_modes_and_compression_of_the_packer_leave_no_trace(tmp_path: Path) -> None:
    first = packed(tmp_path / "1.whl", list(CONTENT), (2024, 5, 6, 7, 8, 10), 0o644)
    second = packed(tmp_path / "2.whl", list(reversed(CONTENT)), (1999, 1, 1, 0, 0, 0), 0o600)
    assert first.read_bytes() != second.read_bytes()
    normalise(first, tmp_path / "1n.whl")
    normalise(second, tmp_path / "2n.whl")
    assert (tmp_path / "1n.whl").read_bytes() == (tmp_path / "2n.whl").read_bytes()


def test_what_is_in_it_is_as_it_was(tmp_path: Path) -> None:
    normalise(packed(tmp_path / "1.whl", list(CONTENT), (2024, 5, 6, 7, 8, 10), 0o644), tmp_path / "n.whl")
    with zipfile.ZipFile(tmp_path / "n.whl") as archive:
        assert {name: archive.read(name) for name in archive.namelist() if name != RECORD} == {
            name: data for name, data in CONTENT.items() if name != RECORD
        }
        assert sorted(archive.read(RECORD).splitlines()) == sorted(CONTENT[RECORD].splitlines())
        assert archive.namelist()[-1] == "a-1.dist-info/WHEEL"
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert modes["a-1.data/scripts/run"] == 0o755
    assert modes["b.py"] == 0o644


def test_the_parts_of_machine_code_are_found(tmp_path: Path) -> None:
    wheel = packed(tmp_path / "1.whl", list(CONTENT), (2024, 5, 6, 7, 8, 10), 0o644)
    assert compiled_parts(wheel) == ["a.cpython-313-aarch64-linux-gnu.so"]
