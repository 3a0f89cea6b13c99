"""Questions to name servers on loopback: ids and ports, retries, TCP, servers that fail, and the bounds of it all."""

import os
import socket
from collections.abc import Iterator

import pytest

from device.ids import CountingIds, SystemIds
from device.net import dns_client
from device.net.dns_client import (
    MAX_QUERIES,
    MAX_SERVERS_REMEMBERED,
    MAX_SOCKETS,
    MAX_WAITING,
    SLOW_SERVER_S,
    DnsClient,
)
from device.net.dns_message import SRV, A, DnsResponse
from device.net.server_location import Question
from device.net.system_names import ResolvConf
from tests.support import dns_wire as wire
from tests.support.name_server import HOST, NameServer, name_server
from tests.support.turning import HandLoop

PBX = Question("pbx.example", A)


class _Answers(list[tuple[Question, DnsResponse | None]]):
    def take(self, question: Question, response: DnsResponse | None) -> None:
        self.append((question, response))

    @property
    def last(self) -> tuple[object, ...]:
        response = self[-1][1]
        assert response is not None
        return response.find()[0]


@pytest.fixture
def first(loop: HandLoop) -> Iterator[NameServer]:
    with name_server(loop) as server:
        server.host("pbx.example", "192.0.2.7")
        yield server


@pytest.fixture
def second(loop: HandLoop) -> Iterator[NameServer]:
    with name_server(loop) as server:
        server.host("pbx.example", "192.0.2.8")
        yield server


@pytest.fixture
def answers() -> _Answers:
    return _Answers()


@pytest.fixture
def client(loop: HandLoop, answers: _Answers, first: NameServer, second: NameServer) -> Iterator[DnsClient]:
    client = DnsClient(loop, SystemIds(), answers.take)
    client.conf = ResolvConf((first.address, second.address), attempts=2, timeout_s=2.0)
    yield client
    client.close()


def _pass(loop: HandLoop, client: DnsClient, seconds: float) -> None:
    loop.later += seconds
    client.handle_timeout(loop.now())


def test_the_first_server_is_asked_and_answers(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer, second: NameServer
) -> None:
    assert client.ask(PBX)
    assert client.ask(PBX)
    loop.turn_until(lambda: answers)
    loop.settle()
    assert len(answers) == 1
    assert answers[0][0] == PBX
    assert answers.last == ("192.0.2.7",)
    assert first.asked == [("pbx.example", A, "udp+edns")]
    assert second.asked == []
    assert client.next_timeout() is None


def test_ids_and_ports_cannot_be_guessed(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer
) -> None:
    for number in range(8):
        client.ask(Question(f"h{number}.example", A))
    loop.turn_until(lambda: len(answers) == 8)
    assert len(set(first.ports)) == 8
    assert len(set(first.ids)) > 4


def test_a_name_that_does_not_exist_is_an_answer(loop: HandLoop, client: DnsClient, answers: _Answers) -> None:
    client.ask(Question("no.example", A))
    loop.turn_until(lambda: answers)
    response = answers[0][1]
    assert response is not None
    assert (response.rcode, response.negative_ttl_s, response.find()) == (3, 20, ((), 0))


def test_a_silent_server_costs_its_time_once(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer, second: NameServer
) -> None:
    first.is_silent = True
    client.ask(PBX)
    loop.turn_until(lambda: first.asked)
    _pass(loop, client, 1.9)
    assert second.asked == []
    _pass(loop, client, 0.2)
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.8",)
    client.ask(Question("other.example", A))
    loop.turn_until(lambda: len(answers) == 2)
    assert len(first.asked) == 1
    _pass(loop, client, SLOW_SERVER_S)
    first.is_silent = False
    client.ask(PBX)
    loop.turn_until(lambda: len(answers) == 3)
    assert answers.last == ("192.0.2.7",)


def test_a_late_answer_is_welcome(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer, second: NameServer
) -> None:
    second.is_silent = True
    client.ask(PBX)
    _pass(loop, client, 2.1)
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.7",)


def test_when_no_server_answers_the_question_is_given_up(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer, second: NameServer
) -> None:
    first.is_silent = second.is_silent = True
    client.ask(PBX)
    for _ in range(4):
        loop.settle()
        _pass(loop, client, 2.1)
    assert answers == [(PBX, None)]
    assert (len(first.asked), len(second.asked)) == (2, 2)
    assert client.next_timeout() is None


