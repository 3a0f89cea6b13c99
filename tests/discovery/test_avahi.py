"""What avahi-browse prints, as it was seen on Debian 12, and what is made of it."""

from device.discovery.announcement import Announcement
from device.discovery.avahi import GRACE_S, Browse, Lost, Seen, unescaped

ID = "0123456789abcdef"


def found(name: str, texts: str, address: str = "10.77.0.1", place: str = "cable;IPv4", port: int = 5071) -> str:
    return f"=;{place};{name};_offhook._tcp;local;board-a.local;{address};{port};{texts}"


def gone(name: str, place: str = "cable;IPv4") -> str:
    return f"-;{place};{name};_offhook._tcp;local"


def texts(board: Announcement) -> str:
    return " ".join(f'"{text}"' for text in reversed(board.texts()))


BOARD = Announcement(ID, "10.77.0.1", 5071)
HOST = Announcement(ID, "10.77.0.1", 5071, hosts=True, served=2)


def test_a_board_is_seen_once_it_is_resolved() -> None:
    browse = Browse()
    assert list(browse.receive_line("+;cable;IPv4;offhook-a;_offhook._tcp;local", 0.0)) == []
    assert list(browse.receive_line(found("offhook-a", texts(BOARD)), 0.0)) == [Seen(BOARD)]
    assert list(browse.receive_line(found("offhook-a", texts(BOARD)), 1.0)) == []


def test_a_board_that_says_something_new_never_goes_in_between() -> None:
    browse = Browse()
    list(browse.receive_line(found("offhook-a", texts(BOARD)), 0.0))
    assert list(browse.receive_line(found("offhook-b", texts(HOST)), 5.0)) == [Seen(HOST)]
    assert list(browse.receive_line(gone("offhook-a"), 10.0)) == []
    assert browse.next_timeout() is None


def test_a_board_has_gone_when_it_does_not_come_back_soon() -> None:
    browse = Browse()
    list(browse.receive_line(found("offhook-a", texts(BOARD)), 0.0))
    list(browse.receive_line(gone("offhook-a"), 10.0))
    assert browse.next_timeout() == 10.0 + GRACE_S
    assert list(browse.handle_timeout(10.0 + GRACE_S / 2)) == []
    list(browse.receive_line(found("offhook-b", texts(BOARD)), 11.0))
    assert list(browse.handle_timeout(20.0)) == []
    list(browse.receive_line(gone("offhook-b"), 30.0))
    assert list(browse.handle_timeout(30.0 + GRACE_S)) == [Lost(ID)]


def test_a_board_by_two_cables_is_one_and_goes_with_the_last() -> None:
    browse = Browse()
    six = found("offhook-a", texts(BOARD), "fe80::7", "cable;IPv6")
    assert list(browse.receive_line(six, 0.0)) == [Seen(Announcement(ID, "fe80::7%cable", 5071))]
    assert list(browse.receive_line(found("offhook-a", texts(BOARD)), 0.0)) == [Seen(BOARD)], "IPv4 is preferred"
    list(browse.receive_line(gone("offhook-a", "cable;IPv6"), 1.0))
    assert browse.next_timeout() is None
    list(browse.receive_line(gone("offhook-a"), 2.0))
    assert browse.next_timeout() is not None


def test_others_and_nonsense_are_passed_over() -> None:
    browse = Browse()
    for line in (
        "",
        "=;cable;IPv4;Printer;_ipp._tcp;local;p.local;10.0.0.1;631;",
        found("offhook-a", '"v=1" "id=nobody"'),
        found("offhook-a", texts(BOARD)).replace(";5071;", ";port;"),
        gone("never-seen"),
        "=;cable;IPv4",
    ):
        assert list(browse.receive_line(line, 0.0)) == []


def test_when_the_command_has_ended_all_are_gone_unless_they_come_again() -> None:
    browse = Browse()
    other = Announcement("fedcba9876543210", "10.77.0.2", 5072)
    list(browse.receive_line(found("offhook-a", texts(BOARD)), 0.0))
    list(browse.receive_line(found("offhook-o", texts(other), "10.77.0.2", port=5072), 0.0))
    browse.forget(5.0)
    list(browse.receive_line(found("offhook-a", texts(BOARD)), 16.0))
    assert list(browse.handle_timeout(60.0)) == [Lost(other.id)]


def test_who_listens_later_is_told_what_is_known() -> None:
    browse = Browse()
    list(browse.receive_line(found("offhook-a", texts(BOARD)), 0.0))
    browse.tell_again()
    assert browse.take_news() == [Seen(BOARD)]
    assert browse.take_news() == []


def test_escapes_of_the_parsable_output() -> None:
    assert unescaped(r"Front\032door\.\092") == "Front door.\\"
