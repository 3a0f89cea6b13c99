"""Rooms with a loudspeaker and a microphone, and two voices that speak in them."""

import audioop
import random
from array import array
from collections.abc import Iterator
from functools import cache
from math import exp, log10

from device.demo.measure import RATE_HZ, read_wav
from device.media import pcm
from tests.support.daemons import CALLEE_WAV, CALLER_WAV

DIRECT = 0.5
"""How much of the loudspeaker's sound comes straight to the microphone."""


@cache
def speech(who: str, rate_hz: int, seconds: int) -> bytes:
    """So long of a voice, "far" or "near", over and over."""
    samples = read_wav({"far": CALLER_WAV, "near": CALLEE_WAV}[who], 0.0).pcm
    if rate_hz != RATE_HZ:
        samples = audioop.ratecv(samples, 2, 1, RATE_HZ, rate_hz, None)[0]
    times = 2 * rate_hz * seconds // len(samples) + 1
    return (samples * times)[: 2 * rate_hz * seconds]


def decibels(sound: bytes) -> float:
    """The level of a sound below full scale; silence is -96 dB."""
    return 20 * log10(max(1, pcm.rms(sound)) / 32768)


class Room:
    """What the loudspeaker played comes to the microphone after `delay_ms`, and from the walls with a `tail`."""

    def __init__(self, rate_hz: int, delay_ms: int, tail: bool = True, seed: int = 1) -> None:
        self._frame = rate_hz // 50 * 2
        self._chance = random.Random(seed)
        self._rate_hz = rate_hz
        first = rate_hz * delay_ms // 1000
        self._taps = [(first, DIRECT)]
        for number in range(1, 9 if tail else 1):
            late = number * rate_hz // 125 + self._chance.randrange(rate_hz // 500)
            self._taps.append((first + late, 0.25 * exp(-number / 3) * self._chance.choice((-1, 1))))
        self._past = bytes(2 * (self._taps[-1][0] + self._frame))

    def frames(self, sound: bytes) -> Iterator[bytes]:
        """A sound in pieces of 20 ms."""
        for at in range(0, len(sound) - self._frame + 1, self._frame):
            yield sound[at : at + self._frame]

    def loudspeaker(self, frame: bytes) -> None:
        """This is played."""
        self._past = (self._past + frame)[len(frame) :]

    def microphone(self, near: bytes) -> bytes:
        """What is captured next, before anything else is played: somebody in the room, and the echo."""
        heard = near
        for late, factor in self._taps:
            end = len(self._past) - 2 * late + self._frame
            echo = self._past[end - self._frame : end] if end <= len(self._past) else self._cut(late)
            heard = pcm.mix(heard, pcm.scale(echo, factor))
        return heard

    def _cut(self, late: int) -> bytes:
        """Of what will be played while this is captured nothing is known: no room is that quick."""
        raise AssertionError(f"an echo after {late} samples is quicker than a frame")

    def noise(self, level: int, seconds: int) -> bytes:
        """Evenly distributed noise."""
        return array("h", [self._chance.randint(-level, level) for _ in range(self._rate_hz * seconds)]).tobytes()
