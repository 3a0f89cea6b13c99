"""SIPp's basic call (INVITE, 200, ACK, BYE): the highest rate that a phone holds, four at once and one at a time."""

import subprocess
import time
from dataclasses import replace

from tests.bench import budgets
from tests.bench.bench import Bench
from tests.bench.figures import NO_GATE, Figure
from tests.bench.phones import BenchPhone, running
from tests.bench.registrar import HOST
from tests.support.processes import find_program

AT_ONCE = (4, 1)
"""Calls that may overlap. A telephone with one line tells a second caller that it is busy, and SIPp counts that as a
failure; one at a time shows what the phone can do apart from that."""

PATIENCE_S = 10.0
SLACK_S = 0.6
"""SIPp's own start and end."""

TOPIC = "sipp"


def measure(bench: Bench) -> list[Figure]:
    """Each rate for some seconds, until one is not held."""
    phones = bench.pair("sipp")
    found = []
    with running(*phones):
        for at_once in AT_ONCE:
            rates = [_highest_rate(bench, phone, at_once) for phone in phones]
            gate = budgets.BASIC_CALLS_PER_S if at_once == AT_ONCE[0] else NO_GATE
            found.append(Figure(TOPIC, f"SIPp basic calls held, {at_once} at once", "/s", *rates, gate=gate))
    tried = ", ".join(map(str, bench.extent.sipp_rates))
    note = f"rates tried: {tried}, each for {bench.extent.sipp_s:g} s; one overlap of two calls is a failure"
    return [replace(found[0], note=note), *found[1:]]


def _highest_rate(bench: Bench, phone: BenchPhone, at_once: int) -> float:
    held = 0
    for rate in bench.extent.sipp_rates:
        if not _holds(phone, rate, at_once, bench.extent.sipp_s):
            break
        held = rate
    return float(held)


def _holds(phone: BenchPhone, rate: int, at_once: int, seconds: float) -> bool:
    """Whether every call succeeds and none has to wait for its turn."""
    calls = max(int(rate * seconds), 1)
    command = [find_program("sipp"), f"{HOST}:{phone.port}", "-sn", "uac", "-s", phone.user, "-i", HOST]
    command += ["-r", str(rate), "-l", str(at_once), "-m", str(calls), "-nostdin"]
    began = time.monotonic()
    try:
        ended = subprocess.run(
            command, capture_output=True, cwd=phone.folder, timeout=seconds + PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0 and time.monotonic() - began < 1.1 * seconds + SLACK_S
