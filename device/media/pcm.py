"""Arithmetic on PCM through audioop: the one place that imports it, so that Python only moves buffers.

PCM is mono, signed, 16 bits in the machine's order; every board that we know is little-endian, hence S16LE.
"""

import warnings
from array import array
from math import log10

with warnings.catch_warnings():
    # The module of Python 3.11 and 3.12 announces its removal; from 3.13 on it comes from the package audioop-lts.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

SAMPLE_BYTES = 2
FULL_SCALE = 32767


def samples_in(duration_ms: float, rate_hz: int) -> int:
    """Whole samples of a duration."""
    return int(duration_ms * rate_hz / 1000)


def silence(samples: int) -> bytes:
    """So many zero samples."""
    return bytes(SAMPLE_BYTES * samples)


def mix(first: bytes, second: bytes) -> bytes:
    """Saturating sum; the shorter fragment counts as silence after its end."""
    if len(first) < len(second):
        first, second = second, first
    if len(first) > len(second):
        second += bytes(len(first) - len(second))
    return audioop.add(first, second, SAMPLE_BYTES)


def scale(pcm: bytes, factor: float) -> bytes:
    """Multiply every sample; saturates."""
    return audioop.mul(pcm, SAMPLE_BYTES, factor)


def gain(pcm: bytes, level_db: float) -> bytes:
    """Amplify (or weaken, below zero) by so many decibels; saturates."""
    return pcm if level_db == 0 else audioop.mul(pcm, SAMPLE_BYTES, amplitude(level_db))


def clip(pcm: bytes, limit: int) -> bytes:
    """Cut off what is above `limit`, from 1 to 32767."""
    return audioop.mul(audioop.mul(pcm, SAMPLE_BYTES, FULL_SCALE / limit), SAMPLE_BYTES, limit / FULL_SCALE)


def amplitude(level_db: float) -> float:
    """The factor of a level in decibels."""
    return float(10.0 ** (level_db / 20.0))


def decibels(level: int) -> float:
    """A level from 1 to 32768 in dB below full scale."""
    return 20.0 * log10(level / (FULL_SCALE + 1))


def rms(pcm: bytes) -> int:
    """Root mean square, 0 to 32767; 0 for an empty fragment."""
    return audioop.rms(pcm, SAMPLE_BYTES)


def peak(pcm: bytes) -> int:
    """Largest absolute sample, 0 to 32768; 0 for an empty fragment."""
    return audioop.max(pcm, SAMPLE_BYTES)


def encode_ulaw(pcm: bytes) -> bytes:
    """G.711 mu-law, one octet a sample."""
    return audioop.lin2ulaw(pcm, SAMPLE_BYTES)


def decode_ulaw(octets: bytes) -> bytes:
    """The samples of G.711 mu-law octets."""
    return audioop.ulaw2lin(octets, SAMPLE_BYTES)


def encode_alaw(pcm: bytes) -> bytes:
    """G.711 A-law, one octet a sample."""
    return audioop.lin2alaw(pcm, SAMPLE_BYTES)


def decode_alaw(octets: bytes) -> bytes:
    """The samples of G.711 A-law octets."""
    return audioop.alaw2lin(octets, SAMPLE_BYTES)


def to_array(pcm: bytes) -> "array[int]":
    """The samples as signed integers, for the few places that look at single ones."""
    return array("h", pcm)


def from_array(samples: "array[int]") -> bytes:
    """The reverse of `to_array`."""
    return samples.tobytes()


def swap_octets(pcm: bytes) -> bytes:
    """Between the machine's order of octets and the network's."""
    return audioop.byteswap(pcm, SAMPLE_BYTES)


def stereo_to_mono(pcm: bytes) -> bytes:
    """The mean of both channels of interleaved stereo."""
    return audioop.tomono(pcm, SAMPLE_BYTES, 0.5, 0.5)


def mono_to_stereo(pcm: bytes) -> bytes:
    """Interleaved stereo with the same samples in both channels."""
    return audioop.tostereo(pcm, SAMPLE_BYTES, 1.0, 1.0)


def interleave(left: bytes, right: bytes) -> bytes:
    """Stereo of two sounds of equal length."""
    return audioop.add(
        audioop.tostereo(left, SAMPLE_BYTES, 1, 0), audioop.tostereo(right, SAMPLE_BYTES, 0, 1), SAMPLE_BYTES
    )


def ramp(pcm: bytes, first: float, last: float) -> bytes:
    """Scale with a factor that goes evenly from `first` to `last`; a factor below zero counts as zero.

    Sample by sample in Python, 0.1 us each: for edges and losses, not for every frame.
    """
    samples = to_array(pcm)
    step = (last - first) / max(1, len(samples))
    for index, sample in enumerate(samples):
        samples[index] = int(sample * max(0.0, first + step * index))
    return from_array(samples)


def cross_fade(ending: bytes, beginning: bytes) -> bytes:
    """From one fragment evenly over into another of the same length."""
    return mix(ramp(ending, 1.0, 0.0), ramp(beginning, 0.0, 1.0))


