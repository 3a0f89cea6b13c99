"""Steps about the telephone on the desk: the country, what lifting the handset does, bell and volume."""

import time

from device.console.errors import BrokenOffError
from device.console.phone_time import TIME_ZONE
from device.console.setup.kept import keep, value_of
from device.console.setup.questions import ask, choose, confirm
from device.console.setup.time_zones import ZONES
from device.console.shell import Shell
from device.console.steps import Dialogue, Pause
from device.control.errors import ControlError
from device.local_time import use_zone, zone_fault

RING_S = 3
SYSTEM_ZONE = "system"
"""What is typed for the zone that the system has."""
TONES, CADENCE = "media.tones", "hardware.cadence"


def country_step(shell: Shell) -> Dialogue:
    """Tones, ringing and time zone of a country; the clock itself is the system's."""
    help_text = str(shell.ask("settings.get", key=TONES)["help"])
    codes = [word.strip() for word in help_text.partition(":")[2].split(",") if word.strip()]
    country = yield from choose(
        shell, f"country ({', '.join(codes)})", [(code, "") for code in codes], value_of(shell, TONES), listed=False
    )
    shell.say(f"  tones: {country}")
    keep(shell, "country", {TONES: country})
    try:
        keep(shell, "ringing", {CADENCE: "eu" if country == "itu" else country})
    except ControlError:
        keep(shell, "ringing", {CADENCE: "eu"})
    yield from _time_zone(shell, country)
    if (yield from confirm(shell, "hear the dial tone", False)):
        yield Pause(float(shell.ask("test.tone", name="dial", seconds=RING_S)["seconds"]))


def _time_zone(shell: Shell, country: str) -> Dialogue:
    """In which zone times are told; that of the country is the default."""
    zones, present = ZONES.get(country, {}), value_of(shell, TIME_ZONE)
    fits = not zones or present in (*zones, *zones.values())
    default = (present or SYSTEM_ZONE) if fits else next(iter(zones))
    known = f"{', '.join(zones) or 'a name such as Europe/Berlin'}; or a rule, or {SYSTEM_ZONE}"
    typed = yield from ask(shell, "time zone", default, help_text=known, check=lambda text: zone_fault(_zone(text)))
    keep(shell, "time zone", {TIME_ZONE: _zone(typed)})
    use_zone(_zone(typed))
    shell.say(f"  it is {time.strftime('%Y-%m-%d %H:%M %Z', time.localtime(shell.wall_clock()))}")


def _zone(typed: str) -> str:
    """What is set for a zone that was typed: its rule where the system has no such file."""
    if typed == SYSTEM_ZONE:
        return ""
    rules = {name: rule for zones in ZONES.values() for name, rule in zones.items()}
    return rules[typed] if typed in rules and zone_fault(typed) else typed


def off_hook_step(shell: Shell) -> Dialogue:
    """Dial tone, a hotline, or an intercom that answers by itself."""
    hotline, answers = value_of(shell, "phone.hotline"), value_of(shell, "phone.auto_answer")
    present = "hotline" if hotline else "intercom" if answers == "always" else "dial-tone"
    choices = [
        ("dial-tone", "a dial tone; the person dials"),
        ("hotline", "one number is called at once"),
        ("intercom", "nothing is lifted: calls are answered by themselves, buttons call"),
    ]
    what = yield from choose(shell, "lifting the handset gives", choices, present)
    settings = {"phone.hotline": "", "phone.auto_answer": "off"}
    if what == "hotline":
        settings["phone.hotline"] = yield from ask(
            shell,
            "number to call",
            hotline,
            help_text="a number or a SIP address, such as 1002 or sip:door@192.0.2.7",
            check=lambda text: "" if text else "a hotline needs its number",
        )
    elif what == "intercom":
        settings["phone.auto_answer"] = "always"
        targets = value_of(shell, "phone.button_targets")
        settings["phone.button_targets"] = yield from ask(
            shell,
            "whom the buttons call (name=number, by comma)",
            targets or "door=100",
            help_text="door=100,bell2=101",
        )
    keep(shell, "off-hook", settings)


def volume_step(shell: Shell) -> Dialogue:
    """Let it ring, and set how loud everything is."""
    if (yield from confirm(shell, "let the bell ring", True)):
        try:
            yield Pause(float(shell.ask("test.ring", seconds=RING_S)["seconds"]))
        except BrokenOffError:
            shell.ask("test.stop")
            raise
    settings = {}
    for key, what in (("audio.ear_gain_db", "ear piece"), ("audio.mic_gain_db", "microphone")):
        settings[key] = yield from ask(
            shell,
            f"gain of the {what} in dB, -30 to 30",
            value_of(shell, key),
            help_text="0 leaves it as the card gives it; 6 is twice as loud",
            check=_gain_fault,
        )
    keep(shell, "volume", settings)


def _gain_fault(text: str) -> str:
    try:
        return "" if -30 <= float(text) <= 30 else "between -30 and 30, please"
    except ValueError:
        return f"{text!r} is no number"
