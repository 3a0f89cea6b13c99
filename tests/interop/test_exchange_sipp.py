"""SIPp at the embedded exchange: registrations, calls between two SIPp, and what is refused."""

from collections.abc import Callable, Iterator

import pytest

from device.demo.system import free_port
from tests.support.canary import CANARY
from tests.support.daemons import ExchangeDaemon, running
from tests.support.processes import HOST, wait_until
from tests.support.sipp import Sipp

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first-{CANARY}", "1002": f"second-{CANARY}", "1003": f"third-{CANARY}"}

Play = Callable[..., Sipp]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory) -> Iterator[ExchangeDaemon]:
    exchange = ExchangeDaemon(tmp_path_factory.mktemp("exchange"), PASSWORDS)
    with running(exchange):
        yield exchange


def account(user: str) -> dict[str, object]:
    """What a scenario needs to speak for a user."""
    return {"user": user, "password": PASSWORDS[user], "from": f"sip:{user}@{HOST}"}


@pytest.fixture
def register(exchange, play) -> Iterator[Callable[..., str]]:
    """Registers a user from a port, as a phone there would; what a test registered is taken back."""
    done: list[tuple[str, dict[str, object]]] = []

    def registered(user: str, port: int, **more: object) -> str:
        contact = f"Contact: <sip:{user}@{HOST}:{port}>"
        values = {"contact": contact, "status": 200, "port": port, **account(user), **more}
        answer = play("register", exchange.address, **values).succeed()
        done.append((user, values))
        return answer

    yield registered
    for _, values in done:
        play("register", exchange.address, **{**values, "expires": 0, "status": 200}).succeed()
    assert not any(exchange.contacts(user) for user, _ in done)


@pytest.fixture
def phone_of(play, register) -> Callable[..., Sipp]:
    """A SIPp that is registered as a user and waits for the call of a scenario."""

    def start(user: str, scenario: str, **values: object) -> Sipp:
        port = free_port()
        register(user, port)
        return play(scenario, port=port, user=user, **values)

    return start


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_registration_with_digest(exchange, register, transport) -> None:
    port = free_port()
    answer = register("1001", port, transport=transport)
    assert exchange.contacts("1001") == [f"sip:1001@{HOST}:{port}"]
    assert answer.index("algorithm=MD5") < answer.index("algorithm=SHA-256")
    assert "expires=60" in answer


def test_several_contacts_of_one_user(exchange, register) -> None:
    ports = free_port(), free_port()
    answers = [register("1001", port) for port in ports]
    assert answers[1].count("Contact: <sip:1001@") >= 2
    assert sorted(exchange.contacts("1001")) == sorted(f"sip:1001@{HOST}:{port}" for port in ports)


def test_a_wish_that_is_too_brief(exchange, play) -> None:
    values = {**account("1001"), "contact": f"Contact: <sip:1001@{HOST}:5098>", "expires": 5, "status": 423}
    assert "Min-Expires: 30" in play("register", exchange.address, **values).succeed()
    assert exchange.contacts("1001") == []


@pytest.mark.parametrize(
    ("user", "password"), [("1001", "wrong"), ("1999", "whatever")], ids=["wrong password", "unknown user"]
)
def test_a_registration_that_is_refused(exchange, play, user, password) -> None:
    """Whether the user exists is not told."""
    values = {"user": user, "password": password, "contact": f"Contact: <sip:{user}@{HOST}:5098>", "status": 403}
    play("register", exchange.address, **values).succeed()
    assert exchange.contacts(user) == []


def test_a_call_between_two_users(exchange, play, phone_of) -> None:
    callee = phone_of("1002", "answer")
    caller = play("call-authenticated", exchange.address, target=f"sip:1002@{HOST}", pause_ms=200, **account("1001"))
    trace = caller.succeed()
    callee.succeed()
    assert "Record-Route: <sip:" in trace
    assert "Route: <sip:" in trace
    assert PASSWORDS["1001"] not in trace


def test_a_call_over_tcp_to_a_user_at_udp(exchange, play, phone_of) -> None:
    callee = phone_of("1002", "answer")
    caller = play("call-authenticated", exchange.address, target=f"sip:1002@{HOST}", transport="tcp", **account("1001"))
    assert caller.succeed().count("Record-Route: <sip:") >= 1
    callee.succeed()


