"""The simulated network does what it says."""

import pytest

from tests.quality.impairment import CONDITIONS, Network


@pytest.mark.parametrize("network", CONDITIONS, ids=lambda network: network.name)
def test_each_condition_is_what_its_name_says(network: Network) -> None:
    arrivals = network.deliveries(5000, 20, 1)
    assert 1 - len(arrivals) / 5000 == pytest.approx(network.loss, abs=0.2 * network.loss + 0.002)
    in_order = [number for _, number in arrivals] == sorted(number for _, number in arrivals)
    assert in_order is not (network.reordering and network.jitter_ms > 20)
    delays = [at - number * 0.02 / (1 + network.drift_ppm / 1e6) for at, number in arrivals]
    assert min(delays) + 1e-9 >= 0
    assert max(delays) <= network.jitter_ms / 1000 + 1e-9
    assert arrivals == network.deliveries(5000, 20, 1)
    if network.jitter_ms or network.loss:
        assert arrivals != network.deliveries(5000, 20, 2)


def test_bursts_have_the_length_they_are_said_to_have() -> None:
    got = {number for _, number in Network("bursts", loss=0.1, bursts=True).deliveries(20_000, 20, 1)}
    lost = [number for number in range(20_000) if number not in got]
    bursts = sum(number - 1 not in set(lost) for number in lost)
    assert len(lost) / bursts == pytest.approx(3.0, rel=0.15)
