"""A gap with true sound on both sides: the old sound goes on, the new one is led up to, and one fades into the other.

Both are extended by whole pitch periods; the extension of the old sound is stretched or shortened a little so that it
arrives in step with the new one. That needs the packet after the lost ones, which a jitter buffer mostly has.
"""

from device.media import pcm

_PATTERN_MS = 5.0
"""What is compared to find the step."""
_LEAST_PERIOD_MS = 2.5
_MOST_STRETCH = 16
"""The old sound is stretched by this part of the gap at most; more would bend its pitch, and leap to a wrong period."""


def bridge(onward: bytes, following: bytes, samples: int, rate_hz: int, period: int) -> bytes:
    """So many samples between what was heard and `following`.

    `onward` is how the past would go on, at least `samples + period + 5 ms` long; `period` is its pitch period.
    """
    backward = _backward(following, samples, rate_hz, period)
    onward = _in_step(onward, backward, following, samples, rate_hz, period)
    return pcm.cross_fade(onward, backward)


def _backward(following: bytes, samples: int, rate_hz: int, period: int) -> bytes:
    """The beginning of `following` repeated before it, so that its end runs on into it."""
    period = _period_of(following, rate_hz, period)
    cycle = following[: pcm.SAMPLE_BYTES * period]
    repeated = cycle * (1 + samples // period)
    return repeated[-pcm.SAMPLE_BYTES * samples :]


def _period_of(following: bytes, rate_hz: int, guess: int) -> int:
    """The pitch period at the beginning of `following`, near `guess`, or the whole of it where it shows none."""
    length = len(following) // pcm.SAMPLE_BYTES
    least = max(pcm.samples_in(_LEAST_PERIOD_MS, rate_hz), guess * 3 // 4)
    pattern = min(pcm.samples_in(_PATTERN_MS, rate_hz), length // 3)
    most = min(guess * 4 // 3, length - pattern)
    if most <= least:
        return min(length, guess)
    window = following[pcm.SAMPLE_BYTES * least : pcm.SAMPLE_BYTES * (most + pattern)]
    return least + pcm.best_match(window, following[: pcm.SAMPLE_BYTES * pattern])


def _in_step(onward: bytes, backward: bytes, following: bytes, samples: int, rate_hz: int, period: int) -> bytes:
    """`onward`, up to half a period longer or shorter, stretched to `samples`, so that it meets `backward` in step."""
    pattern = min(pcm.samples_in(_PATTERN_MS, rate_hz), len(following) // pcm.SAMPLE_BYTES)
    reach = min(period // 2, samples // _MOST_STRETCH)
    first = max(0, samples - reach)
    window = onward[pcm.SAMPLE_BYTES * first : pcm.SAMPLE_BYTES * (samples + reach + pattern)]
    wanted = following[: pcm.SAMPLE_BYTES * pattern]
    if len(window) <= len(wanted):
        return onward[: pcm.SAMPLE_BYTES * samples]
    length = first + pcm.best_match(window, wanted)
    return pcm.stretch(onward[: pcm.SAMPLE_BYTES * length], samples)
