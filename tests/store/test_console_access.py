from pathlib import Path

from device.store.console_access import LINES_KEPT, ConsoleAccess
from device.store.database import open_database


def test_verifiers_by_role(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "s.db")) as database:
        access = ConsoleAccess(database)
        assert access.verifiers() == {}
        access.set_verifier("admin", "scrypt:1:1:1:aa:bb")
        access.set_verifier("monitor", "x")
        access.set_verifier("admin", "scrypt:1:1:1:cc:dd")
        access.set_verifier("monitor", "")
        assert access.verifiers() == {"admin": "scrypt:1:1:1:cc:dd"}


def test_no_trace_is_left_of_an_old_verifier(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "s.db")) as database:
        access = ConsoleAccess(database)
        access.set_verifier("admin", "the-old-verifier")
        access.set_verifier("admin", "the-new-verifier")
        files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"the-new-verifier" in files
    assert b"the-old-verifier" not in files


def test_failures_are_counted_by_line_and_outlive_a_restart(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "s.db")) as database:
        access = ConsoleAccess(database)
        assert [access.count_failure("ttyS0") for _ in range(3)] == [1, 2, 3]
        access.count_failure("ttyS1")
    with open_database(str(tmp_path / "s.db")) as database:
        access = ConsoleAccess(database)
        assert (access.failures("ttyS0"), access.failures("ttyS1"), access.failures("ttyS2")) == (3, 1, 0)
        access.clear_failures("ttyS0")
        access.clear_failures("ttyS0")
        assert (access.failures("ttyS0"), access.failures("ttyS1")) == (0, 1)


def test_only_so_many_lines_are_remembered(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "s.db")) as database:
        access = ConsoleAccess(database)
        for number in range(LINES_KEPT):
            access.count_failure(f"tty{number}")
        access.count_failure("tty0")
        access.count_failure("new")
        assert access.failures("tty1") == 0
        assert (access.failures("tty0"), access.failures("new")) == (2, 1)
