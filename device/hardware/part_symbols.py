"""The parts of a wiring plan as circuit symbols, each between the ends of its terminals."""

from collections.abc import Callable, Sequence

from device.hardware.svg_canvas import Canvas, Point
from device.hardware.wiring_plan import Part

KEY_WIDTH, KEY_STEP = 26, 40
SYMBOL_WIDTH = 310
"""How far the widest symbol reaches to the right of the terminals."""

PITCHES = {"transistor": 52}
"""Pixels between two terminals of a part, where it is not 26."""


def pitch(part: Part) -> int:
    """Pixels between two terminals of a part."""
    return PITCHES.get(part.kind, 26)


def draw_symbol(canvas: Canvas, part: Part, ends: Sequence[Point]) -> None:
    """Draw a part to the right of the ends of its terminals, which are in the order of the plan."""
    _SYMBOLS[part.kind](canvas, part, ends)


def _resistor(canvas: Canvas, start: Point, text: str) -> Point:
    """A resistor that begins at `start`; answers its other end."""
    x, y = start
    canvas.box((x, y - 9), (52, 18))
    canvas.text((x + 26, y + 4), text, 10, anchor="middle")
    return x + 52, y


def _dot(canvas: Canvas, place: Point) -> None:
    canvas.circle(place, 2.5, "#222")


def _contact(canvas: Canvas, _part: Part, ends: Sequence[Point]) -> None:
    (x, upper), (_, lower) = ends
    right = x + 60
    canvas.line([(x, upper), (right, upper)])
    canvas.line([(x, lower), (right, lower)])
    canvas.line([(right, lower - 3), (right - 14, upper + 3)], width=2)
    canvas.circle((right, upper), 3)
    canvas.circle((right, lower), 3)


def _lamp(canvas: Canvas, _part: Part, ends: Sequence[Point]) -> None:
    (x, upper), (_, lower) = ends
    canvas.line([(x, upper), (x + 14, upper)])
    end, _ = _resistor(canvas, (x + 14, upper), "470 Ω")
    right, middle = end + 26, (upper + lower) / 2
    canvas.line([(end, upper), (right, upper), (right, lower), (x, lower)])
    canvas.shape([(right - 8, middle - 7), (right + 8, middle - 7), (right, middle + 6)], "#d33")
    canvas.line([(right - 8, middle + 6), (right + 8, middle + 6)], width=2)
    for shift in (0, 7):
        canvas.line([(right + 10 + shift, middle), (right + 17 + shift, middle - 7)], width=1)
    canvas.text((right + 30, middle + 4), "LED", 10)


def _diode_up(canvas: Canvas, x: float, top: float, bottom: float) -> None:
    """A diode whose cathode is at the top."""
    middle = (top + bottom) / 2
    canvas.line([(x, top), (x, bottom)])
    canvas.shape([(x - 7, middle + 6), (x + 7, middle + 6), (x, middle - 6)])
    canvas.line([(x - 7, middle - 6), (x + 7, middle - 6)], width=2)


def _transistor(canvas: Canvas, part: Part, ends: Sequence[Point]) -> None:
    (x, top), (_, middle), (_, bottom) = ends
    canvas.line([(x, middle), (x + 14, middle)])
    base, _ = _resistor(canvas, (x + 14, middle), "1 kΩ")
    bar = base + 22
    canvas.circle((bar + 7, middle), 19, "none")
    canvas.line([(base, middle), (bar, middle)])
    canvas.line([(bar, middle - 11), (bar, middle + 11)], width=3)
    collector, emitter = middle - 15, middle + 15
    pole, coil = bar + 14, bar + 84
    canvas.line([(bar, middle - 5), (pole, collector), (pole, collector - 6), (coil, collector - 6)])
    canvas.line([(bar, middle + 5), (pole, emitter), (pole, bottom), (x, bottom)])
    canvas.shape([(pole, emitter), (pole - 8, emitter - 2), (pole - 3, emitter - 9)])
    canvas.line([(x, top), (coil, top)])
    _diode_up(canvas, bar + 44, top, collector - 6)
    _dot(canvas, (bar + 44, top))
    _dot(canvas, (bar + 44, collector - 6))
    canvas.line([(coil, top), (coil, collector - 6)])
    centre = (top + collector - 6) / 2
    canvas.box((coil - 8, centre - 10), (16, 20), "#eee")
    load = part.marks[0]
    canvas.text((coil + 14, centre + 4), "relay coil" if load == "relay" else f"{load} +", 10)
    if load == "relay":
        canvas.text((pole + 16, bottom - 20), "lock circuit: contacts C and NO", 10, "#555")
        canvas.text((pole + 16, bottom - 6), "(NC for a fail-safe lock)", 10, "#555")


