from device.console.login import derive_key
from tests.console.desk import Desk, FakePhone


def test_help_lists_every_command_and_the_keys() -> None:
    shown = "\n".join(Desk(length=0).run("help"))
    for words in ("show status", "password [role]", "Ctrl-A, Ctrl-E", "`sh st` is `show status`"):
        assert words in shown


def test_help_explains_a_command_with_its_arguments_and_an_example() -> None:
    shown = Desk(length=0).run("help terminal length")
    assert shown == [
        "terminal length lines",
        "    how many lines the screen has; 0 for no paging",
        "    lines: 2 to 500, or 0",
        "    example: terminal length 0",
    ]
    assert len(Desk(length=0).run("help term")) > 8
    assert Desk().run("help zzz") == ["there is no command 'zzz'; `help` lists all"]


def test_the_size_of_the_terminal() -> None:
    desk = Desk()
    desk.run("terminal length 40")
    desk.run("terminal width 132")
    assert desk.run("show terminal") == ["132 columns, 40 lines, UTF-8"]
    desk.run("terminal length 0")
    desk.run("terminal charset ascii")
    assert desk.run("show terminal") == ["132 columns, no paging, ASCII"]
    assert desk.run("terminal length 1") == ["lines: '1' is not a number from 2 to 500"]
    assert desk.run("terminal width x") == ["columns: 'x' is not a number from 20 to 500"]


def test_the_terminal_is_asked_for_its_size() -> None:
    desk = Desk()
    desk.type("terminal detect\r")
    assert b"\x1b[6n" in desk.sent
    assert desk.type("\x1b[50;120R")[-2] == "120 columns, 50 lines, UTF-8"


def test_a_terminal_that_does_not_tell() -> None:
    desk = Desk()
    desk.type("terminal detect\r")
    assert "does not tell its size" in "".join(desk.wait(3)[-3:])


def test_passwords_are_changed_without_a_trace() -> None:
    desk = Desk()
    desk.type("password monitor\ronly looking\ronly looking\r")
    assert desk.screen.lines()[-2:] == ["The password of monitor is changed.", "offhook#"]
    how, _, key = desk.phone.verifiers["monitor"].rpartition(":")
    assert derive_key("only looking", how) == key
    assert b"only looking" not in desk.sent
    assert "only looking" not in desk.shell.editor.history.lines
    assert desk.run("no password monitor") == ["Nobody can log in as monitor any more."]
    assert desk.phone.verifiers["monitor"] == ""
    assert "unknown" in desk.run("no password admin")[-1]


def test_a_change_of_password_can_be_broken_off() -> None:
    desk = Desk()
    before = dict(desk.phone.verifiers)
    assert desk.type("password\rnew password\r\x03")[-1] == "offhook#"
    assert desk.phone.verifiers == before


def test_the_versions() -> None:
    desk = Desk(FakePhone(daemon__version={"version": "2.0", "python": "3.11"}))
    assert desk.run("show version")[1] == "phone 2.0, Python 3.11"


def test_exit_and_quit() -> None:
    for word in ("exit", "quit"):
        assert "logged out." in Desk().type(f"{word}\r")
