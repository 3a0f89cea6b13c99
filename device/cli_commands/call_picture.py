"""A picture of how a call went: level, loss, jitter and depth of the jitter buffer over time, as SVG."""

from collections.abc import Mapping, Sequence

from device.annotations import Any
from device.hardware.svg_canvas import Canvas
from device.records import dataclass

WIDTH, LEFT, RIGHT = 900.0, 78.0, 22.0
HEAD, PANEL, GAP, FOOT = 74.0, 118.0, 34.0, 46.0
GRID, FRAME, INK, SOFT = "#e3e6ea", "#9aa3ad", "#1f2933", "#5b6672"
BLUE, ORANGE, RED, GREEN = "#1f6fb2", "#c2571a", "#b3261e", "#2d7d46"
FLOOR_DB, CEILING_DB = -80.0, 0.0
STEPS = (1.0, 2.0, 5.0)
"""Marks of an axis stand at these times a power of ten."""
TIME_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
MOST_TIME_MARKS = 10


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a panel."""

    name: str
    colour: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the pictures that stand below each other."""

    title: str
    unit: str
    curves: tuple[Curve, ...]
    low: float
    high: float


def draw_call(report: Mapping[str, Any], heading: str, summary: str) -> str:
    """The picture of a report with a time line; `heading` and `summary` stand above it."""
    line = report["time_line"]
    panels = _panels(line)
    seconds = max(1, len(line["jitter_ms"]) - 1) * line["step_s"]
    canvas = Canvas()
    canvas.text((LEFT, 28), heading, 15, INK, bold=True)
    canvas.text((LEFT, 49), summary, 12, SOFT)
    top = HEAD
    for panel in panels:
        _draw_panel(canvas, panel, top, seconds)
        top += PANEL + GAP
    _draw_times(canvas, top - GAP, seconds)
    return canvas.document(WIDTH, top - GAP + FOOT, heading)


def _panels(line: Mapping[str, Any]) -> tuple[Panel, ...]:
    heard, said = Curve("heard", BLUE, line["heard_db"]), Curve("microphone", ORANGE, line["sent_db"])
    return (
        Panel("level", "dB", (heard, said), FLOOR_DB, CEILING_DB),
        _from_zero("missing in play-out", "%", Curve("", RED, line["loss_percent"]), 1.0),
        _from_zero("jitter", "ms", Curve("", GREEN, line["jitter_ms"]), 5.0),
        _from_zero("jitter buffer", "ms", Curve("", BLUE, line["buffer_ms"]), 20.0),
    )


def _from_zero(title: str, unit: str, curve: Curve, least: float) -> Panel:
    """A panel from 0 to the highest value, but never below `least`: a calm call must not look like a storm."""
    return Panel(title, unit, (curve,), 0.0, _rounded_up(max(least, *curve.values)))


def _rounded_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 ..."""
    power = 1.0
    while 10 * power < value:
        power *= 10
    return next((step * power for step in STEPS if step * power >= value), 10 * power)


def _draw_panel(canvas: Canvas, panel: Panel, top: float, seconds: float) -> None:
    right, bottom = WIDTH - RIGHT, top + PANEL
    canvas.box((LEFT, top), (right - LEFT, PANEL), stroke="none")
    step = _step(panel.high - panel.low)
    mark = panel.low
    while mark <= panel.high + 1e-6:
        y = _height(mark, panel, bottom)
        canvas.line([(LEFT, y), (right, y)], GRID, 1)
        canvas.text((LEFT - 8, y + 4), f"{mark:g}", 11, SOFT, anchor="end")
        mark += step
    for curve in panel.curves:
        canvas.line(_points(curve.values, panel, bottom, seconds), curve.colour, 1.6)
    canvas.box((LEFT, top), (right - LEFT, PANEL), fill="none", stroke=FRAME, width=1)
    canvas.text((LEFT, top - 7), f"{panel.title} ({panel.unit})", 12, INK, bold=True)
    _draw_names(canvas, panel, top)


def _draw_names(canvas: Canvas, panel: Panel, top: float) -> None:
    x = WIDTH - RIGHT
    for curve in reversed([curve for curve in panel.curves if curve.name]):
        canvas.text((x, top - 7), curve.name, 11, curve.colour, anchor="end", bold=True)
        x -= 12 + 8.0 * len(curve.name)


def _step(span: float) -> float:
    """Distance of the marks: four or five of them."""
    step = _rounded_up(span / 5)
    return step if span / step >= 2 else step / 2


def _height(value: float, panel: Panel, bottom: float) -> float:
    within = min(max(value, panel.low), panel.high)
    return bottom - PANEL * (within - panel.low) / (panel.high - panel.low)


def _points(values: Sequence[float], panel: Panel, bottom: float, seconds: float) -> list[tuple[float, float]]:
    scale = (WIDTH - RIGHT - LEFT) / max(1, len(values) - 1)
    points = [(LEFT + scale * at, _height(value, panel, bottom)) for at, value in enumerate(values)]
    return points if len(points) > 1 else [points[0], (WIDTH - RIGHT, points[0][1])]


def _draw_times(canvas: Canvas, bottom: float, seconds: float) -> None:
    step = next((step for step in TIME_STEPS_S if seconds / step <= MOST_TIME_MARKS), TIME_STEPS_S[-1])
    at = 0
    while at <= seconds:
        x = LEFT + (WIDTH - RIGHT - LEFT) * at / seconds
        canvas.line([(x, bottom), (x, bottom + 5)], FRAME, 1)
        canvas.text((x, bottom + 19), f"{at // 60}:{at % 60:02d}", 11, SOFT, anchor="middle")
        at += step
    canvas.text((WIDTH - RIGHT, bottom + 37), "minutes and seconds of the call", 11, SOFT, anchor="end")
