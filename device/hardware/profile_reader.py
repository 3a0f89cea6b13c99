"""Reads a board profile from the mapping that a TOML file gives, and finds every fault in it."""

import os
from collections.abc import Mapping, Sequence

from device.annotations import TYPE_CHECKING
from device.hardware.cadences import COUNTRY_CADENCES
from device.hardware.drivers import DRIVERS
from device.hardware.errors import HardwareError, ProfileError, UnknownBoardError
from device.hardware.interfaces import BIASES, DRIVES, UNHELD, LineSpec, PwmSpec
from device.hardware.profile import (
    RINGER_KINDS,
    BoardProfile,
    DialProfile,
    HookProfile,
    KeypadProfile,
    RelayProfile,
    RingerProfile,
)
from device.hardware.rotary_dial import DIAL_PLANS
from device.hardware.toml_file import read_toml_file

if TYPE_CHECKING:
    from device.hardware.pin_lookup import PinLookup

PROFILE_FOLDER = os.path.join(os.path.dirname(__file__), "profiles")

DEFAULT_CHIPS = {"gpiod": "raspberry-pi", "rpi-gpio": "raspberry-pi", "mock": "mock"}

SIMULATED_HEADER = "raspberry-pi-3"
"""Whose pins the simulated board has, unless its profile says otherwise."""

DIALLABLE = "0123456789*#ABCD"
NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


