"""A phone in a G.711 call: memory, CPU time, and the delay of the sound in both directions."""

from contextlib import ExitStack

from tests.bench import budgets
from tests.bench.bench import Bench
from tests.bench.caller import Caller
from tests.bench.card_record import bursts_heard_at, delays_ms
from tests.bench.far_end import Line, talk
from tests.bench.figures import Figure, median
from tests.bench.phones import BenchPhone, running
from tests.bench.process_figures import cpu_s, memory_mib, wakeups
from tests.support.fakecard.card import IMPULSE, RECORD

SETTLE_S = 2.0
"""The start of a call, with the tone that tells of auto-answer, is over then, and jitter buffers have settled."""

TOPIC = "talk"


class Conversation:
    """A call to each phone, at the same time and with the same far end. A context manager."""

    def __init__(self, phones: tuple[BenchPhone, ...], with_bursts: bool) -> None:
        self.phones = phones
        self.lines = [Line(with_bursts) for _ in phones]
        self._stack = ExitStack()

    def __enter__(self) -> "Conversation":
        self._stack.enter_context(running(*self.phones))
        for phone, line in zip(self.phones, self.lines, strict=True):
            self._stack.callback(line.socket.close)
            caller = self._stack.enter_context(Caller(phone.user, phone.port, line.port))
            call = caller.place()
            line.audio_port = call.audio_port
            self._stack.callback(caller.hang_up, call)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def talk(self, seconds: float) -> None:
        """Sound in both directions for so long; an AssertionError tells of a phone that sends none."""
        before = [line.received for line in self.lines]
        talk(self.lines, seconds)
        for phone, line, count in zip(self.phones, self.lines, before, strict=True):
            share = (line.received - count) / (50 * seconds)
            assert 0.9 < share < 1.1, f"{phone.name} sent {share:.0%} of the packets of a call"


def measure(bench: Bench) -> list[Figure]:
    """One call for the costs, one for the delays: a card that records takes time of its own."""
    return [*_costs(bench), *_delays(bench)]


def _costs(bench: Bench) -> list[Figure]:
    seconds = bench.extent.talk_s
    with Conversation(bench.pair("talk"), with_bursts=False) as conversation:
        phones = conversation.phones
        conversation.talk(SETTLE_S)
        before = [(cpu_s(phone.pid), wakeups(phone.pid)) for phone in phones]
        conversation.talk(seconds)
        after = [(cpu_s(phone.pid), wakeups(phone.pid)) for phone in phones]
        (rss, pss), (peer_rss, peer_pss) = (memory_mib(phone.pid) for phone in phones)
    cpu = [(new[0] - old[0]) * 60 / seconds for old, new in zip(before, after, strict=True)]
    woken = [(new[1] - old[1]) / seconds for old, new in zip(before, after, strict=True)]
    gate = budgets.cpu_gate(bench.baresip_major)
    return [
        Figure(TOPIC, "resident memory in a G.711 call", "MiB", rss, peer_rss, gate=budgets.MEMORY_IN_CALL_MIB),
        Figure(TOPIC, "proportional memory (PSS) in a call", "MiB", pss, peer_pss),
        Figure(TOPIC, "CPU per 60 s of G.711 call", "s", *cpu, gate=gate),
        Figure(TOPIC, "wake-ups in a call", "/s", *woken),
    ]


def _delays(bench: Bench) -> list[Figure]:
    phones = bench.pair("delay")
    for phone in phones:
        phone.card[IMPULSE] = phone.card[RECORD] = 1
    with Conversation(phones, with_bursts=True) as conversation:
        conversation.talk(SETTLE_S)
        began = (
            [len(line.burst_heard_at) for line in conversation.lines],
            [len(line.burst_sent_at) for line in conversation.lines],
        )
        conversation.talk(bench.extent.delay_talk_s)
    mouths, ears = [], []
    for phone, line, heard, sent in zip(phones, conversation.lines, *began, strict=True):
        # The microphone hears a burst at each whole second of the monotonic clock.
        mouths.append(median([1000 * (at % 1) for at in line.burst_heard_at[heard:]]))
        ears.append(median(delays_ms(line.burst_sent_at[sent:], bursts_heard_at(phone.card.directory))))
    return [
        Figure(TOPIC, "ear delay, RTP arrival to card", "ms", *ears, gate=budgets.EAR_DELAY_MS),
        Figure(TOPIC, "mouth delay, card to RTP, ptime 20", "ms", *mouths, gate=budgets.MOUTH_DELAY_MS),
    ]
