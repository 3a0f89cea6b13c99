"""Running daemons under everything that a stranger can throw: they live on, answer, call, and grow no fatter."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.process_figures import memory_mib
from tests.support.blast import Blast
from tests.support.canary import CANARY
from tests.support.daemons import TOPICS, Daemon, ExchangeDaemon, PhoneDaemon, running
from tests.support.processes import HOST

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}

ROUNDS, WARM_ROUNDS = 6, 2
"""The first rounds load every room and fill the tables."""

FLAT_MIB = 1.0
"""What a daemon may gain in the rounds after that, in 10,000 messages: pages that the allocator does not give back."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[ExchangeDaemon, PhoneDaemon, PhoneDaemon]]:
    exchange = ExchangeDaemon(tmp_path, PASSWORDS)
    # Else it would soon listen to nobody from this address.
    exchange.manage("setting", "ban_after=0", "requests_per_s=0")
    phones = [PhoneDaemon(user, tmp_path, {"phone.direct_calls": "on"}) for user in PASSWORDS]
    with running(exchange, *phones):
        for phone in phones:
            phone.add_account(exchange.address, phone.name, PASSWORDS[phone.name])
            phone.expect_registration("registered")
        yield exchange, phones[0], phones[1]


def test_everything_thrown_at_once(house) -> None:
    exchange, first, second = house
    targets: list[Daemon] = [exchange, first]
    throwers = {daemon.name: Blast(daemon.port) for daemon in targets}
    resident: dict[str, list[float]] = {name: [] for name in throwers}
    first.client.close()  # whoever follows the phone would have to read all of it
    for seed in range(ROUNDS):
        for daemon in targets:
            thrower = throwers[daemon.name]
            thrower.by_udp(seed)
            thrower.by_tcp(seed)
            assert daemon.program is not None
            daemon.program.check()
            resident[daemon.name].append(memory_mib(daemon.program.pid)[0])
    for daemon in targets:
        assert "Traceback" not in daemon.log()
        assert resident[daemon.name][-1] - resident[daemon.name][WARM_ROUNDS] < FLAT_MIB, resident
    assert throwers[first.name].is_answered()
    first.client.subscribe(TOPICS)
    for phone in (first, second):
        phone.rest()
    first.place("1002")
    second.expect_state("alerting")
    second.lift()
    first.expect_state("connected")
    second.replace()
    first.expect_state("idle")
    assert second.call_log()[0]["remote"] == f"sip:1001@{HOST}"