class _Section:
    """One table of the profile: gives values by type, notes faults, and in the end names the keys that nobody knows."""

    def __init__(self, path: str, data: object, faults: list[str]) -> None:
        self.path = path
        self.faults = faults
        self._asked: dict[str, None] = {}
        self._data: Mapping[str, object] = {}
        if isinstance(data, Mapping):
            self._data = data
        else:
            self.fault("", f"is {data!r}, not a table of keys")

    def where(self, key: str) -> str:
        return f"{self.path}.{key}".strip(".")

    def fault(self, key: str, text: str) -> None:
        self.faults.append(f"{self.where(key)}: {text}")

    def has(self, key: str) -> bool:
        self._asked[key] = None
        return key in self._data

    def value(self, key: str) -> object:
        return self._data.get(key) if self.has(key) else None

    def text(self, key: str, default: str, choices: tuple[str, ...] = ()) -> str:
        value = self.value(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.fault(key, f"{value!r} is not a text in quotes")
            return default
        if choices and value not in choices:
            self.fault(key, f"{value!r} is not known{_nearest(value, choices)}; there are {', '.join(choices)}")
            return default
        return value

    def number(self, key: str, default: int, lowest: int, highest: int) -> int:
        value = self.value(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self.fault(key, f"{value!r} is not a whole number")
            return default
        if not lowest <= value <= highest:
            self.fault(key, f"{value} is not between {lowest} and {highest}")
            return default
        return value

    def seconds(self, key: str, default: float, highest: float) -> float:
        value = self.value(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= highest:
            self.fault(key, f"{value!r} is not a number of seconds above 0 and up to {highest:g}")
            return default
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self.value(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(key, f"{value!r} is not true or false")
            return default
        return value

    def items(self, key: str, needed: bool = True) -> list[object]:
        value = self.value(key)
        if value is None and not needed:
            return []
        if value is None:
            self.fault(key, "is missing; give a list in square brackets")
            return []
        if not isinstance(value, list) or not value:
            self.fault(key, f"{value!r} is not a list in square brackets with something in it")
            return []
        return value

    def tables(self, key: str) -> dict[str, object]:
        """A table of named tables, such as [lamps.message]."""
        value = self.value(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.fault(key, f"is not a table; write [{self.where(key)}.NAME] and the keys below it")
            return {}
        for name in value:
            if not name or not NAME_CHARACTERS.issuperset(name):
                self.fault(f"{key}.{name}", "a name has lower-case letters, digits, - and _ only")
        return dict(value)

    def finish(self) -> None:
        for key in self._data:
            if key not in self._asked:
                known = tuple(self._asked)
                self.fault(key, f"unknown key{_nearest(key, known)}; there are {', '.join(known)}")


def _nearest(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  # only for a mistake that somebody made

    # Two letters, such as a country's, are half like too many others for a suggestion to be worth anything.
    close = get_close_matches(word, known, 1, 0.5) if len(word) > 2 else []
    return f", did you mean {close[0]!r}?" if close else ""


class _Reader:
    """Builds the records of a profile; what is wrong becomes a fault and a default."""

    def __init__(self, data: Mapping[str, object], board: str) -> None:
        self.faults: list[str] = []
        self._top = _Section("", data, self.faults)
        self._driver = "gpiod"
        self._chip = ""
        self._board = board
        self._roles: dict[str, object] = {}
        self._pins: PinLookup | None = None
        self._board_is_known = True
        self._taken: dict[tuple[str, int | str], str] = {}

    def read(self) -> BoardProfile:
        top = self._top
        name = top.text("name", "unnamed board")
        self._driver = top.text("driver", "gpiod", DRIVERS)
        self._chip = top.text("chip", DEFAULT_CHIPS[self._driver])
        board = top.text("board", SIMULATED_HEADER if self._driver == "mock" else "auto")
        self._board = self._board or board
        self._roles = top.tables("pins")
        profile = BoardProfile(
            name=name,
            driver=self._driver,
            hook=self._hook(top.value("hook")) if top.has("hook") else None,
            keypad=self._keypad(top.value("keypad")) if top.has("keypad") else None,
            dial=self._dial(top.value("dial")) if top.has("dial") else None,
            ringer=self._ringer(top.value("ringer")) if top.has("ringer") else None,
            lamps={key: self._output(f"lamps.{key}", data) for key, data in top.tables("lamps").items()},
            relays={key: self._relay(f"relays.{key}", data) for key, data in top.tables("relays").items()},
            buttons={key: self._button(f"buttons.{key}", data) for key, data in top.tables("buttons").items()},
        )
        top.finish()
        return profile

    def _hook(self, data: object) -> HookProfile:
        section = _Section("hook", data, self.faults)
        line = self._input_line(section, debounce_ms=20)
        hook = HookProfile(
            line=line,
            flash=section.flag("flash", True),
            flash_min_ms=section.number("flash_min_ms", 80, 20, 1000),
            flash_max_ms=section.number("flash_max_ms", 800, 100, 2000),
        )
        if hook.flash_min_ms >= hook.flash_max_ms:
            section.fault("flash_max_ms", f"{hook.flash_max_ms} is not more than flash_min_ms ({hook.flash_min_ms})")
        section.finish()
        return hook

    def _keypad(self, data: object) -> KeypadProfile:
        section = _Section("keypad", data, self.faults)
        rows = self._line_list(section, "rows", "row_pins")
        columns = self._line_list(section, "columns", "column_pins")
        keypad = KeypadProfile(
            rows=tuple(LineSpec(chip, line, active_low=True, drive="open-drain") for chip, line in rows),
            columns=tuple(LineSpec(chip, line, active_low=True, bias="pull-up") for chip, line in columns),
            keys=self._keys(section, len(rows), len(columns)),
            debounce_ms=section.number("debounce_ms", 20, 1, 100),
            scan_ms=section.number("scan_ms", 5, 1, 50),
            settle_us=section.number("settle_us", 20, 0, 20_000),
        )
        section.finish()
        return keypad

    def _keys(self, section: _Section, rows: int, columns: int) -> tuple[str, ...]:
        keys = section.items("keys")
        texts = tuple(row for row in keys if isinstance(row, str))
        together = "".join(texts)
        if len(texts) != rows or len(texts) != len(keys) or any(len(row) != columns for row in texts):
            section.fault("keys", f'must be {rows} texts of {columns} characters, one a row, such as "123"')
        if wrong := sorted(set(together) - set(DIALLABLE)):
            section.fault("keys", f"{' '.join(wrong)} cannot be dialled; there are 0-9, *, # and A-D")
        if twice := sorted({key for key in together if together.count(key) > 1}):
            section.fault("keys", f"{' '.join(twice)} is there more than once")
        return texts

    def _dial(self, data: object) -> DialProfile:
        section = _Section("dial", data, self.faults)
        off_normal = None
        if not section.has("pulse"):
            section.fault("pulse", "is missing; give a table with at least line = NUMBER")
        # The pulse contact of nearly every dial is closed at rest, to ground: a break lets the pull-up win.
        pulse = self._input("dial.pulse", section.value("pulse") or {"line": 0}, 6, active_low=False, most_ms=20)
        if section.has("off_normal"):
            off_normal = self._input("dial.off_normal", section.value("off_normal"), 10)
        dial = DialProfile(
            pulse=pulse,
            off_normal=off_normal,
            plan=section.text("plan", "international", tuple(DIAL_PLANS)),
            gap_ms=section.number("gap_ms", 200, 100, 1000),
            min_break_ms=section.number("min_break_ms", 15, 1, 40),
            max_break_ms=section.number("max_break_ms", 150, 90, 1000),
        )
        section.finish()
        return dial

    def _ringer(self, data: object) -> RingerProfile:
        section = _Section("ringer", data, self.faults)
        kind = section.text("kind", "buzzer", RINGER_KINDS)
        shared = self._output_line(section, None)
        enable = self._output("ringer.enable", section.value("enable")) if section.has("enable") else None
        ringer = RingerProfile(
            lines=self._ringer_lines(section, kind, shared),
            cadence=section.text("cadence", "eu", tuple(COUNTRY_CADENCES)),
            kind=kind,
            enable=enable,
            frequency_hz=section.number("frequency_hz", 0, 0, 60),
            dead_time_ms=section.number("dead_time_ms", 2, 1, 8),
            max_burst_s=section.seconds("max_burst_s", 5.0, 60.0),
            pwm=self._pwm(section, kind),
            tones_hz=self._tones(section, (1067, 1333) if kind == "sounder" else (2700,)),
            turn_ms=section.number("turn_ms", 50, 20, 1000),
            device=section.text("device", ""),
            gain_db=float(section.number("gain_db", -6, -40, 0)),
        )
        if kind == "sounder" and not ringer.device:
            section.fault("device", 'is missing; give the ALSA name of the sound card, such as "plughw:CARD=Device"')
        if 0 < ringer.frequency_hz < LOWEST_BELL_HZ:
            section.fault("frequency_hz", f"{ringer.frequency_hz} is not between {LOWEST_BELL_HZ} and 60, nor 0")
        for key, kinds in RINGER_KEYS.items():
            if section.has(key) and kind not in kinds:
                section.fault(key, f"is nothing that a ringer of kind {kind!r} has; it goes with {', '.join(kinds)}")
        section.finish()
        return ringer

    def _ringer_lines(self, section: _Section, kind: str, shared: LineSpec) -> tuple[LineSpec, ...]:
        if kind in ("pwm", "sounder"):
            return ()
        lines = self._line_list(section, "lines", "pins")
        if kind == "bell" and len(lines) != 2:
            section.fault("lines", f"has {len(lines)} lines; a bell has two, one for each phase")
        elif len(lines) > 2:
            section.fault("lines", f"has {len(lines)} lines; a ringer has one or two")
        return tuple(
            LineSpec(chip, line, active_low=shared.active_low, drive=shared.drive, unheld=shared.unheld)
            for chip, line in lines
        )

    def _pwm(self, section: _Section, kind: str) -> PwmSpec | None:
        chip, channel = section.text("pwm_chip", "pwmchip0"), section.number("pwm_channel", 0, 0, 63)
        if not (section.has("line") or section.has("pin")):
            return PwmSpec(chip, channel) if kind == "pwm" else None
        if kind != "pwm":
            return None
        if self._driver != "rpi-gpio":
            section.fault("line", "goes with driver rpi-gpio, which makes the pulses itself; give pwm_chip instead")
        return PwmSpec("", 0, self._output_line(section, "line"))

    def _tones(self, section: _Section, default: tuple[int, ...]) -> tuple[int, ...]:
        if not section.has("tones_hz"):
            return default
        tones = section.items("tones_hz")
        whole = tuple(tone for tone in tones if isinstance(tone, int) and not isinstance(tone, bool))
        if len(whole) != len(tones) or len(whole) > 2 or not all(100 <= tone <= 10_000 for tone in whole):
            section.fault("tones_hz", "must be one tone or two, whole numbers from 100 to 10000")
            return default
        return whole

    def _relay(self, path: str, data: object) -> RelayProfile:
        section = _Section(path, data, self.faults)
        relay = RelayProfile(self._output_line(section, "line"), section.seconds("max_pulse_s", 10.0, 3600.0))
        section.finish()
        return relay

    def _output(self, path: str, data: object) -> LineSpec:
        section = _Section(path, data, self.faults)
        spec = self._output_line(section, "line")
        section.finish()
        return spec

    def _button(self, path: str, data: object) -> LineSpec:
        return self._input(path, data, 30)

    def _input(
        self, path: str, data: object, debounce_ms: int, *, active_low: bool = True, most_ms: int = 500
    ) -> LineSpec:
        section = _Section(path, data, self.faults)
        spec = self._input_line(section, debounce_ms, active_low=active_low, most_ms=most_ms)
        section.finish()
        return spec

    def _input_line(
        self, section: _Section, debounce_ms: int, *, active_low: bool = True, most_ms: int = 500
    ) -> LineSpec:
        bias = section.text("bias", "pull-up", BIASES)
        chip, line = self._line(section)
        return LineSpec(
            chip=chip,
            line=line,
            active_low=section.flag("active_low", active_low),
            bias=next(known for known in BIASES if known == bias),
            debounce_ms=section.number("debounce_ms", debounce_ms, 0, most_ms),
        )

    def _output_line(self, section: _Section, key: str | None) -> LineSpec:
        drive = section.text("drive", "push-pull", DRIVES)
        chip, line = (section.text("chip", self._chip), 0) if key is None else self._line(section)
        return LineSpec(
            chip=chip,
            line=line,
            active_low=section.flag("active_low", False),
            drive=next(known for known in DRIVES if known == drive),
            unheld=section.text("unheld", "", UNHELD),
        )

    def _line(self, section: _Section) -> tuple[str, int | str]:
        """Chip and line of a table that says `line`, or `pin` instead."""
        chip = section.text("chip", self._chip)
        line, pin = section.value("line"), section.value("pin")
        if pin is None:
            return chip, self._spec(section, "line", chip, line)
        if line is not None:
            section.fault(
                "pin", "is there beside line; give one of them: line is a number of the chip, pin of the header"
            )
        return self._pin(section, "pin", pin)

    def _line_list(self, section: _Section, key: str, pin_key: str) -> list[tuple[str, int | str]]:
        """The same for a list of lines, or of pins under a key of its own."""
        chip = section.text("chip", self._chip)
        if section.has(pin_key) and not section.has(key):
            return [self._pin(section, f"{pin_key}[{place}]", pin) for place, pin in enumerate(section.items(pin_key))]
        if section.has(pin_key):
            section.fault(pin_key, f"is there beside {key}; give one of them")
        return [
            (chip, self._spec(section, f"{key}[{place}]", chip, line)) for place, line in enumerate(section.items(key))
        ]

    def _pin(self, section: _Section, key: str, pin: object) -> tuple[str, int | str]:
        try:
            if self._pins is None:
                from device.hardware.pin_lookup import PinLookup  # noqa: PLC0415  # for profiles with pins

                self._pins = PinLookup(self._board, self._roles)
            chip, line = self._pins.find(pin)
        except UnknownBoardError as error:
            # Once is enough: the same is true of every other pin.
            if self._board_is_known:
                section.fault(key, str(error))
            self._board_is_known = False
            return self._chip, 0
        except HardwareError as error:
            section.fault(key, str(error))
            return self._chip, 0
        if self._driver == "mock":
            chip = self._chip
        return chip, self._spec(section, key, chip, line)

    def _spec(self, section: _Section, key: str, chip: str, line: object) -> int | str:
        """Check one line number or name, and that nothing else has it."""
        if isinstance(line, bool) or not isinstance(line, (int, str)) or line == "":
            said = "is missing" if line is None else f"{line!r} is no line"
            section.fault(key, f"{said}; give the number of a line (BCM on a Raspberry Pi) or its name in quotes")
            return 0
        if isinstance(line, int) and line < 0:
            section.fault(key, f"{line} is no line; numbers begin with 0")
            return 0
        taken_by = self._taken.setdefault((chip, line), section.where(key))
        if taken_by != section.where(key):
            section.fault(key, f"line {line} is taken by {taken_by} already")
        return line


LOWEST_BELL_HZ = 10
RINGER_KEYS = {
    "lines": ("buzzer", "bell", "generator"),
    "pins": ("buzzer", "bell", "generator"),
    "line": ("pwm",),
    "pin": ("pwm",),
    "enable": ("bell",),
    "frequency_hz": ("bell",),
    "dead_time_ms": ("bell",),
    "max_burst_s": ("bell",),
    "pwm_chip": ("pwm",),
    "pwm_channel": ("pwm",),
    "tones_hz": ("pwm", "sounder"),
    "turn_ms": ("pwm", "sounder"),
    "device": ("sounder",),
    "gain_db": ("sounder",),
}
"""The keys of [ringer] that go with some kinds only."""


def split_board(name: str) -> tuple[str, str]:
    """The name or path of a profile, and the board named behind it ("handset@orange-pi-zero"), empty for none."""
    profile, at, board = name.rpartition("@")
    return (profile, board) if at and "/" not in board and not os.path.exists(name) else (name, "")


def read_profile(data: Mapping[str, object], board: str = "") -> tuple[BoardProfile, list[str]]:
    """The profile and its faults; a profile with faults holds defaults in their places and is not to be used."""
    reader = _Reader(data, board)
    return reader.read(), reader.faults


def builtin_profiles() -> list[str]:
    """The names of the profiles that come with offhook."""
    return sorted(name.removesuffix(".toml") for name in os.listdir(PROFILE_FOLDER) if name.endswith(".toml"))


def read_toml(name_or_path: str) -> dict[str, object]:
    """The contents of a TOML file, or of a profile that comes with offhook. Raises ProfileError."""
    path = name_or_path
    if os.sep not in path and not path.endswith(".toml"):
        path = os.path.join(PROFILE_FOLDER, f"{name_or_path}.toml")
        if not os.path.exists(path):
            known = builtin_profiles()
            fault = f"no such board profile{_nearest(name_or_path, known)}; there are {', '.join(known)}"
            raise ProfileError(name_or_path, [f"{fault}, or give the path of a .toml file"])
    try:
        return read_toml_file(path)
    except OSError as error:
        raise ProfileError(path, [f"cannot be read: {error.strerror}"]) from error
    except ValueError as error:
        raise ProfileError(path, [f"is not TOML: {error}"]) from error
