"""How fast a phone answers INVITE, one call at a time and one after the other, and what many calls leave in memory."""

import time
from dataclasses import dataclass

from tests.bench import budgets
from tests.bench.bench import Bench
from tests.bench.caller import Caller, CallFailedError
from tests.bench.figures import Figure, percentile
from tests.bench.phones import BenchPhone, running
from tests.bench.process_figures import memory_mib

ISOLATION_S = 1.3
"""Long enough that the sound card is closed again, as it is when somebody calls a phone at rest."""

RING_PAUSE_S = 0.05
TOPIC = "answer"


@dataclass(slots=True)
class Answers:
    """What one phone did in a series of calls."""

    seconds: list[float]
    failed: int = 0
    growth_mib: float = 0.0

    def ms(self, share: float) -> float | None:
        return 1000 * percentile(self.seconds, share) if self.seconds else None


def measure(bench: Bench) -> list[Figure]:
    """Ringing phones first, then phones that answer by themselves."""
    return [*_ringing(bench), *_auto_answer(bench)]


def _ringing(bench: Bench) -> list[Figure]:
    phones = bench.pair("ring", auto_answer=False)
    with running(*phones):
        ours, peer = (_series(phone, bench.extent.rings, RING_PAUSE_S, ring=True) for phone in phones)
    return _figures("INVITE to 180", ours, peer)


def _auto_answer(bench: Bench) -> list[Figure]:
    phones = bench.pair("answer")
    with running(*phones):
        isolated = _alternately(phones, bench.extent.isolated_calls)
        count, peer_count = bench.extent.calls, min(bench.extent.calls, bench.extent.peer_calls_limit)
        ours = _series(phones[0], count, 0.0)
        peer = _series(phones[1], peer_count, 0.0)
    note = "" if count == peer_count else f"{count} calls, baresip {peer_count}"
    growth = Figure(
        TOPIC,
        f"memory growth over {count} calls",
        "MiB",
        ours.growth_mib,
        peer.growth_mib,
        gate=budgets.MEMORY_GROWTH_MIB,
        note=note,
    )
    return [
        *_figures(f"INVITE to 200, {bench.extent.isolated_calls} isolated calls", *isolated, highest=1.0),
        *_figures(f"INVITE to 200, {count} calls back to back", ours, peer),
        growth,
    ]


def _alternately(phones: tuple[BenchPhone, ...], count: int) -> list[Answers]:
    """Isolated calls, now to the one and now to the other, so that a busy machine troubles both alike."""
    answers = [Answers([]) for _ in phones]
    for _ in range(count):
        for phone, found in zip(phones, answers, strict=True):
            one = _series(phone, 1, 0.0)
            found.seconds += one.seconds
            found.failed += one.failed
        time.sleep(ISOLATION_S)
    return answers


def _series(phone: BenchPhone, count: int, pause_s: float, *, ring: bool = False) -> Answers:
    found = Answers([])
    before, _ = memory_mib(phone.pid)
    with Caller(phone.user, phone.port) as caller:
        for _ in range(count):
            try:
                call = caller.ring() if ring else caller.place()
                found.seconds.append((call.ringing_s if ring else call.answered_s) or 0.0)
                if not ring:
                    caller.hang_up(call)
            except CallFailedError:
                found.failed += 1
            time.sleep(pause_s)
    found.growth_mib = memory_mib(phone.pid)[0] - before
    return found


def _figures(name: str, ours: Answers, peer: Answers, highest: float = 0.99) -> list[Figure]:
    note = f"{ours.failed} of ours and {peer.failed} of the peer's failed" if ours.failed or peer.failed else ""
    last = f"p{100 * highest:.0f}" if highest < 1 else "max"
    return [
        Figure(TOPIC, f"{name}, p50", "ms", ours.ms(0.5), peer.ms(0.5), gate=budgets.ANSWER_P50_MS, note=note),
        Figure(TOPIC, f"{name}, {last}", "ms", ours.ms(highest), peer.ms(highest), gate=budgets.ANSWER_P99_MS),
    ]
