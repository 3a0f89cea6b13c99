"""Reads a TOML file in a child process that ends at once, so that the daemon never carries the parser in its memory.

`tomllib` with the `datetime` that it imports stays at 0.65 MB for the sake of a few lines read once at start.
"""

import json
import os

READ_SIZE = 65_536


def read_toml_file(path: str) -> dict[str, object]:
    """The contents of a TOML file, as far as JSON can say them: dates become text.

    Raises OSError when it cannot be read and ValueError, with line and column, when it is no TOML.
    """
    with open(path, "rb") as file:
        data = file.read()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(writing, data)
    os.close(writing)
    try:
        answer = _read_all(reading)
    finally:
        os.close(reading)
        os.waitpid(child, 0)
    kind, content = json.loads(answer or b'["error", "the parser ended without an answer"]')
    if kind == "error":
        raise ValueError(content)
    contents: dict[str, object] = content
    return contents


def _answer(writing: int, data: bytes) -> None:
    """The child's whole life: parse, answer, end without running anything that the parent has registered."""
    try:
        import tomllib  # noqa: PLC0415  # in the child alone

        try:
            answer = ["ok", tomllib.loads(data.decode())]
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            answer = ["error", str(error)]
        left = json.dumps(answer, default=str).encode()
        while left:
            left = left[os.write(writing, left) :]
    finally:
        os._exit(0)


def _read_all(fd: int) -> bytes:
    pieces = []
    while piece := os.read(fd, READ_SIZE):
        pieces.append(piece)
    return b"".join(pieces)
