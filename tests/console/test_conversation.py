from tests.console.desk import Desk, FakePhone


def test_from_the_greeting_to_the_log_out_and_again() -> None:
    desk = Desk(FakePhone())
    assert desk.type("exit\r")[-1] == "offhook#"
    assert "".join(desk.screen.lines()).count("offhook 1.0 on ttyS0") == 2


def test_ctrl_d_on_an_empty_line_logs_out_and_ctrl_c_does_not() -> None:
    desk = Desk(FakePhone())
    assert "logged out." not in desk.type("half\x03\x03")
    assert "logged out." in desk.type("\x04")


def test_nothing_is_followed_once_a_command_has_ended() -> None:
    desk = Desk(FakePhone())
    desk.type("monitor\r")
    assert desk.phone.topics
    desk.phone.open = False
    desk.shell.lose_line(0.0)
    assert desk.phone.topics == []
