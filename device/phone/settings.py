"""The settings of the phone: times, tones, dialling, buttons and the door."""

from math import isfinite

from device.annotations import ClassVar
from device.phone.commands import TONES
from device.phone.dial_plan import DialPlan
from device.phone.errors import DialPlanError
from device.records import dataclass

DOOR_CODE_DIGITS = "0123456789*ABCD"
"""# is not among them: it may end the code."""


def split_list(text: str) -> tuple[str, ...]:
    """The parts of a list by comma, without blanks and empty parts."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_pairs(text: str) -> dict[str, str]:
    """A list such as "1=1001,2=sip:door@example.org" as a dictionary.

    Raises ValueError, with a sentence for a person, for a part without name or equals sign, or a name given twice.
    """
    pairs: dict[str, str] = {}
    for part in split_list(text):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not name or not equals:
            raise ValueError(f"{part!r} is not written name=target")
        if name in pairs:
            raise ValueError(f"{name!r} is given twice")
        pairs[name] = value
    return pairs


def parse_button_targets(text: str) -> dict[str, tuple[str, ...]]:
    """Whom each button calls, one after the other; a button with no target only answers and ends calls.

    Raises ValueError as `parse_pairs` does.
    """
    return {
        name: tuple(target.strip() for target in targets.split(">") if target.strip())
        for name, targets in parse_pairs(text).items()
    }


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """Everything about the phone that an installer may choose."""

    SECTION: ClassVar[str] = "phone"
    SECRETS: ClassVar[tuple[str, ...]] = ("door_code",)
    """Fields that are never shown or logged."""

    dial_plan: str = "[0-9*].|#[0-9*].|+x."
    emergency_numbers: str = "112,911"
    speed_dials: str = ""
    anonymous_prefix: str = ""
    hash_dials: bool = True
    first_digit_timeout_s: float = 20.0
    inter_digit_timeout_s: float = 4.0
    hotline: str = ""
    hotline_delay_s: float = 0.0
    direct_calls: bool = False
    out_of_service_tone: str = "REORDER"
    hang_up_tone: str = "BUSY"
    unknown_number_tone: str = "SPECIAL_INFORMATION"
    busy_tone_s: float = 30.0
    reorder_s: float = 20.0
    howler_s: float = 60.0
    hands_free_tone_s: float = 4.0
    announcement: str = ""
    ring_pattern: str = "default"
    distinctive_ring: bool = True
    ring_timeout_s: float = 60.0
    decline_status: int = 486
    no_answer_s: float = 120.0
    talk_limit_s: float = 0.0
    flash: bool = True
    auto_answer: str = "off"
    auto_answer_callers: str = ""
    auto_answer_delay_s: float = 0.0
    auto_answer_beep: bool = True
    button_targets: str = ""
    button_step_s: float = 30.0
    button_guard_s: float = 2.0
    busy_lamps: str = ""
    door_code: str = ""
    door_code_end: str = ""
    door_callers: str = ""
    door_relay: str = "door"
    door_open_s: float = 3.0
    door_tries: int = 3
    door_lock_out_s: float = 60.0
    door_hang_up_s: float = 0.0

    HELP: ClassVar[dict[str, str]] = {
        "dial_plan": "which numbers can be dialled and how they are rewritten; see docs/dial-plan.md",
        "emergency_numbers": "numbers, by comma, that are dialled at once and unchanged, even out of service",
        "speed_dials": 'short codes as "code=target", by comma, such as "1=1001,2=sip:door@example.org"',
        "anonymous_prefix": "digits before a number that withhold our own, such as *31; empty for none",
        "hash_dials": "whether # after a number dials it at once",
        "first_digit_timeout_s": "seconds of dial tone before the handset counts as forgotten",
        "inter_digit_timeout_s": "seconds after the last digit before the number is dialled",
        "hotline": "target that is called when the handset is lifted; empty for none",
        "hotline_delay_s": "seconds of dial tone before the hotline is called; 0 calls at once",
        "direct_calls": "whether the phone is in service without a registered account, for calls straight by IP",
        "out_of_service_tone": "tone for a handset that is lifted out of service: BUSY, REORDER or HOWLER",
        "unknown_number_tone": "tone when nobody has the number that was called: SPECIAL_INFORMATION or REORDER",
        "hang_up_tone": "tone when the far end has hung up: BUSY or REORDER",
        "busy_tone_s": "seconds of busy tone before the howler",
        "reorder_s": "seconds of reorder tone before the howler",
        "howler_s": "seconds of howler (off-hook warning) before silence",
        "hands_free_tone_s": "seconds of busy or reorder tone when the handset is down",
        "announcement": "WAV file that callers hear before the phone rings or answers by itself; empty for none",
        "ring_pattern": 'cadence of the bell; "default" is the country\'s own',
        "distinctive_ring": "whether callers may choose the cadence of the bell (Alert-Info)",
        "ring_timeout_s": "seconds of ringing before the caller is turned away with 480; 0 rings for ever",
        "decline_status": "status for a call that is declined: 480, 486 or 603",
        "no_answer_s": "seconds before a call that nobody answers is given up; 0 waits for ever",
        "talk_limit_s": "longest talk in seconds; 0 for no limit",
        "flash": "whether a hook flash holds and resumes the call",
        "auto_answer": "answer without a hand: off, header (when the caller asks for it) or always",
        "auto_answer_callers": "callers, by comma, that auto answer is limited to; empty for everyone",
        "auto_answer_delay_s": "seconds of ringing before auto answer",
        "auto_answer_beep": "whether a short tone is heard when the phone answers by itself",
        "button_targets": 'what buttons call, as "door=1001,bell=1002"; "door=1001>1002" tries 1002 next',
        "button_step_s": "seconds that each target of a button rings",
        "button_guard_s": "seconds after a press in which another press does not end the call",
        "busy_lamps": 'lamps that show whether others are busy, as "lamp=extension", such as "neighbour=1002"',
        "door_code": "digits that the far end dials within a call to open the door, 2 to 16; empty for none",
        "door_code_end": 'what ends the door code: nothing ("") or "#"',
        "door_callers": "far ends, by comma, that may open the door; empty for everyone",
        "door_relay": "relay that opens the door",
        "door_open_s": "seconds that the relay stays closed",
        "door_tries": "wrong door codes before the door is locked out",
        "door_lock_out_s": "seconds for which a locked-out door takes no code",
        "door_hang_up_s": "seconds after opening before the call is ended; 0 leaves it",
    }

    def faults(self) -> list[str]:
        """Every fault, in words; empty when the settings can be used."""
        return [f"phone.{fault}" for check in _CHECKS for fault in check(self)]


_POSITIVE = (
    "first_digit_timeout_s",
    "inter_digit_timeout_s",
    "busy_tone_s",
    "reorder_s",
    "howler_s",
    "hands_free_tone_s",
    "button_step_s",
    "door_open_s",
    "door_lock_out_s",
)
_NOT_NEGATIVE = (
    "hotline_delay_s",
    "ring_timeout_s",
    "no_answer_s",
    "talk_limit_s",
    "auto_answer_delay_s",
    "button_guard_s",
    "door_hang_up_s",
)
_CHOICES: dict[str, tuple[object, ...]] = {
    "out_of_service_tone": ("BUSY", "REORDER", "HOWLER"),
    "hang_up_tone": ("BUSY", "REORDER"),
    "unknown_number_tone": ("SPECIAL_INFORMATION", "REORDER"),
    "decline_status": (480, 486, 603),
    "auto_answer": ("off", "header", "always"),
    "door_code_end": ("", "#"),
}
assert set(_CHOICES["out_of_service_tone"]) <= set(TONES)


def _fault_times(settings: PhoneSettings) -> list[str]:
    faults = []
    for name in (*_POSITIVE, *_NOT_NEGATIVE):
        seconds: float = getattr(settings, name)
        if not isfinite(seconds) or seconds < 0 or (seconds == 0 and name in _POSITIVE):
            least = "more than 0" if name in _POSITIVE else "0 or more"
            faults.append(f"{name}: {seconds} is not a number of seconds, {least}")
    return faults


def _fault_choices(settings: PhoneSettings) -> list[str]:
    return [
        f"{name}: {getattr(settings, name)!r} is not one of {', '.join(map(repr, choices))}"
        for name, choices in _CHOICES.items()
        if getattr(settings, name) not in choices
    ]


def _fault_dial_plan(settings: PhoneSettings) -> list[str]:
    try:
        DialPlan(settings.dial_plan)
    except DialPlanError as error:
        return [f"dial_plan: {error}"]
    return []


def _fault_numbers(settings: PhoneSettings) -> list[str]:
    numbers = split_list(settings.emergency_numbers)
    faults = [
        f"emergency_numbers: {number!r} is not made of the keys 0-9, * and #"
        for number in numbers
        if not set(number) <= set("0123456789*#")
    ]
    for number in numbers:
        hidden = [other for other in numbers if other != number and other.startswith(number)]
        faults += [f"emergency_numbers: {other!r} can never be dialled after {number!r}" for other in hidden]
    return faults


def _fault_pairs(settings: PhoneSettings) -> list[str]:
    faults = []
    try:
        for code, target in parse_pairs(settings.speed_dials).items():
            if not set(code) <= set("0123456789*#"):
                faults.append(f"speed_dials: {code!r} is not made of the keys 0-9, * and #")
            if not target:
                faults.append(f"speed_dials: {code!r} has no target")
    except ValueError as error:
        faults.append(f"speed_dials: {error}")
    try:
        parse_button_targets(settings.button_targets)
    except ValueError as error:
        faults.append(f"button_targets: {error}")
    try:
        parse_pairs(settings.busy_lamps)
    except ValueError as error:
        faults.append(f"busy_lamps: {error}")
    return faults


def _fault_door(settings: PhoneSettings) -> list[str]:
    """The code itself is a secret and stands in no fault."""
    faults = []
    if settings.door_code:
        if not set(settings.door_code) <= set(DOOR_CODE_DIGITS):
            faults.append("door_code: it may have 0-9, * and A-D only")
        if not 2 <= len(settings.door_code) <= 16:
            faults.append("door_code: it must have 2 to 16 digits")
        if not settings.door_relay:
            faults.append("door_relay: a relay is needed for the door code to open")
    if settings.door_tries < 1:
        faults.append(f"door_tries: {settings.door_tries} is less than 1")
    return faults


def _fault_announcement(settings: PhoneSettings) -> list[str]:
    path = settings.announcement
    if not path or path.startswith("/"):
        return []
    return [f"announcement: {path!r} does not begin with /: give the whole path of a WAV file"]


_CHECKS = (
    _fault_announcement,
    _fault_times,
    _fault_choices,
    _fault_dial_plan,
    _fault_numbers,
    _fault_pairs,
    _fault_door,
)
