"""A run as a picture over time: REGISTERs a second by their fate, attempts given up, and phones registered."""

from collections.abc import Sequence

from device.demo.ladder import escape
from tests.fleet.journal import FATES, Journal

WIDTH = 900
LEFT, RIGHT = 70, 20
TOP = 64
PLOT = (220, 110, 110)
"""Heights of the three plots, in pixels."""
GAP = 46
COLOURS = {
    "registered": "#2e7d32",
    "challenged": "#9ccc65",
    "refused": "#f9a825",
    "dropped": "#c62828",
    "unheard": "#9e9e9e",
}
WORDS = {
    "registered": "200 registered",
    "challenged": "401 challenged",
    "refused": "503 refused",
    "dropped": "dropped, buffer full",
    "unheard": "nobody there",
}
INK = "#1f4e79"
_NICE = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800)


class _Plot:
    """One set of axes."""

    def __init__(self, top: int, height: int, span: tuple[float, float], highest: float, title: str) -> None:
        self.top, self.height, self.span, self.title = top, height, span, title
        self.highest = nice_top(highest)

    @property
    def bottom(self) -> int:
        return self.top + self.height

    def x(self, at: float) -> float:
        first, last = self.span
        part = min(max((at - first) / (last - first), 0.0), 1.0)
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 2)

    def y(self, value: float) -> float:
        return round(self.bottom - self.height * min(value / self.highest, 1.0), 2)

    def frame(self, origin: float) -> list[str]:
        """Axes, their figures and the title; times count from `origin`."""
        parts = [f'<text x="{LEFT}" y="{self.top - 8}" font-weight="bold">{escape(self.title)}</text>']
        for value in (0.0, self.highest / 2, self.highest):
            y = self.y(value)
            parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#e0e0e0"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end" fill="#606060">{value:,g}</text>')
        first, last = self.span
        step = next((step for step in _STEPS_S if (last - first) / step <= 10), _STEPS_S[-1])
        for number in range(int((first - origin) // step), int((last - origin) // step) + 1):
            at = origin + number * step
            if first <= at <= last:
                x = self.x(at)
                parts.append(f'<line x1="{x}" y1="{self.bottom}" x2="{x}" y2="{self.bottom + 4}" stroke="#606060"/>')
                text = time_text(number * step)
                parts.append(
                    f'<text x="{x}" y="{self.bottom + 17}" text-anchor="middle" fill="#606060">{escape(text)}</text>'
                )
        return parts

    def bars(self, layers: Sequence[tuple[str, dict[int, int]]], step_s: float) -> list[str]:
        """Stacked bars, one an interval, in the colours of `layers`; one path a colour."""
        parts = []
        below: dict[int, float] = {}
        for colour, counts in layers:
            path = []
            for number, count in sorted(counts.items()):
                base = below.get(number, 0.0)
                height = count / step_s
                left, right = self.x(number * step_s), self.x((number + 1) * step_s)
                if right > left:
                    path.append(f"M{left} {self.y(base)}V{self.y(base + height)}H{right}V{self.y(base)}Z")
                below[number] = base + height
            if path:
                parts.append(f'<path d="{"".join(path)}" fill="{colour}"/>')
        return parts

    def line(self, points: Sequence[tuple[float, float]]) -> str:
        """A line of steps through `points`; of those within one pixel the last is drawn."""
        at_pixel = {round(self.x(at)): self.y(value) for at, value in points}
        moves: list[str] = []
        height: float | None = None
        for x, y in sorted(at_pixel.items()):
            if y != height:
                moves.append(f"H{x}V{y}" if moves else f"M{x} {y}")
            height = y
        moves.append(f"H{max(at_pixel)}")
        return f'<path d="{"".join(moves)}" fill="none" stroke="{INK}" stroke-width="1.6"/>'


def nice_top(value: float) -> float:
    """The top of an axis for figures up to `value`: a round number."""
    power = 1.0
    while True:
        for factor in _NICE:
            if value <= factor * power:
                return factor * power
        power *= 10


def time_text(seconds: float) -> str:
    """A time on the axis: seconds, minutes or hours, whatever is whole."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def draw(title: str, caption: str, journal: Journal, span: tuple[float, float], origin: float) -> str:
    """The whole picture as an SVG document; `span` is from when to when, time counts from `origin`."""
    step_s = journal.step_s
    shown = {name: _within(journal.fates[name], span, step_s) for name in FATES}
    totals = [sum(counts.get(number, 0) for counts in shown.values()) for number in set().union(*shown.values())]
    failures = _within(journal.failures, span, step_s)
    first = TOP + 30
    second = first + PLOT[0] + GAP
    third = second + PLOT[1] + GAP
    height = third + PLOT[2] + 34
    loads = _Plot(first, PLOT[0], span, max(totals, default=1) / step_s, "REGISTERs a second")
    retries = _Plot(second, PLOT[1], span, max(failures.values(), default=1) / step_s, "attempts given up a second")
    registered = _Plot(third, PLOT[2], span, journal.phones, "phones that know that they are registered")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="16" font-weight="bold">{escape(title)}</text>',
        f'<text x="{LEFT}" y="42" fill="#606060">{escape(caption)}</text>',
        *_legend([name for name in FATES if shown[name]]),
        *loads.frame(origin),
        *loads.bars([(COLOURS[name], shown[name]) for name in FATES], step_s),
        *retries.frame(origin),
        *retries.bars([("#6a1b9a", failures)], step_s),
        *registered.frame(origin),
        registered.line(_steps(journal, span)),
    ]
    return "\n".join([*parts, "</svg>", ""])


def _within(counts: dict[int, int], span: tuple[float, float], step_s: float) -> dict[int, int]:
    return {number: count for number, count in counts.items() if span[0] <= number * step_s < span[1]}


def _steps(journal: Journal, span: tuple[float, float]) -> list[tuple[float, float]]:
    before = [count for at, count in journal.changes if at <= span[0]]
    start = before[-1] if before else journal.first_registered
    inside = [(at, float(count)) for at, count in journal.changes if span[0] < at <= span[1]]
    return [(span[0], float(start)), *inside, (span[1], inside[-1][1] if inside else float(start))]


def _legend(names: Sequence[str]) -> list[str]:
    parts = []
    x = LEFT
    for name in names:
        parts.append(f'<rect x="{x}" y="{TOP - 12}" width="10" height="10" fill="{COLOURS[name]}"/>')
        parts.append(f'<text x="{x + 14}" y="{TOP - 3}">{escape(WORDS[name])}</text>')
        x += 30 + 7 * len(WORDS[name])
    return parts
