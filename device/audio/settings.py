"""The settings of sound: which card, how it is driven, how loud."""

from device.annotations import ClassVar
from device.records import dataclass

KINDS = ("alsa", "wav", "null")
PROFILES = ("handset", "headset", "hands-free")
ECHO_WAYS = ("auto", "cancel", "half-duplex", "off")
AUTO_SWITCH = ("auto", "on", "off")
GAIN_LIMIT_DB = 30.0
SIDE_TONE_OFF_DB = -60.0


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """Section `[audio]`."""

    SECTION: ClassVar[str] = "audio"

    kind: str = "alsa"
    capture_device: str = "default"
    playback_device: str = "default"
    rate_hz: int = 0
    period_ms: int = 0
    playback_margin_ms: int = 0
    wav_in: str = ""
    wav_in_loop: bool = True
    wav_out: str = ""
    profile: str = "handset"
    echo: str = "auto"
    noise_suppression: str = "auto"
    auto_gain: str = "auto"
    mic_gain_db: float = 0.0
    ear_gain_db: float = 0.0
    tone_gain_db: float = 0.0
    ear_limit_db: float = -3.0
    side_tone_db: float = -60.0
    rtp_timeout_s: float = 30.0
    linger_s: float = 1.0
    real_time_priority: int = 10

    HELP: ClassVar[dict[str, str]] = {
        "kind": 'what plays and captures: "alsa" (a sound card), "wav" (files) or "null" (silence in real time)',
        "capture_device": 'ALSA name of the microphone, e.g. "default", "plughw:CARD=Device", or "none"',
        "playback_device": 'ALSA name of the ear piece, e.g. "default", "plughw:CARD=Device", or "none"',
        "rate_hz": "sample rate asked of the card: 8000, 16000 or 48000 Hz; 0 asks for that of the calls",
        "period_ms": "ALSA period in ms, 5 to 40; 0 picks the one measured best",
        "playback_margin_ms": "sound kept queued in the card against late wake-ups in ms, 5 to 200; 0 picks it",
        "wav_in": "kind wav: the file that the microphone hears; empty for silence",
        "wav_in_loop": "kind wav: start wav_in again at its end, instead of silence",
        "wav_out": "kind wav: the file that what is heard is written to; empty for none",
        "profile": "what is spoken into, which decides the three settings that are auto: " + ", ".join(PROFILES),
        "echo": "the loudspeaker in the microphone: auto (cancel when hands-free), cancel, half-duplex or off",
        "noise_suppression": "noise behind the voice is weakened: auto (when headset or hands-free), on or off",
        "auto_gain": "the voice is brought to an even level: auto (when hands-free), on or off",
        "mic_gain_db": "gain of the microphone in dB, -30 to 30",
        "ear_gain_db": "gain of all that is heard in dB, -30 to 30",
        "tone_gain_db": "gain of the tones in dB, -30 to 30",
        "ear_limit_db": "loudest peak that is heard, in dB below full scale, -40 to 0; protects the ear, 0 is off",
        "side_tone_db": "gain of the own voice in the ear during a call in dB, -60 to 0; -60 is off",
        "rtp_timeout_s": "seconds without RTP after which a call is reported as silent; 0 never",
        "linger_s": "seconds that the card stays open after the last sound, ready for the next",
        "real_time_priority": "SCHED_FIFO priority of the audio thread where allowed, 1 to 50; 0 for none",
    }

    def faults(self) -> list[str]:
        """Every fault in words; an empty list for none."""
        found = []
        if self.kind not in KINDS:
            found.append(f"audio.kind: {self.kind!r} is not one of {', '.join(KINDS)}")
        for name, choices in (
            ("profile", PROFILES),
            ("echo", ECHO_WAYS),
            ("noise_suppression", AUTO_SWITCH),
            ("auto_gain", AUTO_SWITCH),
        ):
            if getattr(self, name) not in choices:
                found.append(f"audio.{name}: {getattr(self, name)!r} is not one of {', '.join(choices)}")
        if self.kind == "alsa":
            for name in ("capture_device", "playback_device"):
                if not getattr(self, name):
                    found.append(f'audio.{name}: give an ALSA name, e.g. "default" (offhook lists them), or "none"')
        if self.rate_hz not in (0, 8000, 16000, 48000):
            found.append(f"audio.rate_hz: {self.rate_hz} is not one of 0, 8000, 16000, 48000")
        for name, low, high, zero in (
            ("period_ms", 5, 40, True),
            ("playback_margin_ms", 5, 200, True),
            ("mic_gain_db", -GAIN_LIMIT_DB, GAIN_LIMIT_DB, False),
            ("ear_gain_db", -GAIN_LIMIT_DB, GAIN_LIMIT_DB, False),
            ("tone_gain_db", -GAIN_LIMIT_DB, GAIN_LIMIT_DB, False),
            ("ear_limit_db", -40, 0, False),
            ("side_tone_db", SIDE_TONE_OFF_DB, 0, False),
            ("rtp_timeout_s", 0, 3600, False),
            ("linger_s", 0, 60, False),
            ("real_time_priority", 0, 50, False),
        ):
            value = getattr(self, name)
            if not (low <= value <= high or (zero and value == 0)):
                found.append(f"audio.{name}: {value:g} is not {'0 or ' if zero else ''}between {low:g} and {high:g}")
        return found
