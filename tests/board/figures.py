"""The figures of a run of the board's tests: gathered by name, printed as a table in the end."""

from collections.abc import Iterable
from pathlib import Path
from statistics import median


class Figures:
    """Values by name and unit, several of each. `rig` says what they were measured on."""

    def __init__(self, rig: str) -> None:
        self._rig = rig
        self._values: dict[tuple[str, str], list[float]] = {}

    def note(self, name: str, value: float, unit: str) -> None:
        """Keep one more value of a figure."""
        self._values.setdefault((name, unit), []).append(value)

    def rows(self) -> list[str]:
        """One line a figure: median, lowest and highest of its values."""
        return [
            f"{name:<44} {_shown(median(values)):>9} {unit:<4} ({_range(values)})"
            for (name, unit), values in self._values.items()
        ]

    def text(self) -> str:
        """The table with its headline."""
        return "\n".join(
            [f"Measured on the virtual board ({self._rig}): median (lowest to highest, number)", *self.rows()]
        )

    def write(self, path: Path) -> None:
        path.write_text(self.text() + "\n")


def _shown(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _range(values: Iterable[float]) -> str:
    kept = list(values)
    return f"{_shown(min(kept))} to {_shown(max(kept))}, {len(kept)}"
