"""Aliases, groups, forwarding and redirection, typed at an exchange that runs, and telephones that are called so."""

from collections.abc import Iterator

import pytest

from tests.support.canary import CANARY
from tests.support.daemons import ExchangeDaemon, PhoneDaemon, running
from tests.support.processes import HOST

PASSWORDS = {f"100{number}": f"{number} {CANARY}" for number in (1, 2, 3)}


class House:
    """An exchange and three phones."""

    def __init__(self, folder) -> None:
        self.exchange = ExchangeDaemon(folder, PASSWORDS)
        self.phones = [PhoneDaemon(name, folder) for name in PASSWORDS]
        self.alice, self.bob, self.carol = self.phones

    def connect(self, number: str, answers: PhoneDaemon) -> None:
        """Alice calls, and that phone answers."""
        self.alice.place(number)
        answers.expect_state("alerting")
        answers.lift()
        answers.expect_state("connected")
        self.alice.expect_state("connected")


@pytest.fixture(scope="module")
def house_that_stands(tmp_path_factory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    with running(house.exchange, *house.phones):
        for phone in house.phones:
            phone.add_account(house.exchange.address, phone.name, PASSWORDS[phone.name])
        for phone in house.phones:
            phone.expect_registration("registered")
        yield house


@pytest.fixture
def house(house_that_stands) -> Iterator[House]:
    yield house_that_stands
    for phone in house_that_stands.phones:
        phone.rest()


def test_a_short_number(house) -> None:
    assert house.exchange.manage("alias", "add", "2", "1002") == "2 means 1002\n"
    house.connect("2", house.bob)


def test_what_is_typed_outlives_the_exchange(house) -> None:
    house.exchange.manage("alias", "add", "3", "1003")
    house.exchange.kill()
    house.exchange.start()
    assert "3  1003\n" in house.exchange.manage("alias", "list")
    house.connect("3", house.carol)


def test_a_door_button_rings_everywhere_as_a_door(house) -> None:
    house.exchange.manage("group", "set", "600", "all", "1001", "1002", "1003", "bell=door")
    house.alice.place("600")
    invite = house.bob.expect_message("in", "INVITE")
    assert f"Alert-Info: <sip:600@{HOST}>;info=alert-door" in invite
    house.bob.expect_state("alerting")
    house.carol.expect_state("alerting")
    house.carol.lift()
    house.alice.expect_state("connected")
    house.bob.expect_state("idle")


def test_a_group_that_is_called_in_order(house) -> None:
    house.exchange.manage("group", "set", "601", "order", "1002", "1003", "ring=5")
    house.alice.place("601")
    house.bob.expect_state("alerting")
    house.bob.expect_state("idle")
    house.carol.expect_state("alerting")
    house.carol.lift()
    house.alice.expect_state("connected")


def test_forwarding_when_busy_and_back(house) -> None:
    house.exchange.manage("forward", "set", "1002", "busy", "1003")
    house.bob.lift()
    house.bob.expect_state("dial-tone")
    house.connect("1002", house.carol)
    invite = house.carol.messages("in", "INVITE")[-1]
    assert f"Diversion: <sip:1002@{HOST}>;reason=user-busy;counter=1" in invite
    for phone in (house.alice, house.carol):
        phone.rest()
    house.exchange.manage("forward", "remove", "1002")
    house.alice.place("1002")
    house.alice.expect_state("busy-tone")


def test_forwarding_without_answer(house) -> None:
    house.exchange.manage("forward", "set", "1002", "no-answer", "1003", "after=5")
    house.alice.place("1002")
    house.bob.expect_state("alerting")
    house.bob.expect_state("idle")
    house.carol.expect_state("alerting")
    house.exchange.manage("forward", "remove", "1002")


def test_redirection(house) -> None:
    """The caller's phone calls the contact that it is told."""
    house.exchange.manage("redirect", "1002", "on")
    house.connect("1002", house.bob)
    assert house.alice.messages("in", "SIP/2.0 302")
    assert house.alice.messages("out", f"INVITE sip:1002@{HOST}:{house.bob.port} ")
    house.exchange.manage("redirect", "1002", "off")
