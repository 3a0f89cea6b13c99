"""U1, P1, P2, U2 over a network that loses, doubles and reorders: both sides come to agree, and nothing is left."""

import pytest

from device.exchange_model import Forwarding, RoutingTable
from tests.exchange.lossy_house import BATCH, CALLEES, CALLER, LossyHouse, User, check_calls
from tests.exchange.lossy_star import Address
from tests.exchange.proxy_rules import ProxyRules

P1: Address = ("192.0.2.10", 5060)
P2: Address = ("192.0.2.20", 5060)
TARGET = f"sip:1002@{P2[0]}"
CALLS = 100
FORWARDED_AFTER_S = 12


class Trapezoid(LossyHouse):
    """Two exchanges, a caller at the first, and the phones of who is called at the second."""

    def __init__(self, seed: int, phones: int, table: RoutingTable | None = None) -> None:
        table = table or RoutingTable()
        users = ("1002", "1003") if table.forwardings else ("1002", "1002")
        places = list(zip(users, CALLEES, strict=True))[:phones]
        caller = User("1001", P1[0], CALLER, 3 * seed, outbound_proxy=P1[0])
        callees = [User(user, P2[0], at, 3 * seed + 1 + n, outbound_proxy=P2[0]) for n, (user, at) in enumerate(places)]
        super().__init__(seed, [P1, P2], caller, callees)
        for exchange in self.exchanges:
            exchange.router.configure(table)
        self.rules = [ProxyRules(endpoint) for endpoint in self.endpoints]

    def register(self) -> None:
        super().register()
        assert self.registered() == [1, len(self.callees)]


@pytest.mark.parametrize("first", range(0, CALLS, BATCH))
def test_calls_through_two_exchanges_end_in_agreement(first: int) -> None:
    check_calls(range(first, first + BATCH), lambda seed: Trapezoid(seed, phones=1), TARGET)


def test_so_do_calls_to_two_phones_of_one_user() -> None:
    check_calls(range(1000, 1000 + BATCH), lambda seed: Trapezoid(seed, phones=2), TARGET)


def test_so_do_calls_that_are_forwarded() -> None:
    """When nobody answers at 1002 the second exchange cancels there and calls 1003."""
    forwarding = Forwarding("1002", busy="1003", no_answer="1003", no_answer_s=FORWARDED_AFTER_S)
    table = RoutingTable(forwardings=(forwarding,))
    check_calls(range(2000, 2000 + BATCH), lambda seed: Trapezoid(seed, phones=2, table=table), TARGET)
