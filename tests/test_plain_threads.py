"""A thread as `threading.Thread` would be: started, waited for, found dead or alive."""

import threading

import pytest

from device import plain_threads
from device.plain_threads import Thread


def test_it_lives_from_its_start_to_the_end_of_its_work() -> None:
    go = threading.Event()
    thread = Thread(go.wait)
    assert not thread.is_alive()
    thread.start()
    assert thread.is_alive()
    thread.join(0.01)
    assert thread.is_alive()
    go.set()
    thread.join(5.0)
    assert not thread.is_alive()
    thread.join(0.0)


def test_one_that_fails_is_dead_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ValueError("in the thread")

    with pytest.MonkeyPatch.context() as patch:
        told: list[str] = []
        patch.setattr("sys.unraisablehook", lambda failure: told.append(str(failure.exc_value)))
        thread = Thread(fail)
        thread.start()
        thread.join(5.0)
        while not told:  # said after its end
            threading.Event().wait(0.001)
    assert told == ["in the thread"]
    assert not thread.is_alive()


def test_where_the_system_allows_none_it_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(plain_threads, "start_new_thread", refuse)
    thread = Thread(lambda: None)
    with pytest.raises(RuntimeError):
        thread.start()
    assert not thread.is_alive()
