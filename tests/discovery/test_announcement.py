import pytest

from device.discovery.announcement import Announcement, read_announcement

ID = "0123456789abcdef"


@pytest.mark.parametrize(
    "board",
    [
        Announcement(ID, "192.0.2.7", 5071),
        Announcement(ID, "fe80::1%eth0", 5071, rank=0, hosts=True, served=12),
        Announcement(ID, "192.0.2.7", 1, rank=9, can_host=False),
    ],
)
def test_what_a_board_says_is_read_as_it_was_meant(board: Announcement) -> None:
    assert read_announcement(board.texts(), board.host, board.port) == board
    assert all(len(text.encode()) < 256 for text in board.texts())


@pytest.mark.parametrize(
    "texts",
    [
        [],
        ["v=2", f"id={ID}"],
        ["v=1"],
        ["v=1", "id=short"],
        ["v=1", f"id={ID.upper()}"],
        ["v=1", f"id={ID}", "rank=10"],
        ["v=1", f"id={ID}", "rank=-1"],
        ["v=1", f"id={ID}", "served=many"],
        ["v=1", f"id={ID}", "served=" + "9" * 40],
        ["v=1", f"id={ID}", "served=\u0664"],
    ],
)
def test_what_cannot_be_meant_is_passed_over(texts: list[str]) -> None:
    assert read_announcement(texts, "192.0.2.7", 5071) is None


def test_a_port_that_is_none_is_passed_over() -> None:
    assert read_announcement(Announcement(ID).texts(), "192.0.2.7", 0) is None


def test_what_a_later_version_adds_does_no_harm() -> None:
    board = Announcement(ID, "192.0.2.7", 5071)
    assert read_announcement([*board.texts(), "colour=red", "flag"], "192.0.2.7", 5071) == board
