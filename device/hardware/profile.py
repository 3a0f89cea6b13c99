"""A board profile: what is wired to which line. Records, and their reading from TOML; nothing is opened here.

docs/wiring.md describes the keys for the person with the soldering iron.
"""

from collections.abc import Mapping

from device.hardware.errors import ProfileError
from device.hardware.interfaces import LineSpec, PwmSpec
from device.records import dataclass, field

RINGER_KINDS = ("buzzer", "bell", "generator", "pwm", "sounder")
"""A buzzer or anything else that sounds while its line is active; the two coils of a mechanical bell on a bridge; the
enable input of a ringing generator; a piezo disc on a PWM output; a loudspeaker on a sound card of its own."""


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
    """What sounds when somebody calls; `kind` is one of RINGER_KINDS."""

    lines: tuple[LineSpec, ...] = ()
    """One or two that are active for each burst, or the two phases of a bell."""
    cadence: str = "eu"
    kind: str = "buzzer"
    enable: LineSpec | None = None
    """Bells: the enable input of the bridge, active for each burst."""
    frequency_hz: int = 0
    """Bells: of the alternating current; 0 for that of the cadence's country."""
    dead_time_ms: int = 2
    """Bells: between one phase and the other, both off."""
    max_burst_s: float = 5.0
    """Bells: a burst is cut here, whoever asks for more."""
    pwm: PwmSpec | None = None
    tones_hz: tuple[int, ...] = (2700,)
    """PWM and sounder: one tone, or two that take turns."""
    turn_ms: int = 50
    """PWM and sounder: how long each of two tones lasts."""
    device: str = ""
    """Sounder: the ALSA name of its card."""
    gain_db: float = -6.0
    """Sounder: how loud, 0 is full scale."""


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
    def from_mapping(cls, data: Mapping[str, object], source: str = "board profile", board: str = "") -> "BoardProfile":
        """Read a profile from what a TOML file gives. Raises ProfileError with every fault in it.

        `board` goes before the key `board` of the profile: the board whose pins it means.
        """
        from device.hardware.profile_reader import read_profile  # noqa: PLC0415  # it imports these records

        profile, faults = read_profile(data, board)
        if faults:
            raise ProfileError(source, faults)
        return profile

    @classmethod
    def load(cls, name_or_path: str) -> "BoardProfile":
        """Read a TOML file, or one of the profiles that come with offhook by its bare name ("raspberry-pi").

        With @BOARD behind it ("handset@beaglebone-black") pins are those of that board. Raises ProfileError.
        """
        from device.hardware.profile_reader import read_toml, split_board  # noqa: PLC0415  # it imports these records

        profile, board = split_board(name_or_path)
        return cls.from_mapping(read_toml(profile), name_or_path, board)
