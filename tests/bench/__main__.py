"""`python -m tests.bench`: measures the phone beside baresip and prints ours, theirs, the ratio and the gates."""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from device.errors import DeviceError
from tests.bench import (
    answering,
    codecs_in_call,
    exchange,
    flooding,
    imports,
    messages,
    resting,
    sipp,
    starting,
    talking,
)
from tests.bench.bench import QUICK, Bench, Extent
from tests.bench.caller import CallFailedError
from tests.bench.figures import Figure, report, table
from tests.bench.phones import baresip_version, interpreter
from tests.bench.registrar import Registrar
from tests.support.fakecard.card import build, why_not

MEASURES: dict[str, Callable[[Bench], list[Figure]]] = {
    "rest": resting.measure,
    "talk": talking.measure,
    "codecs": codecs_in_call.measure,
    "flood": flooding.measure,
    "answer": answering.measure,
    "sipp": sipp.measure,
    "start": starting.measure,
    "messages": messages.measure,
    "exchange": exchange.measure,
}
IMPORTS = "imports"
NAMES = [*MEASURES, IMPORTS]

FAILURES = (AssertionError, CallFailedError, DeviceError, OSError, ValueError)
"""What a phone that does not work makes a measure raise."""


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter measures: about a minute in all")
    parser.add_argument("--only", metavar="NAME,...", default=",".join(NAMES), help=f"some of {', '.join(NAMES)}")
    parser.add_argument(
        "--calls", type=int, metavar="N", help="calls back to back, for growth of memory (10000 shows it)"
    )
    parser.add_argument("--talk", type=float, metavar="SECONDS", help="length of the call whose CPU time is measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything to FILE as well")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave logs and stores in FOLDER")
    options = parser.parse_args(arguments)
    options.only = options.only.split(",")
    for name in options.only:
        if name not in NAMES:
            parser.error(f"there is no measure {name!r}: take some of {', '.join(NAMES)}")
    return options


def extent_of(options: argparse.Namespace) -> Extent:
    """How much is measured, as the options say."""
    extent = QUICK if options.quick else Extent()
    if options.calls:
        extent = replace(extent, calls=options.calls, exchange_calls=options.calls)
    if options.talk:
        extent = replace(extent, talk_s=options.talk)
    return extent


@contextmanager
def working_folder(kept: Path | None) -> Iterator[Path]:
    """The folder for logs, stores and sockets; gone afterwards if it need not be kept."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="offhook-bench-") as folder:
        yield Path(folder)


def circumstances(version: str) -> dict[str, object]:
    """What the figures depend on."""
    return {
        "interpreter": interpreter(),
        "python": platform.python_version(),
        "peer": f"baresip {version}",
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "date": time.strftime("%Y-%m-%d"),
    }


def import_costs(bench: Bench) -> list[imports.ModuleCost]:
    """The import budget, or nothing when the daemon does not start."""
    try:
        return imports.measure(bench)
    except FAILURES as error:
        sys.stderr.write(f"imports: not measured: {error}\n")
        return []


def measure_all(bench: Bench, names: Sequence[str]) -> list[Figure]:
    """Every wanted measure; one that fails is a line of the table and no reason to lose the others."""
    figures: list[Figure] = []
    for name, measure in MEASURES.items():
        if name not in names:
            continue
        began = time.monotonic()
        sys.stderr.write(f"measuring {name} ... ")
        sys.stderr.flush()
        try:
            figures += measure(bench)
        except FAILURES as error:
            figures.append(Figure(name, f"{name}: not measured", "", None, note=str(error) or repr(error)))
        sys.stderr.write(f"{time.monotonic() - began:.0f} s\n")
    return figures


def _pages(figures: list[Figure], costs: list[imports.ModuleCost], facts: dict[str, object]) -> list[str]:
    pages = ["offhook beside other phones: " + ", ".join(f"{name} {value}" for name, value in facts.items()) + "\n"]
    pages.append(table(figures))
    if costs:
        pages.append("\nWhat the idle, registered daemon imports; each module without what it imports in turn\n")
        pages.append(imports.table(costs))
    return pages


def main(arguments: Sequence[str]) -> int:
    options = parse_options(arguments)
    if reason := why_not():
        sys.stderr.write(f"the fake sound card cannot be built: {reason}; run firmware_scripts/prepare test interop\n")
        return 1
    version = baresip_version()
    facts = circumstances(version)
    with working_folder(options.keep) as folder, Registrar() as registrar:
        bench = Bench(folder, build(folder), registrar, extent_of(options), version)
        figures = measure_all(bench, options.only)
        costs = import_costs(bench) if IMPORTS in options.only else []
    sys.stdout.write("\n".join(_pages(figures, costs, facts)) + "\n")
    if options.json:
        everything = {**report(figures, facts), "imports": [asdict(cost) for cost in costs]}
        options.json.write_text(json.dumps(everything, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
