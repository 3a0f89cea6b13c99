"""The short form of `make soak` for the exchange: what strangers and users send leaves nothing behind."""

from collections.abc import Iterator

import pytest

from device import plain_logging as logging
from tests.exchange.soak import ExchangeSoak
from tests.sip.soak import count_objects

MESSAGES = 1500
WARMING_UP = 4000
"""Until the memory of late copies has its size, and every sender has been seen."""
SLACK = 100
"""Objects: a learnt host name, what the digest of a few phones is known to be."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Each stranger would be told of."""
    before, logging.root.level = logging.root.level, logging.ERROR
    yield
    logging.root.level = before


def test_strange_traffic_leaves_nothing_behind() -> None:
    soak = ExchangeSoak(seed=7, strangers=16)
    soak.run(WARMING_UP)
    soak.drain()
    at_rest = []
    for _ in range(3):
        soak.run(MESSAGES)
        soak.drain()
        at_rest.append(count_objects(soak.board.endpoint).total())
        assert soak.board.exchange.under_way == 0
        assert len(soak.board.endpoint.layer) == 0
        assert soak.bindings_left() == 0
    assert max(at_rest) - min(at_rest) < SLACK, at_rest


def test_the_soak_is_worth_its_time() -> None:
    soak = ExchangeSoak(seed=8)
    soak.run(2 * MESSAGES)
    assert {"INVITE", "ACK", "CANCEL", "BYE", 100, 180, 200, 400, 401, 403, 407, 481, 486} <= soak.kinds
    assert soak.most_bindings >= 2
    assert soak.board.endpoint.counters().malformed > 20
