"""A timing picture: the levels of GPIO lines over time, as a logic analyser draws them, with what passed the wire."""

from collections.abc import Sequence
from typing import NamedTuple

from device.demo.ladder import escape

LABEL_PIXELS = 150
PLOT_PIXELS = 1180
ROW_PIXELS = 34
WAVE_PIXELS = 18
TOP_PIXELS = 56
MARK_ROW_PIXELS = 15
MARK_ROWS = 6
"""Names of marks that lie close together are put one below the other, in so many rows."""

_STEPS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
TICKS_AT_MOST = 14


class Edge(NamedTuple):
    """A line had this level from then on; seconds on any clock."""

    at: float
    high: bool


class Wave(NamedTuple):
    """One line of the board: its name, what it did, and its level before the first edge."""

    name: str
    edges: Sequence[Edge]
    high_at_first: bool = False


class Mark(NamedTuple):
    """Something that happened at an instant, such as an INVITE on the wire."""

    at: float
    text: str


def draw_lines(
    title: str, waves: Sequence[Wave], marks: Sequence[Mark] = (), span: tuple[float, float] = (0, 0)
) -> str:
    """The picture as an SVG document. `span` is from when to when; by default from the first to the last event."""
    first, last = span if span[1] > span[0] else _span_of(waves, marks)
    top = TOP_PIXELS + (MARK_ROWS * MARK_ROW_PIXELS if marks else 0)
    bottom = top + ROW_PIXELS * len(waves)
    width, height = LABEL_PIXELS + PLOT_PIXELS + 20, bottom + 30
    scale = _Scale(first, last)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="16" font-weight="bold">{escape(title)}</text>',
        *_time_axis(scale, top, bottom),
        *_marks([mark for mark in marks if first <= mark.at <= last], scale, bottom),
    ]
    for index, wave in enumerate(waves):
        y = top + ROW_PIXELS * index
        parts.append(f'<text x="{LABEL_PIXELS - 10}" y="{y + 22}" text-anchor="end">{escape(wave.name)}</text>')
        parts.append(f'<path d="{_path(wave, scale, y)}" fill="none" stroke="#1f4e79" stroke-width="1.3"/>')
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    """Where on the paper an instant is."""

    def __init__(self, first: float, last: float) -> None:
        self.first, self.last = first, last

    def x(self, at: float) -> float:
        part = (min(max(at, self.first), self.last) - self.first) / (self.last - self.first)
        return round(LABEL_PIXELS + part * PLOT_PIXELS, 2)


def _span_of(waves: Sequence[Wave], marks: Sequence[Mark]) -> tuple[float, float]:
    instants = [edge.at for wave in waves for edge in wave.edges] + [mark.at for mark in marks]
    if not instants:
        return 0.0, 1.0
    first, last = min(instants), max(instants)
    margin = (last - first) * 0.02 or 0.5
    return first - margin, last + margin


def _time_axis(scale: _Scale, top: int, bottom: int) -> list[str]:
    length = scale.last - scale.first
    step = next((step for step in _STEPS_S if length / step <= TICKS_AT_MOST), length / TICKS_AT_MOST)
    unit, factor = ("ms", 1000) if step < 0.5 else ("s", 1)
    parts = []
    for number in range(int(length / step) + 1):
        x = scale.x(scale.first + number * step)
        parts.append(f'<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}" stroke="#e0e0e0"/>')
        parts.append(
            f'<text x="{x}" y="{bottom + 18}" text-anchor="middle" fill="#707070" font-size="11">'
            f"{number * step * factor:g} {unit}</text>"
        )
    return parts


def _marks(marks: Sequence[Mark], scale: _Scale, bottom: int) -> list[str]:
    parts = []
    ends = [float("-inf")] * MARK_ROWS
    for mark in sorted(marks):
        x = scale.x(mark.at)
        width = 6.3 * len(mark.text) + 8
        # A name that would leave the paper stands left of its line.
        left = x + width > LABEL_PIXELS + PLOT_PIXELS + 16
        start = x - width if left else x
        row = next((row for row in range(MARK_ROWS) if ends[row] <= start), MARK_ROWS - 1)
        ends[row] = start + width
        y = TOP_PIXELS - 8 + MARK_ROW_PIXELS * row
        anchor, at = ("end", x - 3) if left else ("start", x + 3)
        parts.append(
            f'<line x1="{x}" y1="{y - 9}" x2="{x}" y2="{bottom}" stroke="#c0504d" stroke-dasharray="3 3"/>'
            f'<text x="{round(at, 2)}" y="{y}" text-anchor="{anchor}" fill="#8c2f2c" font-size="11">'
            f"{escape(mark.text)}</text>"
        )
    return parts


def _path(wave: Wave, scale: _Scale, y: int) -> str:
    high_y, low_y = y + 8, y + 8 + WAVE_PIXELS
    level = wave.high_at_first
    points = []
    for edge in sorted(wave.edges):
        if edge.at <= scale.first:
            level = edge.high
        elif edge.at <= scale.last and edge.high != (points[-1].high if points else level):
            points.append(edge)
    words = [f"M{scale.x(scale.first)},{high_y if level else low_y}"]
    for edge in points:
        words.append(f"H{scale.x(edge.at)}V{high_y if edge.high else low_y}")
    words.append(f"H{scale.x(scale.last)}")
    return "".join(words)
