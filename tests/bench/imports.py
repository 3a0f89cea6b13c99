"""The import budget: which modules of an idle, registered daemon cost the most memory and time."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.phones import BenchPhone, Offhook, interpreter

TOP = 15
PROBE = Path(__file__).parent / "import_probe.py"


@dataclass(frozen=True, slots=True)
class ModuleCost:
    """What one module costs by itself: allocated by Python, grown in memory, and spent in time without tracing."""

    name: str
    allocated_kib: float
    resident_kib: float
    ms: float


class ProbedOffhook(Offhook):
    """Our phone, run by the probe instead of by `-m device`."""

    kind = "time"

    @property
    def result_path(self) -> Path:
        return self.folder / f"imports-{self.kind}.json"

    def command(self) -> list[str]:
        return [interpreter(), str(PROBE), str(self.result_path), self.kind, *self.arguments()]


def measure(bench: Bench) -> list[ModuleCost]:
    """Two starts, as tracing memory takes time: costs of every module, the largest in memory first."""
    phone = bench.phone(ProbedOffhook, "ours-imports")
    found: dict[str, dict[str, list[float]]] = {}
    for kind in ("time", "time", "memory"):
        phone.kind = kind
        run(phone)
        rows = json.loads(phone.result_path.read_text())
        found[kind] = {name: values for name, *values in rows}
    return merge(found["memory"], found["time"])


def run(phone: BenchPhone) -> None:
    """Start, register, stop."""
    phone.start()
    phone.stop()


def merge(memory: dict[str, list[float]], seconds: dict[str, list[float]]) -> list[ModuleCost]:
    """One cost a module out of [allocated, resident, ms] of both runs."""
    nothing = [0.0, 0.0, 0.0]
    costs = [
        ModuleCost(name, memory.get(name, nothing)[0], *seconds.get(name, nothing)[1:])
        for name in memory.keys() | seconds.keys()
    ]
    return sorted(costs, key=lambda cost: (-cost.allocated_kib, cost.name))


def packages(costs: list[ModuleCost]) -> list[ModuleCost]:
    """The costs added up by package: device.sip and its kin, and the top names of everything else."""
    sums: dict[str, list[float]] = {}
    for cost in costs:
        words = cost.name.split(".")
        name = ".".join(words[: 2 if words[0] == "device" else 1])
        total = sums.setdefault(name, [0.0, 0.0, 0.0])
        for index, value in enumerate((cost.allocated_kib, cost.resident_kib, cost.ms)):
            total[index] += value
    return sorted((ModuleCost(name, *values) for name, values in sums.items()), key=lambda cost: -cost.allocated_kib)


def table(costs: list[ModuleCost]) -> str:
    """The dearest modules and packages, and the sum of all."""
    both = {cost.name: cost for cost in costs[:TOP]}
    slow = [cost for cost in sorted(costs, key=lambda cost: -cost.ms)[:TOP] if cost.name not in both]
    total = ModuleCost(
        f"all {len(costs)} modules",
        sum(cost.allocated_kib for cost in costs),
        sum(cost.resident_kib for cost in costs),
        sum(cost.ms for cost in costs),
    )
    blocks = (
        ("module, by memory", costs[:TOP]),
        ("further modules, by time", slow),
        ("package", packages(costs)[:TOP]),
        ("sum", [total]),
    )
    lines = []
    for heading, rows in blocks:
        lines.append(f"{heading:36} {'KiB':>7} {'RSS KiB':>8} {'ms':>6}")
        lines += [f"{row.name:36} {row.allocated_kib:7.0f} {row.resident_kib:8.0f} {row.ms:6.2f}" for row in rows]
        lines.append("")
    return "\n".join(lines)
