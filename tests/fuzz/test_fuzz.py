"""A short run of every target that is the same each time, and all that was ever found.

Two environment variables make it a longer hunt: FUZZ_ROUNDS (rounds of each target) and FUZZ_SEED (default 1). A
failure names the seed of its one round: `FUZZ_SEED=<seed> FUZZ_ROUNDS=1` runs it alone.
"""

import os
import random
from pathlib import Path

import pytest

from tests.fuzz.corpus import FOUND, seeds
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import TARGETS

ROUNDS = {"telephone": 600, "telephone_stream": 400, "caller": 400, "registering": 400, "exchange": 250}
DEFAULT_ROUNDS = 2500
"""So that each target takes about half a second; those that move whole elements take longer a round."""

FIRST_SEED = int(os.environ.get("FUZZ_SEED", "1"))
FOUND_BEFORE = sorted(path for path in FOUND.glob("*/*"))


@pytest.mark.parametrize("target", TARGETS)
def test_seeds(target: str) -> None:
    found = seeds(target)
    assert found
    for data in found:
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_seeds(target: str) -> None:
    rounds = int(os.environ.get("FUZZ_ROUNDS", ROUNDS.get(target, DEFAULT_ROUNDS)))
    found = [data for data in seeds(target) if len(data) < 3000]
    for seed in range(FIRST_SEED, FIRST_SEED + rounds):
        data = mutated(random.Random(seed), found)
        try:
            TARGETS[target](data)
        except Exception as error:
            pytest.fail(f"FUZZ_SEED={seed} FUZZ_ROUNDS=1: {error!r} for {data!r}")


@pytest.mark.parametrize("path", FOUND_BEFORE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_before(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_every_folder_of_findings_belongs_to_a_target() -> None:
    assert {path.parent.name for path in FOUND_BEFORE} <= set(TARGETS)
