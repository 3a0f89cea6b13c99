"""What is to be soldered: every part of a profile with its terminals, and the pin of a header that each goes to.

For the command line only; the pictures of a profile are drawn from this.
"""

from collections.abc import Iterator, Sequence

from device.hardware.board_data import GROUND, BoardData, Header, Pin
from device.hardware.interfaces import LineSpec
from device.hardware.profile import BoardProfile, RingerProfile
from device.records import dataclass

WIRES_A_SUPPLY = 2
"""So many wires are laid to one supply pin before the next one is taken."""

V5 = "5V"
V3 = "3.3V"
SUPPLY_NAMES = {V5: ("5V", "SYS 5V"), V3: ("3.3V",), GROUND: (GROUND,)}
"""A supply of the plan, and what headers call pins that give it, the better ones last."""

Place = tuple[Header, Pin]


@dataclass(frozen=True, slots=True)
class Terminal:
    """One wire of a part: what it is there, and the pin that it goes to; None for a line on no header."""

    role: str
    pin: Place | None
    line: str = ""
    """The line in words, where there is no pin."""
    supply: str = ""
    """GROUND, V5 or V3; empty for a signal."""

    def where(self) -> str:
        """The pin in words: "pin 11 GPIO17", "pin 9 GND"."""
        if self.pin is None:
            return self.line
        header, pin = self.pin
        return f"pin {header.pin_name(pin)} {pin.supply or pin.name}"


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is wired to the board, with the parts between it and the pins."""

    name: str
    """As `offhook board show` has it: hook, relay.door ..."""
    kind: str
    """What is drawn: contact, keypad, transistor, module, lamp, bridge, piezo or card."""
    title: str
    notes: tuple[str, ...]
    terminals: tuple[Terminal, ...]
    marks: tuple[str, ...] = ()
    """What is written into the drawing: a text for each row of keys, or the load of a transistor."""


@dataclass(frozen=True, slots=True)
class WiringPlan:
    """All parts of a profile on one board, and the headers that they are wired to."""

    profile: str
    board: BoardData
    headers: tuple[Header, ...]
    parts: tuple[Part, ...]

    def uses(self) -> dict[tuple[str, int], list[tuple[Part, Terminal]]]:
        """What is wired to each pin, by header and number."""
        found: dict[tuple[str, int], list[tuple[Part, Terminal]]] = {}
        for part in self.parts:
            for terminal in part.terminals:
                if terminal.pin is not None:
                    header, pin = terminal.pin
                    found.setdefault((header.id, pin.number), []).append((part, terminal))
        return found

    def remarks(self) -> list[str]:
        """What to mind about the board and the pins that are used."""
        used = self.uses()
        return [
            *self.board.warnings,
            *(
                f"pin {header.pin_name(pin)} ({pin.name}): {pin.warning}"
                for header in self.headers
                for pin in header.pins
                if pin.warning and (header.id, pin.number) in used
            ),
        ]


def plan_wiring(profile: BoardProfile, board: BoardData) -> WiringPlan:
    """The wiring of a profile on a board."""
    drafts = list(_Drafts(board).parts(profile))
    signals = [terminal.pin for part in drafts for terminal in part.terminals if terminal.pin is not None]
    used = {header.id for header, _ in signals}
    headers = tuple(header for header in board.headers if header.id in used) or board.headers[:1]
    supplies = _Supplies(headers)
    # The nearest supply pins go to the parts in the order of their pins, so that wires cross little.
    for part in sorted(drafts, key=lambda part: _middle(headers, part)):
        supplies.lay(part, _middle(headers, part))
    parts = tuple(supplies.done[part.name] for part in drafts)
    return WiringPlan(profile.name, board, headers, parts)


def _row(headers: Sequence[Header], place: Place) -> float:
    """How far down a pin is, in rows over all headers."""
    header, pin = place
    above = 0
    for other in headers:
        if other.id == header.id:
            break
        above += len(other.pins) // 2 + 2
    return above + (pin.number - 1) // 2


def _middle(headers: Sequence[Header], part: Part) -> float:
    rows = [_row(headers, terminal.pin) for terminal in part.terminals if terminal.pin is not None]
    return sum(rows) / len(rows) if rows else 99.0


class _Supplies:
    """Gives every supply terminal a pin: the nearest that has not got too many wires yet."""

    def __init__(self, headers: Sequence[Header]) -> None:
        self._headers = headers
        self._wires: dict[tuple[str, int], int] = {}
        self.done: dict[str, Part] = {}

    def lay(self, part: Part, row: float) -> None:
        laid = [
            Terminal(one.role, self._nearest(one.supply, row), one.supply, one.supply) if one.supply else one
            for one in part.terminals
        ]
        self.done[part.name] = Part(part.name, part.kind, part.title, part.notes, tuple(laid), part.marks)

    def _nearest(self, supply: str, row: float) -> Place | None:
        candidates = [
            (header, pin) for header in self._headers for pin in header.pins if pin.supply in SUPPLY_NAMES[supply]
        ]
        best = max((SUPPLY_NAMES[supply].index(pin.supply) for _, pin in candidates), default=0)
        candidates = [place for place in candidates if SUPPLY_NAMES[supply].index(place[1].supply) == best]
        if not candidates:
            return None

        def cost(place: Place) -> tuple[int, float]:
            header, pin = place
            wires = self._wires.get((header.id, pin.number), 0)
            return wires // WIRES_A_SUPPLY, abs(_row(self._headers, place) - row) + 2 * wires

        chosen = min(candidates, key=cost)
        key = (chosen[0].id, chosen[1].number)
        self._wires[key] = self._wires.get(key, 0) + 1
        return chosen


class _Drafts:
    """Parts whose supply terminals have no pins yet."""

    def __init__(self, board: BoardData) -> None:
        self._board = board

    def parts(self, profile: BoardProfile) -> Iterator[Part]:
        if profile.hook is not None:
            closes = "lifted" if profile.hook.line.active_low else "on the hook"
            yield self._contact("hook", "Hook switch", profile.hook.line, f"closes while the handset is {closes}")
        if profile.keypad is not None:
            keypad = profile.keypad
            rows = [
                self._signal(f"row {''.join(keys)}", spec) for keys, spec in zip(keypad.keys, keypad.rows, strict=True)
            ]
            columns = [
                self._signal(f"column {''.join(keys[place] for keys in keypad.keys)}", spec)
                for place, spec in enumerate(keypad.columns)
            ]
            title = f"Keypad {len(columns)} x {len(rows)}"
            yield Part("keypad", "keypad", title, ("no resistors, no diodes",), (*rows, *columns), keypad.keys)
        if profile.dial is not None:
            opens = "closes" if profile.dial.pulse.active_low else "opens"
            yield self._contact("dial.pulse", "Dial, pulse contact", profile.dial.pulse, f"{opens} for each pulse")
            if profile.dial.off_normal is not None:
                closes = "closes" if profile.dial.off_normal.active_low else "opens"
                note = f"{closes} while the dial is turned"
                yield self._contact("dial.off_normal", "Dial, off-normal contact", profile.dial.off_normal, note)
        for name, spec in profile.buttons.items():
            closes = "closes" if spec.active_low else "opens"
            yield self._contact(f"button.{name}", f"Button {name}", spec, f"{closes} when it is pressed")
        if profile.ringer is not None:
            yield from self._ringer(profile.ringer)
        for name, relay in profile.relays.items():
            yield self._driver(f"relay.{name}", f"Relay {name}", relay.line, "relay")
        for name, spec in profile.lamps.items():
            yield self._lamp(name, spec)

    def _signal(self, role: str, spec: LineSpec) -> Terminal:
        return Terminal(role, self._board.find_line(spec.chip, spec.line), f"line {spec.line} of {spec.chip}")

    def _contact(self, name: str, title: str, spec: LineSpec, note: str) -> Part:
        ends = {"pull-up": _supply("", GROUND), "pull-down": _supply("", V3)}
        terminals = (self._signal("", spec), ends.get(spec.bias, _supply("", GROUND)))
        notes = (note,) if spec.bias != "none" else (note, "needs a resistor of its own: the profile says bias none")
        return Part(name, "contact", title, notes, terminals)

    def _driver(self, name: str, title: str, spec: LineSpec, load: str) -> Part:
        """A load that takes more current than a pin gives: through a transistor, or a module where it is low-active."""
        if spec.active_low:
            note = "module whose input is active while it is low"
            terminals = (_supply("VCC", V5), self._signal("IN", spec), _supply("GND", GROUND))
            return Part(name, "module", title, (note,), terminals)
        terminals = (_supply("", V5), self._signal("", spec), _supply("", GROUND))
        notes = (f"5 V {load}, NPN transistor BC337 or alike, diode 1N4148",)
        return Part(name, "transistor", title, notes, terminals, (load,))

    def _lamp(self, name: str, spec: LineSpec) -> Part:
        signal, title = self._signal("", spec), f"Lamp {name}"
        if spec.active_low:
            return Part(f"lamp.{name}", "lamp", title, ("LED lights while the pin is low",), (_supply("", V3), signal))
        return Part(f"lamp.{name}", "lamp", title, ("LED, red to green",), (signal, _supply("", GROUND)))

    def _ringer(self, ringer: RingerProfile) -> Iterator[Part]:
        if ringer.kind == "buzzer":
            for place, spec in enumerate(ringer.lines):
                title = "Buzzer" if len(ringer.lines) == 1 else f"Buzzer {place + 1}"
                yield self._driver(f"ringer.{place}", title, spec, "buzzer")
        elif ringer.kind == "generator":
            inputs = [
                self._signal(f"ON {place + 1}" if place else "ON", spec) for place, spec in enumerate(ringer.lines)
            ]
            notes = ("rings while its input is on", "its ringing voltage goes to the bells only")
            yield Part(
                "ringer", "module", "Ringing generator", notes, (_supply("VCC", V5), *inputs, _supply("GND", GROUND))
            )
        elif ringer.kind == "bell":
            inputs = [self._signal(f"IN{place + 1}", spec) for place, spec in enumerate(ringer.lines)]
            if ringer.enable is not None:
                inputs.append(self._signal("EN", ringer.enable))
            notes = ("bell supply of its own, 24 to 60 V", "joins the board at GND only")
            terminals = (_supply("VCC", V5), *inputs, _supply("GND", GROUND))
            yield Part("ringer", "bridge", "Bell on an H-bridge", notes, terminals)
        elif ringer.kind == "pwm":
            yield self._piezo(ringer)
        else:
            yield Part("ringer", "card", "Sounder", (f"loudspeaker on {ringer.device}", "no pin is used"), ())

    def _piezo(self, ringer: RingerProfile) -> Part:
        assert ringer.pwm is not None
        if ringer.pwm.line is not None:
            signal = self._signal("", ringer.pwm.line)
            return Part("ringer", "piezo", "Piezo disc", ("without electronics",), (signal, _supply("", GROUND)))
        channel = f"channel {ringer.pwm.channel} of {ringer.pwm.chip}"
        pins = [
            header.pin_name(pin) for header, pin in self._board.pins() if f"PWM{ringer.pwm.channel}" in pin.functions
        ]
        note = f"which pin has it says its overlay: {', '.join(pins)}" if pins else "its overlay says which pin has it"
        signal = Terminal("", None, channel)
        return Part("ringer", "piezo", "Piezo disc", (note,), (signal, _supply("", GROUND)))


def _supply(role: str, supply: str) -> Terminal:
    return Terminal(role, None, supply, supply)
