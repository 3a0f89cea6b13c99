from device.console.shell import EVENTS_KEPT, UNSENT_ENOUGH
from device.control.client import DaemonEvent
from device.control.errors import ControlError
from tests.console.desk import Desk, FakePhone

PROMPT = "offhook#"


def refuse(_: object) -> None:
    raise ControlError(-1, "nothing was changed: a; b", {"faults": ["a", "b"]})


def test_a_command_and_what_it_says() -> None:
    desk = Desk(FakePhone(log__tail={"lines": ["one", "two"]}))
    assert desk.run("show log") == ["one", "two"]
    assert desk.screen.last == PROMPT


def test_a_word_at_fault_is_marked() -> None:
    desk = Desk()
    assert desk.run("show stauts") == [
        " " * (len(PROMPT) + 1 + 5) + "^",
        "there is no 'show stauts'; did you mean 'status'?",
    ]


def test_every_fault_of_a_refusal_is_told() -> None:
    assert Desk(FakePhone(log__tail=refuse)).run("show log") == ["nothing was changed:", "  a", "  b"]


def test_a_long_line_is_broken_between_words_below_its_last_column() -> None:
    phone = FakePhone(log__tail={"lines": ["name  value  a sentence that is longer than the terminal is wide"]})
    assert Desk(phone, columns=40).run("show log") == [
        "name  value  a sentence that is longer",
        "             than the terminal is wide",
    ]


def test_a_terminal_without_pages_gets_every_line_whole() -> None:
    line = "a sentence " * 10
    desk = Desk(FakePhone(log__tail={"lines": [line]}), columns=200, length=0)
    desk.shell.resize(40, 0)
    desk.type("show log\r")
    assert f"{line}\r\n".encode() in desk.sent


def test_what_can_be_copied_is_never_broken() -> None:
    value = "1002 " * 30
    settings = [{"key": "phone.hotline", "value": value, "default": ""}]
    phone = FakePhone(settings__list={"settings": settings}, account__list={"accounts": []})
    desk = Desk(phone, columns=80, length=200)
    desk.type("export\r")
    assert f'hotline = "{value}"\r\n'.encode() in desk.sent


def test_what_is_typed_while_a_command_waits_comes_after_it() -> None:
    phone = FakePhone(message__send={"message": "m-1"}, log__tail={"lines": ["one"]})
    desk = Desk(phone)
    desk.type("message 1002 hi\rshow log\r")
    assert phone.calls_of("log.tail") == []
    lines = desk.happen("message", event="sent", message="m-1", text="delivered")
    assert lines[-4:] == ["delivered", f"{PROMPT} show log", "one", PROMPT]


def test_the_end_of_the_input_waits_for_the_outcome_too() -> None:
    phone = FakePhone(message__send={"message": "m-1"}, log__tail={"lines": ["one"]})
    desk = Desk(phone, lasts=False)
    desk.type("message 1002 hi\rshow log\r")
    desk.shell.end_input(0.0)
    assert not desk.shell.ended
    desk.happen("message", event="sent", message="m-1", text="delivered")
    assert desk.shell.ended
    assert len(phone.calls_of("log.tail")) == 1


def test_ctrl_c_leaves_a_command_that_waits_and_what_was_typed_behind_it() -> None:
    phone = FakePhone(message__send={"message": "m-1"}, log__tail={"lines": ["one"]})
    desk = Desk(phone)
    assert desk.type("message 1002 hi\rshow log\r\x03")[-2:] == ["^C", PROMPT]
    assert phone.calls_of("log.tail") == []


def test_tab_completes_and_then_lists() -> None:
    desk = Desk()
    assert desk.type("sh\tst")[-1] == f"{PROMPT} show st"
    lines = desk.type("\t")
    assert [line.split()[0] for line in lines[-3:-1]] == ["status", "storage"]
    assert lines[-1] == f"{PROMPT} show st"
    assert desk.type("atus\r")[-1] == PROMPT


def test_help_lists_what_can_stand_here_and_gives_the_line_back() -> None:
    desk = Desk()
    lines = desk.type("terminal charset ?")
    assert lines[-3:] == ["  ascii  plain letters alone", "  utf-8  every letter", f"{PROMPT} terminal charset"]
    assert desk.screen.cursor[0] == len(f"{PROMPT} terminal charset ")


def test_help_for_a_whole_line_says_that_it_can_be_run() -> None:
    assert "<Enter>" in Desk().type("exit ?")[-2]


def test_help_after_nonsense_marks_it() -> None:
    lines = Desk().type("shwo ?")
    assert lines[-3:] == [" " * 9 + "^", "there is no 'shwo'; did you mean 'show'?", f"{PROMPT} shwo"]


def test_help_longer_than_a_page_has_pages_too() -> None:
    desk = Desk(length=6)
    assert desk.type("show ?")[-1] == "--More--"
    assert desk.type("q")[-1] == f"{PROMPT} show"


def test_values_that_cannot_be_had_for_help_are_no_end() -> None:
    desk = Desk(FakePhone(account__list=refuse))
    assert desk.type("show accounts ?")[-2:] == ["nothing was changed: a; b", f"{PROMPT} show accounts"]


def test_pages_of_a_command() -> None:
    desk = Desk(FakePhone(log__tail={"lines": [f"line {number}" for number in range(50)]}), length=10)
    assert desk.type("show log\r")[-1] == "--More--"
    assert desk.type(" ")[-1] == "--More--"
    assert desk.type("q")[-1] == PROMPT
    desk.run("terminal length 0")
    assert len(desk.run("show log")) == 50


