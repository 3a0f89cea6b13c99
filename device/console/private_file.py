"""Files that a person asks for and that nobody else is to read."""

import errno
import os

from device.annotations import BinaryIO


def open_private(path: str, over: bytes, buffering: int = -1) -> BinaryIO:
    """The file `path`, empty, for writing; a new one is readable by its owner alone. Raises OSError.

    One that is there already is only written over when it begins with `over`, as files of that kind do, or is empty:
    a name that was mistyped must not cost anybody a store.
    """
    if os.path.isfile(path):
        with open(path, "rb") as there:
            if there.read(len(over)) not in (b"", over):
                raise FileExistsError(errno.EEXIST, "there is a file of another kind", path)
    return open(path, "wb", buffering, opener=_owner_only)


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
