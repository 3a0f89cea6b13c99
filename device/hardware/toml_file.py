"""Reads a TOML file in a child process that ends at once, so that the daemon never carries the parser in its memory.

`tomllib` with the `datetime` that it imports stays at 0.65 MB for the sake of a few lines read once at start. What is
known of the boards, which is more than a profile needs, is looked up in such a child as well.
"""

import os
from collections.abc import Callable

from device import plain_json
from device.annotations import cast

READ_SIZE = 65_536


def read_toml_file(path: str) -> dict[str, object]:
    """The contents of a TOML file, as far as JSON can say them: dates become text.

    Raises OSError when it cannot be read and ValueError, with line and column, when it is no TOML.
    """
    with open(path, "rb") as file:
        return parse_toml(file.read())


def parse_toml(data: bytes) -> dict[str, object]:
    """The contents of a TOML document, as `read_toml_file` gives them. Raises ValueError."""
    return cast("dict[str, object]", in_child(lambda: _parse(data)))


def _parse(data: bytes) -> object:
    import tomllib  # noqa: PLC0415  # in the child alone

    return tomllib.loads(data.decode())


def in_child(answer: Callable[[], object]) -> object:
    """What `answer` returns, as far as JSON can say it, worked out by a child process. Raises its ValueError."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(writing, answer)
    os.close(writing)
    try:
        told = _read_all(reading)
    finally:
        os.close(reading)
        os.waitpid(child, 0)
    kind, content = plain_json.loads(told.decode() or '["error", "the parser ended without an answer"]')
    if kind == "error":
        raise ValueError(content)
    return cast("object", content)


def _answer(writing: int, answer: Callable[[], object]) -> None:
    """The child's whole life: work, answer, end without running anything that the parent has registered."""
    import json  # noqa: PLC0415  # in the child alone

    try:
        try:
            told = ["ok", answer()]
        except ValueError as error:
            told = ["error", str(error)]
        left = json.dumps(told, default=str).encode()
        while left:
            left = left[os.write(writing, left) :]
    finally:
        os._exit(0)


def _read_all(fd: int) -> bytes:
    pieces = []
    while piece := os.read(fd, READ_SIZE):
        pieces.append(piece)
    return b"".join(pieces)
