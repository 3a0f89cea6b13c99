import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from device.control.client import ControlClient, DaemonEvent
from device.control.errors import REFUSED, ControlError, DaemonUnreachableError
from device.control.paths import socket_path
from device.control.server import MAX_CLIENTS
from tests.control.conftest import Daemon


def test_a_call_is_answered(running: Daemon) -> None:
    with ControlClient(running.path) as client:
        assert client.call("status") == {"phone": "IDLE"}
        assert client.call("call.place", target="1002") == {"call": "c1"}
    assert running.calls == [("status", {}), ("call.place", {"target": "1002"})]


def test_a_parameter_that_is_none_is_left_out(running: Daemon) -> None:
    with ControlClient(running.path) as client:
        client.call("call.place", target="1002", account=None)
    assert running.calls == [("call.place", {"target": "1002"})]


def test_a_refusal_is_raised_with_code_and_faults(running: Daemon) -> None:
    with ControlClient(running.path) as client:
        with pytest.raises(ControlError, match="nobody rings") as caught:
            client.call("call.answer")
        assert caught.value.code == REFUSED
        assert caught.value.data == {"faults": ["a", "b"]}
        assert client.call("status") == {"phone": "IDLE"}


def test_a_long_answer_is_read_whole(running: Daemon) -> None:
    with ControlClient(running.path) as client:
        assert client.call("log.tail", lines=150) == {"lines": ["x" * 1000] * 150}


def test_events_come_in_order_and_end_with_the_time_out(running: Daemon) -> None:
    with ControlClient(running.path) as client:
        client.subscribe(["phone", "call"])
        for state in ("DIAL_TONE", "COLLECTING"):
            running.soon(lambda state=state: running.server.publish("phone", {"state": state}))
        assert list(client.events(timeout_s=0.01)) == [
            DaemonEvent("phone", {"state": "DIAL_TONE"}),
            DaemonEvent("phone", {"state": "COLLECTING"}),
        ]


def test_of_events_only_the_wanted_ones_are_taken(running: Daemon) -> None:
    with ControlClient(running.path) as client:
        client.subscribe(["phone"])
        for state in ("DIAL_TONE", "COLLECTING"):
            running.soon(lambda state=state: running.server.publish("phone", {"state": state}))
        found = client.next_event(5, lambda event: event.params["state"] == "COLLECTING")
        assert found == DaemonEvent("phone", {"state": "COLLECTING"})


def test_events_that_are_not_wanted_do_not_prolong_the_waiting(running: Daemon) -> None:
    def tell_on() -> None:
        running.server.publish("phone", {"state": "IDLE"})
        running.loop.call_soon_threadsafe(tell_on)

    with ControlClient(running.path) as client:
        client.subscribe(["phone"])
        running.soon(tell_on)
        assert client.next_event(0.05, lambda _: False) is None


def test_events_that_come_before_an_answer_are_kept(running: Daemon) -> None:
    with ControlClient(running.path) as client:
        client.subscribe(["phone"])
        running.soon(lambda: running.server.publish("phone", {"state": "IDLE"}))
        assert client.call("status") == {"phone": "IDLE"}
        assert client.next_event(0) == DaemonEvent("phone", {"state": "IDLE"})
        assert client.next_event(0) is None


def test_events_on_either_side_of_an_answer_are_told_apart(running: Daemon) -> None:
    def tail(_params: object) -> object:
        running.server.publish("log", {"line": "before"})
        running.loop.call_soon_threadsafe(lambda: running.server.publish("log", {"line": "after"}))
        return {"lines": ["before"]}

    running.methods["log.tail"] = tail
    with ControlClient(running.path) as client:
        client.subscribe(["log"])
        assert client.call("log.tail", lines=5) == {"lines": ["before"]}
        client.forget_events()
        assert client.next_event(5) == DaemonEvent("log", {"line": "after"})


def test_what_comes_with_an_answer_is_not_taken_for_what_came_before_it(tmp_path: Path) -> None:
    place = str(tmp_path / "one-piece.sock")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(place)
    listener.listen(1)
    with ControlClient(place, timeout_s=5) as client, listener:
        client.open()
        accepted = listener.accept()[0]
        accepted.send(
            b'{"jsonrpc":"2.0","method":"event.log","params":{"line":"before"}}\n'
            b'{"jsonrpc":"2.0","id":1,"result":{}}\n'
            b'{"jsonrpc":"2.0","method":"event.log","params":{"line":"after"}}\n'
        )
        assert client.call("log.tail") == {}
        client.forget_events()
        accepted.close()
        assert client.next_event(5) == DaemonEvent("log", {"line": "after"})


