from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device.console.settings import ConsoleSettings
from device.control.errors import INVALID_PARAMS, REFUSED, ControlError
from device.daemon.console_methods import LONGEST_WAIT_S, ConsoleMethods
from device.store.console_access import ConsoleAccess
from device.store.database import open_database

KEY = "ab" * 32
VERIFIER = f"scrypt:16384:8:1:00:{KEY}"


class Door:
    """The methods on a store, with a clock in hand."""

    def __init__(self, store: ConsoleAccess) -> None:
        self.now = 100.0
        self.store = store
        self.restart()

    def restart(self) -> None:
        self.methods = ConsoleMethods(self.store, lambda: ConsoleSettings(idle_log_out_s=60), lambda: self.now)

    def try_key(self, key: str, line: str = "ttyS0", role: str = "admin") -> ControlError | None:
        try:
            assert self.methods.log_in({"role": role, "key": key, "line": line}) == {"role": role}
        except ControlError as error:
            return error
        return None

    def wait_s(self, line: str = "ttyS0") -> Any:
        return self.methods.access({"line": line})["wait_s"]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with open_database(str(tmp_path / "s.db")) as database:
        door = Door(ConsoleAccess(database))
        door.methods.set_password({"role": "admin", "verifier": VERIFIER})
        yield door


def test_what_a_console_is_told_holds_the_way_to_the_key_and_not_the_key(door: Door) -> None:
    assert door.methods.access({"line": "ttyS0"}) == {
        "open": False,
        "idle_log_out_s": 60,
        "verifiers": {"admin": "scrypt:16384:8:1:00"},
        "failures": 0,
        "wait_s": 0.0,
    }


def test_the_right_key_and_wrong_ones(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert door.try_key(KEY) is None
    for wrong in ("", "ab", KEY[:-1], "ä"):
        error = door.try_key(wrong, line=wrong or "x")
        assert error is not None
        assert error.code == REFUSED
    assert "console ttyS0: admin has logged in" in caplog.text
    assert KEY not in caplog.text


def test_nobody_comes_in_as_a_role_without_a_password(door: Door) -> None:
    assert door.try_key("", role="monitor") is not None


def test_the_wait_begins_with_the_third_miss_and_doubles(door: Door) -> None:
    waits = []
    for _ in range(12):
        error = door.try_key("00")
        assert error is not None
        waits.append(door.wait_s())
        door.now += door.wait_s()
    assert waits[:6] == [0.0, 0.0, 2.0, 4.0, 8.0, 16.0]
    assert max(waits) == LONGEST_WAIT_S


def test_while_there_is_a_wait_even_the_right_key_is_not_looked_at(door: Door) -> None:
    for _ in range(3):
        door.try_key("00")
    error = door.try_key(KEY)
    assert error is not None
    assert "wait 2 s" in str(error)
    door.now += 2.0
    assert door.try_key(KEY) is None
    assert door.store.failures("ttyS0") == 0


def test_a_lock_out_is_one_of_a_line_and_outlives_a_restart(door: Door) -> None:
    for _ in range(5):
        door.try_key("00")
        door.now += door.wait_s()
    assert door.wait_s("ttyS1") == 0.0
    door.restart()
    assert door.wait_s() == 8.0


def test_waits_of_many_lines_do_not_fill_the_memory(door: Door) -> None:
    for number in range(100):
        door.try_key("00", line=f"tty{number}")
    assert len(door.methods._failed_at) <= 32


@pytest.mark.parametrize("verifier", ["plain", "scrypt:1:2", "md5:1:1:1:00:00", "scrypt:ä:1:1:1:1"])
def test_a_verifier_of_another_form_is_refused(door: Door, verifier: str) -> None:
    with pytest.raises(ControlError) as caught:
        door.methods.set_password({"role": "admin", "verifier": verifier})
    assert caught.value.code == INVALID_PARAMS
    assert door.try_key(KEY) is None


def test_there_are_two_roles(door: Door) -> None:
    with pytest.raises(ControlError, match="not one of admin, monitor"):
        door.methods.set_password({"role": "root", "verifier": VERIFIER})
