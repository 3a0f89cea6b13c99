"""`offhook exchange user` with a store of its own; with a running exchange see test_exchange_main."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from device.daemon import exchange_users
from device.daemon.exchange_main import main
from device.sip.digest import ha1
from device.store.database import open_database
from device.store.subscribers import Subscribers

Command = Callable[..., tuple[int, str]]


class Typing(io.StringIO):
    """What is typed or piped in."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "exchange.db"


@pytest.fixture
def command(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Runs `offhook exchange`; its exit status and everything it said."""

    def run(*words: str, typed: str = "") -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", Typing(typed))
        status = main([*words, "--store", str(store), "--socket", str(tmp_path / "nobody.sock")])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def add(command: Command, name: str, *words: str, password: str = "secret") -> tuple[int, str]:
    return command("user", "add", name, "--password-stdin", *words, typed=password + "\n")


def test_a_user_is_added_and_only_digests_are_kept(command: Command, store: Path) -> None:
    canary = "c4n4ry-passw0rd"
    said = add(command, "1001", "--domain", "pbx.lan", password=canary)
    assert said == (0, "1001@pbx.lan may register now\n")
    with open_database(str(store)) as database:
        known = Subscribers(database).credential("1001", "pbx.lan")
    assert known is not None
    assert dict(known.ha1) == {name: ha1(name, "1001", "pbx.lan", canary) for name in ("MD5", "SHA-256")}
    assert not [path for path in store.parent.iterdir() if canary.encode() in path.read_bytes()]


def test_the_second_user_needs_no_domain(command: Command) -> None:
    add(command, "1001", "--domain", "pbx.lan")
    assert add(command, "1002") == (0, "1002@pbx.lan may register now\n")
    assert command("user", "list") == (0, "1001@pbx.lan\n1002@pbx.lan\n")


def test_a_user_is_removed(command: Command) -> None:
    add(command, "1001", "--domain", "pbx.lan")
    assert command("user", "remove", "1001") == (0, "1001@pbx.lan is removed\n")
    assert command("user", "list") == (0, "")


def test_removing_nobody_is_told(command: Command) -> None:
    status, said = command("user", "remove", "1001", "--domain", "pbx.lan")
    assert status == 1
    assert "1001@pbx.lan" in said


def test_without_a_terminal_nobody_is_asked(command: Command) -> None:
    status, said = command("user", "add", "1001", "--domain", "pbx.lan")
    assert (status, "--password-stdin" in said) == (2, True)


def test_the_password_is_asked_for_twice(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Typing, "terminal", True)
    typed = iter(["secret", "secret", "secret", "other"])
    monkeypatch.setattr(exchange_users.getpass, "getpass", lambda _prompt: next(typed))
    assert command("user", "add", "1001", "--domain", "pbx.lan")[0] == 0
    status, said = command("user", "add", "1002")
    assert (status, "differ" in said) == (2, True)
    assert command("user", "list") == (0, "1001@pbx.lan\n")


@pytest.mark.parametrize(
    "name", ["", "a b", "a@b", "<a>", 'a"', "a:b", "a,b", "a;b", "a?", "a%20", "a\n", "\udcff", "a/b"]
)
def test_names_that_no_uri_carries_as_they_are(command: Command, name: str) -> None:
    status, said = add(command, name)
    assert (status, "cannot be a user name" in said) == (2, True)


@pytest.mark.parametrize("name", ["1001", "front-door", "j.doe_2", "*97", "#1", "müller"])
def test_names_that_are_fine(command: Command, name: str) -> None:
    assert add(command, name, "--domain", "pbx.lan")[0] == 0


def test_an_empty_password_changes_nothing(command: Command) -> None:
    status, said = add(command, "1001", password="")
    assert (status, "password is empty" in said) == (2, True)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["user"], "user: say what to do: add, list, remove"),
        (["user", "rename", "1001"], "user: say what to do: add, list, remove"),
        (["stop"], "'stop' is not understood"),
        (["run", "fast"], "'run fast' is not understood"),
        (["user", "add"], "give a user name"),
        (["user", "add", "1", "2"], "'2' is too much"),
        (["user", "list", "all"], "'all' is too much"),
    ],
)
def test_words_that_say_nothing(command: Command, words: list[str], named: str) -> None:
    status, said = command(*words)
    assert (status, named in said) == (2, True), said


def test_a_store_that_cannot_be_had(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    status = main(["user", "list", "--store", str(tmp_path / "file" / "x.db"), "--socket", str(tmp_path / "s")])
    assert status == 1
    assert "offhook exchange: " in capsys.readouterr().err


class TestOwnership:
    """The service is another user than root, who may have added its first users."""

    def owners(self, command: Command, monkeypatch: pytest.MonkeyPatch, uid: int) -> dict[str, tuple[int, int, bool]]:
        changed: dict[str, tuple[int, int, bool]] = {}

        def chown(path: str, user: int, group: int, *, follow_symlinks: bool = True) -> None:
            changed[os.path.basename(path)] = (user, group, follow_symlinks)

        monkeypatch.setattr(os, "chown", chown)
        monkeypatch.setattr(os, "geteuid", lambda: uid)
        assert add(command, "1001", "--domain", "pbx.lan")[0] == 0
        return changed

    def test_what_root_writes_belongs_to_whom_the_folder_belongs(
        self, command: Command, store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.parent.mkdir(mode=0o700)
        (store.parent / "neighbour").write_text("not ours")
        owners = self.owners(command, monkeypatch, 0)
        folder = store.parent.stat()
        assert "neighbour" not in owners
        assert {"exchange.db", "exchange.db.backup"} <= set(owners)
        assert set(owners.values()) == {(folder.st_uid, folder.st_gid, False)}

    def test_another_user_keeps_what_is_his(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.owners(command, monkeypatch, 1000) == {}
