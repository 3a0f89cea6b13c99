"""The gates: what offhook has to reach beside the phones that exist. The only place of these numbers."""

from tests.bench.figures import NO_GATE, Gate

MEMORY_IDLE_MIB = Gate(limit=18, target=14)
MEMORY_IN_CALL_MIB = Gate(limit=20, target=16)
MEMORY_GROWTH_MIB = Gate(limit=2, target=0)
MEMORY_GROWTH_CALLS = 10_000
"""How many calls the limit is meant for; shorter runs are judged by the same one."""

CPU_PEER_LIMIT = {1: 1.16 / 0.75, 4: 1.0}
CPU_PEER_TARGET = {1: 0.8, 4: 0.8 * 0.75 / 1.16}
"""By major version of baresip: not more than version 4 takes, wished 0.8 of version 1. Version 4 took 1.16 s where
version 1 took 0.75 s in the same call; Debian has the one or the other."""

OPUS_CPU_PEER_LIMIT = {1: 1.76 / 1.48, 4: 1.0}
"""The same for a call with Opus, in which version 4 took 1.76 s where version 1 took 1.48 s."""

WAKEUPS_PER_S = Gate(limit=2, target=0.2)
START_MS = Gate(limit=150, target=80)
ANSWER_P50_MS = Gate(limit=2, target=1)
ANSWER_P99_MS = Gate(limit=10, target=3)
BASIC_CALLS_PER_S = Gate(limit=50, target=100, higher_is_better=True)
EAR_DELAY_MS = Gate(limit=60, target=40)
MOUTH_DELAY_MS = Gate(limit=30, target=22)

REGISTRATIONS_PER_S = Gate(limit=50, target=200, higher_is_better=True)
CALL_SETUPS_PER_S = Gate(limit=20, target=50, higher_is_better=True)
LOST_MESSAGES = Gate(limit=0, target=0)
EXCHANGE_GROWTH_MIB = Gate(limit=1, target=0.25)
"""A house of 50 users and 20 calls a second: the exchange need not be fast, but must not lose or grow."""

USE_MESSAGE = Gate(peer_limit=1 / 2.5, peer_target=1 / 2, higher_is_better=True)
"""Messages per second, parsed and used: at least so much of what libosip2 parses when it is called by ctypes."""

ENCODE_MESSAGE = USE_MESSAGE
FASTER_THAN_PEER = Gate(peer_limit=1.0, higher_is_better=True)
"""Beside the parsers in Python that there are."""

IDLE_TRANSACTION_BYTES = Gate(limit=8192)
IDLE_DIALOG_BYTES = Gate(limit=2048)
"""Resident memory of each, 20,000 at once: what docs/benchmarks.md says that they cost."""


def cpu_gate(major_version: int) -> Gate:
    """The gate for CPU time in a call beside that version of baresip."""
    known = 1 if major_version < 4 else 4
    return Gate(peer_limit=CPU_PEER_LIMIT[known], peer_target=CPU_PEER_TARGET[known])


def codec_cpu_gate(codec: str, major_version: int) -> Gate:
    """The gate for CPU time in a call with a codec; none was set for G.722."""
    known = 1 if major_version < 4 else 4
    if codec == "OPUS":
        return Gate(peer_limit=OPUS_CPU_PEER_LIMIT[known])
    return cpu_gate(major_version) if codec == "PCMU" else NO_GATE
