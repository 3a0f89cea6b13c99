"""The wiring picture: the header with its pins, and from each used pin a wire to the part that it serves.

Left the headers, right the parts, between them a channel in which every wire has a vertical track of its own. Wires of
the left row of pins pass below the pins of the right row. No two wires lie on each other: rows, half rows and terminals
are a quarter of a row apart.
"""

from device.hardware.board_data import GROUND, VOLTAGES, Header, Pin
from device.hardware.part_symbols import SYMBOL_WIDTH, draw_symbol, pitch
from device.hardware.svg_canvas import Canvas, Point, text_width
from device.hardware.wiring_plan import Part, Terminal, WiringPlan
from device.records import dataclass

ROW = 26
"""Pixels from one row of pins to the next; a pin is at its middle."""

LEFT_PIN, RIGHT_PIN = 238, 266
LABEL_WIDTH = 200
CHANNEL = RIGHT_PIN + 16 + LABEL_WIDTH + 14
TRACK = 9
TOP = 122
GAP = 13

COLOURS = {
    "ground": "#222222",
    "3.3V": "#f08a24",
    "5V": "#d62728",
    "other": "#8a8a8a",
    "gpio": "#3a9a4c",
    "i2c": "#2f7fc1",
    "uart": "#8e5bb5",
    "spi": "#c2558f",
    "pcm": "#1b9e9e",
    "pwm": "#a6761d",
}
"""Of pins, by what they are."""

FUNCTION_KINDS = {
    "i2c": ("I2C",),
    "uart": ("UART",),
    "spi": ("SPI",),
    "pcm": ("PCM",),
    "pwm": ("PWM", "EHRPWM", "ECAP"),
}
"""How the functions begin that give a pin its colour."""

LEGEND = {
    "gpio": "GPIO",
    "i2c": "I2C",
    "uart": "UART",
    "spi": "SPI",
    "pcm": "PCM",
    "pwm": "PWM",
    "3.3V": "3.3 V",
    "5V": "5 V",
    "ground": "GND",
    "other": "other",
}

WIRES = ("#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17becf", "#7f7f00", "#ff7f0e", "#4b6cc1", "#b04a8a")
"""Of signal wires, in turn."""


def pin_kind(pin: Pin) -> str:
    """What a pin is, as one of COLOURS: a supply, or the function that the header has it for."""
    if pin.supply == GROUND:
        return "ground"
    if pin.supply:
        return "3.3V" if pin.supply == "3.3V" else "5V" if pin.supply in VOLTAGES else "other"
    for kind, known in FUNCTION_KINDS.items():
        if pin.primary.startswith(known) and not pin.primary.endswith(("RTS", "CTS")):
            return kind
    return "gpio"


@dataclass(frozen=True, slots=True)
class Wire:
    """One wire from a pin to a terminal, with where it leaves the header."""

    exit: Point
    through: tuple[Point, ...]
    """What it passes before the channel."""
    end: Point
    colour: str


def draw_svg(plan: WiringPlan) -> str:
    """The picture of a wiring plan as an SVG file."""
    return _Picture(plan).draw()


