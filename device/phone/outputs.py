"""Tone, bell, lamps and audio path as they follow from the line's state; says what must be switched, never twice."""

from device.phone.commands import (
    LAMPS,
    Command,
    SelectAudioPath,
    SetLamp,
    StartRinger,
    StartTone,
    StopRinger,
    StopTone,
)
from device.phone.line import Line
from device.phone.states import PhoneState

_CONFIRMATION = "CONFIRMATION"
_TONES = {
    PhoneState.DIAL_TONE: "DIAL",
    PhoneState.BUSY_TONE: "BUSY",
    PhoneState.REORDER: "REORDER",
    PhoneState.HOWLER: "HOWLER",
}
_TALKING = (PhoneState.CONNECTED, PhoneState.HELD)


def wanted_tone(line: Line) -> str:
    """The tone that belongs to the line as it is, empty for none."""
    tone = _TONES.get(line.state, "")
    if line.state is PhoneState.DIAL_TONE and line.messages_waiting:
        tone = "MESSAGE_WAITING"
    if line.state is PhoneState.REORDER and line.number_unknown:
        tone = line.settings.unknown_number_tone
    if line.state is PhoneState.OUT_OF_SERVICE and line.lifted:
        tone = line.settings.out_of_service_tone
    elif line.state is PhoneState.RINGBACK and line.standing_call().ringback:
        tone = "RINGBACK"
    elif line.state in _TALKING and line.beeping:
        tone = _CONFIRMATION
    return "" if line.silenced else tone


def wanted_ring(line: Line) -> str:
    """The cadence of the bell: the caller's wish where that counts, or else ours."""
    alert = line.standing_call().alert if line.settings.distinctive_ring else ""
    return alert or line.settings.ring_pattern


def wanted_lamps(line: Line) -> dict[str, str]:
    """Which lamps are "on" or blink; the others are off."""
    lamps = {
        "registered": "on" if line.registered and line.by_account else "off",
        "ringing": "blink" if line.state is PhoneState.ALERTING and not line.is_announcing else "off",
        "missed": "blink" if line.missed_calls else "off",
        "message": "on" if line.messages_waiting else "off",
    }
    talking = "blink" if line.state in (PhoneState.HELD, PhoneState.TRANSFERRING) else "on"
    lamps["in_call"] = "off" if line.call is None or line.state is PhoneState.ALERTING else talking
    return lamps


class Outputs:
    """What is switched on now."""

    __slots__ = ("audio_path", "lamps", "ringing", "tone")

    def __init__(self) -> None:
        self.tone = ""
        self.ringing = False
        self.audio_path = "handset"
        self.lamps = dict.fromkeys(LAMPS, "off")

    def follow(self, line: Line) -> tuple[list[Command], list[Command]]:
        """What must be done before and after the event's own commands.

        Sound stops and the path is chosen before a call is placed or answered; what begins, begins after.
        """
        before: list[Command] = []
        after: list[Command] = []
        self._follow_sound(line, before, after)
        for name, state in wanted_lamps(line).items():
            if self.lamps[name] != state:
                self.lamps[name] = state
                after.append(SetLamp(name, state))
        return before, after

    def _follow_sound(self, line: Line, before: list[Command], after: list[Command]) -> None:
        tone, ringing = wanted_tone(line), line.state is PhoneState.ALERTING and not line.is_announcing
        if self.tone and not tone:
            before.append(StopTone())
        if self.ringing and not ringing:
            before.append(StopRinger())
        path = "handset" if line.lifted else "loudspeaker"
        if path != self.audio_path and (tone or (line.call is not None and line.state is not PhoneState.ALERTING)):
            self.audio_path = path
            before.append(SelectAudioPath(path))
        if tone and tone != self.tone:
            after.append(StartTone(tone))
        if ringing and not self.ringing:
            after.append(StartRinger(wanted_ring(line)))
        self.tone, self.ringing = tone, ringing