@pytest.mark.parametrize("rcode", [2, 5, 4])
def test_a_server_that_fails_is_left_for_the_next_at_once(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer, rcode: int
) -> None:
    first.rcode = rcode
    client.ask(PBX)
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.8",)


def test_a_port_where_no_server_listens_is_left_at_once(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer, second: NameServer
) -> None:
    first.close()
    client.ask(PBX)
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.8",)


def test_a_server_of_before_edns_is_asked_plainly_from_then_on(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer
) -> None:
    first.refuses_edns = True
    client.ask(PBX)
    loop.turn_until(lambda: answers)
    client.ask(Question("no.example", A))
    loop.turn_until(lambda: len(answers) == 2)
    assert [way for _, _, way in first.asked] == ["udp+edns", "udp", "udp"]


def test_a_long_answer_is_fetched_by_tcp(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer, second: NameServer
) -> None:
    first.truncates = True
    owner = "_sip._udp.example"
    first.add(owner, SRV, *(wire.srv(owner, 1, 1, 5060, f"s{number}.example") for number in range(60)))
    client.ask(Question(owner, SRV))
    loop.turn_until(lambda: answers)
    assert len(answers.last) == 60
    assert [way for _, _, way in first.asked] == ["udp+edns", "tcp+edns"]
    assert second.asked == []


def test_tcp_that_fails_leads_to_the_next_server(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer
) -> None:
    first.truncates = True
    loop.remove_reader(first._tcp.fileno())
    first._tcp.close()
    client.ask(PBX)
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.8",)


