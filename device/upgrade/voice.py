"""Whom an upgrade is told to: a person at a terminal, or whoever reads the answer to a request."""

import json
import os
import sys
from collections.abc import Iterable

from device.annotations import Protocol, TextIO
from device.upgrade.errors import UpgradeError
from device.upgrade.installation import Progress

LINES_KEPT = 100


class Voice(Protocol):
    """What an upgrade says, shows and asks."""

    def say(self, text: str) -> None:
        """A remark on the way."""

    def tell(self, lines: Iterable[str]) -> None:
        """What was asked for."""

    def show(self, progress: Progress) -> None:
        """How far it is."""

    def agree(self, question: str) -> bool:
        """Whether to go on. Raises UpgradeError where nobody can be asked."""


class TerminalVoice:
    """A person who typed `offhook upgrade`."""

    def __init__(self) -> None:
        self._meter = Meter(sys.stderr)

    def say(self, text: str) -> None:
        sys.stderr.write(f"offhook upgrade: {text}\n")
        sys.stderr.flush()

    def tell(self, lines: Iterable[str]) -> None:
        sys.stdout.write("".join(f"{line}\n" for line in lines))

    def show(self, progress: Progress) -> None:
        self._meter.show(progress)

    def agree(self, question: str) -> bool:
        if not sys.stdin.isatty():
            raise UpgradeError("there is no terminal to ask at: say --yes")
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")


class Meter:
    """Shows progress: on a terminal one line that grows, elsewhere a line for each tenth."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._shown = -1

    def show(self, progress: Progress) -> None:
        """Tell how far it is, when that has changed enough."""
        percent = 100 * progress.done // progress.whole
        step = percent if self._terminal else percent // 10 * 10
        if step == self._shown:
            return
        self._shown = step
        text = f"{percent:3d} %  {progress.done >> 20} of {progress.whole >> 20} MiB ({progress.part})"
        self._stream.write(f"\r{text:<60}" if self._terminal else f"{text}\n")
        if self._terminal and progress.done >= progress.whole:
            self._stream.write("\n")
        self._stream.flush()


class AnswerVoice:
    """The answer to a request: a file that always holds all that was said so far. Its reader has agreed before."""

    def __init__(self, path: str, request_id: str) -> None:
        self._path = path
        self._answer: dict[str, object] = {"id": request_id, "running": True, "status": 0, "percent": -1}
        self._lines: list[str] = []
        self._write()

    def say(self, text: str) -> None:
        self.tell([text])

    def tell(self, lines: Iterable[str]) -> None:
        self._lines = [*self._lines, *lines][-LINES_KEPT:]
        self._write()

    def show(self, progress: Progress) -> None:
        percent = 100 * progress.done // progress.whole
        if percent != self._answer["percent"]:
            self._answer["percent"] = percent
            self._write()

    def agree(self, question: str) -> bool:
        return True

    def end(self, status: int) -> None:
        """Nothing more is said; `status` is that of the command."""
        self._answer |= {"running": False, "status": status}
        self._write()

    def _write(self) -> None:
        """A reader finds the old answer or the new one, never half of one."""
        with open(f"{self._path}.new", "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)
            json.dump(self._answer | {"lines": self._lines}, file)
        os.replace(f"{self._path}.new", self._path)
