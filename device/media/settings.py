"""The settings of calls' sound on the wire: codecs, packet time, jitter buffer, telephone events, tones."""

from device.annotations import ClassVar
from device.media.codecs import CODEC_NAMES, PACKET_TIMES_MS
from device.media.errors import UnknownToneError
from device.media.stream_parameters import OPUS_BIT_RATE
from device.media.tone_plan import COUNTRIES, TONE_NAMES
from device.model import DTMF_WAYS
from device.records import dataclass

DYNAMIC_PAYLOAD_TYPES = range(96, 128)
"""Payload types free for negotiation (RFC 3551 section 6)."""

DETECTOR_CHOICES = ("auto", "on", "off")


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """Section "media" of the settings."""

    SECTION: ClassVar[str] = "media"
    HELP: ClassVar[dict[str, str]] = {
        "codecs": "codecs we offer and accept, best first, separated by commas: " + ", ".join(CODEC_NAMES),
        "ptime_ms": "length of the packets that we send unless the peer asks for another, in ms",
        "telephone_event_payload_type": "payload type 96 to 127 that we offer for keypad digits (RFC 4733)",
        "dtmf": "how digits are sent: auto (RFC 4733 where agreed, else INFO where the far end allows it, else in the"
        " speech band), or always rtp, info-relay, info or inband; an account may say otherwise",
        "dtmf_detector": "whether the tones of keys are looked for in what the far end says: auto (where a door code is"
        " set and no RFC 4733 was agreed), on (in every call) or off",
        "digit_ms": "length of a digit that we send, in ms",
        "digit_gap_ms": "pause between two digits that we send, in ms",
        "digit_level_db": "level of a sent digit in dBm0, -63 to 0; of tones that of the higher, 2 dB above the other",
        "jitter_start_ms": "delay that the jitter buffer begins with, in ms",
        "jitter_min_ms": "smallest delay that the jitter buffer shrinks to on a calm network, in ms",
        "jitter_max_ms": "largest delay that the jitter buffer grows to, in ms",
        "tones": "country whose tones the phone plays: " + ", ".join(COUNTRIES),
        "own_tones": "tones of your own, such as DIAL=350+440; BUSY=425/250,0/250 (docs/sound.md)",
        "tone_level_db": "level of each frequency of a tone in dB below full scale, from -60 to 0",
        "symmetric": "send to where the peer's packets come from, for peers behind address translation (yes or no)",
        "dscp": "mark of our sound's packets for routers, 0 to 63 (RFC 2474); 46 is expedited forwarding, 0 none",
        "opus_kbit_s": "bit rate of Opus in kbit/s with its redundancy, from 8 to 128; little is gained above 64",
        "dtx": "send nothing while nobody speaks, with codecs that can (Opus); saves data on paid lines (yes or no)",
        "silence_suppression": "send a description of the background instead of packets while nobody speaks, where the"
        " far end takes comfort noise (RFC 3389)",
        "hold_music": "WAV file that the far end hears while it is on hold; empty for silence",
        "record_notice": "let both sides hear a tone every 15 s while a call is recorded",
        "record_reserve_mb": "a recording ends when less than so many megabytes are left on the disk, 1 to 100000",
        "rtcp": "send and expect control packets with loss and delay figures (yes or no)",
        "rtcp_xr": "offer and send extended reports of voice quality, RFC 3611 (yes or no)",
    }

    codecs: str = "PCMA,PCMU"
    ptime_ms: int = 20
    telephone_event_payload_type: int = 101
    dtmf: str = "auto"
    dtmf_detector: str = "auto"
    digit_ms: int = 100
    digit_gap_ms: int = 100
    digit_level_db: int = -10
    jitter_start_ms: int = 40
    jitter_min_ms: int = 20
    jitter_max_ms: int = 300
    tones: str = "itu"
    own_tones: str = ""
    tone_level_db: int = -16
    symmetric: bool = True
    dscp: int = 46
    rtcp: bool = True
    silence_suppression: bool = False
    hold_music: str = ""
    record_notice: bool = False
    record_reserve_mb: int = 64
    rtcp_xr: bool = True
    opus_kbit_s: int = OPUS_BIT_RATE // 1000
    dtx: bool = False

    @property
    def codec_names(self) -> tuple[str, ...]:
        """The codecs in order of preference, upper-case."""
        return split_codecs(self.codecs)

    def faults(self) -> list[str]:
        """Every fault in words; empty when all is well."""
        checks = (
            (
                self.ptime_ms in PACKET_TIMES_MS,
                f"ptime_ms: {self.ptime_ms} is not one of {', '.join(map(str, PACKET_TIMES_MS))}",
            ),
            (
                self.telephone_event_payload_type in DYNAMIC_PAYLOAD_TYPES,
                f"telephone_event_payload_type: {self.telephone_event_payload_type} is not between 96 and 127",
            ),
            (self.dtmf in DTMF_WAYS, f"dtmf: {self.dtmf!r} is not one of {', '.join(DTMF_WAYS)}"),
            (
                self.dtmf_detector in DETECTOR_CHOICES,
                f"dtmf_detector: {self.dtmf_detector!r} is not one of {', '.join(DETECTOR_CHOICES)}",
            ),
            (40 <= self.digit_ms <= 5000, f"digit_ms: {self.digit_ms} is not between 40 and 5000"),
            (40 <= self.digit_gap_ms <= 5000, f"digit_gap_ms: {self.digit_gap_ms} is not between 40 and 5000"),
            (-63 <= self.digit_level_db <= 0, f"digit_level_db: {self.digit_level_db} is not between -63 and 0"),
            (
                0 <= self.jitter_min_ms <= self.jitter_start_ms <= self.jitter_max_ms <= 2000,
                f"jitter_min_ms, jitter_start_ms, jitter_max_ms: {self.jitter_min_ms}, {self.jitter_start_ms},"
                f" {self.jitter_max_ms} must rise from at least 0 to at most 2000",
            ),
            (self.tones in COUNTRIES, f"tones: {self.tones!r} is not one of {', '.join(COUNTRIES)}"),
            (8 <= self.opus_kbit_s <= 128, f"opus_kbit_s: {self.opus_kbit_s} is not between 8 and 128"),
            (
                not self.hold_music or self.hold_music.startswith("/"),
                f"hold_music: {self.hold_music!r} does not begin with /: give the whole path of a file",
            ),
            (
                1 <= self.record_reserve_mb <= 100_000,
                f"record_reserve_mb: {self.record_reserve_mb} is not between 1 and 100000",
            ),
            (0 <= self.dscp <= 63, f"dscp: {self.dscp} is not between 0 and 63"),
            (-60 <= self.tone_level_db <= 0, f"tone_level_db: {self.tone_level_db} is not between -60 and 0"),
        )
        faults = codec_faults(self.codecs) + [text for holds, text in checks if not holds]
        found = [f"{self.SECTION}.{text}" for text in faults]
        return found + [f"{self.SECTION}.own_tones: {text}" for text in self._tone_faults()]

    def _tone_faults(self) -> list[str]:
        if not self.own_tones:
            return []
        from device.media.tone_notation import parse_own_tones  # noqa: PLC0415  # few have tones of their own

        try:
            unknown = [name for name in parse_own_tones(self.own_tones) if name not in TONE_NAMES]
        except UnknownToneError as error:
            return [str(error)]
        return [f"there is no tone {name}; there are {', '.join(TONE_NAMES)}" for name in unknown]


def split_codecs(text: str) -> tuple[str, ...]:
    """A list of codecs in order of preference, as it is typed; upper-case."""
    return tuple(name.strip().upper() for name in text.split(",") if name.strip())


def codec_faults(text: str) -> list[str]:
    """What is wrong with such a list, in words."""
    names = split_codecs(text)
    checks = (
        (bool(names), "codecs: at least one codec is needed"),
        (all(name in CODEC_NAMES for name in names), f"codecs: {text!r} names more than {', '.join(CODEC_NAMES)}"),
        (len(set(names)) == len(names), f"codecs: {text!r} names a codec twice"),
    )
    return [fault for holds, fault in checks if not holds]
