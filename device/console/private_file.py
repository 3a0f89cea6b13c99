"""Files that a person asks for and that nobody else is to read."""

import os

from device.annotations import BinaryIO


def open_private(path: str, buffering: int = -1) -> BinaryIO:
    """The file `path`, empty, for writing; a new one is readable by its owner alone. Raises OSError."""
    return open(path, "wb", buffering, opener=_owner_only)


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
