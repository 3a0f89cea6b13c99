"""The configuration of the whole daemon: sections of typed settings, read from text, validated whole at once."""

from collections.abc import Mapping

from device.annotations import Any, ClassVar, TypeVar
from device.audio.settings import AudioSettings
from device.console.settings import ConsoleSettings
from device.daemon.logs import LOG_LEVELS
from device.errors import DeviceError
from device.hardware.settings import HardwareSettings
from device.media.settings import MediaSettings
from device.phone.settings import PhoneSettings
from device.records import dataclass, field, fields
from device.sip.settings import UserAgentSettings

_TRUE = frozenset(("1", "true", "yes", "on"))
_FALSE = frozenset(("0", "false", "no", "off"))

Section = TypeVar("Section")


class ConfigurationError(DeviceError):
    """Settings that cannot be used; `faults` lists everything wrong with them, one sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """How the process itself behaves."""

    SECTION: ClassVar[str] = "daemon"
    HELP: ClassVar[dict[str, str]] = {
        "log_level": "least important message that is logged: " + ", ".join(LOG_LEVELS),
        "rtp_first_port": "lowest UDP port for sound (1024 to 65534); each call takes an even port and the next one",
        "rtp_last_port": "highest UDP port for sound",
        "reset_button": "button of the board that erases everything when it is held from power-up on; empty for none",
        "reset_hold_s": "how long it must be held, in seconds (3 to 60)",
        "time_zone": "in which times are told, such as Europe/Berlin, or a rule such as CET-1CEST,M3.5.0,M10.5.0/3; "
        "empty for the system's",
        "stop_timeout_s": "longest wait at stop for BYE and unregistration to be answered, in seconds (0 to 30)",
    }

    log_level: str = "info"
    stop_timeout_s: float = 2.0
    rtp_first_port: int = 16_384
    rtp_last_port: int = 16_583
    reset_button: str = ""
    reset_hold_s: float = 10.0
    time_zone: str = ""

    def faults(self) -> list[str]:
        """Everything wrong with these settings, in words."""
        found = []
        if not 1024 <= self.rtp_first_port < self.rtp_last_port <= 65_535:
            found.append(
                f"daemon.rtp_first_port, daemon.rtp_last_port: {self.rtp_first_port} to {self.rtp_last_port}"
                " is no range within 1024 to 65535"
            )
        if self.log_level not in LOG_LEVELS:
            found.append(f"daemon.log_level: {self.log_level!r} is not one of {', '.join(LOG_LEVELS)}")
        if not 3 <= self.reset_hold_s <= 60:
            found.append(f"daemon.reset_hold_s: {self.reset_hold_s:g} is not between 3 and 60")
        if self.time_zone:
            from device.local_time import zone_fault  # noqa: PLC0415  # most phones have the system's zone

            found += [f"daemon.time_zone: {fault}" for fault in (zone_fault(self.time_zone),) if fault]
        if not 0 <= self.stop_timeout_s <= 30:
            found.append(f"daemon.stop_timeout_s: {self.stop_timeout_s:g} is not between 0 and 30")
        return found


@dataclass(frozen=True, slots=True)
class Configuration:
    """Every section of settings."""

    sip: UserAgentSettings = field(default_factory=UserAgentSettings)
    phone: PhoneSettings = field(default_factory=PhoneSettings)
    media: MediaSettings = field(default_factory=MediaSettings)
    audio: AudioSettings = field(default_factory=AudioSettings)
    hardware: HardwareSettings = field(default_factory=HardwareSettings)
    daemon: DaemonSettings = field(default_factory=DaemonSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)


SECTIONS: dict[str, type[Any]] = {
    section.SECTION: section
    for section in (
        UserAgentSettings,
        PhoneSettings,
        MediaSettings,
        AudioSettings,
        HardwareSettings,
        DaemonSettings,
        ConsoleSettings,
    )
}


@dataclass(frozen=True, slots=True)
class SettingDescription:
    """One setting as the console and the command line show it."""

    key: str
    value: str
    default: str
    kind: str
    help: str


def parse_configuration(values: Mapping[str, str]) -> Configuration:
    """Make the configuration of `values`, text by "section.field"; what is absent has its default.

    Raises ConfigurationError with every fault at once; a setting that does not exist is answered with the
    nearest one that does.
    """
    faults = [unknown_setting(key) for key in values if not setting_exists(key)]
    sections = {name: parse_section(section, values, faults) for name, section in SECTIONS.items()}
    for section in sections.values():
        faults.extend(section.faults())
    if faults:
        raise ConfigurationError(faults)
    return Configuration(**sections)


def names_in(fault: str) -> set[str]:
    """The settings that a fault is about: those it begins with, "section.field, other_field: what is wrong"."""
    names = fault.partition(":")[0].split(", ")
    section = names[0].partition(".")[0]
    return {name if "." in name else f"{section}.{name}" for name in names}


def describe(values: Mapping[str, str]) -> list[SettingDescription]:
    """Every setting with its value in `values` or its default, in order of sections."""
    found = []
    for name, section in SECTIONS.items():
        for item in fields(section):
            key = f"{name}.{item.name}"
            default = _text(item.default)
            help_text = section.HELP.get(item.name, "")
            found.append(SettingDescription(key, values.get(key, default), default, _kind(item), help_text))
    return found


def setting_exists(key: str) -> bool:
    """Whether there is a setting of that name."""
    name, _, attribute = key.partition(".")
    section = SECTIONS.get(name)
    return section is not None and any(item.name == attribute for item in fields(section))


def unknown_setting(key: str) -> str:
    """What to say of a setting that there is not: the nearest that there is."""
    from difflib import get_close_matches  # noqa: PLC0415  # only for a mistake that somebody made

    near = get_close_matches(key, [item.key for item in describe({})], n=1)
    hint = f"did you mean {near[0]}?" if near else "`offhook settings list` shows all"
    return f"{key}: there is no such setting; {hint}"


def parse_section(section: type[Section], values: Mapping[str, str], faults: list[str]) -> Section:
    """The settings of one section, out of text by "section.field"; what cannot be read is added to `faults`."""
    parsed: dict[str, object] = {}
    for item in fields(section):  # type: ignore[arg-type]  # every section is a record
        key = f"{section.SECTION}.{item.name}"  # type: ignore[attr-defined]
        if key not in values:
            continue
        try:
            parsed[item.name] = _parse_value(_kind(item), values[key])
        except ValueError as error:
            faults.append(f"{key}: {error}")
    return section(**parsed)


def _kind(item: Any) -> str:
    return item.type if isinstance(item.type, str) else str(item.type.__name__)


def _parse_value(kind: str, text: str) -> str | int | float | bool:
    text = text.strip()
    if kind == "bool":
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ValueError(f"{text!r} is neither on nor off")
    if kind == "int":
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a whole number") from None
    if kind == "float":
        return _parse_float(text)
    if any(ord(character) < 0x20 for character in text):
        raise ValueError("control characters are not allowed")
    return text


def _parse_float(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    if not abs(number) < float("inf"):
        raise ValueError(f"{text!r} is not a finite number")
    return number


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
