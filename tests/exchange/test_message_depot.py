"""Texts for users who are away: kept, delivered when they come, and lost by nothing but time."""

import pytest

from device.exchange.message_depot import MAX_OF_USER
from device.sip.message import Request, Response
from tests.exchange.switchboard import DOMAIN, OWN, Phone, Switchboard, settings
from tests.exchange.test_trunks import PROVIDER_HOST, outside, trunk


class Writer(Phone):
    """1001, who writes texts."""

    def __init__(self, board: Switchboard, user: str = "1001", host: str = "192.0.2.1") -> None:
        super().__init__(board, user, board.phone(user, host).hop)
        self.text = b"hello"

    def build(self, method: str, uri: str, **headers: str) -> Request:
        request = super().build(method, uri, **headers)
        if method == "MESSAGE":
            request.body = self.text
        return request

    def write(self, text: str, user: str = "1002", **headers: str) -> list[Request | Response]:
        self.text = text.encode()
        fields = {"Content_Type": "text/plain", "Call_ID": f"text-{text.replace(chr(32), chr(45))}"} | headers
        return self.authorized("MESSAGE", f"sip:{user}@{DOMAIN}", **fields)[1]


def status_of(came: list[Request | Response]) -> int:
    assert isinstance(came[-1], Response)
    return came[-1].status


def bench(**changes: object) -> tuple[Switchboard, Writer, Phone]:
    board = Switchboard(settings(**changes))
    writer = Writer(board)
    assert writer.register().status == 200
    return board, writer, board.phone("1002", "192.0.2.2")


def texts(phone: Phone) -> list[Request]:
    return [one for one in phone.received() if isinstance(one, Request)]


def taken(phone: Phone, status: int = 200) -> list[bytes]:
    """The texts that come one after the other, each answered."""
    found = []
    while came := texts(phone):
        found.append(came[0].body)
        phone.reply(came[0], status)
    return found


class TestAway:
    def test_kept_and_delivered_in_order_when_the_phone_comes(self) -> None:
        board, writer, bob = bench()
        assert [status_of(writer.write(text)) for text in ("one", "two")] == [202, 202]
        assert bob.register().status == 200
        assert texts(bob) == []
        board.advance(1.0)
        (first,) = texts(bob)
        assert (first.body, first.content_type) == (b"one", "text/plain")
        assert (first.from_.uri.user, first.from_.uri.host, str(first.to.uri)) == ("1001", DOMAIN, f"sip:1002@{DOMAIN}")
        assert (
            first.headers.get(
                "Date",
            )
            == "Mon, 12 Jan 1970 13:46:40 GMT"
        )
        bob.reply(first, 200)
        assert taken(bob) == [b"two"]
        bob.register()
        board.advance(5.0)
        assert texts(bob) == []

    def test_a_phone_that_is_silent(self) -> None:
        board, writer, bob = bench()
        bob.register()
        writer.write("one")
        board.advance(7.9)
        assert writer.statuses() in ([], [100])
        board.advance(0.2)
        assert writer.statuses()[-1] == 202
        bob.received()
        board.advance(100)
        bob.received()
        bob.register()
        board.advance(1.0)
        assert taken(bob) == [b"one"]

    def test_an_answer_after_all_takes_it_back(self) -> None:
        board, writer, bob = bench()
        bob.register()
        writer.write("one")
        (text,) = texts(bob)
        board.advance(8.1)
        assert writer.statuses()[-1] == 202
        bob.reply(text, 200)
        bob.received()
        bob.register()
        board.advance(5.0)
        assert [one for one in texts(bob) if one.top_via.branch != text.top_via.branch] == []

    @pytest.mark.parametrize(("status", "answer"), [(480, 202), (503, 202), (415, 415), (603, 603)])
    def test_what_a_phone_says(self, status: int, answer: int) -> None:
        _, writer, bob = bench()
        bob.register()
        writer.write("one")
        bob.reply(texts(bob)[0], status)
        assert writer.statuses()[-1] == answer

    def test_a_phone_that_goes_again_leaves_the_rest_for_the_next_time(self) -> None:
        board, writer, bob = bench()
        for text in ("one", "two"):
            writer.write(text)
        bob.register()
        board.advance(1.0)
        assert taken(bob, 480) == [b"one"]
        bob.register()
        board.advance(1.0)
        assert taken(bob) == [b"one", b"two"]

    def test_a_text_that_its_phone_does_not_want_holds_up_no_other(self) -> None:
        board, writer, bob = bench()
        for text in ("one", "two"):
            writer.write(text)
        bob.register()
        board.advance(1.0)
        assert taken(bob, 415) == [b"one", b"two"]


class TestLimits:
    def test_its_own_time_and_ours(self) -> None:
        board, writer, bob = bench(message_days=1)
        writer.write("short", Expires="60")
        writer.write("long", Expires="9999999")
        board.advance(61)
        bob.register()
        board.advance(1.0)
        assert taken(bob) == [b"long"]
        bob.register(Contact="*", Expires="0")
        writer.write("late")
        board.advance(90_000)
        bob.register()
        board.advance(1.0)
        assert taken(bob) == []

    def test_now_or_never(self) -> None:
        _, writer, _ = bench()
        assert status_of(writer.write("one", Expires="0")) == 480

    @pytest.mark.parametrize("content_type", ["application/im-iscomposing+xml", "image/png", ""])
    def test_what_is_of_no_use_later(self, content_type: str) -> None:
        _, writer, _ = bench()
        assert status_of(writer.write("one", Content_Type=content_type)) == 480

    def test_a_user_has_room_for_so_many(self) -> None:
        _, writer, _ = bench(requests_per_s=0)
        statuses = [status_of(writer.write(f"text {number}")) for number in range(MAX_OF_USER + 1)]
        assert statuses == [202] * MAX_OF_USER + [480]

    def test_too_long(self) -> None:
        _, writer, _ = bench()
        assert status_of(writer.write("x" * 17_000, Call_ID="long")) == 480

    def test_switched_off(self) -> None:
        _, writer, _ = bench(message_days=0)
        assert status_of(writer.write("one")) == 480

    def test_strangers_leave_nothing(self) -> None:
        board, _, bob = bench()
        stranger = Writer(board, "guest", "198.51.100.1")
        stranger.domain = "elsewhere.example"
        stranger.ask("MESSAGE", f"sip:1002@{DOMAIN}", Content_Type="text/plain")
        assert stranger.statuses() == [480]
        bob.register()
        board.advance(2.0)
        assert texts(bob) == []

    def test_a_provider_may(self) -> None:
        board, _, bob = bench()
        board.exchange.trunks.configure(outside(trunk()), board.now)
        provider = Writer(board, "provider", PROVIDER_HOST)
        provider.domain = PROVIDER_HOST
        provider.ask("MESSAGE", f"sip:1002@{OWN}", Content_Type="text/plain")
        assert provider.statuses() == [202]
        bob.register()
        board.advance(1.0)
        (text,) = texts(bob)
        assert text.from_.uri.host == PROVIDER_HOST

    def test_a_user_who_is_removed(self) -> None:
        board, writer, bob = bench()
        writer.write("one")
        board.exchange.forget_user("1002", board.now)
        bob.register()
        board.advance(2.0)
        assert texts(bob) == []

    def test_nobody_of_that_name(self) -> None:
        _, writer, _ = bench()
        assert status_of(writer.write("one", "1999")) == 404