def _module(canvas: Canvas, part: Part, ends: Sequence[Point]) -> None:
    x, top, bottom = ends[0][0] + 20, ends[0][1] - 13, ends[-1][1] + 13
    canvas.box((x, top), (120, bottom - top), "#eef3fa")
    for (end, y), terminal in zip(ends, part.terminals, strict=True):
        canvas.line([(end, y), (x, y)])
        canvas.text((x + 6, y + 4), terminal.role, 10)
    canvas.text((x + 114, (top + bottom) / 2 + 4), "module", 10, "#555", "end")


def _bridge(canvas: Canvas, part: Part, ends: Sequence[Point]) -> None:
    x, top, bottom = ends[0][0] + 16, ends[0][1] - 13, ends[-1][1] + 13
    right = x + 92
    canvas.box((x, top), (right - x, bottom - top), "#eef3fa")
    for (end, y), terminal in zip(ends, part.terminals, strict=True):
        canvas.line([(end, y), (x, y)])
        canvas.text((x + 6, y + 4), terminal.role, 10)
    upper, lower = ends[1][1], ends[2][1]
    canvas.text((right - 6, upper + 4), "OUT1", 10, anchor="end")
    canvas.text((right - 6, lower + 4), "OUT2", 10, anchor="end")
    canvas.text((right - 6, ends[0][1] + 4), "BELL +", 10, anchor="end")
    canvas.line([(right, ends[0][1]), (right + 14, ends[0][1])])
    canvas.text((right + 18, ends[0][1] + 4), "24 to 60 V", 10)
    # A capacitor keeps a line that hangs from burning the coils.
    plate, coil = right + 30, right + 62
    canvas.line([(right, upper), (plate, upper)])
    canvas.line([(plate, upper - 8), (plate, upper + 8)], width=2)
    canvas.line([(plate + 6, upper - 8), (plate + 6, upper + 8)], width=2)
    canvas.line([(plate + 6, upper), (coil, upper), (coil, lower), (right, lower)])
    canvas.box((coil - 8, (upper + lower) / 2 - 9), (16, 18), "#eee")
    canvas.text((coil + 14, upper + 2), "1 to 4 µF, 100 V", 10, "#555")
    canvas.text((coil + 14, (upper + lower) / 2 + 7), "bell coils", 10)


def _piezo(canvas: Canvas, _part: Part, ends: Sequence[Point]) -> None:
    (x, upper), (_, lower) = ends
    canvas.line([(x, upper), (x + 14, upper)])
    end, _ = _resistor(canvas, (x + 14, upper), "100 Ω")
    right = end + 30
    canvas.line([(end, upper), (right, upper), (right, upper + 9)])
    canvas.line([(right - 11, upper + 9), (right + 11, upper + 9)], width=2)
    canvas.box((right - 8, upper + 11), (16, lower - upper - 22), "#eee")
    canvas.line([(right - 11, lower - 9), (right + 11, lower - 9)], width=2)
    canvas.line([(right, lower - 9), (right, lower), (x, lower)])
    canvas.text((right + 20, (upper + lower) / 2 + 4), "piezo disc", 10)


def _keypad(canvas: Canvas, part: Part, ends: Sequence[Point]) -> None:
    rows, columns = ends[: len(part.marks)], ends[len(part.marks) :]
    first = ends[0][0] + 40
    places = [first + KEY_STEP * number for number in range(len(columns))]
    for x, y in rows:
        canvas.line([(x, y), (places[-1] + KEY_STEP / 2, y)])
    for (x, y), place in zip(columns, places, strict=True):
        canvas.line([(x, y), (place, y), (place, rows[0][1])], halo=True)
    for (_, y), keys in zip(rows, part.marks, strict=True):
        for key, place in zip(keys, places, strict=True):
            canvas.box((place - KEY_WIDTH / 2, y - 10), (KEY_WIDTH, 20), "#f4f4f4", radius=4)
            canvas.text((place, y + 4), key, 12, anchor="middle", bold=True)


def _card(_canvas: Canvas, _part: Part, _ends: Sequence[Point]) -> None:
    """Nothing is wired to the header: the notes say it all."""


_SYMBOLS: dict[str, Callable[[Canvas, Part, Sequence[Point]], None]] = {
    "contact": _contact,
    "keypad": _keypad,
    "lamp": _lamp,
    "transistor": _transistor,
    "module": _module,
    "bridge": _bridge,
    "piezo": _piezo,
    "card": _card,
}
