"""The same packets to real phones, ours and others, in real time: `python -m tests.quality.peers`, as tables.

Each phone is a process with a fake sound card that records what it plays, one for each speaker; all of them get the
same packets at the same times, so that the figures of a line differ by the phones alone.
"""

import argparse
import heapq
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import fmean

from device.media.resample import Resampler
from tests.bench.caller import Call, Caller
from tests.bench.far_end import room_noise
from tests.bench.phones import BenchPhone, running
from tests.bench.registrar import HOST, Registrar
from tests.bench.wide_phones import WIDE_OFFERS, Linphone, WideBaresip, WideOffhook
from tests.quality.impairment import CONDITIONS, Network
from tests.quality.listening import packets_of
from tests.quality.scoring import score
from tests.quality.speech import SPEAKERS, clip
from tests.support.fakecard.card import RECORD, FakeCard, build

LEAD_S = 1.5
"""Silence before the speech: the tone of the automatic answer is over then."""
TAIL_S = 1.2
"""Longer than what any phone keeps in its buffers."""
CARD_RATE_HZ = 48_000
SCORED = ("PCMU", "OPUS")


KINDS: dict[str, type[BenchPhone]] = {"offhook": WideOffhook, "baresip": WideBaresip, "linphonec": Linphone}


class Listener:
    """A phone that one speaker is played to."""

    def __init__(self, phone: BenchPhone, codec: str, speaker: str) -> None:
        self.phone = phone
        self._codec = codec
        self._sound, self._rate_hz = clip(speaker, codec)
        lead = bytes(2 * int(self._rate_hz * LEAD_S))
        self.packets = packets_of(codec, lead + self._sound + bytes(2 * int(self._rate_hz * TAIL_S)))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._caller = Caller(phone.user, phone.port, self._socket.getsockname()[1], offer=WIDE_OFFERS[codec])
        self._call: Call | None = None

    @property
    def _record(self) -> Path:
        return self.phone.card.directory / "playback.raw"

    def begin(self) -> None:
        """Call the phone, which answers by itself."""
        self._record.write_bytes(b"")  # the card appends, and may be open still
        self._call = self._caller.place()

    def send(self, number: int) -> None:
        assert self._call is not None
        self._socket.sendto(self.packets[number], (HOST, self._call.audio_port))

    def end(self) -> float:
        """Hang up; answers the score of what was heard."""
        assert self._call is not None
        self._caller.hang_up(self._call)
        return score(self._sound, self._heard(), self._rate_hz)

    def _heard(self) -> bytes:
        """The card's record from where the speech begins, at the codec's rate."""
        import numpy  # noqa: PLC0415  # comes with pesq

        record = Resampler(CARD_RATE_HZ, self._rate_hz).convert(self._record.read_bytes())
        heard = numpy.frombuffer(record, "<i2").astype(float)
        said = numpy.frombuffer(self._sound, "<i2").astype(float)
        size = 1 << (len(heard) + len(said)).bit_length()
        match = numpy.fft.irfft(numpy.fft.rfft(heard, size) * numpy.conj(numpy.fft.rfft(said, size)), size)
        start = int(numpy.argmax(match[: len(heard)]))
        cut = heard[start : start + len(said)]
        return bytes(numpy.pad(cut, (0, len(said) - len(cut))).astype("<i2").tobytes())

    def close(self) -> None:
        self._caller.__exit__()
        self._socket.close()


@contextmanager
def prompt() -> Iterator[None]:
    """Before other work, where allowed: a sender that stands still for a moment is a network that nobody asked for."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(5))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def play(listeners: Sequence[Listener], network: Network, seed: int) -> list[float]:
    """The packets of every listener over the network, the same fate for all; answers the scores."""
    for listener in listeners:
        listener.begin()
    time.sleep(0.5)  # the phones open their cards
    fate = network.deliveries(len(listeners[0].packets), 20, seed)
    # A little apart, as no network delivers to all at once.
    queue = [
        (at + 0.02 * place / len(listeners), number, place) for at, number in fate for place in range(len(listeners))
    ]
    heapq.heapify(queue)
    with prompt():
        began = time.monotonic()
        while queue:
            at, number, place = heapq.heappop(queue)
            if (early := began + at - time.monotonic()) > 0:
                time.sleep(early)
            listeners[place].send(number)
    time.sleep(0.3)  # the tail of silence is longer than their buffers, this is for the card
    return [listener.end() for listener in listeners]


@contextmanager
def listening(kinds: Sequence[str], codec: str) -> Iterator[dict[str, list[Listener]]]:
    """Phones of each kind, one for each speaker, all registered."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="offhook-quality-")))
        library = build(folder)
        registrar = stack.enter_context(Registrar())
        found: dict[str, list[Listener]] = {}
        for kind in kinds:
            for place, speaker in enumerate(SPEAKERS):
                user = f"{kind}{place}"
                card = FakeCard(library, folder / user / "card")
                card.hear(room_noise(CARD_RATE_HZ))
                card[RECORD] = 1
                phone = KINDS[kind](user, folder / user, card, registrar, True)
                stack.enter_context(running(phone))
                listener = Listener(phone, codec, speaker)
                stack.callback(listener.close)
                found.setdefault(kind, []).append(listener)
        yield found


def table(kinds: Sequence[str], codec: str, networks: Sequence[Network], seeds: int) -> None:
    """Print a line for each network: the mean of each phone, and our difference to the best of the others."""
    out = sys.stdout
    out.write(f"| {codec}: mean PESQ-LQO (worst) | " + " | ".join(kinds) + " | ours beside the best other |\n")
    out.write("|---|" + "---|" * (len(kinds) + 1) + "\n")
    with listening(kinds, codec) as found:
        everybody = [listener for listeners in found.values() for listener in listeners]
        for network in networks:
            scores: dict[str, list[float]] = {kind: [] for kind in kinds}
            for seed in range(1, seeds + 1):
                heard = play(everybody, network, seed)
                for listener, value in zip(everybody, heard, strict=True):
                    scores[next(kind for kind in kinds if listener in found[kind])].append(value)
            means = [fmean(scores[kind]) for kind in kinds]
            cells = [f"{mean:.2f} ({min(scores[kind]):.2f})" for kind, mean in zip(kinds, means, strict=True)]
            ahead = f"{means[0] - max(means[1:]):+.2f}" if len(means) > 1 else "-"
            out.write(f"| {network.name} | " + " | ".join(cells) + f" | {ahead} |\n")
            out.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--codec", action="append", choices=SCORED, help="may be repeated; both without it")
    parser.add_argument("--condition", action="append", help="a line of the table, e.g. 'loss 3 %%'")
    parser.add_argument("--peer", action="append", choices=[kind for kind in KINDS if kind != "offhook"])
    parser.add_argument("--seeds", type=int, default=2, help="how often each condition is played (default: 2)")
    options = parser.parse_args()
    networks = [one for one in CONDITIONS if not options.condition or one.name in options.condition]
    kinds = ["offhook", *(options.peer or [kind for kind in KINDS if kind != "offhook"])]
    for codec in options.codec or SCORED:
        table(kinds, codec, networks, options.seeds)
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
