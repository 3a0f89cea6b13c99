"""What the kernel tells about a running process: memory, CPU time, wake-ups."""

import time
from contextlib import suppress
from pathlib import Path

KIB_PER_MIB = 1024

_CPU_CLOCK_OF_PROCESS = 2
"""CPUCLOCK_SCHED of the kernel's posix-timers.h: nanoseconds on any CPU, all threads, also those that have ended."""


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident set and proportional share of it, in MiB."""
    return parse_rollup(Path(f"/proc/{pid}/smaps_rollup").read_text())


def parse_rollup(text: str) -> tuple[float, float]:
    """RSS and PSS in MiB out of smaps_rollup."""
    kib: dict[str, int] = {}
    for line in text.splitlines()[1:]:
        name, _, value = line.partition(":")
        kib[name] = int(value.split()[0])
    return kib["Rss"] / KIB_PER_MIB, kib["Pss"] / KIB_PER_MIB


def cpu_s(pid: int) -> float:
    """CPU time since its start in seconds, user and system."""
    return time.clock_gettime((~pid << 3) | _CPU_CLOCK_OF_PROCESS)


def wakeups(pid: int) -> int:
    """How often its threads have gone to sleep so far: each time something woke them again."""
    count = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ends meanwhile
            count += parse_voluntary_switches(status.read_text())
    return count


def parse_voluntary_switches(text: str) -> int:
    """The count out of a thread's status file."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "voluntary_ctxt_switches":
            return int(value)
    raise ValueError("no voluntary_ctxt_switches in the status of a thread")
