"""A house for the board: its cable, a registrar, a telephone at the far end, and everything that passed the wire."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.board.figures import Figures
from tests.board.house import House
from tests.board.network import BoardNetwork
from tests.board.report import draw_test, keep
from tests.board.rig import Rig
from tests.board.uml_rig import UmlRig, find_kernel

RIG = os.environ.get("OFFHOOK_RIG", "uml")
"""Which machine the board is: "uml" (the default, quick) or "qemu"."""

OUTPUT = os.environ.get("OFFHOOK_BOARD_OUTPUT", "")
"""A folder that gets pictures, logs, the wire and the figures; nothing is kept without it."""

DRIVERS = ("gpiod", "rpi-gpio")


def build_rig(network: BoardNetwork, folder) -> Rig:
    """A new board of the kind that was asked for."""
    if RIG == "uml":
        return UmlRig(folder, network, find_kernel())
    if RIG == "qemu":
        from tests.board import qemu_rig  # noqa: PLC0415  # the quick rig needs nothing of it

        return qemu_rig.build_rig(folder, network)
    raise AssertionError(f"OFFHOOK_RIG={RIG!r} is no machine; there are uml and qemu")


FIGURES = Figures(RIG)


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what was measured, in the end."""
    if FIGURES.rows():
        terminalreporter.write_line("\n" + FIGURES.text())


@pytest.fixture(scope="session")
def running_house(tmp_path_factory) -> Iterator[House]:
    """One house for all tests; the board in it is started once."""
    folder = Path(OUTPUT, "house") if OUTPUT else tmp_path_factory.mktemp("house")
    shutil.rmtree(folder, ignore_errors=True)  # a house of an earlier run
    folder.mkdir(parents=True)
    with BoardNetwork(folder) as network:
        house = House(folder, network, build_rig(network, folder / "board"), FIGURES)
        with house.running():
            yield house
            if OUTPUT:
                keep(Path(OUTPUT), house)


@pytest.fixture(params=DRIVERS)
def house(request, running_house) -> Iterator[House]:
    """The house at rest, the board wired up for one GPIO driver."""
    running_house.use(request.param)
    since = running_house.rig.agent.now()
    yield running_house
    if OUTPUT:
        Path(OUTPUT).mkdir(parents=True, exist_ok=True)
        draw_test(Path(OUTPUT), request.node.name, running_house, since)
    running_house.rest()
