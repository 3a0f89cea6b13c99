"""`python -m tests.fuzz`: every target for a bounded time, guided by coverage; prints what was done and found."""

import argparse
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.corpus import seeds
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "build" / "fuzz"
TIMEOUT_S = 5
"""An input that takes longer is a finding."""
MEMORY_MIB = 700
"""So is a process that grows beyond this; instrumented it begins at about 120."""
LONGEST_INPUT = 8192

COVERAGE = re.compile(r"cov: (\d+)")
CORPUS = re.compile(r"corp: (\d+)")
EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
PEAK = re.compile(r"stat::peak_rss_mb:\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Result:
    """What one target's run came to; numbers are 0 where the run ended before it could tell."""

    target: str
    executions: int
    coverage: int
    corpus: int
    peak_mib: int
    findings: tuple[Path, ...]
    output: str


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, metavar="N", help="how long for each target (default 60)")
    parser.add_argument("--only", default=",".join(TARGETS), metavar="NAME,...", help=f"some of {', '.join(TARGETS)}")
    options = parser.parse_args(arguments)
    options.only = options.only.split(",")
    for name in options.only:
        if name not in TARGETS:
            parser.error(f"there is no target {name!r}: take some of {', '.join(TARGETS)}")
    return options


def write_corpus(target: str) -> Path:
    """The folder that a run begins with and adds to: all seeds, and what earlier runs have found worth keeping."""
    folder = FOLDER / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for data in seeds(target):
        (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)
    return folder


def run(target: str, seconds: int) -> Result:
    """Fuzz one target in a process of its own, which an input may well kill."""
    findings = FOLDER / "findings" / target
    findings.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.guided", target, str(write_corpus(target))),
            *(f"-max_total_time={seconds}", f"-timeout={TIMEOUT_S}", f"-rss_limit_mb={MEMORY_MIB}"),
            *(f"-max_len={LONGEST_INPUT}", f"-artifact_prefix={findings}/", "-print_final_stats=1", "-verbosity=1"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    found = tuple(sorted(set(findings.iterdir()) - before))
    if done.returncode and not found:
        raise SystemExit(f"{target}: atheris did not run:\n{done.stdout[-2000:]}")
    numbers = [_last(pattern, done.stdout) for pattern in (EXECUTIONS, COVERAGE, CORPUS, PEAK)]
    return Result(target, *numbers, found, done.stdout)


def _last(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.findall(text)
    return int(found[-1]) if found else 0


def table(results: Sequence[Result]) -> str:
    lines = ["| target | executions | branches | corpus | peak, MiB | findings |", "|---|--:|--:|--:|--:|--:|"]
    for one in results:
        numbers = (one.executions, one.coverage, one.corpus, one.peak_mib, len(one.findings))
        lines.append(f"| {one.target} | " + " | ".join(f"{number:,}" for number in numbers) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    options = parse_options(arguments)
    results = []
    for target in options.only:
        sys.stderr.write(f"fuzzing {target} for {options.seconds} s\n")
        results.append(run(target, options.seconds))
        for path in results[-1].findings:
            sys.stderr.write(f"FOUND {path.relative_to(ROOT)}\n{results[-1].output[-3000:]}\n")
    sys.stdout.write(table(results) + "\n")
    return 1 if any(one.findings for one in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
