"""A console without processes: a shell, the screen of a person, and a phone that answers from a table."""

from collections.abc import Callable, Iterable
from typing import Any

from device.console.conversation import converse
from device.console.login import make_verifier
from device.console.shell import Shell
from device.control.client import DaemonEvent
from device.control.errors import NOT_FOUND, ControlError, DaemonUnreachableError
from tests.support.screens import Screen

PASSWORD = "correct horse"
VERIFIER = make_verifier(PASSWORD, b"salt")
NOW = 1_700_000_000.0

Answer = Any | Callable[[dict[str, Any]], Any]


class FakePhone:
    """Answers methods from `answers`; one that raises is refused. Keeps what it was asked."""

    def __init__(self, **answers: Answer) -> None:
        self.is_up = True
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.topics: list[str] = []
        self.open = True
        self.wait_s = 0.0
        self.failures = 0
        self.idle_log_out_s = 600
        self.verifiers = {"admin": VERIFIER}
        self.answers: dict[str, Answer] = {
            "console.access": lambda _: self._access(),
            "console.login": self._log_in,
            "console.password": self._set_password,
            **{name.replace("__", "."): answer for name, answer in answers.items()},
        }

    def ask(self, method: str, /, **params: object) -> dict[str, Any]:
        given = {name: value for name, value in params.items() if value is not None}
        self.asked.append((method, given))
        if not self.is_up and not method.startswith(("console.", "settings.", "account.", "config.")):
            raise DaemonUnreachableError("the phone does not answer")
        if method not in self.answers:
            raise ControlError(NOT_FOUND, f"the fake has no answer to {method}")
        answer = self.answers[method]
        found: dict[str, Any] = answer(given) if callable(answer) else answer
        return found

    def calls_of(self, method: str) -> list[dict[str, Any]]:
        """With what a method was asked."""
        return [params for name, params in self.asked if name == method]

    def follow(self, topics: Iterable[str]) -> None:
        self.topics = list(topics)

    def _access(self) -> dict[str, Any]:
        return {
            "open": self.open,
            "idle_log_out_s": self.idle_log_out_s,
            "verifiers": {role: verifier.rpartition(":")[0] for role, verifier in self.verifiers.items()},
            "failures": self.failures,
            "wait_s": self.wait_s,
        }

    def _log_in(self, params: dict[str, Any]) -> dict[str, Any]:
        if self.verifiers.get(params["role"], "").rpartition(":")[2] == params["key"]:
            return {"role": params["role"]}
        raise ControlError(NOT_FOUND, "Login incorrect")

    def _set_password(self, params: dict[str, Any]) -> dict[str, Any]:
        self.verifiers[params["role"]] = params["verifier"]
        return {}


class Desk:
    """A person at a console."""

    def __init__(
        self,
        phone: FakePhone | None = None,
        columns: int = 80,
        length: int = 24,
        lasts: bool = True,
        start: bool = True,
    ) -> None:
        self.now = 0.0
        self.phone = phone or FakePhone()
        self.screen = Screen(columns, 200)
        self.sent = b""
        self.shell = Shell(self.phone, "ttyS0", "1.0", self.now, lambda: NOW, lasts)
        self.shell.resize(columns, length)
        self.start()

    def start(self) -> None:
        """The greeting."""
        self.shell.start(converse(self.shell), self.now)
        self._show()

    def type(self, text: str | bytes) -> list[str]:
        """Type; answers the lines on the screen."""
        self.shell.receive(text.encode() if isinstance(text, str) else text, self.now)
        return self._show()

    def run(self, line: str) -> list[str]:
        """Type a whole line; answers what it brought, without the line and the prompt after it."""
        before = len(self.screen.lines())
        return self.type(line + "\r")[before:-1]

    def wait(self, seconds: float) -> list[str]:
        """Let time go by."""
        end = self.now + seconds
        while (at := self.shell.next_timeout()) is not None and at <= end:
            self.now = max(self.now, at)
            self.shell.handle_timeout(self.now)
            self._show()
        self.now = end
        return self.screen.lines()

    def happen(self, topic: str, **params: object) -> list[str]:
        """Something happens at the phone."""
        self.shell.receive_event(DaemonEvent(topic, dict(params)), self.now)
        return self._show()

    def _show(self) -> list[str]:
        while data := self.shell.bytes_to_send(100):
            self.sent += data
            self.screen.feed(data)
            self.shell.sent(len(data))
        return self.screen.lines()
