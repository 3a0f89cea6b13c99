"""Sample arithmetic, as the ear would judge it."""

import subprocess
import sys
from array import array
from math import pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import pcm

FRAGMENT = st.lists(st.integers(-32768, 32767), max_size=50).map(lambda values: array("h", values).tobytes())


def values(fragment: bytes) -> list[int]:
    return pcm.to_array(fragment).tolist()


def fragment(*samples: int) -> bytes:
    return pcm.from_array(array("h", samples))


@given(FRAGMENT, FRAGMENT)
def test_mixing_saturates_and_takes_any_lengths(first: bytes, second: bytes) -> None:
    longest = max(len(first), len(second)) // 2
    padded = [values(one) + [0] * (longest - len(one) // 2) for one in (first, second)]
    expected = [max(-32768, min(32767, a + b)) for a, b in zip(*padded, strict=True)]
    assert values(pcm.mix(first, second)) == expected


def test_gain_in_decibels() -> None:
    assert values(pcm.gain(fragment(1000, -1000), 6.0206)) == pytest.approx([2000, -2000], abs=1)
    assert values(pcm.gain(fragment(20000), 20)) == [32767]
    assert pcm.gain(fragment(5), 0) == fragment(5)
    assert pcm.amplitude(-20) == pytest.approx(0.1)


def test_loudness() -> None:
    assert (pcm.rms(b""), pcm.peak(b"")) == (0, 0)
    assert (pcm.rms(fragment(300, -300)), pcm.peak(fragment(5, -300))) == (300, 300)
    assert pcm.silence(3) == bytes(6)
    assert pcm.samples_in(20, 44100) == 882


def test_ramps_and_cross_fades_are_even() -> None:
    steady = fragment(*[1000] * 10)
    assert values(pcm.ramp(steady, 0.0, 1.0)) == [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]
    assert values(pcm.ramp(steady, 0.2, -0.3))[:6] == pytest.approx([200, 150, 100, 50, 0, 0], abs=1)
    assert values(pcm.cross_fade(steady, steady)) == pytest.approx([1000] * 10, abs=1)
    assert pcm.ramp(b"", 0, 1) == b""


def test_the_best_match_is_the_one_in_phase() -> None:
    """A wave turned upside down fits no better for that."""
    wave = [round(8000 * sin(2 * pi * n / 50)) for n in range(200)]
    pattern = fragment(*wave[100:140])
    for start, expected in ((20, 30), (0, 0), (49, 1), (60, 40)):
        assert pcm.best_match(fragment(*wave[start : start + 90]), pattern) == expected


def test_a_fit_up_to_a_factor() -> None:
    offset, factor = pcm.fit(fragment(1, 2, 100, -300, 500, 7), fragment(10, -30, 50))
    assert (offset, factor) == (2, pytest.approx(10))


def test_stereo_and_mono() -> None:
    assert pcm.mono_to_stereo(fragment(1, -2)) == fragment(1, 1, -2, -2)
    assert values(pcm.stereo_to_mono(fragment(100, 300, -100, 100))) == [200, 0]


def test_a_weighted_sum_is_a_filter() -> None:
    pieces = [(memoryview(fragment(*pair)), factor) for pair, factor in (((1000, -1000), 0.5), ((4, 8), 1.5))]
    assert values(pcm.weighted_sum(pieces)) == [506, -488]


def test_the_announced_removal_of_audioop_is_not_shown_to_users() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import device.media.pcm"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
