"""From the settings to the device that they name."""

from device.audio.interfaces import AudioDevice, AudioSink, AudioSource
from device.audio.settings import AudioSettings

NO_DEVICE = "none"
"""In place of an ALSA name: no microphone, or nothing to hear with."""


def make_device(settings: AudioSettings) -> AudioDevice:
    """The device of the settings, still closed. Raises AudioError when the package for it is not installed."""
    if settings.kind == "alsa":
        return _alsa_device(settings)
    if settings.kind == "wav":
        return _wav_device(settings)
    return AudioDevice("null", _silence(), _nobody())


def _alsa_device(settings: AudioSettings) -> AudioDevice:
    from device.audio.alsa import AlsaCapture, AlsaPlayback  # noqa: PLC0415  # only where a card is used
    from device.audio.alsa_pcm import load_alsaaudio  # noqa: PLC0415

    load_alsaaudio()
    hears, plays = settings.capture_device != NO_DEVICE, settings.playback_device != NO_DEVICE
    source: AudioSource = (
        AlsaCapture(settings.capture_device, settings.rate_hz, settings.period_ms) if hears else _silence()
    )
    sink: AudioSink = (
        AlsaPlayback(settings.playback_device, settings.rate_hz, settings.playback_margin_ms) if plays else _nobody()
    )
    both = (settings.playback_device, settings.capture_device)
    return AudioDevice(both[0] if both[0] == both[1] else " and ".join(both), source, sink)


def _wav_device(settings: AudioSettings) -> AudioDevice:
    from device.audio.wav import WavSink, WavSource  # noqa: PLC0415  # only where files are used

    source: AudioSource = WavSource(settings.wav_in, settings.wav_in_loop) if settings.wav_in else _silence()
    sink: AudioSink = WavSink(settings.wav_out, settings.rate_hz) if settings.wav_out else _nobody()
    return AudioDevice(f"{settings.wav_in or 'silence'} and {settings.wav_out or 'nothing'}", source, sink)


def _silence() -> AudioSource:
    from device.audio.null import NullSource  # noqa: PLC0415  # a set with a card has both

    return NullSource()


def _nobody() -> AudioSink:
    from device.audio.null import NullSink  # noqa: PLC0415

    return NullSink()
