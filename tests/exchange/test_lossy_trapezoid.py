"""U1, P1, P2, U2 over a network that loses, doubles and reorders: both sides come to agree, and nothing is left."""

from random import Random

import pytest

from device.exchange.exchange import Exchange
from device.exchange.settings import ExchangeSettings
from device.exchange_model import Forwarding, RoutingTable
from device.ids import CountingIds
from device.model import Account, CallId, Credential
from device.sip.digest import ha1
from device.sip.endpoint import SipEndpoint
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from tests.exchange.lossy_star import Address, LossyStar, ignore
from tests.exchange.proxy_rules import ProxyRules
from tests.exchange.test_lossy_calls import (
    ACTIVE_S,
    BATCH,
    CALLEES,
    CALLER,
    DELAY_S,
    DUPLICATION,
    GONE_S,
    LINE,
    LOSS,
    REGISTERED_S,
    SETTLED_S,
)
from tests.support.lossy_link import sent_by
from tests.support.sip_phones import OFFER, Person

P1: Address = ("192.0.2.10", 5060)
P2: Address = ("192.0.2.20", 5060)
CALLS = 100
FORWARDED_AFTER_S = 12


class User(Person):
    """A person with an account at one of the exchanges."""

    def __init__(self, user: str, domain: str, address: Address, seed: int) -> None:
        super().__init__(address, seed, UserAgentSettings(ring_timeout_s=30, answer_timeout_s=40))
        self._dice = Random(~seed)
        self.agent.add_account(
            Account(LINE, user, domain, outbound_proxy=domain, expires_s=3600), Credential(user, password="secret")
        )

    def receive_event(self, event: object, now: float) -> None:
        if hasattr(event, "call_id"):
            super().receive_event(event, now)

    def call(self, target: str, now: float) -> None:
        self.call_id = CallId("out-1")
        self.agent.invite(self.call_id, target, OFFER, LINE, now)
        if self._dice.random() < 0.5:
            self._plan(now, self._dice.expovariate(1 / 8.0), self.hang_up)


class Trapezoid:
    """Two exchanges, a caller at the first, and the phones of who is called at the second."""

    def __init__(self, seed: int, phones: int, table: RoutingTable) -> None:
        self.exchanges: list[Exchange] = []
        self.endpoints: list[SipEndpoint] = []
        for address in (P1, P2):
            ids = CountingIds(f"{address[0]}-")
            settings = ExchangeSettings(domain=address[0])
            lookup = lambda user, domain=address[0]: _credential(user, domain)  # noqa: E731
            own = lambda _transport, _host, address=address: address  # noqa: E731
            exchange = Exchange(settings, lookup, own, ids, [], 1e6)
            exchange.router.configure(table)
            self.exchanges.append(exchange)
            self.endpoints.append(SipEndpoint(exchange, SipTimers(), ids, sent_by(address)))
        self.rules = [ProxyRules(endpoint) for endpoint in self.endpoints]
        self.caller = User("1001", P1[0], CALLER, 3 * seed)
        users = ("1002", "1003") if table.forwardings else ("1002", "1002")
        places = list(zip(users, CALLEES, strict=True))[:phones]
        self.callees = [User(user, P2[0], at, 3 * seed + 1 + n) for n, (user, at) in enumerate(places)]
        self.people = [self.caller, *self.callees]
        stations = {address: (endpoint, ignore) for address, endpoint in zip((P1, P2), self.endpoints, strict=True)}
        for address, person in zip((CALLER, *CALLEES), self.people, strict=False):
            stations[address] = (person.endpoint, person.receive_event)
        self.star = LossyStar(stations, seed, DELAY_S)

    def run(self, until: float, step: float = 0.25) -> None:
        while self.star.now < until:
            self.star.run(until=min(until, self.star.now + step))
            for person in self.people:
                person.act(self.star.now)

    def register(self) -> None:
        for person in self.people:
            person.agent.start_registration(LINE, self.star.now)
        self.run(REGISTERED_S, step=5.0)
        assert [len(one.location.everything()) for one in self.exchanges] == [1, len(self.callees)]

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


def _credential(user: str, domain: str) -> Credential:
    return Credential(user, domain, (("SHA-256", ha1("SHA-256", user, domain, "secret")), ("MD5", "")))


def check_call(seed: int, phones: int, table: RoutingTable) -> tuple[int, int]:
    """Play one call; gives whether it was up at the end, and how often the caller's was answered."""
    trapezoid = Trapezoid(seed, phones, table)
    trapezoid.register()
    trapezoid.set_weather(LOSS, DUPLICATION)
    trapezoid.caller.call(f"sip:1002@{P2[0]}", trapezoid.star.now)
    trapezoid.run(ACTIVE_S)
    trapezoid.run(SETTLED_S, step=20.0)
    connected = [person.is_connected for person in trapezoid.callees]
    assert trapezoid.caller.is_connected == any(connected), "one side talks, the other does not"
    assert sum(connected) <= 1, "two phones talk to one"
    trapezoid.leave()
    assert trapezoid.caller.ended == 1
    for person in trapezoid.people:
        assert not person.faults
        assert person.agent.is_idle
    for exchange, endpoint, rules in zip(trapezoid.exchanges, trapezoid.endpoints, trapezoid.rules, strict=True):
        assert exchange.under_way == 0, "an exchange remembers a request"
        assert len(endpoint.layer) == 0, "a transaction is left"
        assert rules.faults == [], "section 16 is broken"
    return sum(connected), trapezoid.caller.established


def check_calls(seeds: range, phones: int, table: RoutingTable | None = None) -> None:
    connected = established = 0
    for seed in seeds:
        try:
            result = check_call(seed, phones, table or RoutingTable())
        except AssertionError as error:
            raise AssertionError(f"call with seed {seed}: {error}") from error
        connected += result[0]
        established += result[1]
    assert 0 < connected < established < len(seeds), "the dice must give calls of every kind"


@pytest.mark.parametrize("first", range(0, CALLS, BATCH))
def test_calls_through_two_exchanges_end_in_agreement(first: int) -> None:
    check_calls(range(first, first + BATCH), phones=1)


def test_so_do_calls_to_two_phones_of_one_user() -> None:
    check_calls(range(1000, 1000 + BATCH), phones=2)


def test_so_do_calls_that_are_forwarded() -> None:
    """When nobody answers at 1002 the second exchange cancels there and calls 1003."""
    forwarding = Forwarding("1002", busy="1003", no_answer="1003", no_answer_s=FORWARDED_AFTER_S)
    check_calls(range(2000, 2000 + BATCH), phones=2, table=RoutingTable(forwardings=(forwarding,)))
