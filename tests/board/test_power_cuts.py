"""A few power cuts at random on the product's image; `python -m tests.board power-cuts` does as many as one likes."""

import os
import time

import pytest

from tests.board.power_cuts import Commit, PowerCuts, allowed_after
from tests.board.qemu_rig import QemuRig

SEED = "OFFHOOK_SEED"
CUTS = 3


def test_what_was_acknowledged_must_be_there_and_the_next_may() -> None:
    commits = [Commit("2", 100), Commit("3", 200), Commit("4")]
    assert allowed_after("1", commits, 99) == ["1", "2"]
    assert allowed_after("1", commits, 100) == ["2", "3"]
    assert allowed_after("1", commits, 5000) == ["3", "4"]
    assert allowed_after("1", [], 5000) == ["1"]


@pytest.mark.qemu
def test_nothing_is_lost_and_nothing_stays_on(running_house) -> None:
    house = running_house
    assert isinstance(house.rig, QemuRig)
    house.use("gpiod")
    house.phone.client.close()
    seed = int(os.environ.get(SEED) or time.time_ns() % 1_000_000)
    told = [f"seed {seed} ({SEED})"]
    cuts = PowerCuts(house.rig, house.kamailio, house.far, seed, told.append)
    cuts.run(CUTS)
    house.phone.begin_to_listen()
    house.figures.note("power to registered after a cut", max(cut.registered_s for cut in cuts.cuts), "s")
    assert not cuts.faults, "\n".join(told)
    assert len(cuts.cuts) == CUTS
