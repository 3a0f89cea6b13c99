"""What a run of the board's tests leaves behind: a timing picture for each test, the wire, the logs, the figures."""

import re
import shutil
from pathlib import Path

from tests.board.board_phone import INPUTS, LINE_NAMES, OUTPUTS, ROWS
from tests.board.house import House
from tests.board.lines_picture import Edge, Mark, Wave, draw_lines


def draw_test(folder: Path, title: str, house: House, since: float) -> Path:
    """Draw what the lines did and what passed the wire since an instant of the board; the picture's path."""
    agent = house.rig.agent
    moved = [(at, line, level) for at, line, level in house.phone.moved if at >= since]
    driven = agent.edges([*OUTPUTS, *ROWS], since)
    waves = []
    for line, edges in _by_line([*moved, *driven]).items():
        at_first = line in INPUTS and line in house.phone.resting_high
        waves.append(Wave(f"{LINE_NAMES[line]} ({line})", edges, at_first))
    first = agent.on_host(since)
    marks = [Mark(agent.inside(seen.at), _name_of(seen.text)) for seen in house.seen(first)]
    path = folder / (re.sub(r"\W+", "-", title).strip("-") + ".svg")
    path.write_text(draw_lines(title, waves, marks))
    return path


def _by_line(edges: list[tuple[float, int, bool]]) -> dict[int, list[Edge]]:
    found: dict[int, list[Edge]] = {}
    for at, line, level in sorted(edges):
        found.setdefault(line, []).append(Edge(at, level))
    return {line: found[line] for line in LINE_NAMES if line in found}


def _name_of(text: str) -> str:
    """How a message is called in a picture: its method, or its status."""
    first = text.partition("\r\n")[0]
    if first.startswith("SIP/2.0 "):
        return " ".join(first.split()[1:3])
    return first.partition(" ")[0]


def keep(folder: Path, house: House) -> None:
    """Copy the wire, the logs and the figures to where the person looks for them."""
    folder.mkdir(parents=True, exist_ok=True)
    house.figures.write(folder / "figures.txt")
    (folder / "phone.log").write_text(house.rig.log())
    for path in [*house.folder.glob("*.log"), *house.folder.glob("*.pcap"), *house.rig.folder.glob("*.log")]:
        shutil.copy(path, folder / path.name)
