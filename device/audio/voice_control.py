"""Which treatment the voice gets before it is sent: by the profile of the set, or by single settings."""

from collections.abc import Callable

from device.annotations import TYPE_CHECKING
from device.audio.settings import AudioSettings
from device.media.errors import CodecUnavailableError

if TYPE_CHECKING:
    from device.media.hands_free import EchoControl

HANDS_FREE, HEADSET = "hands-free", "headset"


def wants_control(settings: AudioSettings) -> bool:
    """Whether there is anything to do; a plain handset has nothing, and loads nothing."""
    return _echo(settings) != "off" or _noise(settings) or _gain(settings)


def make_control(settings: AudioSettings, rate_hz: int, tell: Callable[[str], None]) -> "EchoControl | None":
    """What the settings ask for, at a rate. Where the library is missing, `tell` says so and what is done instead."""
    from device.media.hands_free import HalfDuplex  # noqa: PLC0415  # for sets without a handset

    echo = _echo(settings)
    if echo == "half-duplex" and not _noise(settings) and not _gain(settings):
        return HalfDuplex()
    try:
        from device.media.speex_dsp import SpeexVoice  # noqa: PLC0415  # brings ctypes and a library

        voice = SpeexVoice(rate_hz, echo == "cancel", _noise(settings), _gain(settings))
    except CodecUnavailableError as error:
        if echo == "off":
            tell(f"the voice is sent as it is: {error}")
            return None
        tell(f"one speaks at a time (half-duplex): {error}")
        return HalfDuplex()
    return voice if echo != "half-duplex" else InTurn(HalfDuplex(), voice)


class InTurn:
    """One treatment after the other. An EchoControl."""

    def __init__(self, first: "EchoControl", then: "EchoControl") -> None:
        self._first = first
        self._then = then

    def to_ear(self, frame: bytes) -> bytes:
        return self._then.to_ear(self._first.to_ear(frame))

    def from_mouth(self, captured: bytes) -> bytes:
        return self._then.from_mouth(self._first.from_mouth(captured))


def _echo(settings: AudioSettings) -> str:
    if settings.echo != "auto":
        return settings.echo
    return "cancel" if settings.profile == HANDS_FREE else "off"


def _noise(settings: AudioSettings) -> bool:
    if settings.noise_suppression != "auto":
        return settings.noise_suppression == "on"
    return settings.profile in (HANDS_FREE, HEADSET)


def _gain(settings: AudioSettings) -> bool:
    if settings.auto_gain != "auto":
        return settings.auto_gain == "on"
    return settings.profile == HANDS_FREE
