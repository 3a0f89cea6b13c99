"""Comfort noise (RFC 3389): what is heard in a pause of a far end that says how its background sounds.

Loaded with the first such packet. White noise is put together from random stretches of a short piece of it, and
shaped by the impulse response of the all-pole filter, in C: a frame costs as many calls as the response is long.
"""

from array import array
from math import sqrt

from device.annotations import Final
from device.media import pcm
from device.media.codecs import Codec
from device.media.decoders import COMFORT_NOISE
from device.media.seeded_numbers import SeededNumbers
from device.media.stream_parameters import FRAME_MS

LEAST_LEVEL: Final = 127
"""In dB below overload: nothing to be heard."""
MAX_COEFFICIENTS: Final = 12
"""Of the filter that are heeded; G.711 Appendix II has 10."""
_LONGEST_RESPONSE: Final = 48
_WHITE_SAMPLES: Final = 2048
_WHITE_AMPLITUDE: Final = 2048
"""Room for filters that amplify single frequencies."""


class ComfortNoise(Codec):
    """A decoder for comfort noise, and a codec that fills gaps by itself: they are what the packets announce."""

    name = COMFORT_NOISE
    is_noise = True

    def __init__(self, sample_rate_hz: int, clock_rate_hz: int) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.clock_rate_hz = clock_rate_hz
        self._numbers = SeededNumbers(clock_rate_hz)
        self._white = array("h", [self._numbers.number(12) - _WHITE_AMPLITUDE for _ in range(_WHITE_SAMPLES)])
        self._excitation = b""
        self._response = [1.0]
        self._factor = 0.0

    def decode(self, payload: bytes) -> bytes:
        """The first 20 ms of noise as a packet describes it; an empty packet changes nothing."""
        if payload:
            coefficients = reflections(payload[1 : 1 + MAX_COEFFICIENTS])
            self._response = impulse_response(coefficients, _LONGEST_RESPONSE)
            wanted = noise_rms(payload[0])
            power = sum(value * value for value in self._response)
            self._factor = wanted / (_WHITE_AMPLITUDE / sqrt(3) * sqrt(power))
        return self.conceal(pcm.samples_in(FRAME_MS, self.sample_rate_hz))

    def duration(self, payload: bytes) -> int:
        """A packet stands for a frame; what goes on after it are gaps."""
        return pcm.samples_in(FRAME_MS, self.clock_rate_hz)

    def conceal(self, samples: int) -> bytes:
        """More of the noise."""
        if self._factor < 0.5 / _WHITE_AMPLITUDE:
            return pcm.silence(samples)
        history = pcm.SAMPLE_BYTES * (len(self._response) - 1)
        excitation = self._excitation[-history:] if history else b""
        excitation = excitation.rjust(history, b"\0")
        while len(excitation) < history + pcm.SAMPLE_BYTES * samples:
            start = self._numbers.number(10)  # the first half, and a quarter from there on
            excitation += pcm.from_array(self._white[start : start + _WHITE_SAMPLES // 4])
        excitation = excitation[: history + pcm.SAMPLE_BYTES * samples]
        self._excitation = excitation
        return pcm.convolve(excitation, [value * self._factor for value in self._response])

    def recover(self, following: bytes, samples: int) -> bytes:
        """The same: no packet repeats another one."""
        return self.conceal(samples)

    def encode(self, pcm: bytes) -> bytes:
        """Nothing: what is sent in pauses is made by `silence_suppression`."""
        return b""


def noise_rms(octet: int) -> float:
    """The level octet of a payload as RMS in samples; it is in dB below overload (RFC 3389 section 3)."""
    level = octet & 0x7F
    return 0.0 if level >= LEAST_LEVEL else (pcm.FULL_SCALE + 1) * pcm.amplitude(-level)


def reflections(octets: bytes) -> list[float]:
    """The reflection coefficients of a payload, from -1 to 1 (RFC 3389 section 3); an unstable filter is kept off."""
    return [max(-0.99, min(0.99, 258 * (octet - 127) / 32768)) for octet in octets]


def impulse_response(coefficients: list[float], longest: int) -> list[float]:
    """What an all-pole filter with these reflection coefficients answers to one sample, as far as it can be heard."""
    predictor: list[float] = []
    for reflection in coefficients:
        mirrored = predictor[::-1]
        predictor = [one + reflection * other for one, other in zip(predictor, mirrored, strict=True)]
        predictor.append(reflection)
    response = [1.0]
    while predictor and len(response) < longest:
        response.append(-sum(a * b for a, b in zip(predictor, response[::-1], strict=False)))
    while len(response) > 1 and abs(response[-1]) < 0.01:
        response.pop()
    return response
