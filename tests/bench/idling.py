"""What transactions and dialogs at rest cost: as many of each kind as an exchange could have, in a fresh process."""

import subprocess
import sys

from tests.bench import budgets
from tests.bench.bench import Bench
from tests.bench.figures import Figure
from tests.bench.idle_probe import KINDS

TOPIC = "messages"


def measure(bench: Bench) -> list[Figure]:
    """Memory of one of each kind, and the time that it takes to end it."""
    count = bench.extent.idle_items
    figures = []
    for kind in KINDS:
        memory, _, ending = probe(kind, count)
        gate = budgets.IDLE_DIALOG_BYTES if kind.startswith("dialog") else budgets.IDLE_TRANSACTION_BYTES
        figures.append(Figure(TOPIC, f"{count:,} x {kind}: each", "bytes", memory, gate=gate))
        if not kind.startswith("dialog"):
            figures.append(Figure(TOPIC, f"{count:,} x {kind}: its end", "us", ending))
    return figures


def probe(kind: str, count: int) -> tuple[float, float, float]:
    """Bytes, microseconds to make, microseconds to end. Raises OSError when the process fails."""
    command = [sys.executable, "-m", "tests.bench.idle_probe", kind, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"the probe of {kind} failed: {done.stderr[-500:]}")
    memory, making, ending = (float(word) for word in done.stdout.split())
    return memory, making, ending
