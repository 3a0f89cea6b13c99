"""SIPp's basic call (INVITE, 200, ACK, BYE), at most four at once: the highest rate that a phone holds."""

import subprocess
import time

from tests.bench import budgets
from tests.bench.bench import Bench
from tests.bench.figures import Figure
from tests.bench.phones import BenchPhone, running
from tests.bench.registrar import HOST
from tests.support.processes import find_program

AT_ONCE = 4
PATIENCE_S = 10.0
SLACK_S = 0.6
"""SIPp's own start and end."""

TOPIC = "sipp"


def measure(bench: Bench) -> list[Figure]:
    """Each rate for some seconds, until one is not held."""
    phones = bench.pair("sipp")
    with running(*phones):
        ours, peer = (_highest_rate(bench, phone) for phone in phones)
    note = f"rates tried: {', '.join(map(str, bench.extent.sipp_rates))}, each for {bench.extent.sipp_s:g} s"
    return [Figure(TOPIC, "SIPp basic calls held", "/s", ours, peer, gate=budgets.BASIC_CALLS_PER_S, note=note)]


def _highest_rate(bench: Bench, phone: BenchPhone) -> float:
    held = 0
    for rate in bench.extent.sipp_rates:
        if not _holds(phone, rate, bench.extent.sipp_s):
            break
        held = rate
    return float(held)


def _holds(phone: BenchPhone, rate: int, seconds: float) -> bool:
    """Whether every call succeeds and none has to wait for its turn."""
    calls = max(int(rate * seconds), 1)
    command = [find_program("sipp"), f"{HOST}:{phone.port}", "-sn", "uac", "-s", phone.user, "-i", HOST]
    command += ["-r", str(rate), "-l", str(AT_ONCE), "-m", str(calls), "-nostdin"]
    began = time.monotonic()
    try:
        ended = subprocess.run(
            command, capture_output=True, cwd=phone.folder, timeout=seconds + PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0 and time.monotonic() - began < 1.1 * seconds + SLACK_S
