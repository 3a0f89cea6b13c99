"""A board profile: what is wired to which line. Records, and their reading from TOML; nothing is opened here.

docs/wiring.md describes the keys for the person with the soldering iron.
"""

from collections.abc import Mapping

from device.hardware.errors import ProfileError
from device.hardware.interfaces import LineSpec
from device.records import dataclass, field


@dataclass(frozen=True, slots=True)
class HookProfile:
    """The hook switch; its line is active while the handset is lifted. Times in milliseconds."""

    line: LineSpec
    flash: bool = True
    flash_min_ms: int = 80
    flash_max_ms: int = 800


@dataclass(frozen=True, slots=True)
class KeypadProfile:
    """A matrix of keys: rows are driven, columns are read. `keys` has a text a row, a character a column."""

    rows: tuple[LineSpec, ...]
    columns: tuple[LineSpec, ...]
    keys: tuple[str, ...]
    debounce_ms: int = 20
    scan_ms: int = 5
    settle_us: int = 20


@dataclass(frozen=True, slots=True)
class DialProfile:
    """A rotary dial; `pulse` is active while the pulse contact breaks, `off_normal` while the dial is turned."""

    pulse: LineSpec
    off_normal: LineSpec | None = None
    plan: str = "international"
    gap_ms: int = 200
    min_break_ms: int = 15
    max_break_ms: int = 150


@dataclass(frozen=True, slots=True)
class RingerProfile:
    """A bell, buzzer or the enable input of a ringing generator on one line or two."""

    lines: tuple[LineSpec, ...]
    cadence: str = "eu"


@dataclass(frozen=True, slots=True)
class RelayProfile:
    """A relay that is closed for a time; `max_pulse_s` bounds the time that it is closed without a break."""

    line: LineSpec
    max_pulse_s: float = 10.0


@dataclass(frozen=True, slots=True)
class BoardProfile:
    """Everything that is wired to a board. All devices are optional; lamps, relays and buttons have names."""

    name: str
    driver: str
    """"gpiod", "rpi-gpio" or "mock"."""
    hook: HookProfile | None = None
    keypad: KeypadProfile | None = None
    dial: DialProfile | None = None
    ringer: RingerProfile | None = None
    lamps: dict[str, LineSpec] = field(default_factory=dict)
    relays: dict[str, RelayProfile] = field(default_factory=dict)
    buttons: dict[str, LineSpec] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, data: Mapping[str, object], source: str = "board profile") -> "BoardProfile":
        """Read a profile from what a TOML file gives. Raises ProfileError with every fault in it."""
        from device.hardware.profile_reader import read_profile  # noqa: PLC0415  # it imports these records

        profile, faults = read_profile(data)
        if faults:
            raise ProfileError(source, faults)
        return profile

    @classmethod
    def load(cls, name_or_path: str) -> "BoardProfile":
        """Read a TOML file, or one of the profiles that come with offhook by its bare name ("raspberry-pi").

        Raises ProfileError.
        """
        from device.hardware.profile_reader import read_toml  # noqa: PLC0415  # it imports these records

        return cls.from_mapping(read_toml(name_or_path), name_or_path)
