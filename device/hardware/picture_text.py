"""The wiring picture for a terminal: the header with what goes to each pin, and the wires of each part as a list."""

from device.hardware.board_data import Header, Pin
from device.hardware.wiring_plan import WiringPlan

BETWEEN = {
    "contact": "bare contact between the two pins",
    "keypad": "wires straight to the matrix, no resistors",
    "lamp": "470 ohms and a LED in row between the two pins",
    "transistor": "1 kilohm from the signal to the base of an NPN transistor, emitter to GND, collector to the load, "
    "load to 5 V, a diode across the load with its cathode at 5 V",
    "module": "a ready module",
    "bridge": "an H-bridge; the coils of the bell and 1 to 4 uF in row between OUT1 and OUT2",
    "piezo": "100 ohms and a piezo disc in row between the two pins",
    "card": "nothing on the header",
}
"""What is soldered between the pins of a part, by its kind."""


def draw_text(plan: WiringPlan) -> str:
    """Lines of plain text, for a terminal that is 100 columns wide."""
    lines = [f"{plan.profile}, wired to {plan.board.title}", ""]
    for header in plan.headers:
        lines += [*_header(plan, header), ""]
    for part in plan.parts:
        lines.append(f"{part.title} ({part.name}): {BETWEEN[part.kind]}")
        lines += [
            f"    {terminal.role + ': ' if terminal.role else ''}{terminal.where()}" for terminal in part.terminals
        ]
        lines += [f"    {note}" for note in part.notes]
    remarks = plan.remarks()
    return "\n".join([*lines, *(["", "Mind:"] if remarks else []), *(f"  - {remark}" for remark in remarks), ""])


def _header(plan: WiringPlan, header: Header) -> list[str]:
    left, right = header.pins[::2], header.pins[1::2]
    rows = [
        (_use(plan, header, one), _name(one), one.number, other.number, _name(other), _use(plan, header, other))
        for one, other in zip(left, right, strict=True)
    ]
    widths = [max(len(str(row[column])) for row in rows) for column in range(6)]
    title = f"{header.label}: {header.title}" if header.label else header.title
    lines = [title]
    for use, name, number, other, other_name, other_use in rows:
        left_half = f"{use:>{widths[0]}}  {name:>{widths[1]}} ({number:>2})"
        lines.append(f"{left_half}({other:>2}) {other_name:<{widths[4]}}  {other_use}".rstrip())
    return lines


def _name(pin: Pin) -> str:
    return pin.supply or pin.name


def _use(plan: WiringPlan, header: Header, pin: Pin) -> str:
    """What is wired to a pin, in a few words."""
    uses = plan.uses().get((header.id, pin.number), [])
    return " + ".join(f"{part.name} {terminal.role}".strip() if terminal.role else part.name for part, terminal in uses)
