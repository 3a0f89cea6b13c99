"""The settings of the services: which there are, by which numbers, and how much each takes."""

from device.annotations import ClassVar
from device.media.settings import codec_faults
from device.records import dataclass
from device.sip.header_syntax import is_digits

USUAL_NUMBERS = {"voicemail": "*98", "echo": "*43", "time": "*60", "conference": "8XXX"}
"""What `offhook exchange service on` sets; many telephone systems have these."""

NUMBER_CHARACTERS = "0123456789*+"
"""Of the number of a service. # is left out: it cannot stand in a URI as it is."""
PATTERN_CHARACTER = "X"
"""Any digit."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Section "services" of the exchange's settings. A service without number is off."""

    SECTION: ClassVar[str] = "services"
    SECRETS: ClassVar[tuple[str, ...]] = ("conference_pin",)
    HELP: ClassVar[dict[str, str]] = {
        "voicemail": "number of the voicemail, such as *98; with a user's number after it, of that box; empty is off",
        "echo": "number of the echo test, such as *43; empty is off",
        "time": "number of the speaking clock, such as *60; empty is off",
        "music": "number that lets music be heard, such as *68, for phones and parked calls (RFC 7088); empty is off",
        "conference": "numbers of the conference rooms, X for any digit, such as 8XXX; empty is off",
        "music_file": "WAV file of the music",
        "prompts": "folder with WAV files of your own in place of the English ones (docs/services.md lists them)",
        "codecs": "codecs of the services, best first, separated by commas",
        "strangers": "let callers from elsewhere, whom nobody has proven, call echo, time, music and conferences",
        "max_calls": "calls of services at once, those of a paging group included",
        "conference_members": "callers in one conference room",
        "conference_pin": "digits that every conference room asks for; empty for none",
        "message_s": "longest message in seconds",
        "message_quiet_s": "seconds of silence that end a message",
        "messages": "messages that one box takes; further callers hear that it is full",
        "reserve_mb": "no message is taken while less than so many megabytes are free on the disk",
        "keep_days": "days after which messages that were heard are deleted; 0 keeps them for ever",
        "page_s": "longest page in seconds",
        "rtp_first_port": "lowest UDP port for the sound of services; each call takes an even port and the next one",
        "rtp_last_port": "highest UDP port for the sound of the services",
        "silent_s": "a call of a service ends when no sound at all has come for so many seconds",
    }

    voicemail: str = ""
    echo: str = ""
    time: str = ""
    music: str = ""
    conference: str = ""
    music_file: str = ""
    prompts: str = ""
    codecs: str = "G722,PCMA,PCMU"
    strangers: bool = False
    max_calls: int = 16
    conference_members: int = 10
    conference_pin: str = ""
    message_s: int = 180
    message_quiet_s: int = 6
    messages: int = 50
    reserve_mb: int = 64
    keep_days: int = 0
    page_s: int = 60
    rtp_first_port: int = 17_000
    rtp_last_port: int = 17_199
    silent_s: int = 60

    def faults(self) -> list[str]:
        """Everything wrong with these settings, in words."""
        found = [f"services.{text}" for text in (*self._number_faults(), *codec_faults(self.codecs))]
        for name, lowest, highest in (
            ("max_calls", 1, 100),
            ("conference_members", 2, 100),
            ("message_s", 5, 3600),
            ("message_quiet_s", 2, 60),
            ("messages", 1, 1000),
            ("reserve_mb", 1, 100_000),
            ("keep_days", 0, 3650),
            ("page_s", 5, 3600),
            ("silent_s", 10, 3600),
        ):
            if not lowest <= getattr(self, name) <= highest:
                found.append(f"services.{name}: {getattr(self, name)} is not between {lowest} and {highest}")
        if not 1024 <= self.rtp_first_port < self.rtp_last_port <= 65_535:
            found.append(
                f"services.rtp_first_port, rtp_last_port: {self.rtp_first_port} to {self.rtp_last_port} is no range of"
                " ports within 1024 to 65535"
            )
        if self.music and not self.music_file:
            found.append("services.music_file: name a WAV file, or leave services.music empty")
        for name in ("music_file", "prompts"):
            if getattr(self, name) and not getattr(self, name).startswith("/"):
                found.append(f"services.{name}: {getattr(self, name)!r} does not begin with /: give the whole path")
        if self.conference_pin and not is_digits(self.conference_pin):
            found.append("services.conference_pin: is not made of digits alone")
        return found

    def _number_faults(self) -> list[str]:
        found: list[str] = []
        taken: dict[str, str] = {}
        for name in ("voicemail", "echo", "time", "music", "conference"):
            number = getattr(self, name)
            if not number:
                continue
            fault = number_fault(number, pattern=name == "conference")
            if fault:
                found.append(f"{name}: {fault}")
            elif number in taken:
                found.append(f"{name}: {number} is the number of {taken[number]} already")
            taken[number] = name
        return found


def number_fault(number: str, *, pattern: bool = False) -> str:
    """What is wrong with the number of a service, "" for nothing."""
    allowed = NUMBER_CHARACTERS + PATTERN_CHARACTER * pattern
    if not number or any(letter not in allowed for letter in number):
        return f"{number!r} is not made of {allowed} alone"
    if number[0] == PATTERN_CHARACTER:
        return f"{number!r} would take every number of that length: begin with a digit or *"
    if len(number) < 2:
        return f"{number!r} is too short: take two characters or more"
    return ""
