"""Draws who sent which SIP message to whom, as text for a terminal and as SVG for a page."""

from collections.abc import Sequence

from device.records import dataclass

COLUMN_CHARACTERS = 40
"""Distance between two lifelines in the text drawing."""

COLUMN_PIXELS = 300
ROW_PIXELS = 26
MARGIN_PIXELS = 110
"""Room left of the first lifeline for the time, and right of the last."""

TIME_CHARACTERS = 9
TIME_PIXELS = 66
"""Room for the time at the left."""


@dataclass(frozen=True, slots=True)
class LadderMessage:
    """One message between two lifelines; `at` in seconds since the beginning of the drawing."""

    at: float
    source: str
    target: str
    label: str


@dataclass(frozen=True, slots=True)
class LadderNote:
    """Something that happened at one lifeline, such as a change of the phone's state."""

    at: float
    place: str
    text: str


LadderRow = LadderMessage | LadderNote


def draw_text(lifelines: Sequence[str], rows: Sequence[LadderRow]) -> list[str]:
    """The ladder as lines of text, time in milliseconds in front."""
    columns = {name: TIME_CHARACTERS + 4 + index * COLUMN_CHARACTERS for index, name in enumerate(lifelines)}
    width = max(columns.values()) + COLUMN_CHARACTERS
    heading = _blank_row(columns, width, " ")
    for name, column in columns.items():
        _write(heading, max(0, column - len(name) // 2), name)
    lines = ["".join(heading).rstrip()]
    for row in rows:
        line = _blank_row(columns, width, "|")
        _write(line, 0, f"{row.at * 1000:7.0f} ms")
        if isinstance(row, LadderNote):
            _write(line, columns[row.place] + 2, f"({row.text})")
        else:
            _write_arrow(line, columns[row.source], columns[row.target], row.label)
        lines.append("".join(line).rstrip())
    return lines


def _blank_row(columns: dict[str, int], width: int, bar: str) -> list[str]:
    row = [" "] * width
    for column in columns.values():
        row[column] = bar
    return row


def _write(row: list[str], start: int, text: str) -> None:
    for offset, character in enumerate(text[: len(row) - start]):
        row[start + offset] = character


def _write_arrow(row: list[str], start: int, end: int, label: str) -> None:
    left, right = min(start, end), max(start, end)
    for column in range(left + 1, right):
        row[column] = "-"
    row[right - 1 if end > start else left + 1] = ">" if end > start else "<"
    room = right - left - 5
    text = f" {label[:room]} "
    _write(row, left + 1 + (right - left - len(text)) // 2, text)


def draw_svg(title: str, lifelines: Sequence[str], rows: Sequence[LadderRow]) -> str:
    """The ladder as an SVG document; messages as arrows, notes beside their lifeline."""
    columns = {name: MARGIN_PIXELS + index * COLUMN_PIXELS for index, name in enumerate(lifelines)}
    width = MARGIN_PIXELS * 2 + (len(lifelines) - 1) * COLUMN_PIXELS
    top = 84
    height = top + ROW_PIXELS * (len(rows) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        '<defs><marker id="head" markerWidth="9" markerHeight="8" refX="9" refY="4" orient="auto">'
        '<path d="M0,0 L9,4 L0,8 z" fill="#1f4e79"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="16" font-weight="bold">{escape(title)}</text>',
    ]
    for name, x in columns.items():
        parts.append(f'<line x1="{x}" y1="{top - 16}" x2="{x}" y2="{height - 8}" stroke="#b0b0b0"/>')
        parts.append(
            f'<text x="{x}" y="{top - 24}" text-anchor="middle" font-size="13" font-weight="bold">{escape(name)}</text>'
        )
    for index, row in enumerate(rows):
        y = top + ROW_PIXELS * index + 8
        parts.append(f'<text x="8" y="{y + 4}" fill="#707070" font-size="11">{row.at * 1000:.0f} ms</text>')
        parts.append(_svg_note(row, columns, y, width) if isinstance(row, LadderNote) else _svg_arrow(row, columns, y))
    return "\n".join([*parts, "</svg>", ""])


def _svg_note(row: LadderNote, columns: dict[str, int], y: int, room: int) -> str:
    """A note at its lifeline, moved where it would hide the time or leave the picture, which has `room` pixels."""
    width = 14 + 6.6 * len(row.text)
    left = max(TIME_PIXELS, min(columns[row.place] - width / 2, room - width - 2))
    x = f"{left + width / 2:.0f}"
    return (
        f'<rect x="{left:.0f}" y="{y - 9}" width="{width:.0f}" height="18" rx="4" '
        f'fill="#fff4d6" stroke="#d8b24a"/>'
        f'<text x="{x}" y="{y + 4}" text-anchor="middle" font-size="11">{escape(row.text)}</text>'
    )


def _svg_arrow(row: LadderMessage, columns: dict[str, int], y: int) -> str:
    start, end = columns[row.source], columns[row.target]
    middle = (start + end) / 2
    return (
        f'<line x1="{start}" y1="{y + 3}" x2="{end}" y2="{y + 3}" stroke="#1f4e79" marker-end="url(#head)"/>'
        f'<text x="{middle:.0f}" y="{y - 2}" text-anchor="middle">{escape(row.label)}</text>'
    )


def escape(text: str) -> str:
    """The text as it may stand in SVG."""
    # XML has no way at all to write a control character, and a message may hold any.
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
