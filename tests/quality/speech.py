"""Speech for the listening bench: people recorded for Debian's packages of telephone sounds."""

from pathlib import Path

from device.media import pcm
from device.media.codecs import codec_class, new_codec
from device.media.resample import Resampler

FOLDER = Path("/usr/share/asterisk/sounds")
SPEAKERS = {
    "english, woman": "en_US_f_Allison/demo-instruct.g722",
    "italian, man": "it_IT_m_Carlo/demo-instruct.g722",
    "russian, woman": "ru_RU_f_IvrvoiceRU/demo-instruct.g722",
    "french, woman": "fr_CA_f_June/demo-instruct.g722",
}
CLIP_S = 12.0
START_S = 3.0


def clip(speaker: str, codec_name: str) -> tuple[bytes, int]:
    """Twelve seconds of a speaker as S16LE mono at the codec's rate, its peak 6 dB below full scale, and that rate."""
    rate_hz = codec_class(codec_name).sample_rate_hz
    octets = (FOLDER / SPEAKERS[speaker]).read_bytes()
    codec = new_codec("G722")
    sound = b"".join(codec.decode(octets[start : start + 160]) for start in range(0, len(octets), 160))
    sound = sound[int(32000 * START_S) :][: int(32000 * CLIP_S)]
    if rate_hz != 16000:
        sound = Resampler(16000, rate_hz).convert(sound)
    return pcm.scale(sound, pcm.FULL_SCALE / 2 / pcm.peak(sound)), rate_hz
