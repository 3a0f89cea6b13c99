"""One measured figure beside the peer's, the gate it must hold, and the arithmetic of both. Nothing here measures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all are not above; nearest rank, no interpolation."""
    if not values:
        raise ValueError("a percentile of nothing")
    ordered = sorted(values)
    rank = -(-len(ordered) * share // 1)  # the whole number above
    return ordered[max(int(rank), 1) - 1]


def median(values: Sequence[float]) -> float:
    """The middle value, the lower one of two."""
    return percentile(values, 0.5)


@dataclass(frozen=True, slots=True)
class Gate:
    """What an issue must reach, and what it would like to reach.

    `limit` and `target` are in the figure's unit; `peer_limit` and `peer_target` are multiples of the peer's figure of
    the same run. Whichever are None do not bind.
    """

    limit: float | None = None
    target: float | None = None
    peer_limit: float | None = None
    peer_target: float | None = None
    higher_is_better: bool = False

    def judge(self, ours: float, peer: float | None) -> str:
        """ "target", "holds", "above" (or "below") the gate, or "" when it cannot be said."""
        if self._reached(ours, peer, self.target, self.peer_target):
            return "target"
        if self._reached(ours, peer, self.limit, self.peer_limit):
            return "holds"
        if self.limit is None and (self.peer_limit is None or peer is None):
            return ""
        return "BELOW" if self.higher_is_better else "ABOVE"

    def _reached(self, ours: float, peer: float | None, wanted: float | None, peer_share: float | None) -> bool:
        if wanted is None and (peer_share is None or peer is None):
            return False
        if peer_share is not None and peer is not None:
            wanted = peer_share * peer
        assert wanted is not None
        return ours >= wanted if self.higher_is_better else ours <= wanted

    def describe(self, unit: str, peer_name: str) -> str:
        """The gate in words, such as "18 MiB" or "1.5 x baresip"."""
        if self.peer_limit is not None:
            return f"{self.peer_limit:.3g} x {peer_name}"
        return "" if self.limit is None else f"{self.limit:.4g} {unit}"


NO_GATE = Gate()


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    topic: str
    name: str
    unit: str
    ours: float | None
    peer: float | None = None
    peer_name: str = "baresip"
    gate: Gate = field(default=NO_GATE)
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of the peer's."""
        if self.ours is None or self.peer is None or self.peer == 0:
            return None
        return self.ours / self.peer

    @property
    def verdict(self) -> str:
        """How the gate stands."""
        return "failed" if self.ours is None else self.gate.judge(self.ours, self.peer)

    def as_json(self) -> dict[str, object]:
        """Everything, ready for JSON."""
        return {**asdict(self), "ratio": self.ratio, "verdict": self.verdict}


def format_number(value: float | None) -> str:
    """Three digits that carry meaning, without exponents."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


HEADINGS = ("measure", "offhook", "peer", "ratio", "gate", "verdict")


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table that is readable as plain text, notes below it."""
    rows = [HEADINGS, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in (0, 5) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _cells(figure: Figure) -> tuple[str, ...]:
    ratio = figure.ratio
    peer = format_number(figure.peer)
    if figure.peer is not None and figure.peer_name != "baresip":
        peer = f"{peer} ({figure.peer_name})"
    return (
        f"{figure.name}, {figure.unit}" if figure.unit else figure.name,
        format_number(figure.ours),
        peer,
        "-" if ratio is None else f"{ratio:.2f}",
        figure.gate.describe(figure.unit, figure.peer_name) or "-",
        figure.verdict or "-",
    )


def report(figures: Sequence[Figure], circumstances: Mapping[str, object]) -> dict[str, object]:
    """The whole run, ready for JSON."""
    return {"circumstances": dict(circumstances), "figures": [figure.as_json() for figure in figures]}