def test_ctrl_c_leaves_the_line_and_drops_what_is_still_to_be_sent() -> None:
    desk = Desk(FakePhone(log__tail={"lines": ["x" * 70] * 20}))
    desk.shell.receive(b"show log\r", 0.0)
    assert len(desk.shell.bytes_to_send(5000)) > 1000
    desk.shell.receive(b"\x03", 0.0)
    assert len(desk.shell.bytes_to_send(5000)) < 100
    assert desk._show()[-1] == PROMPT


def test_news_stand_above_the_line_being_typed() -> None:
    desk = Desk()
    desk.type("show sta")
    desk.shell.notify("the phone has gone", 0.0)
    assert desk._show()[-2:] == ["the phone has gone", f"{PROMPT} show sta"]


def test_news_wait_while_a_page_is_read() -> None:
    desk = Desk(FakePhone(log__tail={"lines": ["x"] * 50}), length=10)
    desk.type("show log\r")
    desk.shell.notify("the phone has gone", 0.0)
    assert desk._show()[-1] == "--More--"
    assert desk.type("q")[-2:] == ["the phone has gone", PROMPT]


def test_events_are_shown_as_they_come_and_ctrl_c_ends_that() -> None:
    desk = Desk()
    desk.type("monitor call\r")
    assert desk.phone.topics == ["call"]
    assert desk.happen("call", event="incoming", call="c1", remote="sip:1@x", direction="in")[-1].endswith(
        "call c1: incoming from sip:1@x"
    )
    assert desk.type("\x03")[-1] == PROMPT
    assert desk.phone.topics == []


def test_a_line_too_slow_for_all_events_is_told_how_many_are_missing() -> None:
    desk = Desk()
    desk.type("monitor log\r")
    for number in range(EVENTS_KEPT + 200):
        desk.shell.receive_event(DaemonEvent("log", {"line": f"line {number} " + "x" * 60}), 0.0)
    # Only so much waits for the line; the rest of the events is counted.
    assert len(desk.shell.bytes_to_send(1_000_000)) < UNSENT_ENOUGH + 200
    desk._show()
    assert b"events left out: this line is too slow" in desk.sent
    assert f"line {EVENTS_KEPT + 199} " in desk.screen.last


def test_a_long_silence_logs_out_but_not_while_something_runs() -> None:
    desk = Desk(FakePhone())
    desk.phone.open = False
    desk.phone.open = True
    desk.type("monitor\r")
    assert desk.wait(3600)[-1] != PROMPT
    desk.type("\x03")
    desk.phone.open = False
    lines = desk.wait(599)
    assert lines[-1] == PROMPT
    lines = desk.wait(2)
    assert "logged out after a long silence." in lines
    assert lines[-1] == "login:"


def test_a_page_that_is_left_waiting_does_not_keep_anybody_logged_in() -> None:
    desk = Desk(FakePhone(log__tail={"lines": ["x"] * 50}), length=10)
    desk.type("show log\r")
    desk.phone.open = False
    assert desk.wait(601)[-1] == "login:"


def test_zero_never_logs_out() -> None:
    phone = FakePhone()
    phone.idle_log_out_s = 0
    assert Desk(phone).shell.next_timeout() is None


def test_a_line_that_is_lost_logs_out_and_what_was_to_be_sent_is_void() -> None:
    desk = Desk(FakePhone(log__tail={"lines": ["secret of the one before"]}))
    desk.shell.receive(b"show log\r", 0.0)
    desk.phone.open = False
    desk.shell.lose_line(0.0)
    assert desk.shell.bytes_to_send(10) == b""
    desk.shell.greet_again(1.0)
    assert desk._show()[-1] == "login:"
    assert "secret" not in desk.sent.decode()
    assert desk.type("\x1b[A")[-1] == "login:"


def test_nothing_is_left_to_the_next_one() -> None:
    desk = Desk()
    desk.type("monitor call\r\x03show version\r")
    desk.type("exit\r")
    assert desk.shell.role == "admin"
    assert desk.shell.editor.history.lines == []


def test_a_terminal_that_does_not_last_ends_with_the_log_out() -> None:
    desk = Desk(lasts=False)
    assert desk.type("exit\r")[-1] == "logged out."
    assert desk.shell.ended
    desk.type("show status\r")


def test_the_end_of_a_pipe_is_the_end() -> None:
    desk = Desk(lasts=False)
    desk.shell.end_input(0.0)
    assert desk.shell.ended


def test_ascii_terminals_get_nothing_else() -> None:
    desk = Desk(FakePhone(log__tail={"lines": ["Jörg grüßt 你好"]}))
    desk.run("terminal charset ascii")
    assert desk.run("show log") == ["Jorg gru?t ??"]
    desk.run("terminal charset utf-8")
    assert desk.run("show log") == ["Jörg grüßt 你好"]


def test_what_strangers_say_cannot_move_the_cursor() -> None:
    desk = Desk(FakePhone(log__tail={"lines": ["\x1b[2J\x07\r\nx"]}))
    assert desk.run("show log") == ["\\x1b[2J\\x07\\r\\nx"]


def test_no_control_sequence_is_ever_sent() -> None:
    desk = Desk(FakePhone(log__tail={"lines": ["x"] * 50}), length=10)
    desk.type("sho\t?\x15show log\r x\x03\x1b[A\x12lo\x07\x01\x0bexit\r")
    assert b"\x1b" not in desk.sent


def test_ctrl_c_takes_back_a_page_that_is_still_on_its_way() -> None:
    lines = [f"line {number}" for number in range(100)]
    desk = Desk(FakePhone(log__tail={"lines": lines}))
    # A slow line has taken nothing of it yet.
    desk.shell.receive(b"show log\r", desk.now)
    waiting = len(desk.shell.bytes_to_send(10_000))
    desk.shell.receive(b"\x03", desk.now)
    assert len(desk.shell.bytes_to_send(10_000)) < waiting / 5
    assert desk._show()[-1] == "offhook#"
