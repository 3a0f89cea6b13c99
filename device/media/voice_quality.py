"""How good a call sounds: the E-model (ITU-T G.107, G.107.1) fed with what a receiver has counted."""

from device.media.e_model import WIDE_BAND_SCALE as SCALE
from device.media.e_model import Transmission, opinion_score, rating, wide_band_rating
from device.media.stream_parameters import StreamReport
from device.records import dataclass

SOUND_CARDS_MS = 20.0
"""Delay of two sound cards, one that captures and one that plays, beside the length of a packet and the jitter buffer.

Measured on ours as 1 and 16 ms (docs/benchmarks.md); another phone's is not known better.
"""


@dataclass(frozen=True, slots=True)
class Impairment:
    """What a codec takes away by itself, and how it stands loss."""

    ie: float
    bpl: float
    wide_band: bool = False
    """Both figures, and the rating, are those of G.107.1: out of 129."""


IMPAIRMENTS = {
    "PCMA": Impairment(0, 25.1),
    "PCMU": Impairment(0, 25.1),
    "L16": Impairment(0, 15),
    "G726-32": Impairment(7, 8.5),
    "GSM": Impairment(20, 20),
    "SPEEX": Impairment(10, 15),
    "G722": Impairment(13, 2, wide_band=True),
    "OPUS": Impairment(3, 40, wide_band=True),
    "SPEEX/16000": Impairment(25, 4, wide_band=True),
    "L16/16000": Impairment(0, 8, wide_band=True),
}
"""By the name in the settings. From ITU-T G.113 Appendix I are both figures of G.711 (with its concealment), and Ie of
G.726, GSM and G.722. For all else the ITU has nothing: it is fitted to the PESQ of our own decoders at losses of 1 to
10 % (docs/quality.md). The same fit gives G.711 a Bpl of 20 to 28 and GSM an Ie of 21."""
UNKNOWN = Impairment(10, 10)
"""For a codec that nobody has rated: about that of G.729."""


@dataclass(frozen=True, slots=True)
class VoiceQuality:
    """Ratings and opinion scores, for who only listens and for two who talk."""

    r_listening: float
    """Out of 93.2, or of 129 where the codec is a wide-band one."""
    r_conversational: float
    mos_listening: float
    mos_conversational: float
    wide_band: bool


def assess(codec: str, missing_share: float, burst_ratio: float, delay_ms: float) -> VoiceQuality:
    """The quality of what is heard through `codec` when that share of packets, 0 to 1, was not there in time.

    `delay_ms` is that from mouth to ear.
    """
    impairment = IMPAIRMENTS.get(codec, UNKNOWN)
    ie, bpl, ppl = impairment.ie, impairment.bpl, 100.0 * missing_share
    if impairment.wide_band:
        listening, talking = (wide_band_rating(ie, bpl, ppl, burst_ratio, ta_ms) for ta_ms in (0.0, delay_ms))
        return _scored(listening, talking, SCALE)
    still = Transmission(ie=ie, bpl=bpl, ppl=ppl, burst_r=burst_ratio)
    late = Transmission(ie=ie, bpl=bpl, ppl=ppl, burst_r=burst_ratio, t_ms=delay_ms, tr_ms=2 * delay_ms, ta_ms=delay_ms)
    return _scored(rating(still), rating(late), 1.0)


def assess_stream(report: StreamReport, round_trip_ms: float | None, buffer_ms: float) -> VoiceQuality | None:
    """The quality of a call with these counters; None while nothing has come whose turn it was to be played."""
    if not report.packets_expected:
        return None
    return assess(
        report.codec_received or report.codec,
        report.packets_missing / report.packets_expected,
        report.burst_ratio,
        mouth_to_ear_ms(round_trip_ms, buffer_ms, report.ptime_ms),
    )


def _scored(listening: float, talking: float, scale: float) -> VoiceQuality:
    return VoiceQuality(
        max(0.0, listening),
        max(0.0, talking),
        opinion_score(listening / scale),
        opinion_score(talking / scale),
        scale > 1,
    )


def mouth_to_ear_ms(round_trip_ms: float | None, buffer_ms: float, ptime_ms: float) -> float:
    """Delay from mouth to ear as far as it can be known here: half the round trip, packets, buffer, cards."""
    return (round_trip_ms or 0.0) / 2 + buffer_ms + ptime_ms + SOUND_CARDS_MS
