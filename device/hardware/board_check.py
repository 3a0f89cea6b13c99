"""Whether a profile and a board go well together: what is known from data, and what the kernel of this machine says.

For the command line only.
"""

from collections.abc import Iterator

from device.annotations import Literal, Protocol
from device.hardware.board_data import BoardData
from device.hardware.errors import HardwareError
from device.hardware.interfaces import LineSpec
from device.hardware.line_holders import way_out
from device.hardware.profile import BoardProfile
from device.hardware.safe_outputs import OWN_CONSUMER
from device.records import dataclass

Level = Literal["error", "warning", "advice"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know, and what to do about it."""

    level: Level
    about: str
    """The device, such as relay.door; empty for the whole board."""
    text: str


def outputs_that_matter(profile: BoardProfile) -> dict[str, LineSpec]:
    """The outputs that do harm or wake the house while they are on by mistake."""
    found = {f"relay.{name}": relay.line for name, relay in profile.relays.items()}
    if profile.ringer is not None:
        found |= {f"ringer.{place}": spec for place, spec in enumerate(profile.ringer.lines)}
        if profile.ringer.enable is not None:
            found["ringer.enable"] = profile.ringer.enable
    return found


def all_lines(profile: BoardProfile) -> dict[str, LineSpec]:
    """Every line of a profile by the name that `offhook board show` gives it."""
    lines: dict[str, LineSpec] = {}
    if profile.hook is not None:
        lines["hook"] = profile.hook.line
    if profile.keypad is not None:
        lines |= {f"keypad.row{place}": spec for place, spec in enumerate(profile.keypad.rows)}
        lines |= {f"keypad.column{place}": spec for place, spec in enumerate(profile.keypad.columns)}
    if profile.dial is not None:
        lines["dial.pulse"] = profile.dial.pulse
        if profile.dial.off_normal is not None:
            lines["dial.off_normal"] = profile.dial.off_normal
    lines |= {f"button.{name}": spec for name, spec in profile.buttons.items()}
    lines |= {f"lamp.{name}": spec for name, spec in profile.lamps.items()}
    return lines | outputs_that_matter(profile)


def check_profile(profile: BoardProfile, board: BoardData) -> list[Finding]:
    """What the data of the board says of a profile: pins better left alone, outputs that boot would switch on."""
    findings = []
    for name, spec in all_lines(profile).items():
        place = board.find_line(spec.chip, spec.line)
        if place is None:
            text = (
                f"line {spec.line} of {spec.chip} is on no header of the {board.title}: there is nothing to solder to"
            )
            findings.append(Finding("warning", name, text))
        elif place[1].warning:
            header, pin = place
            findings.append(Finding("warning", name, f"pin {header.pin_name(pin)} ({pin.name}): {pin.warning}"))
    for name, spec in outputs_that_matter(profile).items():
        findings += _boot_state(profile, board, name, spec)
    findings += _early_outputs(profile, board)
    return findings


def _boot_state(profile: BoardProfile, board: BoardData, name: str, spec: LineSpec) -> Iterator[Finding]:
    """What the output does from power-up until offhook holds it, and after a crash."""
    place = board.find_line(spec.chip, spec.line)
    state, why = spec.unheld, "the profile says so"
    if not state and place is not None:
        header, pin = place
        state = {"up": "high", "down": "low"}.get(pin.pull, "floating")
        why = (
            f"pin {header.pin_name(pin)} has its pull {pin.pull} at reset" if state != "floating" else "it has no pull"
        )
        if pin.pull == "unknown":
            why = "its pull at reset is not documented"
    rest, rail = ("high", "3.3 V") if spec.active_low else ("low", "GND")
    remedy = f'fit 10 kilohms from the pin to {rail} and write unheld = "{rest}" in the profile'
    if state == "floating":
        yield Finding("warning", name, f"nothing decides its level while nobody holds the line ({why}); {remedy}")
    elif state and state != rest:
        better = ", ".join(_better_pins(profile, board, "down" if rest == "low" else "up"))
        other = f", or take a pin that rests {rest}, such as {better}" if better else ""
        yield Finding(
            "warning",
            name,
            f"it is switched ON from power-up until offhook starts, and after a crash: it is active while the line is "
            f"{state}, and {why}; {remedy}{other}",
        )


def _better_pins(profile: BoardProfile, board: BoardData, pull: str) -> list[str]:
    """A few free pins without a warning that rest on the right side."""
    taken = {board.find_line(spec.chip, spec.line) for spec in all_lines(profile).values()}
    return [
        f"{header.pin_name(pin)} ({pin.name})"
        for header, pin in board.pins()
        if pin.pull == pull and not pin.supply and not pin.warning and (header, pin) not in taken
    ][:3]


def _early_outputs(profile: BoardProfile, board: BoardData) -> Iterator[Finding]:
    """On a Raspberry Pi the boot loader can drive the outputs seconds before the kernel is there."""
    if not board.id.startswith("raspberry-pi") or profile.driver == "mock":
        return
    for level, word in (("dl", False), ("dh", True)):
        pins = [
            str(place[1].line)
            for spec in outputs_that_matter(profile).values()
            if spec.active_low is word and (place := board.find_line(spec.chip, spec.line)) is not None
        ]
        if pins:
            text = f"to hold these outputs off from power-up on, add `gpio={','.join(pins)}=op,{level}` to config.txt"
            yield Finding("advice", "", text)


class LineSource(Protocol):
    """What tells who holds a line: GpiodChip."""

    def holder_of(self, name: str, spec: LineSpec) -> str | None:
        """Who holds it, empty where the kernel does not say; None while it is free. Raises LineError."""


def check_machine(profile: BoardProfile, chip: LineSource) -> list[Finding]:
    """What the kernel says of every line of a profile: there, and free or held by whom.

    What is wrong with several lines in the same words is one finding.
    """
    faults: dict[str, list[str]] = {}
    for name, spec in all_lines(profile).items():
        try:
            holder = chip.holder_of(name, spec)
        except HardwareError as error:
            faults.setdefault(str(error).removeprefix(f"{name}: "), []).append(name)
            continue
        if holder is not None and not holder.startswith(OWN_CONSUMER):
            who = repr(holder) if holder else "a driver of the kernel"
            advice = way_out(holder, spec.chip, spec.line if isinstance(spec.line, int) else -1)
            faults.setdefault(f"line {spec.line} is in use by {who}; {advice}", []).append(name)
    return [Finding("error", ", ".join(names), text) for text, names in faults.items()]
