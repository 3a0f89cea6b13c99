"""The settings of section "hardware": which board profile, and what of it is changed without editing it."""

from device.annotations import ClassVar
from device.hardware.cadences import COUNTRY_CADENCES
from device.hardware.errors import ProfileError
from device.hardware.profile import BoardProfile
from device.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class HardwareSettings:
    """Empty texts and zeros leave the word to the board profile."""

    SECTION: ClassVar[str] = "hardware"
    HELP: ClassVar[dict[str, str]] = {
        "board": "name of a board profile that comes with offhook, or the path of a TOML file; @BOARD behind it, as in "
        "handset@orange-pi-zero, for a board that does not say itself what it is",
        "flash": "hook flash: on, off, or empty for what the board profile says",
        "flash_min_ms": "shortest hook flash in ms, 0 for the board profile's; shorter is contact bounce",
        "flash_max_ms": "longest hook flash in ms, 0 for the board profile's; longer is a hang-up",
        "bell_hz": "frequency of the current of a bell with two phases in Hz, 10 to 60; 0 for the board profile's",
        "cadence": "ringing cadence by country, such as us, uk, de; empty for the board profile's",
    }

    board: str = "simulated"
    flash: str = ""
    flash_min_ms: int = 0
    flash_max_ms: int = 0
    cadence: str = ""
    bell_hz: int = 0

    def faults(self) -> list[str]:
        """Every fault in words."""
        faults = []
        if not self.board:
            faults.append("hardware.board: empty; give the name of a profile, such as simulated, or a file")
        if self.flash not in ("", "on", "off"):
            faults.append(f"hardware.flash: {self.flash!r} is not one of on, off, or empty")
        for name, value in (("flash_min_ms", self.flash_min_ms), ("flash_max_ms", self.flash_max_ms)):
            if not 0 <= value <= 2000:
                faults.append(f"hardware.{name}: {value} is not between 0 and 2000")
        if 0 < self.flash_max_ms <= self.flash_min_ms:
            faults.append(f"hardware.flash_max_ms: {self.flash_max_ms} is not more than flash_min_ms")
        if self.bell_hz and not 10 <= self.bell_hz <= 60:
            faults.append(f"hardware.bell_hz: {self.bell_hz} is not between 10 and 60, nor 0")
        if self.cadence and self.cadence not in COUNTRY_CADENCES:
            faults.append(f"hardware.cadence: {self.cadence!r} is not one of {', '.join(COUNTRY_CADENCES)}")
        return faults

    def apply(self, profile: BoardProfile) -> BoardProfile:
        """The profile with these settings in it. Raises ProfileError where the two do not fit together."""
        hook, ringer = profile.hook, profile.ringer
        if hook is not None:
            hook = replace(
                hook,
                flash=hook.flash if not self.flash else self.flash == "on",
                flash_min_ms=self.flash_min_ms or hook.flash_min_ms,
                flash_max_ms=self.flash_max_ms or hook.flash_max_ms,
            )
            if hook.flash_min_ms >= hook.flash_max_ms:
                window = f"a hook flash of {hook.flash_min_ms} to {hook.flash_max_ms} ms is no window"
                raise ProfileError(profile.name, [f"{window}; set hardware.flash_min_ms and hardware.flash_max_ms"])
        if ringer is not None:
            ringer = replace(
                ringer,
                cadence=self.cadence or ringer.cadence,
                frequency_hz=self.bell_hz or ringer.frequency_hz,
            )
        return replace(profile, hook=hook, ringer=ringer)
