"""Arithmetic on PCM (S16LE mono bytes) through audioop: the one place that imports it. Python only moves buffers."""

import sys
import warnings
from array import array

with warnings.catch_warnings():
    # The module of Python 3.11 and 3.12 announces its removal; from 3.13 on it comes from the package audioop-lts.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

SAMPLE_BYTES = 2
FRAME_MS = 20
"""What `MediaStream.next_frame` returns and what every mixing step works on."""
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


def amplitude(level_db: float) -> float:
    """The factor of a level in decibels."""
    return float(10.0 ** (level_db / 20.0))


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
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def from_array(samples: "array[int]") -> bytes:
    """The reverse of `to_array`; leaves its argument alone."""
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()


def stereo_to_mono(pcm: bytes) -> bytes:
    """The mean of both channels of interleaved stereo."""
    return audioop.tomono(pcm, SAMPLE_BYTES, 0.5, 0.5)


def mono_to_stereo(pcm: bytes) -> bytes:
    """Interleaved stereo with the same samples in both channels."""
    return audioop.tostereo(pcm, SAMPLE_BYTES, 1.0, 1.0)
