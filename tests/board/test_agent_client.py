"""The host's end of the channel, with an agent that the test plays."""

import json
import socket
import threading
import time

import pytest

from tests.board.agent_client import AgentClient, AgentError

AHEAD_S = 1000.0


@pytest.fixture
def client():
    """A client whose agent has a clock that is ahead by AHEAD_S."""
    near, far = socket.socketpair()

    def serve() -> None:
        with far, far.makefile("rb") as lines:
            for line in lines:
                request = json.loads(line)
                answer = {"id": request["id"], "now": [time.monotonic() + AHEAD_S, time.time()]}
                if request["do"] == "fail":
                    answer["error"] = "RuntimeError: no such line"
                else:
                    answer["result"] = {"did": request["do"]}
                far.sendall(b"noise of a console\n" + json.dumps(answer).encode() + b"\n")
                if request["do"] == "leave":
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    client = AgentClient(near.detach())
    yield client
    client.ask("leave")
    client.close()
    thread.join()


def test_an_answer_is_found_among_other_lines(client) -> None:
    assert client.ask("levels", lines=[1]) == {"did": "levels"}


def test_what_the_agent_complains_of_is_told(client) -> None:
    with pytest.raises(AgentError, match="fail: RuntimeError: no such line"):
        client.ask("fail")


def test_the_clocks_are_related(client) -> None:
    client.wait_ready(5)
    now = time.monotonic()
    assert client.inside(now) == pytest.approx(now + AHEAD_S, abs=client.clock_error_s + 0.001)
    assert client.on_host(client.inside(now)) == pytest.approx(now)


def test_an_agent_that_has_gone_is_told_of() -> None:
    near, far = socket.socketpair()
    client = AgentClient(near.detach())
    far.close()
    with pytest.raises((AgentError, OSError)):
        client.ask("hello", within_s=5)
    client.close()