def best_match(pcm: bytes, pattern: bytes) -> int:
    """Where in `pcm`, in samples, the shorter `pattern` lies with the least difference."""
    # audioop fits up to a factor, which may be negative; on top of a large constant only a factor of 1 fits.
    lifted = audioop.bias(audioop.mul(pcm, SAMPLE_BYTES, 0.25), SAMPLE_BYTES, FULL_SCALE // 2)
    wanted = audioop.bias(audioop.mul(pattern, SAMPLE_BYTES, 0.25), SAMPLE_BYTES, FULL_SCALE // 2)
    return audioop.findfit(lifted, wanted)[0]


def fit(pcm: bytes, pattern: bytes) -> tuple[int, float]:
    """Where in `pcm`, in samples, the shorter `pattern` is found best up to a factor, and that factor."""
    offset, _ = audioop.findfit(pcm, pattern)
    found = pcm[offset * SAMPLE_BYTES :][: len(pattern)]
    return offset, audioop.findfactor(found, pattern)


def thin_out(pcm: bytes, times: int) -> bytes:
    """A sound at a rate so many times lower, without a filter: good enough to be looked for, not to be heard."""
    return audioop.ratecv(pcm, SAMPLE_BYTES, 1, times * 1000, 1000, None)[0]


def factor_of(pcm: bytes, pattern: bytes) -> float:
    """How much of `pattern` is in `pcm`, of the same length: the sum of products over the pattern's own power."""
    return audioop.findfactor(pcm, pattern)


def weighted_sum(pieces: "list[tuple[memoryview, float]]") -> bytes:
    """Sum of fragments of equal length, each with its factor: one output of a filter.

    Small factors should come first: then nothing on the way to a sum within the limits is cut off. Each product is
    rounded down, so the sum lies half a step for each of them too low, some 65 dB below full scale.
    """
    total = b""
    for fragment, factor in pieces:
        term = audioop.mul(fragment, SAMPLE_BYTES, factor)
        total = audioop.add(total, term, SAMPLE_BYTES) if total else term
    return total


_WIDE_BYTES = 4


def convolve(pcm: bytes, response: "list[float]") -> bytes:
    """Filtered by a short response; the first samples, one less than it has, are only the filter's past.

    Summed in 32 bits, so that rounding is not heard in quiet sound.
    """
    wide = memoryview(audioop.lin2lin(pcm, SAMPLE_BYTES, _WIDE_BYTES))
    size = len(wide) - _WIDE_BYTES * (len(response) - 1)
    total = b""
    for at, factor in enumerate(reversed(response)):
        term = audioop.mul(wide[_WIDE_BYTES * at :][:size], _WIDE_BYTES, factor)
        total = audioop.add(total, term, _WIDE_BYTES) if total else term
    return audioop.lin2lin(audioop.bias(total, _WIDE_BYTES, 1 << 15), _WIDE_BYTES, SAMPLE_BYTES)


ROOM_FOR_VOICES = 256
"""So many sounds may be added in 32 bits without loss."""


def widen(pcm: bytes) -> bytes:
    """The samples in 32 bits, with room above them for ROOM_FOR_VOICES of the kind."""
    return audioop.mul(audioop.lin2lin(pcm, SAMPLE_BYTES, _WIDE_BYTES), _WIDE_BYTES, 1 / ROOM_FOR_VOICES)


def add_wide(first: bytes, second: bytes, factor: int = 1) -> bytes:
    """Sum of two fragments of `widen` of equal length, or with a factor of -1 the first without the second."""
    return audioop.add(first, second if factor == 1 else audioop.mul(second, _WIDE_BYTES, factor), _WIDE_BYTES)


def wide_peak(wide: bytes) -> float:
    """Largest sample of a fragment of `widen` or of a sum of them, 1.0 for full scale."""
    return audioop.max(wide, _WIDE_BYTES) * ROOM_FOR_VOICES / (1 << 31)


def narrow(wide: bytes, factor: float = 1.0) -> bytes:
    """Back to 16 bits, weakened by `factor`; saturates."""
    return audioop.lin2lin(audioop.mul(wide, _WIDE_BYTES, factor * ROOM_FOR_VOICES), _WIDE_BYTES, SAMPLE_BYTES)


def autocorrelation(pcm: bytes, order: int) -> "list[float]":
    """Sums of products of the samples with those so many, from none to `order`, before them, as shares of the first.

    All are 0 for silence.
    """
    if not audioop.rms(pcm, SAMPLE_BYTES):
        return [0.0] * (order + 1)
    view, found = memoryview(pcm), [1.0]
    for lag in range(1, order + 1):
        later, earlier = view[SAMPLE_BYTES * lag :], view[: len(pcm) - SAMPLE_BYTES * lag]
        share = len(earlier) / len(pcm)
        found.append(audioop.findfactor(later, earlier) * share if audioop.max(earlier, SAMPLE_BYTES) else 0.0)
    return found


def stretch(pcm: bytes, samples: int) -> bytes:
    """The fragment made longer or shorter to so many samples by linear interpolation."""
    have = len(pcm) // SAMPLE_BYTES
    if have == samples or not have:
        return pcm
    made, _ = audioop.ratecv(pcm, SAMPLE_BYTES, 1, have, samples, None)
    return (made + pcm[-SAMPLE_BYTES:] * (samples - len(made) // SAMPLE_BYTES))[: SAMPLE_BYTES * samples]


class RateConverter:
    """audioop's linear interpolation from one rate to another, with its state."""

    __slots__ = ("_from_hz", "_state", "_to_hz")

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._from_hz = from_hz
        self._to_hz = to_hz
        self._state: tuple[int, tuple[tuple[int, int], ...]] | None = None

    def convert(self, pcm: bytes) -> bytes:
        """The samples at the new rate."""
        converted, self._state = audioop.ratecv(pcm, SAMPLE_BYTES, 1, self._from_hz, self._to_hz, self._state)
        return converted
