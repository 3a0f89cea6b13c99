"""The whole phone on the virtual board, from the product's own image: `make board`.

    python -m tests.board                       every test of the board, figures, wire and pictures in board-output/
    python -m tests.board power-cuts --count 50 cut the power that often, at random
    python -m tests.board start                 one board for a person, at a terminal

Needs root, for a network namespace, and what `firmware_scripts/prepare test interop rig` installs.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.board import parts
from tests.board.figures import Figures
from tests.board.house import House
from tests.board.network import BoardNetwork
from tests.board.power_cuts import PowerCuts, write_summary
from tests.board.qemu_rig import QemuRig, build_rig
from tests.board.upgrades import find_upgrades
from tests.board.visit import visit

HERE = Path(__file__).parent
OUTPUT = "board-output"
ORDER = (
    *("image_boot", "console_line", "usb_console", "whole_phone", "outputs", "cadences", "disturbances"),
    *("network_changes", "faults", "sound_card", "power_cuts", "slot_choice", "damaged_card", "upgrades", "raspi3b"),
)
"""What a person wants to know first stands first; what leaves another version on the board stands last."""

LEAVE_S = 120.0
"""The longest that the tests take to switch the board off and leave."""

MARK = ".made-by-tests-board"


def main(words: list[str]) -> int:
    arguments = _parse(words)
    if os.geteuid() != 0:
        sys.stderr.write("the virtual board needs a network namespace of its own; type: sudo make board\n")
        return 1
    # Whoever ends us wants the machine, the namespace and the servers in it gone as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        image, upgrade = _parts(arguments)
        out = Path(arguments.out).resolve()
        if arguments.what == "start":
            return visit(image, out, arguments.new)
        if arguments.what == "power-cuts":
            return cut_power(image, out, arguments, upgrade)
        return run_tests(image, out, arguments.pytest)
    except AssertionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.board", formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__
    )
    parser.add_argument("what", nargs="?", default="tests", choices=("tests", "power-cuts", "start"))
    parser.add_argument("--image", default="", help="the image; by default this tree's is built, with its upgrades")
    parser.add_argument("--out", default=OUTPUT, help=f"where logs, pictures and figures go (default: {OUTPUT}/)")
    parser.add_argument("--count", type=int, default=50, help="power cuts (default: 50)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of everything random (default: from the clock; it is told)"
    )
    parser.add_argument("--upgrade", default="", help="a signed upgrade for that image; cuts fall into upgrades, too")
    parser.add_argument("--broken-upgrade", default="", help="one whose phone never answers")
    parser.add_argument("--new", action="store_true", help="start: forget what the board has stored")
    parser.add_argument("--pytest", nargs=argparse.REMAINDER, default=[], help="what follows goes to pytest")
    return parser.parse_args(words)


def _parts(arguments: argparse.Namespace) -> tuple[Path, Path | None]:
    """The image and an upgrade for it: those that were named, or those of this tree."""
    given = [Path(path) for path in (arguments.image, arguments.upgrade, arguments.broken_upgrade) if path]
    missing = [str(path) for path in given if not path.exists()]
    assert not missing, f"there is no {', '.join(missing)}; without --image everything is built from this tree"
    if not arguments.image:
        made = find_upgrades(say)
        arguments.image, arguments.upgrade, arguments.broken_upgrade = map(str, made)
    os.environ["OFFHOOK_IMAGE"] = arguments.image
    os.environ["OFFHOOK_UPGRADE_GOOD"] = arguments.upgrade
    os.environ["OFFHOOK_UPGRADE_BROKEN"] = arguments.broken_upgrade
    return Path(arguments.image), Path(arguments.upgrade) if arguments.upgrade else None


def say(text: str) -> None:
    """Tell the person, with the time of day."""
    sys.stderr.write(f"board: {time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def make_room(out: Path) -> None:
    """Make the folder of results anew. Raises AssertionError where it holds what was not made here."""
    mark = out / MARK
    if out.exists() and any(out.iterdir()) and not mark.exists():
        raise AssertionError(f"{out} holds something that is not of an earlier run; name another folder with --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    mark.touch()


def run_tests(image: Path, out: Path, more: list[str]) -> int:
    """Every test of the board, with the image and nothing else."""
    make_room(out)
    say(f"image {image}; logs, figures, pictures and the wire go to {out}/")
    environment = {**os.environ, "OFFHOOK_RIG": "qemu", "OFFHOOK_BOARD_OUTPUT": str(out)}
    tests = sorted((str(path.relative_to(parts.ROOT)) for path in HERE.glob("test_*.py")), key=_place)
    words = ["-m", "board or qemu", "-vv", "--no-header", "-p", "no:cacheprovider", *tests, *more]
    command = [sys.executable, "-m", "pytest", *words]
    with subprocess.Popen(command, env=environment, cwd=parts.ROOT) as running:
        try:
            status = running.wait()
        except KeyboardInterrupt:
            # A second one from us does no harm where the terminal has sent one already.
            running.send_signal(signal.SIGINT)
            running.wait(LEAVE_S)
            raise
    say(f"{'all is well' if status == 0 else 'SOMETHING IS WRONG'}; see {out}/")
    return status


def _place(test: str) -> tuple[int, str]:
    name = Path(test).stem.removeprefix("test_")
    return (ORDER.index(name) if name in ORDER else ORDER.index("network_changes")), name


def cut_power(image: Path, out: Path, arguments: argparse.Namespace, upgrade: Path | None) -> int:
    """Cut the power of one board as often as asked."""
    seed = arguments.seed or time.time_ns() % 1_000_000
    make_room(out)
    say(f"image {image}, seed {seed}, {arguments.count} power cuts; logs go to {out}/")
    with registered_board(out) as (house, rig):
        if upgrade is not None:
            shutil.copy(upgrade, rig.share)
        cuts = PowerCuts(rig, house.kamailio, house.far, seed, say, upgrade)
        try:
            cuts.run(arguments.count)
        finally:
            write_summary(cuts, out / "power-cuts.json")
            summary = cuts.summary()
            for name, value in summary.items():
                if name != "each":
                    say(f"  {name}: {value}")
    for fault in cuts.faults:
        say(f"  FAULT {fault}")
    return 1 if cuts.faults else 0


@contextmanager
def registered_board(out: Path) -> Iterator[tuple[House, QemuRig]]:
    """A board with the image, its phone registered, and a second telephone."""
    with BoardNetwork(out) as network:
        rig = build_rig(out / "board", network)
        # No key is pressed here, so none has to follow its row.
        rig.settle_us = 1000
        house = House(out, network, rig, Figures(rig.name))
        with house.running():
            house.use("gpiod")
            yield house, rig


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
