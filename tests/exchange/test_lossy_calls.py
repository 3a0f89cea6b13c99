"""Phones, an exchange between them, and a network that loses, doubles and reorders: all come to agree."""

from random import Random

import pytest

from device.exchange.exchange import Exchange
from device.exchange.settings import ExchangeSettings
from device.ids import CountingIds
from device.model import Account, AccountId, CallId, Credential
from device.sip.digest import ha1
from device.sip.endpoint import SipEndpoint
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from tests.exchange.lossy_star import Address, LossyStar, ignore
from tests.support.lossy_link import sent_by
from tests.support.sip_phones import OFFER, Person

CALLS = 200
BATCH = 50
LOSS = 0.2
DUPLICATION = 0.2
DELAY_S = (0.01, 0.5)

EXCHANGE: Address = ("192.0.2.10", 5060)
CALLER: Address = ("192.0.2.1", 5060)
CALLEES: tuple[Address, ...] = (("192.0.2.2", 5060), ("192.0.2.3", 5060))
DOMAIN = EXCHANGE[0]
LINE = AccountId("line")

REGISTERED_S = 5.0
ACTIVE_S = 65.0
"""People act up to this time."""
SETTLED_S = 145.0
"""By then every ring has timed out and every transaction of a call that failed is over."""
GONE_S = 320.0
"""By then nothing is left after everybody hung up."""


def credential(user: str) -> Credential:
    return Credential(user, DOMAIN, (("SHA-256", ha1("SHA-256", user, DOMAIN, "secret")), ("MD5", "")))


class User(Person):
    """A person with an account at the exchange."""

    def __init__(self, user: str, address: Address, seed: int) -> None:
        super().__init__(address, seed, UserAgentSettings(ring_timeout_s=30, answer_timeout_s=40))
        self._dice = Random(~seed)
        self.agent.add_account(Account(LINE, user, DOMAIN, expires_s=3600), Credential(user, password="secret"))

    def receive_event(self, event: object, now: float) -> None:
        # Registrations go on after a call has ended; only events of calls are a person's business.
        if hasattr(event, "call_id"):
            super().receive_event(event, now)

    def call(self, user: str, now: float) -> None:
        self.call_id = CallId("out-1")
        self.agent.invite(self.call_id, user, OFFER, LINE, now)
        if self._dice.random() < 0.5:
            self._plan(now, self._dice.expovariate(1 / 8.0), self.hang_up)


class House:
    """An exchange, a caller, and one or two phones of the user who is called."""

    def __init__(self, seed: int, phones: int) -> None:
        ids = CountingIds("x-")
        settings = ExchangeSettings(domain=DOMAIN)
        self.exchange = Exchange(settings, credential, lambda _transport, _host: EXCHANGE, ids, [], 1e6)
        self.endpoint = SipEndpoint(self.exchange, SipTimers(), ids, sent_by(EXCHANGE))
        self.caller = User("1001", CALLER, 3 * seed)
        self.callees = [User("1002", address, 3 * seed + 1 + n) for n, address in enumerate(CALLEES[:phones])]
        self.people = [self.caller, *self.callees]
        addresses = (CALLER, *CALLEES)
        self.star = LossyStar(
            {EXCHANGE: (self.endpoint, ignore)}
            | {
                address: (person.endpoint, person.receive_event)
                for address, person in zip(addresses, self.people, strict=False)
            },
            seed,
            DELAY_S,
        )

    def run(self, until: float, step: float = 0.25) -> None:
        """Let time pass; people act at most `step` seconds later than they planned."""
        while self.star.now < until:
            self.star.run(until=min(until, self.star.now + step))
            for person in self.people:
                person.act(self.star.now)

    def register(self) -> None:
        for person in self.people:
            person.agent.start_registration(LINE, self.star.now)
        self.run(REGISTERED_S, step=5.0)
        assert len(self.exchange.location.everything()) == len(self.people)

    def set_weather(self, loss: float, duplication: float) -> None:
        self.star.loss, self.star.duplication = loss, duplication

    def leave(self) -> None:
        """Everybody hangs up and unregisters, in good weather."""
        for person in self.people:
            person.hang_up(self.star.now)
        self.run(GONE_S - 60.0, step=40.0)
        self.set_weather(0.0, 0.0)
        for person in self.people:
            person.agent.stop_registration(LINE, self.star.now)
        self.run(GONE_S, step=60.0)


def check_call(seed: int, phones: int) -> tuple[int, int]:
    """Play one call; gives whether it was up at the end, and how often the caller's was answered."""
    house = House(seed, phones)
    house.register()
    house.set_weather(LOSS, DUPLICATION)
    house.caller.call("1002", house.star.now)
    house.run(ACTIVE_S)
    house.run(SETTLED_S, step=20.0)
    connected = [person.is_connected for person in house.callees]
    assert house.caller.is_connected == any(connected), "one side talks, the other does not"
    assert sum(connected) <= 1, "two phones talk to one"
    house.leave()
    assert house.caller.ended == 1
    for person in house.callees:
        assert person.ended == (1 if person.call_id is not None else 0)
    for person in house.people:
        assert not person.faults
        assert person.agent.is_idle
    assert house.exchange.under_way == 0, "the exchange remembers a request"
    assert len(house.endpoint.layer) == 0, "a transaction is left"
    assert house.exchange.location.everything() == []
    assert house.star.is_idle(), "a timer is still running"
    return sum(connected), house.caller.established


def check_calls(seeds: range, phones: int) -> None:
    connected = established = 0
    for seed in seeds:
        try:
            result = check_call(seed, phones)
        except AssertionError as error:
            raise AssertionError(f"call with seed {seed}: {error}") from error
        connected += result[0]
        established += result[1]
    assert 0 < connected < established < len(seeds), "the dice must give calls of every kind"


@pytest.mark.parametrize("first", range(0, CALLS, BATCH))
def test_calls_through_an_exchange_end_in_agreement(first: int) -> None:
    check_calls(range(first, first + BATCH), phones=1)


def test_so_do_calls_to_two_phones_of_one_user() -> None:
    check_calls(range(1000, 1000 + BATCH), phones=2)
