"""The host's end of the channel to the agent in a virtual board: asks, and knows how the clocks of both relate."""

import json
import os
import select
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

ANSWER_S = 30.0
"""The longest that the agent may take for something that it does at once, on a board of full speed."""


LONG_LINE = 1000
"""Bytes; a serial line has little room for more."""


class AgentError(AssertionError):
    """The agent could not do what it was asked, or does not answer."""


class Done(NamedTuple):
    """What came of a command."""

    status: int
    out: str
    err: str


class AgentClient:
    """Speaks with the agent over a descriptor that carries bytes both ways, which it takes over.

    Several threads may ask at the same time. What is long goes through files in `share`, where there is one.
    """

    def __init__(self, fd: int, patience: float = 1.0, share: Path | None = None) -> None:
        self._fd = fd
        self._share = share
        self._patience = patience
        self._ids = count(1)
        self._write_lock = threading.Lock()
        self._news = threading.Condition()
        self._answers: dict[int, dict[str, Any]] = {}
        self._error = ""
        self._best_round_trip_s = float("inf")
        self._offset_s = 0.0
        self._wake_reader, self._wake_writer = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def close(self) -> None:
        """Give the descriptor back; idempotent."""
        if self._fd < 0:
            return
        os.write(self._wake_writer, b"x")
        self._reader.join()
        for fd in (self._fd, self._wake_reader, self._wake_writer):
            os.close(fd)
        self._fd = -1

    # Asking.

    def wait_ready(self, seconds: float, check: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Ask until the agent is there; what it says of its board. `check` raises where nothing will come."""
        deadline = time.monotonic() + seconds
        while True:
            request_id = self._send("hello", {})
            if self._arrived(request_id, min(0.5 * self._patience, max(0.0, deadline - time.monotonic()))):
                hello: dict[str, Any] = self._result("hello", request_id)
                self.measure_clock()
                return hello
            check()
            if time.monotonic() > deadline:
                raise AgentError(f"no word from the agent in the board within {seconds:g} s {self._error}")

    def ask(self, verb: str, *, within_s: float = ANSWER_S, **parameters: object) -> Any:
        """Ask for something and wait for the answer. Raises AgentError."""
        request_id = self._send(verb, parameters)
        if not self._arrived(request_id, within_s * self._patience):
            raise AgentError(f"the agent did not answer {verb} within {within_s * self._patience:g} s {self._error}")
        return self._result(verb, request_id)

    def _send(self, verb: str, parameters: Mapping[str, object]) -> int:
        request_id = next(self._ids)
        request = {"id": request_id, "do": verb, "bulk": self._share is not None, **parameters}
        data = (json.dumps(request) + "\n").encode()
        if self._share is not None and len(data) > LONG_LINE:
            name = f"request-{request_id}.json"
            (self._share / name).write_bytes(data)
            data = (json.dumps({"id": request_id, "file": name}) + "\n").encode()
        with self._write_lock:
            while data:
                data = data[os.write(self._fd, data) :]
        return request_id

    def _arrived(self, request_id: int, seconds: float) -> bool:
        with self._news:
            return self._news.wait_for(lambda: request_id in self._answers or self._error, seconds) is True

    def _result(self, verb: str, request_id: int) -> Any:
        answer = self._answers.pop(request_id)
        if "error" in answer:
            raise AgentError(f"{verb}: {answer['error']}")
        return answer["result"]

    def _read(self) -> None:
        data = b""
        while True:
            ready, _, _ = select.select([self._fd, self._wake_reader], [], [])
            if self._wake_reader in ready:
                return
            try:
                more = os.read(self._fd, 65536)
            except OSError:
                more = b""
            if not more:
                with self._news:
                    self._error = "(its channel is closed)"
                    self._news.notify_all()
                return
            *lines, data = (data + more).split(b"\n")
            for line in lines:
                self._take(line)

    def _take(self, line: bytes) -> None:
        at = time.monotonic()
        try:
            answer = json.loads(line)
        except ValueError:
            return
        if isinstance(answer, dict) and "file" in answer and self._share is not None:
            answer = json.loads((self._share / answer["file"]).read_bytes())
        # A terminal that is not raw yet, while the board boots, gives our own questions back.
        if isinstance(answer, dict) and isinstance(answer.get("id"), int) and "do" not in answer:
            with self._news:
                answer["at"] = at
                self._answers[answer["id"]] = answer
                self._news.notify_all()

    # Time.

    def measure_clock(self, times: int = 8) -> None:
        """Learn how the two monotonic clocks relate, from the quickest of some questions."""
        for _ in range(times):
            asked_at = time.monotonic()
            request_id = self._send("hello", {})
            if not self._arrived(request_id, ANSWER_S * self._patience):
                raise AgentError("the agent stopped to answer")
            answer = self._answers.pop(request_id)
            round_trip_s = answer["at"] - asked_at
            if round_trip_s < self._best_round_trip_s:
                self._best_round_trip_s = round_trip_s
                self._offset_s = (asked_at + answer["at"]) / 2 - answer["now"][0]

    @property
    def clock_error_s(self) -> float:
        """How wrong `on_host` may be, either way."""
        return self._best_round_trip_s / 2

    def on_host(self, instant: float) -> float:
        """An instant of the board's monotonic clock on the host's."""
        return instant + self._offset_s

    def inside(self, instant: float) -> float:
        """An instant of the host's monotonic clock on the board's."""
        return instant - self._offset_s

    def now(self) -> float:
        """What the board's monotonic clock shows."""
        return self.inside(time.monotonic())

    # Commands and files.

    def run(self, command: Sequence[str], text: str = "", *, within_s: float = ANSWER_S, check: bool = True) -> Done:
        """Run a command in the board to its end. Raises AgentError if it fails, unless `check` is off."""
        seconds = within_s * self._patience
        done = Done(**self.ask("run", command=list(command), text=text, seconds=seconds, within_s=within_s + 5))
        if check and done.status != 0:
            raise AgentError(f"{' '.join(command)}: status {done.status}: {(done.err or done.out).strip()}")
        return done

    def read_text(self, path: str) -> str:
        """A text file of the board."""
        return str(self.ask("read", path=path))

    # Lines.

    def play(self, actions: Sequence[tuple[float, object, bool]]) -> list[float]:
        """Move lines and keys at exact times, in seconds from now; answers the board's instants of each."""
        length = actions[-1][0] if actions else 0.0
        done: list[float] = self.ask("play", actions=list(actions), within_s=ANSWER_S + length)
        return done

    def set_line(self, line: int, high: bool) -> float:
        """Drive one input now; the board's instant of it."""
        return self.play([(0.0, line, high)])[0]

    def levels(self, lines: Sequence[int]) -> list[bool]:
        """What lines are at now."""
        answer: list[bool] = self.ask("levels", lines=list(lines))
        return answer

    def edges(self, lines: Sequence[int], since: float, until: float | None = None) -> list[tuple[float, int, bool]]:
        """The outputs that were set between two instants of the board: (instant, line, level)."""
        found = self.ask("edges", lines=list(lines), since=since, until=until)
        return [(at, line, level) for at, line, level in found if level is not None]

    def wait_edge(self, line: int, high: bool, since: float, within_s: float = 10.0) -> float:
        """Wait until an output has been set to a level at or after `since`; the board's instant of it."""
        seconds = within_s * self._patience
        return float(self.ask("wait_edge", line=line, level=high, since=since, seconds=seconds, within_s=within_s + 5))
