"""The last known outputs of a board, kept in a small file, and the way to make them all inactive without the daemon.

What guards a phone that has ended badly must not depend on what may have broken it: neither the store nor a board
profile is read here, only the list that the last start has left.
"""

import json
import os

from device import plain_logging as logging
from device.hardware.drivers import DRIVERS, open_chip
from device.hardware.errors import HardwareError, LineTakenError
from device.hardware.interfaces import DRIVES, LineChip, LineSpec, PwmSpec
from device.hardware.profile import BoardProfile
from device.records import dataclass, field

log = logging.getLogger(__name__)

FILE_NAME = "outputs.json"
OWN_CONSUMER = "offhook "
"""How the names begin that a running phone gives to its lines."""


@dataclass(frozen=True, slots=True)
class SafeOutputs:
    """Every output of a profile: its driver, and the lines by the names that messages give them."""

    driver: str
    lines: dict[str, LineSpec]
    pwms: dict[str, PwmSpec] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SafeResult:
    """What became of one output; `fault` is empty where it is inactive now, or where a running phone answers for it."""

    name: str
    line: str
    state: str
    """"inactive", "held" or "failed"."""
    fault: str = ""


def outputs_path(store: str) -> str:
    """Where the list is kept: beside the store, which is on the one file system that can be written to."""
    return os.path.join(os.path.dirname(store), FILE_NAME)


def outputs_of(profile: BoardProfile) -> SafeOutputs:
    """The outputs of a profile, those first that do most harm when they stay on."""
    lines = {f"relay.{name}": relay.line for name, relay in profile.relays.items()}
    pwms: dict[str, PwmSpec] = {}
    if profile.ringer is not None:
        lines |= {f"ringer.{number}": spec for number, spec in enumerate(profile.ringer.lines)}
        if profile.ringer.enable is not None:
            lines["ringer.enable"] = profile.ringer.enable
        if profile.ringer.pwm is not None and profile.ringer.pwm.line is None:
            pwms["ringer"] = profile.ringer.pwm
        elif profile.ringer.pwm is not None and profile.ringer.pwm.line is not None:
            lines["ringer"] = profile.ringer.pwm.line
    lines |= {f"lamp.{name}": spec for name, spec in profile.lamps.items()}
    if profile.keypad is not None:
        lines |= {f"keypad.row{number}": spec for number, spec in enumerate(profile.keypad.rows)}
    return SafeOutputs(profile.driver, lines, pwms)


def record_outputs(path: str, outputs: SafeOutputs) -> None:
    """Keep the list for `offhook board safe`; what is there already is not written again.

    Never raises: a phone works without it, and the log says so.
    """
    rows = [
        {"name": name, "chip": spec.chip, "line": spec.line, "active_low": spec.active_low, "drive": spec.drive}
        for name, spec in outputs.lines.items()
    ]
    pwms = [{"name": name, "chip": spec.chip, "channel": spec.channel} for name, spec in outputs.pwms.items()]
    text = json.dumps({"driver": outputs.driver, "outputs": rows, "pwms": pwms}, indent=1) + "\n"
    try:
        if _read(path) == text:
            return
        temporary = f"{path}.new"
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        log.warning("%s cannot be written (%s): `offhook board safe` will not know the outputs", path, error.strerror)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def recorded_outputs(path: str) -> SafeOutputs | None:
    """The list of the last start, or None where no daemon has left one. Raises HardwareError if it is damaged."""
    try:
        text = _read(path)
        return _parse(text) if text else None
    except OSError as error:
        raise HardwareError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise HardwareError(
            f"{path} is damaged and names no outputs; name the board instead: `offhook board safe --profile NAME`"
        ) from error


def _parse(text: str) -> SafeOutputs:
    data = json.loads(text)
    if data["driver"] not in DRIVERS:
        raise ValueError(data["driver"])
    lines = {}
    for row in data["outputs"]:
        line = row["line"]
        if not isinstance(line, (int, str)) or not isinstance(row["chip"], str):
            raise TypeError(row)
        drive = next(known for known in DRIVES if known == row.get("drive", "push-pull"))
        lines[str(row["name"])] = LineSpec(row["chip"], line, active_low=bool(row["active_low"]), drive=drive)
    pwms = {str(row["name"]): PwmSpec(str(row["chip"]), int(row["channel"])) for row in data.get("pwms", ())}
    return SafeOutputs(data["driver"], lines, pwms)


def make_safe(outputs: SafeOutputs, chip: LineChip | None = None) -> list[SafeResult]:
    """Drive every output inactive and give it back; one that cannot be had does not keep the others from it.

    Raises HardwareError only where no line can be had at all: the driver's library is missing.
    """
    held = open_chip(outputs.driver) if chip is None else chip
    try:
        results = [_make_one_safe(held, name, spec) for name, spec in outputs.lines.items()]
        return results + [_silence(held, name, spec) for name, spec in outputs.pwms.items()]
    finally:
        held.close()


def _make_one_safe(chip: LineChip, name: str, spec: LineSpec) -> SafeResult:
    shown = f"line {spec.line} of {spec.chip}"
    try:
        # Requested inactive: the pin takes that level in the same step in which it becomes an output.
        chip.request_output(name, spec).close()
    except LineTakenError as error:
        if error.holder.startswith(OWN_CONSUMER):
            return SafeResult(name, shown, "held")
        return SafeResult(name, shown, "failed", str(error))
    except HardwareError as error:
        return SafeResult(name, shown, "failed", str(error))
    return SafeResult(name, shown, "inactive")


def _silence(chip: LineChip, name: str, spec: PwmSpec) -> SafeResult:
    shown = f"channel {spec.channel} of {spec.chip}"
    try:
        chip.request_pwm(name, spec).close()
    except HardwareError as error:
        return SafeResult(name, shown, "failed", str(error))
    return SafeResult(name, shown, "inactive")
