"""Both phones at the keyboard, which is a pipe or a terminal."""

import os
import pty
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from device.demo.interactive import KEYS, Keyboard, Session
from tests.demo.small_system import SmallSystem


class _Pipe:
    """Keys that wait to be read."""

    def __init__(self, *pieces: str) -> None:
        self.fd = 99
        self._pieces = list(pieces)

    def unbuffered(self) -> "_Pipe":
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def read(self) -> str:
        return self._pieces.pop(0) if self._pieces else ""


@pytest.fixture
def system(tmp_path: Path) -> SmallSystem:
    return SmallSystem(tmp_path)


Run = Callable[..., str]


@pytest.fixture
def run(system: SmallSystem) -> Run:
    """Presses keys; what was shown."""

    def press(*pieces: str) -> str:
        said: list[str] = []
        Session(system, said.append).run(_Pipe(*pieces))  # type: ignore[arg-type]
        return "\n".join(said)

    return press


def test_the_keys_are_explained_at_once_and_on_request(run: Run) -> None:
    assert run("q").count(KEYS) == 1
    assert run("?q").count(KEYS) == 2


def test_a_handset_is_lifted_dialled_and_replaced(system: SmallSystem, run: Run) -> None:
    shown = run("a1002#", "b", "a", "q")
    caller, callee = system.phones["1001"].calls, system.phones["1002"].calls
    digits = [("board.press", {"digits": digit}) for digit in "1002#"]
    assert caller == [("board.lift", {}), *digits, ("board.replace", {})]
    assert callee == [("board.lift", {})]
    assert ">1001 up   ringback" in shown
    assert ">1002 up   connected" in shown


def test_digits_go_to_the_phone_that_is_marked(system: SmallSystem, run: Run) -> None:
    shown = run("1", "b", "\t", "2", "a", "\t", "s3", "q")
    assert "1001: its handset is down; a lifts it" in shown
    assert ("board.press", {"digits": "3"}) in system.phones["1002"].calls
    assert shown.count("its handset is down") == 2


def test_other_keys_do_nothing(system: SmallSystem, run: Run) -> None:
    run("xyz \x1b[A", "q")
    assert system.phones["1001"].calls == system.phones["1002"].calls == []


def test_a_refusal_is_shown_and_the_handset_stays_as_it_is(system: SmallSystem, run: Run) -> None:
    system.phones["1001"].refuses = True
    shown = run("a", "s", "q")
    assert "1001: not now" in shown
    assert ">1001 down" in shown
    assert "up" not in shown.replace("hang up", "").replace("handset", "")


def test_news_of_the_phones_are_shown_without_a_key(system: SmallSystem, run: Run) -> None:
    system.keys = [[], []]
    system.phones["1002"].state = "idle"
    pump = system.pump

    def ring(longest_wait_s: float, more: list[int] | None = None) -> list[int]:
        if len(system.keys) == 1:
            system.phones["1002"].state = "alerting"
        return pump(longest_wait_s, more)

    system.pump = ring  # type: ignore[method-assign]
    assert "1002 down alerting" in run("q")


def test_the_end_of_the_input_is_the_end(run: Run) -> None:
    assert KEYS in run()


def test_ctrl_c_is_the_end(system: SmallSystem, run: Run) -> None:
    def interrupt(*_: object) -> list[int]:
        raise KeyboardInterrupt

    system.pump = interrupt  # type: ignore[method-assign, assignment]
    assert KEYS in run()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """A terminal in the place of stdin: the end of the person and that of the program."""
    person, program = pty.openpty()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: program))
    yield person, program
    os.close(person)
    os.close(program)


def test_a_terminal_gives_each_key_at_once_and_is_put_right_again(terminal: tuple[int, int]) -> None:
    person, program = terminal
    before = termios.tcgetattr(program)
    keyboard = Keyboard()
    with keyboard.unbuffered():
        assert termios.tcgetattr(program) != before
        os.write(person, b"a")
        assert keyboard.read() == "a"
        os.write(person, "é".encode())
        assert len(keyboard.read()) >= 1
    assert termios.tcgetattr(program) == before


def test_a_pipe_needs_no_preparation(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: reading))
    keyboard = Keyboard()
    os.write(writing, b"a1")
    os.close(writing)
    with keyboard.unbuffered():
        assert keyboard.read() == "a1"
        assert keyboard.read() == ""
    os.close(reading)
