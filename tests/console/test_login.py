import pytest

from device.console.login import derive_key, make_verifier, password_fault
from device.control.errors import ControlError
from tests.console.desk import PASSWORD, Desk, FakePhone


def closed(**answers: object) -> FakePhone:
    phone = FakePhone(**answers)
    phone.open = False
    return phone


def first_start() -> FakePhone:
    phone = closed(settings__set={"changed": [], "restart": []})
    phone.verifiers = {}
    return phone


def test_a_verifier_is_what_scrypt_says() -> None:
    # RFC 7914 section 12, third vector, cut to our length.
    how = "scrypt:16384:8:1:" + b"SodiumChloride".hex()
    assert derive_key("pleaseletmein", how) == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    assert make_verifier("pleaseletmein", b"SodiumChloride") == f"{how}:{derive_key('pleaseletmein', how)}"
    assert make_verifier("a") != make_verifier("a")


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("short", "at least 8"),
        ("x" * 201, "at most 200"),
        ("aaaaaaaa", "guessed at once"),
        ("abababab", "guessed at once"),
        ("correct horse", ""),
        ("pässwörter", ""),
    ],
)
def test_what_speaks_against_a_password(password: str, fault: str) -> None:
    assert fault in password_fault(password)
    assert bool(fault) == bool(password_fault(password))


def test_the_greeting_and_the_log_in() -> None:
    desk = Desk(closed())
    assert desk.screen.lines() == ["", "offhook 1.0 on ttyS0", "login:"]
    desk.type("admin\r")
    assert desk.type(f"{PASSWORD}\r")[-2:] == ["Password:", "offhook#"]
    assert PASSWORD not in desk.sent.decode()
    ((asked),) = desk.phone.calls_of("console.login")
    assert asked["line"] == "ttyS0"
    assert PASSWORD not in str(desk.phone.asked)


def test_a_wrong_password() -> None:
    desk = Desk(closed())
    desk.type("admin\rwrong password\r")
    assert desk.screen.lines()[-2:] == ["Login incorrect", "login:"]


def test_a_phone_that_does_not_answer_is_told_in_the_greeting() -> None:
    phone = closed()
    phone.is_up = False
    assert "does not answer" in Desk(phone).screen.lines()[2]


def test_enter_alone_greets_again_and_says_who_can_log_in() -> None:
    desk = Desk(closed())
    assert desk.type("\r")[-3:] == ["offhook 1.0 on ttyS0", "Log in as admin (all commands).", "login:"]


def test_a_name_that_is_none_is_no_attempt() -> None:
    desk = Desk(closed())
    assert "no log-in of that name" in desk.type("root\r")[-2]
    assert desk.phone.calls_of("console.login") == []


def test_the_read_only_role() -> None:
    phone = closed()
    phone.verifiers["monitor"] = make_verifier("only looking", b"x")
    desk = Desk(phone)
    assert desk.type("monitor\ronly looking\r")[-1] == "offhook>"
    assert "for the role admin" in desk.run("password")[-1]


def test_a_lock_out_is_sat_out_before_the_next_attempt() -> None:
    phone = closed()
    phone.wait_s, phone.failures = 8.0, 5
    desk = Desk(phone)
    assert desk.screen.last == "After 5 wrong passwords in a row: wait 8 s"
    desk.type("admin\r")
    assert desk.screen.last == "After 5 wrong passwords in a row: wait 8 s"
    assert desk.wait(9)[-1] == "login:"


def test_half_a_log_in_is_given_up() -> None:
    desk = Desk(closed())
    desk.type("admin\r")
    assert desk.wait(59)[-1] == "Password:"
    assert desk.wait(2)[-1] == "login:"


def test_ctrl_c_begins_anew() -> None:
    desk = Desk(closed())
    assert desk.type("admin\r\x03")[-1] == "login:"
    assert desk.type("\x04")[-1] == "login:"


def test_ctrl_d_ends_on_a_terminal_that_does_not_last() -> None:
    desk = Desk(closed(), lasts=False)
    desk.type("\x04")
    assert desk.shell.ended


def test_an_open_console_says_so() -> None:
    assert Desk().screen.lines()[-2:] == ["This console asks for no password (console.open is on).", "offhook#"]


def test_the_first_start_asks_until_a_password_will_do() -> None:
    desk = Desk(first_start())
    assert desk.screen.last == "New password for admin:"
    assert "at least 8" in desk.type("short\r")[-2]
    desk.type("long enough\r")
    assert "not the same" in desk.type("long enouhg\r")[-2]
    desk.type("long enough\r")
    assert desk.type("long enough\r")[-1] == "offhook#"
    verifier = desk.phone.verifiers["admin"]
    how, _, key = verifier.rpartition(":")
    assert derive_key("long enough", how) == key
    assert b"long enou" not in desk.sent


def test_the_first_start_may_leave_the_console_open_on_purpose() -> None:
    desk = Desk(first_start())
    desk.type("open\r")
    assert desk.screen.last == "Type yes to confirm:"
    assert desk.type("no\r")[-1] == "New password for admin:"
    assert desk.type("open\ryes\r")[-1] == "offhook#"
    assert desk.phone.calls_of("settings.set") == [{"values": {"console.open": "on"}}]
    assert desk.phone.verifiers == {}


def test_a_first_password_that_cannot_be_kept_is_asked_for_again() -> None:
    def refuse(_: object) -> None:
        raise ControlError(-1, "no space left")

    phone = first_start()
    phone.answers["console.password"] = refuse
    desk = Desk(phone)
    desk.type("long enough\rlong enough\r")
    assert desk.screen.lines()[-2:] == ["no space left", "Press Enter to try again."]
    assert desk.type("\r")[-1] == "New password for admin:"


def test_a_store_that_cannot_be_reached() -> None:
    def refuse(_: object) -> None:
        raise ControlError(-1, "the store is in use")

    phone = closed(console__access=refuse)
    desk = Desk(phone, lasts=False)
    assert desk.screen.lines()[-2:] == ["the store is in use", "Press Enter to try again."]
    assert desk.type("\x03")[-1] == "Press Enter to try again."
    desk.type("\x04")
    assert desk.shell.ended


def test_a_line_at_which_nobody_has_ever_been_is_left_in_peace() -> None:
    desk = Desk(first_start())
    asked = desk.sent.count(b"New password for admin:")
    assert desk.shell.next_timeout() is None
    desk.wait(7 * 24 * 3600)
    assert desk.sent.count(b"New password for admin:") == asked


def test_half_a_first_password_is_given_up_once() -> None:
    desk = Desk(first_start())
    desk.type("secr")
    desk.shell.handle_timeout(61.0)
    desk._show()
    assert desk.sent.count(b"logged out after a long silence.") == 1
    assert desk.screen.last == "New password for admin:"
    assert desk.shell.next_timeout() is None
