"""Phones, an exchange between them, and a network that loses, doubles and reorders: all come to agree."""

import pytest

from tests.exchange.lossy_house import BATCH, CALLEES, CALLER, LossyHouse, User, check_calls
from tests.exchange.lossy_star import Address

CALLS = 200

EXCHANGE: Address = ("192.0.2.10", 5060)
DOMAIN = EXCHANGE[0]


class House(LossyHouse):
    """An exchange, a caller, and one or two phones of the user who is called."""

    def __init__(self, seed: int, phones: int) -> None:
        caller = User("1001", DOMAIN, CALLER, 3 * seed)
        callees = [User("1002", DOMAIN, address, 3 * seed + 1 + n) for n, address in enumerate(CALLEES[:phones])]
        super().__init__(seed, [EXCHANGE], caller, callees)

    def register(self) -> None:
        super().register()
        assert self.registered() == [len(self.people)]


@pytest.mark.parametrize("first", range(0, CALLS, BATCH))
def test_calls_through_an_exchange_end_in_agreement(first: int) -> None:
    check_calls(range(first, first + BATCH), lambda seed: House(seed, phones=1), "1002")


def test_so_do_calls_to_two_phones_of_one_user() -> None:
    check_calls(range(1000, 1000 + BATCH), lambda seed: House(seed, phones=2), "1002")
