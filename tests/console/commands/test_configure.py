"""The candidate as a technician types it, on a store of its own behind the real methods."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device.control.errors import FAILED, ControlError, DaemonUnreachableError
from device.daemon.store_service import StoreMethods
from device.store.database import open_database
from device.store.settings import Settings
from tests.console.desk import Desk, FakePhone


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[FakePhone]:
    """A phone whose settings and accounts are those of a real store."""
    methods = StoreMethods(str(tmp_path / "s.db"), lambda: 0.0).table()
    kept = {name: method for name, method in methods.items() if not name.startswith("console.")}
    return FakePhone(**{name.replace(".", "__"): method for name, method in kept.items()})


@pytest.fixture
def desk(phone: FakePhone) -> Desk:
    return Desk(phone, columns=120, length=0)


def settings(tmp_path: Path) -> dict[str, str]:
    with open_database(str(tmp_path / "s.db")) as database:
        return Settings(database).get_all()


def test_a_setting_is_typed_looked_at_and_committed(desk: Desk, tmp_path: Path) -> None:
    assert desk.run("set phone.hotline 1002") == []
    assert settings(tmp_path) == {}
    assert desk.run("show changes") == [
        "what           now            after the commit",
        "phone.hotline  (default)  ->  1002",
    ]
    assert desk.run("commit a new hotline") == [
        "commit 2: phone.hotline",
        "counts from the next start of the phone on: phone.hotline",
    ]
    assert settings(tmp_path) == {"phone.hotline": "1002"}
    assert desk.run("show changes") == ["no changes"]
    assert desk.run("show history")[1].endswith("admin at ttyS0  a new hotline")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("set phone hotline 1002", "1002"),
        ("set phone.hotline   sip:a@b c ", "sip:a@b c"),
        ('set phone.hotline "10 02"', "10 02"),
        ('set phone.hotline ""', ""),
        ('set phone hotline "10 02"', "10 02"),
    ],
)
def test_ways_to_type_a_setting(desk: Desk, line: str, wanted: str) -> None:
    desk.run(line)
    assert desk.shell.candidate.settings == {"phone.hotline": wanted}


def test_a_value_that_is_left_out_is_asked_for_with_the_present_one(desk: Desk) -> None:
    desk.run("set phone.hotline 1002")
    desk.run("commit")
    assert desk.type("set phone.hotline\r")[-1] == "phone.hotline: 1002"
    desk.type("\x7f3\r")
    assert desk.shell.candidate.settings == {"phone.hotline": "1003"}


def test_a_secret_is_neither_echoed_nor_remembered(desk: Desk) -> None:
    desk.type("set phone.door_code\r4711\r")
    assert b"4711" not in desk.sent
    assert desk.shell.candidate.settings == {"phone.door_code": "4711"}
    desk.run("set phone.door_code 4712")
    assert not any("4712" in line for line in desk.shell.editor.history.lines)
    assert desk.run("show changes")[-1] == "phone.door_code  (default)  ->  ***"
    desk.run("commit")
    assert "set phone.door_code ***" in desk.run("show configuration")


def test_a_mistake_is_told_at_once_and_by_the_commit_and_nothing_is_changed(desk: Desk, tmp_path: Path) -> None:
    assert desk.run("set media.tones atlantis")[0].startswith("noted, but not yet fit to be committed: media.tones")
    assert "did you mean phone.hotline?" in desk.run("set phone.hotlin 1")[0]
    assert "A commit would be refused:" in desk.run("show changes")
    assert desk.run("commit check")[0].startswith("media.tones")
    assert desk.run("commit")[0].startswith("nothing was changed: media.tones")
    assert settings(tmp_path) == {}
    desk.run("set media.tones uk")
    assert desk.run("commit check") == ["a commit would be accepted"]
    assert desk.run("commit")[0] == "commit 2: media.tones"


def test_an_account_from_nothing_to_gone(desk: Desk) -> None:
    assert desk.run("set account office expires_s 300") == []
    assert "account.office.domain: is empty" in "".join(desk.run("show changes"))
    assert desk.run("set account office address 1001@pbx.example.com") == []
    desk.type("set account office password\rnot shown\r")
    assert b"not shown" not in desk.sent
    assert "account.office.password  (removed)  ->  ***" not in desk.run("show changes")
    desk.run("commit")
    shown = desk.run("show configuration account")
    assert "set account office expires_s 300" in shown
    assert "set account office password" in shown
    desk.run("delete account office expires_s")
    assert desk.run("show changes")[-1] == "account.office.expires_s  300  ->  600"
    desk.run("commit")
    desk.run("delete account office")
    assert desk.run("show changes")[-1].endswith("->  (removed)")
    assert "account office" not in "".join(desk.run("show configuration"))
    desk.run("commit")
    assert desk.run("show configuration account") == ["everything is at its default"]


def test_a_password_on_the_line_is_refused_and_forgotten(desk: Desk) -> None:
    assert "seen by others" in desk.run("set account office password sesame")[0]
    assert not any("sesame" in line for line in desk.shell.editor.history.lines)
    assert not desk.shell.candidate
    assert desk.type("set account office password\r\r")[-2] == "no password was typed; nothing is changed"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("set account office colour red", "field: 'colour' is unknown"),
        ("set account office expires_s", "expires_s of office is missing"),
        ("set account office expires_s soon", "expires_s: 'soon' is not a whole number"),
        ("delete account offce", "there is no account 'offce'"),
        ("delete phone.hotlin", "did you mean phone.hotline?"),
        ("rollback 3", "'3' is none of the commits that are kept (none yet)"),
        ("commit confirm 0", "minutes: '0' is no number from 1 to 1440"),
        ("commit confirm", "minutes is missing"),
        ("commit", "no changes to commit"),
        ("commit check", "no changes to commit"),
        ("confirm", "no commit waits to be confirmed"),
        ("discard", "no changes"),
        ("show history", "nothing was committed yet"),
    ],
)
def test_lines_that_cannot_be_done_say_why(desk: Desk, line: str, said: str) -> None:
    assert said in "".join(desk.run(line))


def test_going_back(desk: Desk, tmp_path: Path) -> None:
    for value in ("1", "2"):
        desk.run(f"set phone.hotline {value}")
        desk.run("commit")
    assert desk.run("rollback 1") == ["`show changes` shows what that means, `commit` makes it so"]
    assert desk.run("show changes")[-1] == "phone.hotline  2    ->  1"
    desk.run("commit back again")
    assert settings(tmp_path) == {"phone.hotline": "1"}
    desk.run("delete phone.hotline")
    desk.run("commit")
    assert settings(tmp_path) == {}
    desk.run("set phone.hotline 9")
    desk.run("discard")
    assert desk.run("show changes") == ["no changes"]


def test_what_another_console_changed_meanwhile_is_told_once(desk: Desk, phone: FakePhone, tmp_path: Path) -> None:
    desk.run("set phone.hotline 1")
    desk.run("commit")
    desk.run("set phone.hotline 2")
    other = Desk(phone, columns=120, length=0)
    other.shell.line = "ttyS1"
    other.run("set phone.hotline 3")
    other.run("commit")
    assert "meanwhile admin at ttyS1 has changed phone.hotline" in desk.run("commit")[0]
    assert settings(tmp_path) == {"phone.hotline": "3"}
    desk.run("commit")
    assert settings(tmp_path) == {"phone.hotline": "2"}


def test_commits_of_others_are_told_and_ones_own_are_not(desk: Desk) -> None:
    event: dict[str, Any] = {
        "event": "committed",
        "number": 4,
        "comment": "for guests",
        "changed": ["phone.hotline"],
    }
    desk.type("show cha")
    lines = desk.happen("config", author="admin at ttyS1", **event)
    assert lines[-2:] == ["admin at ttyS1 has committed phone.hotline (for guests)", "offhook# show cha"]
    before = len(desk.screen.lines())
    desk.happen("config", author="admin at ttyS0", **event)
    assert len(desk.screen.lines()) == before
    lines = desk.happen("config", author="offhook", **{**event, "event": "taken-back"})
    assert lines[-2].startswith("commit 4 was taken back, since it was not confirmed")


def test_nobody_leaves_changes_behind_unasked(desk: Desk) -> None:
    desk.run("set phone.hotline 1")
    assert desk.type("exit\r")[-1] == "Leave all the same? (yes or no)"
    assert desk.type("no\r")[-1] == "offhook#"
    assert desk.shell.candidate
    desk.type("exit\ryes\r")
    assert not desk.shell.candidate


def test_names_and_values_are_completed(desk: Desk) -> None:
    desk.type("set phone.hotline_\t5\r")
    assert desk.shell.candidate.settings == {"phone.hotline_delay_s": "5"}
    desk.type("set acc\toffice tr\ttl\t\r")
    assert desk.shell.candidate.accounts == {"office": {"transport": "tls"}}
    lines = desk.type("set phone.flash ?")
    assert [line.split()[0] for line in lines[-4:-2]] == ["on", "off"]
    desk.type("\x15")
    assert "section.field" not in desk.type("set audio.ki?")[-2]


def test_every_setting_with_its_meaning(desk: Desk) -> None:
    desk.run("set console.open on")
    desk.run("commit")
    shown = desk.run("show settings console")
    assert shown[1].split()[:3] == ["console.open", "on", "*"]
    assert len(shown) == 4


def test_the_read_only_role_looks_and_changes_nothing(phone: FakePhone) -> None:
    desk = Desk(phone, length=0)
    desk.shell.table = type(desk.shell.table)(desk.shell.table.commands, "monitor")
    assert "for the role admin" in desk.run("set phone.hotline 1")[-1]
    assert desk.run("show configuration") == ["everything is at its default"]


def test_export(desk: Desk) -> None:
    desk.run("set phone.hotline 1002")
    desk.run("commit")
    assert desk.run("export")[-2:] == ["[settings.phone]", 'hotline = "1002"']


# Secrets that an import brings sealed.

PASSPHRASE = "wire and solder"
SEALED_FILE = '[sealed]\rsecrets = "offhook-sealed-1:AAAA"\r[settings.phone]\rhotline = "7"\r.\r'


def take_sealed(params: dict[str, Any]) -> dict[str, Any]:
    if params["passphrase"] != PASSPHRASE:
        raise ControlError(FAILED, "the passphrase does not fit, or the text was changed on its way")
    return {"taken": [] if params.get("check") else ["account.office.password"]}


@pytest.fixture
def sealed(phone: FakePhone, desk: Desk) -> Desk:
    """A console at which a file with sealed secrets was pasted, up to the question for the passphrase."""
    phone.answers["store.unseal"] = take_sealed
    desk.type("import\r")
    assert desk.type(SEALED_FILE)[-1] == "Passphrase of its secrets:"
    return desk


def test_a_wrong_passphrase_is_asked_for_again_at_once(sealed: Desk, phone: FakePhone, tmp_path: Path) -> None:
    assert sealed.type("wrong one\r")[-2:] == [
        "the passphrase does not fit, or the text was changed on its way",
        "Passphrase of its secrets:",
    ]
    sealed.type(f"{PASSPHRASE}\r")
    assert b"wrong one" not in sealed.sent
    assert PASSPHRASE.encode() not in sealed.sent
    said = sealed.run("commit")
    assert said[:2] == ["secrets taken: account.office.password", "commit 2: phone.hotline"]
    assert settings(tmp_path) == {"phone.hotline": "7"}
    assert [params.get("check") for params in phone.calls_of("store.unseal")] == [True, True, None]
    assert not sealed.shell.candidate


def test_wrong_passphrases_lose_neither_the_changes_nor_the_sealed_text(sealed: Desk, tmp_path: Path) -> None:
    sealed.type("wrong\rwrong\rwrong\r")
    assert "its secrets stay sealed; `commit` asks for the passphrase again" in sealed.screen.lines()
    assert sealed.type("commit\r")[-1] == "Passphrase of its secrets:"
    sealed.type("wrong\rwrong\r")
    assert sealed.type("wrong\r")[-2].endswith("table [sealed] do without the secrets")
    assert settings(tmp_path) == {}
    assert sealed.type("commit\r")[-1] == "Passphrase of its secrets:"
    assert "secrets taken: account.office.password" in sealed.type(f"{PASSPHRASE}\r")
    assert settings(tmp_path) == {"phone.hotline": "7"}


def test_the_question_for_the_passphrase_can_be_left_and_comes_again(sealed: Desk) -> None:
    sealed.type("\x03")
    assert sealed.shell.candidate.sealed
    assert sealed.type("commit\r")[-1] == "Passphrase of its secrets:"
    sealed.type("\r")
    assert sealed.shell.candidate.settings == {"phone.hotline": "7"}


def test_secrets_that_could_not_be_taken_wait_for_the_next_commit(sealed: Desk, phone: FakePhone) -> None:
    sealed.type(f"{PASSPHRASE}\r")

    def gone(_params: dict[str, Any]) -> None:
        raise DaemonUnreachableError("the phone does not answer")

    phone.answers["store.unseal"] = gone
    assert "the phone does not answer" in "".join(sealed.run("commit"))
    phone.answers["store.unseal"] = take_sealed
    assert "secrets taken: account.office.password" in sealed.run("commit")


def test_a_passphrase_that_cannot_be_tried_now_is_asked_for_at_the_commit(sealed: Desk, phone: FakePhone) -> None:
    phone.is_up = False
    assert "the phone cannot try the passphrase now" in sealed.type(f"{PASSPHRASE}\r")
    phone.is_up = True
    assert sealed.type("commit\r")[-1] == "Passphrase of its secrets:"


def test_a_further_import_without_secrets_keeps_those_of_the_first(sealed: Desk) -> None:
    sealed.type(f"{PASSPHRASE}\r")
    sealed.type('import\r[settings.phone]\rhotline = "8"\r.\r')
    said = sealed.run("commit")
    assert "secrets taken: account.office.password" in said


def test_secrets_of_an_import_are_not_committed_for_a_trial(sealed: Desk, tmp_path: Path) -> None:
    sealed.type(f"{PASSPHRASE}\r")
    assert "cannot be taken back" in sealed.run("commit confirm 5")[0]
    assert settings(tmp_path) == {}
    assert "secrets taken: account.office.password" in sealed.run("commit")
