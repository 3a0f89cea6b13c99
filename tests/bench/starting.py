"""From the start of the process to the first REGISTER on the wire."""

import time

from tests.bench import budgets
from tests.bench.bench import Bench
from tests.bench.figures import Figure, median
from tests.bench.phones import BenchPhone
from tests.support.processes import wait_until

TOPIC = "start"


def measure(bench: Bench) -> list[Figure]:
    """The phones in turn; the first start of each fills the caches and does not count."""
    phones = bench.pair("start")
    times: list[list[float]] = [[], []]
    for turn in range(bench.extent.starts + 1):
        for phone, found in zip(phones, times, strict=True):
            seconds = _start(phone)
            if turn:
                found.append(1000 * seconds)
    ours, peer = times
    return [
        Figure(TOPIC, "start to first REGISTER, p50", "ms", median(ours), median(peer), gate=budgets.START_MS),
        Figure(TOPIC, "start to first REGISTER, max", "ms", max(ours), max(peer), gate=budgets.START_MS),
    ]


def _start(phone: BenchPhone) -> float:
    """Seconds to the first REGISTER; the phone is ended once it is registered."""
    registrar = phone.registrar
    assert registrar is not None
    registrar.forget(phone.user)
    began = time.perf_counter()
    phone.launch()
    try:
        wait_until(f"{phone.name} to register", lambda: phone.user in registrar.registered)
    finally:
        phone.stop()
    return registrar.first_seen[phone.user] - began
