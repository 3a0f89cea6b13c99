"""Sound while 500 SIP requests arrive at once: the longest pause between two packets, and what the card missed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from device.control.client import ControlClient
from tests.bench.bench import Bench
from tests.bench.figures import Figure
from tests.bench.flood_sender import MESSAGES
from tests.bench.phones import BenchPhone, Offhook
from tests.bench.talking import SETTLE_S, Conversation
from tests.support.processes import ROOT

TOPIC = "flood"


@contextmanager
def flooded(*phones: BenchPhone) -> Iterator[None]:
    """Each of the phones gets the requests of strangers, every second."""
    command = [sys.executable, "-m", "tests.bench.flood_sender", *(str(phone.port) for phone in phones)]
    with subprocess.Popen(command, cwd=ROOT) as sender:
        try:
            yield
        finally:
            sender.terminate()


def xruns(phone: Offhook) -> int:
    """How often the card overran or ran dry so far."""
    with ControlClient(phone.socket_path, 10.0) as client:
        sound = client.call("status")["audio"]  # type: ignore[index]
    return int(sound["capture_xruns"]) + int(sound["playback_xruns"])


def measure(bench: Bench) -> list[Figure]:
    """One call each, quiet first, then under the flood."""
    seconds = bench.extent.delay_talk_s
    ours, peer = phones = bench.pair("flood")
    with Conversation(phones, with_bursts=False) as conversation:
        conversation.talk(SETTLE_S)
        for line in conversation.lines:
            line.longest_pause_s = 0.0
        before = xruns(ours)
        with flooded(ours, peer):
            conversation.talk(seconds)
        pauses = [1000 * line.longest_pause_s for line in conversation.lines]
        missed = xruns(ours) - before
    return [
        Figure(TOPIC, f"longest pause between packets, {MESSAGES} requests at once", "ms", *pauses),
        Figure(TOPIC, "xruns of the card meanwhile", "", float(missed), None),
    ]
