"""Wheels whose bytes depend on nothing but what is in them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

EPOCH = 315532800
"""The time of every file, 1980-01-01 in seconds since 1970: the earliest that a zip archive can hold."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_PLAIN, _PROGRAM = 0o100644 << 16, 0o100755 << 16
_UNIX = 3


def normalise(wheel: Path, target: Path) -> None:
    """Write a wheel anew: files in the order of their names, without times, owners and the habits of who packed it."""
    with zipfile.ZipFile(wheel) as source:
        entries = {entry.filename: (entry, source.read(entry)) for entry in source.infolist() if not entry.is_dir()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as written:
        # The folder that describes the wheel comes last, as PEP 427 recommends.
        for name in sorted(entries, key=lambda name: (".dist-info/" in name, name)):
            old, data = entries[name]
            if name.endswith(".dist-info/RECORD"):
                data = b"".join(sorted(data.splitlines(keepends=True)))
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system = _UNIX
            entry.external_attr = _PROGRAM if (old.external_attr >> 16) & 0o100 else _PLAIN
            entry.compress_type = zipfile.ZIP_DEFLATED
            written.writestr(entry, data, compresslevel=9)
    target.write_bytes(packed.getvalue())


def compiled_parts(wheel: Path) -> list[str]:
    """The names of the shared libraries in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return sorted(name for name in archive.namelist() if ".so" in Path(name).suffixes)
