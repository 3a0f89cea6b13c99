"""A sheet of SVG: lines, boxes and texts, and how wide a text will be. Knows nothing of telephones."""

from collections.abc import Sequence
from html import escape  # not xml.sax: small systems leave Python's XML out

Point = tuple[float, float]

TEXT_FONT = "DejaVu Sans, Verdana, Arial, sans-serif"
CHARACTER_EM = 0.62
"""Width of an average character of that font in parts of its size; bold is wider."""
BOLD_EM = 0.7


def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is at most, in pixels."""
    return len(text) * size * (BOLD_EM if bold else CHARACTER_EM)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


class Canvas:
    """Collects elements; what comes later lies above."""

    def __init__(self) -> None:
        self._elements: list[str] = []

    def line(self, points: Sequence[Point], colour: str = "#222", width: float = 1.5, halo: bool = False) -> None:
        """A line through all points; with a halo it is seen to pass over what it crosses."""
        path = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        if halo:
            self._add(f'<polyline points="{path}" fill="none" stroke="#fff" stroke-width="{_number(width + 3)}"/>')
        self._add(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{_number(width)}"/>')

    def box(
        self,
        corner: Point,
        size: Point,
        fill: str = "#fff",
        stroke: str = "#222",
        radius: float = 0,
        width: float = 1.2,
    ) -> None:
        """A rectangle from its upper left corner."""
        (x, y), (wide, high) = corner, size
        self._add(
            f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(wide)}" height="{_number(high)}" '
            f'rx="{_number(radius)}" fill="{fill}" stroke="{stroke}" stroke-width="{_number(width)}"/>'
        )

    def circle(
        self, centre: Point, radius: float, fill: str = "#fff", stroke: str = "#222", width: float = 1.2
    ) -> None:
        """A circle."""
        x, y = centre
        self._add(
            f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}" fill="{fill}" stroke="{stroke}" '
            f'stroke-width="{_number(width)}"/>'
        )

    def shape(self, points: Sequence[Point], fill: str = "#222") -> None:
        """A filled polygon."""
        path = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        self._add(f'<polygon points="{path}" fill="{fill}"/>')

    def text(
        self,
        place: Point,
        text: str,
        size: float = 11,
        colour: str = "#222",
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """A text on its base line; `anchor` is start, middle or end."""
        x, y = place
        weight = ' font-weight="bold"' if bold else ""
        self._add(
            f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}" fill="{colour}" '
            f'text-anchor="{anchor}"{weight}>{escape(text, quote=False)}</text>'
        )

    def document(self, width: float, height: float, title: str) -> str:
        """The whole file."""
        size = f'width="{_number(width)}" height="{_number(height)}" viewBox="0 0 {_number(width)} {_number(height)}"'
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{TEXT_FONT}">',
                f"<title>{escape(title, quote=False)}</title>",
                f'<rect width="{_number(width)}" height="{_number(height)}" fill="#fff"/>',
                *self._elements,
                "</svg>",
                "",
            )
        )

    def _add(self, element: str) -> None:
        self._elements.append(element)