def test_the_descriptor_can_be_waited_for(running: Daemon) -> None:
    with ControlClient(running.path) as client:
        assert client.fileno() >= 0
        client.subscribe(["phone"])
        assert client.next_event(0) is None


def test_nobody_there_names_the_next_step(tmp_path: Path) -> None:
    client = ControlClient(str(tmp_path / "none.sock"))
    with pytest.raises(DaemonUnreachableError, match=r"does not answer at .*none\.sock: start it with `offhook run`"):
        client.call("status")
    client.close()


def test_a_path_that_no_socket_can_have_is_no_daemon(tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachableError, match="does not answer"):
        ControlClient(str(tmp_path / ("x" * 200))).call("status")


def test_a_socket_of_somebody_else_names_the_group() -> None:
    text = ControlClient("/run/offhook/control.sock")._unreachable(PermissionError())
    assert "join the group" in text


def test_a_daemon_that_does_not_answer_is_given_up(running: Daemon) -> None:
    with (
        ControlClient(running.path, timeout_s=0.05) as client,
        pytest.raises(DaemonUnreachableError, match=r"did not answer call\.hangup within 0\.05 s"),
    ):
        client.call("call.hangup")


def test_a_daemon_that_does_not_read_is_given_up(tmp_path: Path) -> None:
    place = str(tmp_path / "deaf.sock")
    deaf = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    deaf.bind(place)
    deaf.listen(1)
    with ControlClient(place, timeout_s=0.05) as client, pytest.raises(DaemonUnreachableError, match="does not read"):
        client.call("call.place", target="x" * 10_000_000)
    deaf.close()


def test_a_daemon_that_stops_ends_the_events(running: Daemon) -> None:
    with ControlClient(running.path) as client:
        client.subscribe(["phone"])
        running.soon(running.server.close)
        with pytest.raises(DaemonUnreachableError, match="closed the connection"):
            client.next_event(5)
        with pytest.raises(DaemonUnreachableError, match="does not answer"):
            client.call("status")


def test_a_client_connects_anew_after_the_daemon_came_back(running: Daemon) -> None:
    with ControlClient(running.path) as client:
        assert client.call("status") == {"phone": "IDLE"}
        running.soon(running.server.close)
        with pytest.raises(DaemonUnreachableError):
            client.call("status")
        running.soon(running.server.open)
        assert client.call("status") == {"phone": "IDLE"}


def test_one_too_many_is_told_why(running: Daemon) -> None:
    clients = [ControlClient(running.path) for _ in range(MAX_CLIENTS)]
    for client in clients:
        client.call("status")
    with ControlClient(running.path) as surplus, pytest.raises(ControlError, match="16 clients are connected already"):
        surplus.call("status")
    for client in clients:
        client.close()


def answer_with(tmp_path: Path, line: bytes) -> Callable[[], object]:
    """A call to a server that says `line` to whoever connects, and hangs up."""
    place = str(tmp_path / "odd.sock")
    odd = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    odd.bind(place)
    odd.listen(1)

    def call() -> object:
        with ControlClient(place, timeout_s=5) as client, odd:
            client.open()
            accepted = odd.accept()[0]
            accepted.send(line)
            accepted.close()
            return client.call("status")

    return call


def test_a_server_that_speaks_something_else_is_no_daemon(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="something that is no answer"):
        answer_with(tmp_path, b"HTTP/1.1 400 Bad Request\r\n")()


def test_a_server_that_only_hangs_up_is_no_daemon(tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachableError, match="closed the connection"):
        answer_with(tmp_path, b"")()


def test_the_socket_is_where_the_user_says_or_where_the_system_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, own = tmp_path / "run" / "control.sock", tmp_path / "user" / "offhook" / "control.sock"
    monkeypatch.setattr("device.control.paths.SYSTEM_SOCKET", str(system))
    environment = {"XDG_RUNTIME_DIR": str(tmp_path / "user")}
    for place in (system, own):
        place.parent.mkdir(parents=True)
    assert socket_path({"OFFHOOK_SOCKET": "/b"}, "/a") == "/a"
    assert socket_path({"OFFHOOK_SOCKET": "/b"}) == "/b"
    assert socket_path({}) == str(system)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert socket_path(environment) == str(own)
    system.touch()
    assert socket_path(environment) == str(system)
    own.touch()
    assert socket_path(environment) == str(own)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert socket_path(environment) == str(system)
