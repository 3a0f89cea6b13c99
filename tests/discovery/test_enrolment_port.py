import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from device.discovery.enrolment_port import EnrolmentPort, ask
from device.discovery.errors import DiscoveryError

HOST = "127.0.0.1"


def answer(question: dict[str, Any]) -> dict[str, Any]:
    return {"heard": question}


@pytest.fixture
def port() -> Iterator[EnrolmentPort]:
    port = EnrolmentPort(answer)
    port.open()
    yield port
    port.close()


def test_a_board_asks_and_is_answered(port: EnrolmentPort) -> None:
    # The kernel has taken the connection before anybody serves it.
    thread = threading.Thread(target=lambda: found.append(ask(HOST, port.port, {"id": "x"})))
    found: list[dict[str, Any]] = []
    thread.start()
    while not found and thread.is_alive():
        port.serve()
    thread.join()
    assert found == [{"heard": {"id": "x"}}]


@pytest.mark.parametrize("data", [b"", b"nonsense\n", b"[]\n", b"{}", b"\xff\xff\n", b"[" * 3000 + b"\n", b"x" * 9000])
def test_whoever_talks_nonsense_is_let_go(port: EnrolmentPort, data: bytes) -> None:
    with socket.create_connection((HOST, port.port)) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        port.serve()
        connection.settimeout(5)
        with suppress(ConnectionResetError):  # where it had not read everything
            assert connection.recv(100) == b""


def test_nobody_there(port: EnrolmentPort) -> None:
    number = port.port
    port.close()
    with pytest.raises(DiscoveryError, match="does not answer"):
        ask(HOST, number, {"probe": 1})


def test_serving_without_a_caller_does_nothing(port: EnrolmentPort) -> None:
    port.serve()
