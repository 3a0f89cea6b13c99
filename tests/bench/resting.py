"""A phone at rest: memory and wake-ups, registered and idle."""

import time

from tests.bench import budgets
from tests.bench.bench import Bench
from tests.bench.figures import Figure
from tests.bench.phones import running
from tests.bench.process_figures import cpu_s, memory_mib, wakeups

SETTLE_S = 3.0
"""From the answered REGISTER until nothing of the start is left to be done."""

TOPIC = "rest"


def measure(bench: Bench) -> list[Figure]:
    """Both phones rest at the same time."""
    phones = bench.pair("rest")
    with running(*phones):
        time.sleep(SETTLE_S)
        before = [(wakeups(phone.pid), cpu_s(phone.pid)) for phone in phones]
        began = time.monotonic()
        time.sleep(bench.extent.idle_s)
        seconds = time.monotonic() - began
        woken = [(wakeups(phone.pid) - count) / seconds for phone, (count, _) in zip(phones, before, strict=True)]
        worked = [(cpu_s(phone.pid) - cpu) * 60 / seconds for phone, (_, cpu) in zip(phones, before, strict=True)]
        (rss, pss), (peer_rss, peer_pss) = (memory_mib(phone.pid) for phone in phones)
    return [
        Figure(TOPIC, "resident memory, registered, idle", "MiB", rss, peer_rss, gate=budgets.MEMORY_IDLE_MIB),
        Figure(TOPIC, "proportional memory (PSS), idle", "MiB", pss, peer_pss),
        Figure(TOPIC, "wake-ups, registered, idle", "/s", *woken, gate=budgets.WAKEUPS_PER_S),
        Figure(TOPIC, "CPU per 60 s, idle", "s", *worked),
    ]
