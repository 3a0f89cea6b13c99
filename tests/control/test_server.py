import json
import logging
import os
import resource
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from device import plain_logging
from device.control.errors import (
    FAILED,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    REFUSED,
    ControlError,
    SocketTakenError,
)
from device.control.server import MAX_CLIENTS, MAX_UNSENT_BYTES, MAX_WAITING_CALLS, ControlServer, Deferred
from tests.control.conftest import Daemon

TURNS = 2000


class Peer:
    """A client at the level of bytes, in the same thread as the daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(daemon.path)
        self.socket.setblocking(False)
        self.received = b""

    def send(self, data: bytes) -> None:
        self.socket.send(data)

    def tell(self, method: str, number: object = 1, **params: object) -> None:
        self.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n")

    def _take(self) -> bool:
        """Take what has come; False once the daemon has closed the connection."""
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        self.received += data
        return data != b""

    def next(self) -> dict[str, Any]:
        """The next message from the daemon."""
        for _ in range(TURNS):
            if b"\n" in self.received:
                line, _, self.received = self.received.partition(b"\n")
                message = json.loads(line)
                assert message["jsonrpc"] == "2.0"
                return dict(message)
            assert self._take() or b"\n" in self.received, "the daemon closed the connection"
            self.daemon.loop.turn(0.01)
        raise AssertionError("the daemon said nothing")

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        self.tell(method, **params)
        return self.next()

    def closed(self) -> bool:
        """Whether the daemon has closed the connection."""
        return not self._take()


@pytest.fixture
def connect(daemon: Daemon) -> Iterator[Callable[[], Peer]]:
    peers: list[Peer] = []

    def connected() -> Peer:
        peers.append(Peer(daemon))
        daemon.loop.turn(0.0)
        return peers[-1]

    yield connected
    for peer in peers:
        peer.socket.close()


@pytest.fixture
def peer(connect: Callable[[], Peer]) -> Peer:
    return connect()


def test_the_socket_is_for_owner_and_group_whatever_the_umask(tmp_path: Path, daemon: Daemon) -> None:
    before = os.umask(0)
    server = ControlServer(daemon.loop, str(tmp_path / "deep" / "er" / "control.sock"), {})
    try:
        server.open()
        server.open()
    finally:
        after = os.umask(before)
    assert after == 0
    assert stat.S_IMODE(os.stat(server.path).st_mode) == 0o660
    server.close()
    server.close()
    assert os.listdir(tmp_path / "deep" / "er") == []


def test_a_method_is_called_and_answered(peer: Peer, daemon: Daemon) -> None:
    assert peer.ask("call.place", target="1002") == {"jsonrpc": "2.0", "id": 1, "result": {"call": "c1"}}
    assert daemon.calls == [("call.place", {"target": "1002"})]


def test_nothing_to_say_is_an_empty_object(peer: Peer) -> None:
    assert peer.ask("daemon.stop")["result"] == {}


def test_a_notification_is_obeyed_and_not_answered(peer: Peer, daemon: Daemon) -> None:
    peer.send(b'{"jsonrpc":"2.0","method":"call.place","params":{"target":"1"}}\n')
    peer.send(b'{"jsonrpc":"2.0","method":"nonsense"}\n{"jsonrpc":"2.0","method":"call.hangup"}\n')
    peer.tell("status", 2)
    assert peer.next()["id"] == 2
    assert daemon.calls[0] == ("call.place", {"target": "1"})
    daemon.deferred[0].resolve({})
    peer.tell("status", 3)
    assert peer.next()["id"] == 3


def test_many_calls_in_one_piece_are_answered_in_order(peer: Peer) -> None:
    peer.send(b"".join(b'{"jsonrpc":"2.0","id":%d,"method":"status"}\n' % number for number in range(100)))
    assert [peer.next()["id"] for _ in range(100)] == list(range(100))


@pytest.mark.parametrize(
    ("method", "params", "code", "words"),
    [
        ("nonsense", {}, METHOD_NOT_FOUND, "unknown method 'nonsense': `offhook help methods`"),
        ("call.digits", {"digits": "1"}, METHOD_NOT_FOUND, "unknown method"),
        ("call.place", {}, INVALID_PARAMS, "target: missing"),
        ("call.place", {"target": 5, "volume": 3}, INVALID_PARAMS, "volume: unknown"),
        ("call.answer", {}, REFUSED, "nobody rings"),
        ("call.list", {}, REFUSED, "odd data"),
        ("board.lift", {}, FAILED, "this board is real"),
        ("board.replace", {}, INTERNAL_ERROR, "a fault inside board.replace: see `offhook log`"),
        ("daemon.version", {}, INTERNAL_ERROR, "a fault in the answer"),
        ("log.tail", {"lines": 500}, FAILED, "ask for fewer at once"),
        ("subscribe", {"topics": ["phone", "wether"]}, INVALID_PARAMS, "unknown topic 'wether': there are phone"),
    ],
)
def test_a_refusal_has_its_code_and_the_next_step(
    peer: Peer, method: str, params: dict[str, object], code: int, words: str
) -> None:
    error = peer.ask(method, **params)["error"]
    assert error["code"] == code
    assert words in error["message"]
    assert peer.ask("status")["result"] == {"phone": "IDLE"}


def test_a_refusal_may_carry_every_fault(peer: Peer) -> None:
    assert peer.ask("call.answer")["error"]["data"] == {"faults": ["a", "b"]}


def test_a_fault_of_ours_is_logged_and_not_told(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    assert "hunter2" not in json.dumps(peer.ask("board.replace"))
    assert "RuntimeError: hunter2" in caplog.text


def test_faulty_params_are_not_repeated_to_anybody(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = peer.ask("call.place", target=["hunter2"])
    assert answer["error"]["code"] == INVALID_PARAMS
    assert "hunter2" not in json.dumps(answer) + caplog.text


def test_a_method_outside_the_schema_gets_its_params_unchecked(peer: Peer) -> None:
    assert peer.ask("undocumented", anything=1)["result"] == "done"


def test_what_is_no_call_is_refused_and_the_connection_lives_on(peer: Peer) -> None:
    peer.send(b'[{"jsonrpc":"2.0","id":1,"method":"status"}]\n')
    answer = peer.next()
    assert answer["id"] is None
    assert answer["error"]["code"] == INVALID_REQUEST
    peer.send(b'{"jsonrpc":"2.0","id":9,"result":"an answer nobody asked for"}\n')
    assert peer.ask("status")["id"] == 1


def test_a_line_that_is_too_long_is_refused(peer: Peer) -> None:
    for _ in range(70):
        peer.send(b"x" * 1000)
        peer.daemon.loop.turn(0.01)
    peer.send(b"\n")
    assert "longer than 65536 bytes" in peer.next()["error"]["message"]
    assert peer.ask("status")["id"] == 1


def test_a_deferred_answer_comes_when_it_is_there(peer: Peer, daemon: Daemon) -> None:
    peer.tell("call.hangup", "late")
    assert peer.ask("status")["id"] == 1
    daemon.deferred[0].resolve({"call": "c1"})
    daemon.deferred[0].fail(ControlError(FAILED, "too late to fail"))
    assert daemon.deferred[0].done
    assert peer.next() == {"jsonrpc": "2.0", "id": "late", "result": {"call": "c1"}}


def test_a_deferred_answer_may_be_a_refusal(peer: Peer, daemon: Daemon) -> None:
    peer.tell("call.hangup")
    peer.tell("status", 2)
    assert peer.next()["id"] == 2
    daemon.deferred[0].fail(ControlError(REFUSED, "the other end was faster"))
    assert peer.next()["error"] == {"code": REFUSED, "message": "the other end was faster"}


def test_a_deferred_answer_may_be_there_at_once(peer: Peer, daemon: Daemon) -> None:
    settled = Deferred()
    settled.resolve("at once")
    daemon.methods["call.answer"] = lambda _params: settled
    assert peer.ask("call.answer")["result"] == "at once"


def test_a_deferred_answer_for_one_who_left_is_dropped(connect: Callable[[], Peer], daemon: Daemon) -> None:
    peer, other = connect(), connect()
    peer.tell("call.hangup")
    assert other.ask("status")["id"] == 1
    peer.socket.close()
    assert other.ask("status")["id"] == 1
    daemon.deferred[0].resolve({})
    assert other.ask("status")["id"] == 1


def test_calls_that_wait_are_bounded(peer: Peer, daemon: Daemon) -> None:
    for number in range(MAX_WAITING_CALLS + 1):
        peer.tell("call.hangup", number)
    answer = peer.next()
    assert answer["id"] == MAX_WAITING_CALLS
    assert "wait for some of them" in answer["error"]["message"]
    daemon.deferred[0].resolve({})
    assert peer.next()["id"] == 0
    peer.tell("call.hangup", "again")
    peer.tell("status", "after")
    assert peer.next()["id"] == "after"
    assert len(daemon.deferred) == MAX_WAITING_CALLS + 1


def test_events_go_to_those_who_asked_for_their_topic(connect: Callable[[], Peer], daemon: Daemon) -> None:
    phone, sip, deaf = connect(), connect(), connect()
    assert not daemon.server.has_subscribers("phone")
    assert phone.ask("subscribe", topics=["phone", "call"])["result"] == {"topics": ["call", "phone"]}
    assert sip.ask("subscribe", topics=["sip"])["result"] == {"topics": ["sip"]}
    assert daemon.server.has_subscribers("phone")
    daemon.server.publish("phone", {"state": "DIAL_TONE"})
    daemon.server.publish("audio", {"device": "lost"})
    assert phone.next() == {"jsonrpc": "2.0", "method": "event.phone", "params": {"state": "DIAL_TONE"}}
    for peer in (sip, deaf):
        assert peer.ask("status")["id"] == 1


def test_unsubscribing_ends_the_events(peer: Peer, daemon: Daemon) -> None:
    peer.ask("subscribe", topics=["phone", "call"])
    assert peer.ask("unsubscribe", topics=["phone"])["result"] == {"topics": ["call"]}
    daemon.server.publish("phone", {"state": "IDLE"})
    assert peer.ask("status")["id"] == 1


def test_an_event_that_json_cannot_say_is_logged_and_harms_nobody(
    peer: Peer, daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    peer.ask("subscribe", topics=["phone"])
    daemon.server.publish("phone", {"state": object()})
    assert "cannot be said in JSON" in caplog.text
    daemon.server.publish("phone", {"state": "IDLE"})
    assert peer.next()["params"] == {"state": "IDLE"}


def test_a_slow_subscriber_gets_everything_once_it_reads(peer: Peer, daemon: Daemon) -> None:
    peer.ask("subscribe", topics=["log"])
    sent = 0
    # Half of what may wait, on top of what fits into the kernel's own buffers.
    while len(daemon.server._clients[0].unsent) < MAX_UNSENT_BYTES // 2:
        daemon.server.publish("log", {"line": "x" * 1000, "number": sent})
        sent += 1
    assert [peer.next()["params"]["number"] for _ in range(sent)] == list(range(sent))
    assert peer.ask("status")["id"] == 1


def test_one_who_never_reads_is_dropped_and_nobody_else_notices(
    connect: Callable[[], Peer], daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    deaf, other = connect(), connect()
    deaf.ask("subscribe", topics=["log"])
    for _ in range(2000):
        daemon.server.publish("log", {"line": "x" * 1000})
    assert "does not read what it asked for was dropped" in caplog.text
    assert not daemon.server.has_subscribers("log")
    assert other.ask("status")["id"] == 1
    for _ in range(TURNS):
        if deaf.closed():
            break
    assert deaf.closed()


def test_dropping_one_may_be_told_to_another_in_the_log(connect: Callable[[], Peer], daemon: Daemon) -> None:
    """The daemon publishes its log lines; the line about a dropped client comes while events are being sent."""
    deaf, listener = connect(), connect()
    deaf.ask("subscribe", topics=["sip"])
    listener.ask("subscribe", topics=["log"])

    plain_logging.root.handlers.append(lambda record: daemon.server.publish("log", {"line": record.message()}))
    while daemon.server.has_subscribers("sip"):
        daemon.server.publish("sip", {"text": "x" * 10_000})
    assert "dropped" in listener.next()["params"]["line"]


def test_one_who_leaves_is_forgotten(connect: Callable[[], Peer], daemon: Daemon) -> None:
    peer, other = connect(), connect()
    peer.ask("subscribe", topics=["phone"])
    peer.socket.close()
    assert other.ask("status")["id"] == 1
    assert not daemon.server.has_subscribers("phone")
    daemon.server.publish("phone", {"state": "IDLE"})


def test_one_who_left_unseen_is_dropped_when_an_event_cannot_be_sent(peer: Peer, daemon: Daemon) -> None:
    peer.ask("subscribe", topics=["phone"])
    peer.socket.close()
    daemon.server.publish("phone", {"state": "IDLE"})
    assert not daemon.server.has_subscribers("phone")


def test_too_many_clients_are_told_so(connect: Callable[[], Peer], caplog: pytest.LogCaptureFixture) -> None:
    peers = [connect() for _ in range(MAX_CLIENTS)]
    for peer in peers:
        peer.ask("status")
    surplus = connect()
    assert "16 clients are connected already" in surplus.next()["error"]["message"]
    assert surplus.closed()
    assert "clients are connected already" in caplog.text
    peers[0].socket.close()
    assert peers[1].ask("status")["id"] == 1
    assert connect().ask("status")["id"] == 1


def test_a_client_that_never_asked_makes_room(connect: Callable[[], Peer]) -> None:
    silent, *others = [connect() for _ in range(MAX_CLIENTS)]
    for peer in others:
        peer.ask("status")
    assert connect().ask("status")["id"] == 1
    assert silent.closed()
    assert others[0].ask("status")["id"] == 1


def test_without_a_free_descriptor_a_client_is_sent_away_and_the_loop_rests(
    daemon: Daemon, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    surplus = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    lowest_free = os.dup(surplus.fileno())
    os.close(lowest_free)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
    try:
        surplus.connect(daemon.path)
        daemon.loop.turn(0.01)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert "could not be accepted" in caplog.text
    assert surplus.recv(1) == b""
    surplus.close()
    assert peer.ask("status")["id"] == 1


def test_closing_sends_the_last_answers(connect: Callable[[], Peer], daemon: Daemon) -> None:
    peer = connect()
    daemon.methods["daemon.stop"] = lambda _params: daemon.server.close()
    peer.tell("status", 1)
    peer.tell("daemon.stop", 2)
    peer.tell("status", 3)
    assert peer.next()["id"] == 1
    assert peer.closed()
    assert not os.path.exists(daemon.path)


def test_a_stale_socket_is_replaced(tmp_path: Path, daemon: Daemon) -> None:
    place = str(tmp_path / "stale.sock")
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    dead.bind(place)
    dead.close()
    server = ControlServer(daemon.loop, place, {})
    server.open()
    server.close()


def test_a_socket_that_answers_is_left_alone(daemon: Daemon, peer: Peer) -> None:
    with pytest.raises(SocketTakenError, match=r"answers at .* already: stop it first with `offhook stop`"):
        ControlServer(daemon.loop, daemon.path, {}).open()
    assert peer.ask("status")["id"] == 1


def test_a_socket_that_is_too_busy_to_answer_is_left_alone(tmp_path: Path, daemon: Daemon) -> None:
    place = str(tmp_path / "busy.sock")
    busy = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    busy.bind(place)
    busy.listen(0)
    waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    waiting.connect(place)
    with pytest.raises(SocketTakenError, match="already"):
        ControlServer(daemon.loop, place, {}).open()
    waiting.close()
    busy.close()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path, daemon: Daemon) -> None:
    (tmp_path / "letter").write_text("dear reader")
    with pytest.raises(SocketTakenError, match="is no socket: remove it"):
        ControlServer(daemon.loop, str(tmp_path / "letter"), {}).open()
    with pytest.raises(SocketTakenError, match="no control socket can be made here"):
        ControlServer(daemon.loop, str(tmp_path / "letter" / "x.sock"), {}).open()
    assert (tmp_path / "letter").read_text() == "dear reader"


def test_a_path_that_is_too_long_is_named(tmp_path: Path, daemon: Daemon) -> None:
    with pytest.raises(SocketTakenError, match="longer than the 107 bytes"):
        ControlServer(daemon.loop, str(tmp_path / ("x" * 120)), {}).open()


def test_closing_leaves_the_socket_of_a_successor(tmp_path: Path, daemon: Daemon) -> None:
    place = tmp_path / "shared.sock"
    first, second = ControlServer(daemon.loop, str(place), {}), ControlServer(daemon.loop, str(place), {})
    first.open()
    place.unlink()
    second.open()
    first.close()
    assert place.exists()
    second.close()
    assert not place.exists()
