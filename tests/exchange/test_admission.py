import pytest

from device.exchange.admission import (
    BURST_S,
    CHALLENGED,
    KNOWN_FOR_S,
    LONGEST_BAN_S,
    MAX_BANNED,
    MAX_SENDERS,
    UNKNOWN_NUMBER,
    WRONG_PASSWORD,
    Admission,
    sender_of,
)

HOST = "198.51.100.7"
REQUEST = b"OPTIONS sip:pbx.lan SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\n"


def scanner(name: str) -> bytes:
    return REQUEST[:-2] + f"User-Agent: {name}\r\n\r\n".encode()


def make(limit: float = 30, ban_s: float = 300, requests_per_s: float = 50) -> Admission:
    return Admission(limit, ban_s, requests_per_s)


class TestBans:
    def test_guessing_passwords(self) -> None:
        door = make()
        guesses = 0
        while door.admits(REQUEST, HOST, guesses / 10):
            door.note(HOST, WRONG_PASSWORD, "wrong passwords", guesses / 10)
            guesses += 1
        assert guesses == 7
        (ban,) = door.news
        assert (ban.sender, ban.reason, round(ban.until)) == (HOST, "wrong passwords", 301)
        assert door.admits(REQUEST, "192.0.2.1", 1.0)

    def test_a_user_who_mistypes_is_not_banned(self) -> None:
        door = make()
        for attempt in range(1000):
            now = attempt * 30.0
            assert door.admits(REQUEST, HOST, now)
            door.note(HOST, CHALLENGED, "", now)
            door.note(HOST, WRONG_PASSWORD, "", now)
        assert door.news == []

    def test_phones_that_prove_who_they_are_never_are_however_many_share_an_address(self) -> None:
        door = make()
        for number in range(5000):
            door.note(HOST, CHALLENGED, "", number / 1000)
            door.note_proof(HOST, number / 1000)
        assert door.news == []

    def test_a_ban_ends_and_the_next_one_is_longer(self) -> None:
        door, now, lasted = make(), 0.0, []
        for _ in range(7):
            door.note(HOST, 31.0, "x", now)
            until = door.news.pop().until
            lasted.append(until - now)
            assert not door.admits(REQUEST, HOST, until - 0.1)
            assert door.admits(REQUEST, HOST, until)
            now = until
        assert lasted == [300.0, 1200.0, 4800.0, 19200.0, 76800.0, LONGEST_BAN_S, LONGEST_BAN_S]

    @pytest.mark.parametrize("name", ["friendly-scanner", "SIPVicious", "sipcli/v1.8", "  sundayddr"])
    def test_a_scanner_is_banned_for_its_name(self, name: str) -> None:
        door = make()
        assert not door.admits(scanner(name), HOST, 0.0)
        assert not door.admits(REQUEST, HOST, 1.0)
        assert door.bans(1.0)[0].reason == "a scanner by its own name"
        assert door.dropped == 2

    @pytest.mark.parametrize("name", ["offhook/0.1", "Linphone/5", "my friendly-scanner"])
    def test_phones_are_not(self, name: str) -> None:
        assert make().admits(scanner(name), HOST, 0.0)

    def test_without_a_limit_nobody_is(self) -> None:
        door = make(limit=0)
        door.note(HOST, 1e6, "x", 0.0)
        assert door.admits(scanner("friendly-scanner"), HOST, 0.0)

    def test_a_pardon(self) -> None:
        door = make()
        door.note(HOST, 31.0, "x", 0.0)
        assert door.pardon(HOST)
        assert door.admits(REQUEST, HOST, 1.0)
        assert not door.pardon(HOST)


class TestRate:
    def admitted(self, door: Admission, requests: int, now: float) -> int:
        return sum(door.admits(REQUEST, HOST, now) for _ in range(requests))

    def test_strangers_may_send_so_much_and_no_more(self) -> None:
        door = make(requests_per_s=10)
        assert self.admitted(door, 1000, 0.0) == 10 * BURST_S
        assert self.admitted(door, 1000, 1.0) == 10
        assert door.bans(1.0) == []

    def test_users_may_send_what_they_like_for_a_time(self) -> None:
        door = make(requests_per_s=10)
        door.note_proof(HOST, 0.0)
        assert self.admitted(door, 1000, 0.0) == 1000
        assert self.admitted(door, 1000, KNOWN_FOR_S + 1.0) == 10 * BURST_S

    def test_answers_are_no_requests(self) -> None:
        door = make(requests_per_s=1)
        assert all(door.admits(b"SIP/2.0 200 OK\r\n", HOST, 0.0) for _ in range(100))

    def test_without_a_limit_everything_comes_in(self) -> None:
        assert self.admitted(make(requests_per_s=0), 10_000, 0.0) == 10_000


class TestMemory:
    def test_senders_are_forgotten_when_there_are_too_many(self) -> None:
        door = make()
        for number in range(MAX_SENDERS + 10):
            door.note(f"h{number}", UNKNOWN_NUMBER, "", 0.0)
        assert len(door._senders) == MAX_SENDERS

    def test_a_flood_from_everywhere_frees_nobody_who_is_banned(self) -> None:
        door = make()
        door.note(HOST, 31.0, "x", 0.0)
        for number in range(MAX_SENDERS + 10):
            door.admits(REQUEST, f"h{number}", 1.0)
        assert not door.admits(REQUEST, HOST, 2.0)

    def test_bans_are_bounded_too(self) -> None:
        door = make()
        for number in range(MAX_BANNED + 10):
            door.note(f"h{number}", 31.0, "x", 0.0)
        assert len(door.bans(1.0)) == MAX_BANNED
        assert len(door.news) == MAX_BANNED


class TestOthersInOnesName:
    """Anybody can write any address on a datagram: nobody shall get a phone or a provider banned."""

    def test_a_user_is_not_banned_for_what_anybody_can_write(self) -> None:
        door = make()
        door.note_proof(HOST, 0.0)
        assert not door.admits(scanner("friendly-scanner"), HOST, 1.0)
        for _ in range(100):
            door.note(HOST, UNKNOWN_NUMBER, "x", 1.0)
        assert door.admits(REQUEST, HOST, 2.0)
        assert door.news == []

    def test_for_wrong_passwords_a_user_is_banned_too(self) -> None:
        door = make()
        door.note_proof(HOST, 0.0)
        for _ in range(7):
            door.note(HOST, WRONG_PASSWORD, "wrong passwords", 1.0, is_certain=True)
        assert not door.admits(REQUEST, HOST, 2.0)


@pytest.mark.parametrize(
    ("host", "sender"),
    [
        ("2001:db8::9:1", "2001:db8:0:0::/64"),
        ("2001:db8:0:0:1:2:3:4", "2001:db8:0:0::/64"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:0db8:0001:0002:a::7", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fd00::7", "fd00::7"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_a_network_of_others_is_one_sender(host: str, sender: str) -> None:
    assert sender_of(host, 5060) == sender


def test_on_this_machine_a_sender_is_a_program() -> None:
    assert sender_of("127.0.0.1", 5071) == "127.0.0.1:5071"
    assert sender_of("::1", 5071) == "::1:5071"
    assert sender_of("192.0.2.1", 5071) == "192.0.2.1"