def test_a_connection_that_is_closed_early_leads_to_the_next_server(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first.truncates = True

    def hang_up(stream: socket.socket) -> None:
        loop.remove_reader(stream.fileno())
        stream.send(b"\0")
        stream.close()

    monkeypatch.setattr(first, "_read_stream", hang_up)
    client.ask(PBX)
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.8",)


def test_an_answer_truncated_even_by_tcp_leads_to_the_next_server(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        first, "_answer", lambda query_id, name, kind: wire.response(query_id, name, kind, flags=0x8380)
    )
    client.ask(PBX)
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.8",)


def test_a_wrong_id_or_question_is_no_answer(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer, second: NameServer
) -> None:
    first.bad_answers = [
        wire.response(0, "other.example", A, (wire.address("other.example", "198.51.100.1"),)),
        wire.response(0, "pbx.example", SRV),
    ]
    client.ask(PBX)
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.7",)
    assert second.asked == []


def test_a_forged_id_is_passed_over(loop: HandLoop, answers: _Answers, first: NameServer) -> None:
    client = DnsClient(loop, CountingIds(), answers.take)
    client.conf = ResolvConf((first.address,))
    client.ask(PBX)
    attempt = client._queries[PBX].attempts[0]
    forged = wire.response(attempt.id ^ 1, "pbx.example", A, (wire.address("pbx.example", "198.51.100.1"),))
    client._receive(attempt, forged)
    client._receive(attempt, b"\0")
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.7",)


def test_what_comes_from_elsewhere_is_not_heard(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer
) -> None:
    client.ask(PBX)
    attempt = client._queries[PBX].attempts[0]
    forged = wire.response(attempt.id, "pbx.example", A, (wire.address("pbx.example", "198.51.100.1"),))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(forged, (HOST, attempt.sock.getsockname()[1]))
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.7",)


def test_an_answer_that_cannot_be_read_leads_to_the_next_server(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer
) -> None:
    first.bad_answers = [b"\0\0rubbish that is no DNS message"]
    client.ask(PBX)
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.8",)


def test_rotation_shares_the_questions_among_the_servers(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer, second: NameServer
) -> None:
    client.conf = ResolvConf((first.address, second.address), rotate=True)
    for number in range(4):
        client.ask(Question(f"h{number}.example", A))
    loop.turn_until(lambda: len(answers) == 4)
    assert (len(first.asked), len(second.asked)) == (2, 2)


@pytest.mark.parametrize("name", ["a..b", "x" * 64, "a b"])
def test_a_name_that_is_none_is_refused(client: DnsClient, name: str) -> None:
    assert not client.ask(Question(name, A))


def test_without_servers_or_network_nothing_is_asked(loop: HandLoop, answers: _Answers) -> None:
    client = DnsClient(loop, CountingIds(), answers.take)
    assert not client.ask(PBX)
    # The first cannot be reached at all; the zone of the second names no interface.
    client.conf = ResolvConf((("255.255.255.255", 53), ("fe80::1%nowhere", 53)))
    assert not client.ask(PBX)
    assert client.next_timeout() is None
    assert answers == []


def test_a_flood_of_questions_waits_and_is_bounded(
    loop: HandLoop, client: DnsClient, answers: _Answers, first: NameServer
) -> None:
    names = [Question(f"h{number}.example", A) for number in range(MAX_QUERIES + MAX_WAITING)]
    assert all(client.ask(question) for question in names)
    assert client.ask(names[-1])
    assert not client.ask(PBX)
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(400):
        loop.turn(0.05)
        if len(answers) == len(names):
            break
    assert [question for question, _ in answers] == names
    assert len(os.listdir("/proc/self/fd")) < descriptors


def test_a_question_that_waited_and_cannot_be_asked_is_told(
    loop: HandLoop, client: DnsClient, answers: _Answers
) -> None:
    for number in range(MAX_QUERIES):
        client.ask(Question(f"h{number}.example", A))
    assert client.ask(Question("a..b", A))
    loop.turn_until(lambda: len(answers) == MAX_QUERIES + 1)
    assert (Question("a..b", A), None) in answers


def test_what_is_noted_of_servers_is_bounded(loop: HandLoop, client: DnsClient, answers: _Answers) -> None:
    for number in range(MAX_SERVERS_REMEMBERED + 4):
        client.conf = ResolvConf(((f"127.0.1.{number}", 9),), attempts=1)
        client.ask(PBX)
        loop.turn_until(lambda number=number: len(answers) == number + 1)  # type: ignore[misc]
    assert len(client._slow) == MAX_SERVERS_REMEMBERED
    assert {response for _, response in answers} == {None}


def test_few_sockets_listen_for_late_answers(loop: HandLoop, client: DnsClient, first: NameServer) -> None:
    first.is_silent = True
    client.conf = ResolvConf((first.address,), attempts=5)
    client.ask(PBX)
    for _ in range(4):
        _pass(loop, client, 2.1)
    assert len(client._queries[PBX].attempts) == MAX_SOCKETS
    client.close()
    assert client.next_timeout() is None


class _Socket:
    """Stands for a kernel in a bad mood."""

    def __init__(self, sent: int | OSError = 0) -> None:
        self._sent = sent

    def send(self, data: bytes) -> int:
        if isinstance(self._sent, OSError):
            raise self._sent
        return self._sent

    def recv(self, size: int) -> bytes:
        raise BlockingIOError

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        pass


def test_a_server_that_nothing_can_be_sent_to_is_left_for_the_next(
    loop: HandLoop, client: DnsClient, answers: _Answers, monkeypatch: pytest.MonkeyPatch, first: NameServer
) -> None:
    towards = dns_client._socket_towards

    def unsendable(server: tuple[str, int], stream: bool) -> object:
        return _Socket(OSError("no route")) if server == first.address else towards(server, stream)

    monkeypatch.setattr(dns_client, "_socket_towards", unsendable)
    client.ask(PBX)
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.8",)


@pytest.mark.parametrize("manner", ["truncates", "refuses_edns"])
def test_a_server_that_cannot_be_asked_in_the_other_way_is_left_for_the_next(
    loop: HandLoop,
    client: DnsClient,
    answers: _Answers,
    monkeypatch: pytest.MonkeyPatch,
    first: NameServer,
    manner: str,
) -> None:
    setattr(first, manner, True)
    towards, asked = dns_client._socket_towards, []

    def once(server: tuple[str, int], stream: bool) -> socket.socket:
        asked.append(server)
        if server == first.address and asked.count(server) > 1:
            raise OSError("out of descriptors")
        return towards(server, stream)

    monkeypatch.setattr(dns_client, "_socket_towards", once)
    client.ask(PBX)
    loop.turn_until(lambda: answers)
    assert answers.last == ("192.0.2.8",)


def test_what_a_stream_does_not_take_at_once_waits(loop: HandLoop, client: DnsClient) -> None:
    client.ask(PBX)
    attempt = client._queries[PBX].attempts[0]
    attempt.sock.close()
    attempt.unsent = b"question"
    for sent, left in ((BlockingIOError(), b"question"), (3, b"stion"), (5, b"")):
        attempt.sock = _Socket(sent)  # type: ignore[assignment]
        client._writable(attempt)
        assert attempt.unsent == left
    client._readable(attempt)
    assert PBX in client._queries
