"""An image as a stream of its plain bytes, however it is compressed."""

from __future__ import annotations

import lzma
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from firmware_scripts.imaging.workshop import BuildError

ZSTD_MAGIC, XZ_MAGIC = b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0"


@contextmanager
def opened_image(path: Path) -> Iterator[BinaryIO]:
    """The plain bytes of an image that is plain, .zst or .xz, by what it begins with. Raises BuildError."""
    with path.open("rb") as file:
        head = file.read(6)
        file.seek(0)
        if head.startswith(ZSTD_MAGIC):
            with _zstd(path) as stream:
                yield stream
        elif head == XZ_MAGIC:
            with lzma.open(file) as stream:
                try:
                    yield cast("BinaryIO", stream)
                except (lzma.LZMAError, EOFError):
                    raise BuildError(f"{path} is damaged or incomplete: copy it again") from None
        else:
            yield file


@contextmanager
def _zstd(path: Path) -> Iterator[BinaryIO]:
    if shutil.which("zstd") is None:
        raise BuildError("missing on this machine; type: sudo apt-get install zstd")
    process = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield cast("BinaryIO", _ProgramOutput(process, path))
    finally:
        process.kill()
        process.communicate()


class _ProgramOutput:
    """What a program unpacks. Its end is an end only when the program says that all was well."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path) -> None:
        self._process, self._path = process, path

    def read(self, size: int) -> bytes:
        """At most `size` bytes, none at the end. Raises BuildError where the file is damaged."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        data = self._process.stdout.read(size)
        if not data and self._process.wait() != 0:
            message = self._process.stderr.read().decode(errors="replace").strip()
            raise BuildError(f"{self._path} is damaged or incomplete ({message}): copy it again")
        return data
