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

RING_PAUSE_S = 0.3
TOPIC = "answer"


@dataclass(slots=True)
class Answers:
    """What one phone did in a series of calls."""

    seconds: list[float]
    failed: int = 0
    growth_mib: float = 0.0
    late_growth_mib: float = 0.0
    """Of the second half: what is remembered for a while has its room by then, and only a leak goes on."""

    def ms(self, share: float) -> float | None:
        return 1000 * percentile(self.seconds, share) if self.seconds else None


def measure(bench: Bench) -> list[Figure]:
    """Ringing phones first, then phones that answer by themselves."""
    return [*_ringing(bench), *_auto_answer(bench)]


def _ringing(bench: Bench) -> list[Figure]:
    phones = bench.pair("ring", auto_answer=False)
    with running(*phones):
        rings = _alternately(phones, bench.extent.rings, RING_PAUSE_S, ring=True)
    return _figures(f"INVITE to 180, {bench.extent.rings} calls", *rings, highest=1.0)


def _auto_answer(bench: Bench) -> list[Figure]:
    phones = bench.pair("answer")
    with running(*phones):
        first = _alternately(phones, 1, ISOLATION_S)
        isolated = _alternately(phones, bench.extent.isolated_calls, ISOLATION_S)
        count, peer_count = bench.extent.calls, min(bench.extent.calls, bench.extent.peer_calls_limit)
        ours = _series(phones[0], count)
        peer = _series(phones[1], peer_count)
    note = "" if count == peer_count else f"{count} calls, baresip {peer_count}"
    if count < budgets.MEMORY_GROWTH_CALLS:
        note = f"the gate is meant for {budgets.MEMORY_GROWTH_CALLS}: --calls {budgets.MEMORY_GROWTH_CALLS}"
    grown = ours.growth_mib, peer.growth_mib
    grown_late = ours.late_growth_mib, peer.late_growth_mib
    growth = f"memory growth over {count} calls"
    return [
        Figure(TOPIC, "INVITE to 200, first call after the start", "ms", *(answers.ms(1.0) for answers in first)),
        *_figures(f"INVITE to 200, {bench.extent.isolated_calls} isolated calls", *isolated, highest=1.0),
        *_figures(f"INVITE to 200, {count} calls back to back", ours, peer),
        Figure(TOPIC, growth, "MiB", *grown, gate=budgets.MEMORY_GROWTH_MIB, note=note),
        Figure(TOPIC, f"{growth}, second half", "MiB", *grown_late),
    ]


def _alternately(phones: tuple[BenchPhone, ...], count: int, pause_s: float, *, ring: bool = False) -> list[Answers]:
    """Calls with pauses, now to the one and now to the other, so that a busy machine troubles both alike."""
    answers = [Answers([]) for _ in phones]
    for _ in range(count):
        for phone, found in zip(phones, answers, strict=True):
            one = _series(phone, 1, ring=ring)
            found.seconds += one.seconds
            found.failed += one.failed
        time.sleep(pause_s)
    return answers


def _series(phone: BenchPhone, count: int, *, ring: bool = False) -> Answers:
    found = Answers([])
    before = halfway = memory_mib(phone.pid)[0]
    with Caller(phone.user, phone.port) as caller:
        for number in range(count):
            if number == count // 2:
                halfway, _ = memory_mib(phone.pid)
            try:
                call = caller.ring() if ring else caller.place()
                found.seconds.append((call.ringing_s if ring else call.answered_s) or 0.0)
                if not ring:
                    caller.hang_up(call)
            except CallFailedError:
                found.failed += 1
    after = memory_mib(phone.pid)[0]
    found.growth_mib, found.late_growth_mib = after - before, after - halfway
    return found


def _figures(name: str, ours: Answers, peer: Answers, highest: float = 0.99) -> list[Figure]:
    note = f"{ours.failed} of ours and {peer.failed} of the peer's failed" if ours.failed or peer.failed else ""
    last = f"p{100 * highest:.0f}" if highest < 1 else "max"
    return [
        Figure(TOPIC, f"{name}, p50", "ms", ours.ms(0.5), peer.ms(0.5), gate=budgets.ANSWER_P50_MS, note=note),
        Figure(TOPIC, f"{name}, {last}", "ms", ours.ms(highest), peer.ms(highest), gate=budgets.ANSWER_P99_MS),
    ]
