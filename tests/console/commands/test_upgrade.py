from device.control.errors import ControlError
from tests.console.desk import Desk, FakePhone

FILE = "/media/usb/new.upgrade"


def answers(*steps: tuple[int, int], status: int = 0) -> FakePhone:
    """A phone whose upgrade has come so far, in percent and lines, each time that it is asked; the last is the end."""
    left = list(steps)

    def progress(_: object) -> dict[str, object]:
        percent, lines = left.pop(0)
        said = [f"line {number}" for number in range(lines)]
        return {"running": bool(left), "status": 0 if left else status, "percent": percent, "lines": said}

    return FakePhone(upgrade__start={"id": "1"}, upgrade__progress=progress)


def test_an_upgrade_is_agreed_to_and_looked_on_at() -> None:
    desk = Desk(answers((-1, 1), (4, 2), (15, 2), (19, 2), (25, 2), (100, 3)))
    assert desk.type(f"upgrade {FILE} --force\r")[-1] == "Go on? (yes or no)"
    desk.type("yes\r")
    lines = desk.wait(7)
    assert desk.phone.calls_of("upgrade.start") == [{"words": [FILE, "--force"]}]
    begin = lines.index("Go on? (yes or no) yes") + 1
    assert lines[begin:] == ["line 0", "4 % written", "line 1", "15 % written", "25 % written", "line 2", "offhook#"]


def test_anything_but_yes_changes_nothing() -> None:
    desk = Desk(answers())
    assert desk.type(f"upgrade {FILE}\rno\r")[-2:] == ["Nothing was changed.", "offhook#"]
    assert desk.type("upgrade back\r\r")[-2:] == ["Nothing was changed.", "offhook#"]
    assert desk.phone.calls_of("upgrade.start") == []


def test_what_is_no_file_is_refused_before_anything_is_asked() -> None:
    desk = Desk(FakePhone(upgrade__start={"id": "1"}), columns=200)
    assert "'new.upgrade' is no address (https://...) and no whole path" in desk.run("upgrade new.upgrade")[0]
    assert desk.phone.calls_of("upgrade.start") == []


def test_the_status_by_the_words_of_the_command_line() -> None:
    desk = Desk(answers((-1, 1)))
    desk.type("upgrade status\r")
    assert desk.wait(2)[-2:] == ["line 0", "offhook#"]
    assert desk.phone.calls_of("upgrade.start") == [{"words": ["status"]}]


def test_the_version_before() -> None:
    desk = Desk(answers((-1, 1)))
    desk.type("upgrade back --force\ryes\r")
    assert desk.wait(2)[-2:] == ["line 0", "offhook#"]
    assert desk.phone.calls_of("upgrade.start") == [{"words": ["back", "--force"]}]


def test_the_board_restarts_when_that_is_agreed_to() -> None:
    desk = Desk(answers((-1, 1)))
    assert desk.type("reboot\rno\r")[-2:] == ["Nothing was changed.", "offhook#"]
    assert desk.phone.calls_of("upgrade.start") == []
    desk.type("reboot --force\ryes\r")
    assert desk.wait(2)[-2:] == ["line 0", "offhook#"]
    assert desk.phone.calls_of("upgrade.start") == [{"words": ["restart", "--force"]}]


def test_which_version_runs() -> None:
    desk = Desk(answers((-1, 2)))
    desk.type("show upgrade\r")
    assert desk.wait(2)[-3:] == ["line 0", "line 1", "offhook#"]
    assert desk.phone.calls_of("upgrade.start") == [{"words": ["status"]}]


def test_ctrl_c_stops_looking_on_and_nothing_else() -> None:
    desk = Desk(answers((-1, 1), (-1, 1)))
    desk.type(f"upgrade {FILE}\ryes\r")
    desk.wait(1)
    assert "It goes on" in desk.type("\x03")[-2]


def test_a_phone_that_goes_down_restarts() -> None:
    def refuse(_: object) -> None:
        raise ControlError(-1, "gone")

    desk = Desk(FakePhone(upgrade__start={"id": "1"}, upgrade__progress=refuse))
    desk.type(f"upgrade {FILE}\ryes\r")
    assert desk.wait(2)[-2:] == ["The phone does not answer any more: the board restarts.", "offhook#"]


def test_what_may_not_be_asked_for_is_told() -> None:
    def refuse(_: object) -> None:
        raise ControlError(-1, "/etc/shadow: give an http or https address")

    desk = Desk(FakePhone(upgrade__start=refuse))
    assert desk.type("upgrade /etc/shadow\ryes\r")[-2:] == ["/etc/shadow: give an http or https address", "offhook#"]
