"""The short form of `make soak`: what strangers send leaves nothing behind."""

from tests.sip.soak import Soak, count_objects

MESSAGES = 4000
"""Four times what fills every table of the user agent."""
SLACK = 250
"""Objects, of some 20,000 under way: the last failure's text, a learnt realm, a Contact."""


def test_strange_traffic_leaves_nothing_behind() -> None:
    soak = Soak(seed=7)
    under_way, at_rest = [], []
    for _ in range(3):
        soak.run(MESSAGES)
        under_way.append(count_objects(soak.endpoint).total())
        soak.drain()
        at_rest.append(count_objects(soak.endpoint).total())
        assert len(soak.endpoint.layer) <= 1, "only a REGISTER may be under way, which never gives up"
    assert under_way[-1] < 1.2 * under_way[0], under_way
    assert max(at_rest) - min(at_rest) < SLACK, at_rest


def test_the_soak_is_worth_its_time() -> None:
    """Calls come about, requests are refused and malformed messages dropped: the traffic reaches every room."""
    soak = Soak(seed=8)
    soak.run(MESSAGES)
    counters = soak.endpoint.counters()
    assert counters.transactions > 100
    assert counters.malformed > 50
    assert counters.unmatched_responses > 5
    assert counters.keepalives > 10
    assert soak.established > 3
