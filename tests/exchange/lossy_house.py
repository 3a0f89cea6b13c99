"""Exchanges and their phones on a network that loses, doubles and reorders: a call there, and what both sides agree on.

`lossy_star` is the network.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from device.exchange.exchange import Exchange
from device.exchange.settings import ExchangeSettings
from device.ids import CountingIds
from device.model import Account, AccountId, CallId, Credential
from device.sip.digest import ha1
from device.sip.endpoint import SipEndpoint
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from tests.exchange.lossy_star import Address, LossyStar, OnEvent, ignore
from tests.exchange.proxy_rules import ProxyRules
from tests.support.lossy_link import sent_by
from tests.support.sip_phones import OFFER, Person

BATCH = 50
LOSS = 0.2
DUPLICATION = 0.2
DELAY_S = (0.01, 0.5)

CALLER: Address = ("192.0.2.1", 5060)
CALLEES: tuple[Address, ...] = (("192.0.2.2", 5060), ("192.0.2.3", 5060))
LINE = AccountId("line")

REGISTERED_S = 5.0
ACTIVE_S = 65.0
"""People act up to this time."""
SETTLED_S = 145.0
"""By then every ring has timed out and every transaction of a call that failed is over."""
GONE_S = 320.0
"""By then nothing is left after everybody hung up."""


def credential(user: str, domain: str) -> Credential:
    return Credential(user, domain, (("SHA-256", ha1("SHA-256", user, domain, "secret")), ("MD5", "")))


class User(Person):
    """A person with an account at an exchange; `account` is what else belongs to that."""

    def __init__(self, user: str, domain: str, address: Address, seed: int, **account: Any) -> None:
        super().__init__(address, seed, UserAgentSettings(ring_timeout_s=30, answer_timeout_s=40))
        self.address = address
        self._dice = Random(~seed)
        self.agent.add_account(
            Account(LINE, user, domain, expires_s=3600, **account), Credential(user, password="secret")
        )

    def receive_event(self, event: object, now: float) -> None:
        # Registrations go on after a call has ended; only events of calls are a person's business.
        if hasattr(event, "call_id"):
            super().receive_event(event, now)

    def call(self, target: str, now: float) -> None:
        self.call_id = CallId("out-1")
        self.agent.invite(self.call_id, target, OFFER, LINE, now)
        if self._dice.random() < 0.5:
            self._plan(now, self._dice.expovariate(1 / 8.0), self.hang_up)


class LossyHouse:
    """One exchange at each of `places`, a caller, and the phones of who is called."""

    rules: Sequence[ProxyRules] = ()
    """Those who watch what the exchanges send."""

    def __init__(self, seed: int, places: Sequence[Address], caller: User, callees: Sequence[User]) -> None:
        self.exchanges: list[Exchange] = []
        self.endpoints: list[SipEndpoint] = []
        self.caller = caller
        self.callees = list(callees)
        self.people = [caller, *callees]
        stations: dict[Address, tuple[SipEndpoint, OnEvent]] = {}
        for address in places:
            ids = CountingIds(f"{address[0]}-")
            lookup = lambda user, domain=address[0]: credential(user, domain)  # noqa: E731
            own = lambda _transport, _host, address=address: address  # noqa: E731
            exchange = Exchange(ExchangeSettings(domain=address[0]), lookup, own, ids, [], 1e6)
            endpoint = SipEndpoint(exchange, SipTimers(), ids, sent_by(address))
            self.exchanges.append(exchange)
            self.endpoints.append(endpoint)
            stations[address] = (endpoint, ignore)
        for person in self.people:
            stations[person.address] = (person.endpoint, person.receive_event)
        self.star = LossyStar(stations, seed, DELAY_S)

    def run(self, until: float, step: float = 0.25) -> None:
        """Let time pass; people act at most `step` seconds later than they planned."""
        while self.star.now < until:
            self.star.run(until=min(until, self.star.now + step))
            for person in self.people:
                person.act(self.star.now)

    def register(self) -> None:
        """Everybody registers, in good weather."""
        for person in self.people:
            person.agent.start_registration(LINE, self.star.now)
        self.run(REGISTERED_S, step=5.0)

    def registered(self) -> list[int]:
        """How many contacts each exchange knows."""
        return [len(exchange.location.everything()) for exchange in self.exchanges]

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

    def check_call(self, target: str) -> tuple[int, int]:
        """Play one call; gives whether it was up at the end, and how often the caller's was answered."""
        self.register()
        self.set_weather(LOSS, DUPLICATION)
        self.caller.call(target, self.star.now)
        self.run(ACTIVE_S)
        self.run(SETTLED_S, step=20.0)
        connected = [person.is_connected for person in self.callees]
        assert self.caller.is_connected == any(connected), "one side talks, the other does not"
        assert sum(connected) <= 1, "two phones talk to one"
        self.leave()
        self._check_that_nothing_is_left()
        return sum(connected), self.caller.established

    def _check_that_nothing_is_left(self) -> None:
        assert self.caller.ended == 1
        for callee in self.callees:
            assert callee.ended == (1 if callee.call_id is not None else 0)
        for person in self.people:
            assert not person.faults
            assert person.agent.is_idle
        for exchange, endpoint in zip(self.exchanges, self.endpoints, strict=True):
            assert exchange.under_way == 0, "an exchange remembers a request"
            assert len(endpoint.layer) == 0, "a transaction is left"
            assert exchange.location.everything() == []
        for rules in self.rules:
            assert rules.faults == [], "section 16 is broken"
        assert self.star.is_idle(), "a timer is still running"


def check_calls(seeds: range, build: Callable[[int], LossyHouse], target: str) -> None:
    """Call `target` in a house for each seed."""
    connected = established = 0
    for seed in seeds:
        try:
            result = build(seed).check_call(target)
        except AssertionError as error:
            raise AssertionError(f"call with seed {seed}: {error}") from error
        connected += result[0]
        established += result[1]
    assert 0 < connected < established < len(seeds), "the dice must give calls of every kind"