def test_the_called_side_hangs_up(exchange, play, phone_of) -> None:
    callee = phone_of("1002", "answer-and-bye", pause_ms=100)
    values = account("1001")
    caller = play("call-authenticated-until-bye", exchange.address, target=f"sip:1002@{HOST}", **values)
    caller.succeed()
    callee.succeed()


def test_the_caller_gives_up(exchange, play, phone_of) -> None:
    callee = phone_of("1002", "ring-until-cancelled", cseq=2)
    target = f"sip:1002@{HOST}"
    play("call-authenticated-and-cancel", exchange.address, target=target, **account("1001")).succeed()
    callee.succeed()


@pytest.mark.parametrize("status", [486, 603, 480, 404])
def test_a_refusal_comes_back(exchange, play, phone_of, status) -> None:
    callee = phone_of("1002", "refuse", status=status)
    values = {"target": f"sip:1002@{HOST}", "status": status, **account("1001")}
    play("call-authenticated-refused", exchange.address, **values).succeed()
    callee.succeed()


def test_of_two_phones_of_a_user_one_answers_and_the_other_is_cancelled(exchange, play, phone_of) -> None:
    rings = phone_of("1002", "ring-until-cancelled", cseq=2)
    answers = phone_of("1002", "answer")
    caller = play("call-authenticated", exchange.address, target=f"sip:1002@{HOST}", pause_ms=100, **account("1001"))
    caller.succeed()
    answers.succeed()
    rings.succeed()


@pytest.mark.parametrize(
    ("target", "status"),
    [("sip:1003@{HOST}", 480), ("sip:1999@{HOST}", 404)],
    ids=["not registered", "no such user"],
)
def test_nobody_there(exchange, play, target, status) -> None:
    values = {"target": target.replace("{HOST}", HOST), "status": status, **account("1001")}
    play("call-authenticated-refused", exchange.address, **values).succeed()


def test_a_wrong_password_places_no_call(exchange, play) -> None:
    values = {"target": f"sip:1002@{HOST}", "status": 403, **account("1001"), "password": "wrong"}
    play("call-authenticated-refused", exchange.address, **values).succeed()


def test_nobody_calls_in_the_name_of_another(exchange, play) -> None:
    values = {"target": f"sip:1002@{HOST}", "status": 403, **account("1001"), "from": f"sip:1002@{HOST}"}
    play("call-authenticated-refused", exchange.address, **values).succeed()


def test_strangers_are_not_relayed(exchange, play) -> None:
    values = {"target": "sip:somebody@example.org", "from": "sip:stranger@example.net", "status": 403}
    play("call-refused", exchange.address, **values).succeed()


def test_a_stranger_may_call_a_user(exchange, play, phone_of) -> None:
    callee = phone_of("1002", "answer")
    play("call", exchange.address, target=f"sip:1002@{HOST}", **{"from": "sip:stranger@example.net"}).succeed()
    callee.succeed()


@pytest.mark.parametrize(
    ("status", "values"),
    [
        (200, {"method": "OPTIONS"}),
        (405, {"method": "MESSAGE"}),
        (416, {"method": "OPTIONS", "target": "weird:thing", "to": f"sip:thing@{HOST}"}),
        (420, {"method": "OPTIONS", "extra": "Proxy-Require: nothing"}),
        (505, {"method": "OPTIONS", "version": "SIP/7.0"}),
        (401, {"method": "REGISTER"}),
    ],
)
def test_requests_to_the_exchange_itself(exchange, play, status, values) -> None:
    values = {"target": f"sip:{HOST}", "status": status, "from": "sip:stranger@example.net", **values}
    play("request", exchange.address, **values).succeed()


def test_a_request_that_has_come_too_far(exchange, play) -> None:
    values = {"method": "MESSAGE", "target": f"sip:1002@{HOST}", "status": 483, "hops": 0}
    play("request", exchange.address, **values, **{"from": "sip:stranger@example.net"}).succeed()


def test_contacts_outlive_the_exchange(exchange, play, phone_of) -> None:
    callee = phone_of("1002", "answer")
    exchange.kill()
    exchange.start()
    wait_until("the contact to be there", lambda: exchange.contacts("1002"))
    play("call-authenticated", exchange.address, target=f"sip:1002@{HOST}", **account("1001")).succeed()
    callee.succeed()