class _Picture:
    def __init__(self, plan: WiringPlan) -> None:
        self._plan = plan
        self._canvas = Canvas()
        self._used = plan.uses()
        self._rows: dict[str, float] = {}
        self._wires: list[Wire] = []
        wires = sum(terminal.pin is not None for part in plan.parts for terminal in part.terminals)
        self._parts_x = CHANNEL + TRACK * max(wires, 4) + 26
        labels = [_label(terminal) for part in plan.parts for terminal in part.terminals]
        self._label_width = max((text_width(label, 11) for label in labels), default=0) + 24
        self._part_width = self._label_width + SYMBOL_WIDTH + 20

    def draw(self) -> str:
        plan = self._plan
        self._canvas.text((24, 34), plan.profile, 20, bold=True)
        self._canvas.text((24, 56), f"wired to {plan.board.title}", 13, "#555")
        self._legend()
        bottom = float(TOP)
        for header in plan.headers:
            bottom = self._header(header, bottom)
        right = TOP + 6.5
        for part in sorted(plan.parts, key=self._height_of):
            right = self._part(part, right)
        self._draw_wires()
        end = self._remarks(max(bottom, right) + 26)
        width = self._parts_x + self._part_width + 24
        return self._canvas.document(width, end + 14, f"{plan.profile} on {plan.board.title}")

    def _legend(self) -> None:
        x = 24.0
        for kind, text in LEGEND.items():
            self._canvas.box((x, 70), (12, 12), COLOURS[kind], radius=3)
            self._canvas.text((x + 17, 80), text, 10, "#555")
            x += 34 + text_width(text, 10)
        self._canvas.text((x, 80), "reddish names: pins better left alone", 10, "#c07070")

    # The headers.

    def _header(self, header: Header, top: float) -> float:
        """Draw a header whose title is at `top`; answers where the next thing may begin."""
        first = top + ROW
        self._rows[header.id] = first
        rows = len(header.pins) // 2
        name = f"{header.label}: {header.title}" if header.label else header.title
        self._canvas.text((LEFT_PIN + 14, top), name, 12, anchor="middle", bold=True)
        self._canvas.box(
            (LEFT_PIN - 16, first - 16), (RIGHT_PIN - LEFT_PIN + 32, ROW * (rows - 1) + 32), "#e9efe9", "#99a"
        )
        for pin in header.pins:
            self._pin(header, pin)
        return first + ROW * rows + ROW

    def _place(self, header: Header, pin: Pin) -> Point:
        return (LEFT_PIN if pin.number % 2 else RIGHT_PIN), self._rows[header.id] + ROW * ((pin.number - 1) // 2)

    def _pin(self, header: Header, pin: Pin) -> None:
        x, y = self._place(header, pin)
        colour, used = COLOURS[pin_kind(pin)], (header.id, pin.number) in self._used
        if pin.number == 1:
            self._canvas.box((x - 11, y - 11), (22, 22), colour, "#000" if used else "none", 2, 2)
        else:
            self._canvas.circle((x, y), 11, colour, "#000" if used else "none", 2)
        self._canvas.text((x, y + 3.5), str(pin.number), 9, "#fff", "middle", bold=True)
        self._pin_label(pin, x, y, used)

    def _pin_label(self, pin: Pin, x: float, y: float, used: bool) -> None:
        name = pin.supply or pin.name
        others, ink = ", ".join(pin.functions[:2]), "#111" if used else "#c07070" if pin.warning else "#888"
        if len(name) + len(others) > 26:
            others = pin.functions[0]
        left = pin.number % 2 == 1
        edge = x - 18 if left else x + 18
        if used:
            corner = edge - LABEL_WIDTH + 4 if left else edge - 4
            self._canvas.box((corner, y - 10), (LABEL_WIDTH, 20), "#fff8dc", "#c9b458", 4, 1)
        anchor, step = ("end", -1) if left else ("start", 1)
        self._canvas.text((edge, y + 4), name, 11, ink, anchor, used)
        if others:
            self._canvas.text((edge + step * (text_width(name, 11, used) + 6), y + 4), others, 9, "#888", anchor)

    # The parts.

    def _height_of(self, part: Part) -> float:
        """Where a part would like to be: at the height of its pins."""
        heights = [self._place(*terminal.pin)[1] for terminal in part.terminals if terminal.pin is not None]
        return sum(heights) / len(heights) if heights else 1e6

    def _part(self, part: Part, top: float) -> float:
        """Draw a part with its upper edge at `top`; answers where the next one may begin."""
        step, count = pitch(part), len(part.terminals)
        first = top + 34 + 13 * len(part.notes) + (13 if part.kind == "transistor" else 0)
        height = first - top + step * max(count - 1, 0) + (19.5 if count else 0)
        self._canvas.box((self._parts_x, top), (self._part_width, height), "#fcfcfc", "#bbb", 6, 1)
        self._canvas.text((self._parts_x + 12, top + 17), part.title, 13, bold=True)
        for number, note in enumerate(part.notes):
            self._canvas.text((self._parts_x + 12, top + 31 + 13 * number), note, 10, "#555")
        ends = []
        # Terminals lie a quarter of a row beside the rows and half rows on which wires leave the header.
        first = TOP + 6.5 + 13 * -(-(first - TOP - 6.5) // 13)
        for number, terminal in enumerate(part.terminals):
            y = first + step * number
            ends.append((self._parts_x + self._label_width, y))
            self._terminal(part, terminal, y)
        draw_symbol(self._canvas, part, ends)
        bottom = max(top + height, (ends[-1][1] + 19.5) if ends else 0)
        return TOP + 6.5 + 13 * -(-(bottom + GAP - TOP - 6.5) // 13)

    def _terminal(self, part: Part, terminal: Terminal, y: float) -> None:
        x = self._parts_x
        label = _label(terminal)
        self._canvas.text((x + 12, y + 4), label, 11)
        self._canvas.line([(x + 14 + text_width(label, 11), y), (x + self._label_width, y)])
        if terminal.pin is None:
            return
        colours = {GROUND: COLOURS["ground"], "5V": COLOURS["5V"], "3.3V": COLOURS["3.3V"]}
        signals = sum(wire.colour in WIRES for wire in self._wires)
        colour = colours.get(terminal.supply, WIRES[signals % len(WIRES)])
        (pin_x, pin_y), below = self._place(*terminal.pin), ROW / 2
        if terminal.pin[1].number % 2:
            leave = pin_y + below
            through: tuple[Point, ...] = ((pin_x + 8, pin_y + 8), (pin_x + 14, leave))
        else:
            leave = pin_y
            through = ()
        edge = RIGHT_PIN + 14 + LABEL_WIDTH
        self._wires.append(Wire((edge, leave), through, (x, y), colour))

    # The wires.

    def _draw_wires(self) -> None:
        """Tracks from left to right: first those that lead up, the uppermost first, then those that lead down."""
        up = sorted((wire for wire in self._wires if wire.end[1] < wire.exit[1]), key=lambda wire: wire.exit[1])
        down = sorted((wire for wire in self._wires if wire.end[1] >= wire.exit[1]), key=lambda wire: -wire.exit[1])
        for number, wire in enumerate([*up, *down]):
            track = CHANNEL + 8 + TRACK * number
            points = [*wire.through, wire.exit, (track, wire.exit[1]), (track, wire.end[1]), wire.end]
            self._canvas.line(points, wire.colour, 2, halo=True)
            self._canvas.circle(wire.end, 4, wire.colour, "#fff")

    def _remarks(self, top: float) -> float:
        remarks = self._plan.remarks()
        if not remarks:
            return top
        self._canvas.text((24, top), "Mind", 12, bold=True)
        for number, remark in enumerate(remarks):
            self._canvas.text((24, top + 17 * (number + 1)), f"- {remark}", 11, "#444")
        return top + 17 * len(remarks)


def _label(terminal: Terminal) -> str:
    return f"{terminal.role}: {terminal.where()}" if terminal.role else terminal.where()
