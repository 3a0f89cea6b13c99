"""Plays tones as PCM: sums of sine waves, exact in frequency, phase and cadence at any sample rate.

Each sine is turned on from a short table by the addition theorem, sin(a + b) = sin a cos b + cos a sin b: two tables of
20 ms a frequency, a few kilobytes in all, and four C calls a frequency and frame. Phases are whole numbers (frequency
times sample number, modulo the rate), so nothing ever drifts.
"""

from array import array
from math import cos, pi, sin

from device.media import pcm
from device.media.tone_plan import COUNTRIES, TONE_NAMES, TonePattern, ToneSegment, tone_pattern

DEFAULT_LEVEL_DB = -16.0
"""Of each frequency, below full scale; two of them make -10 dBm0, as networks send (ITU-T E.180 section 4)."""
EDGE_MS = 4
"""Rise and fall of a burst: no click, yet far inside the tolerances of cadences."""
_TABLE_MS = 20


class Sine:
    """One frequency in whole Hz at one rate; keeps no position, so any stretch can be asked for."""

    __slots__ = ("_cosines", "_frequency_hz", "_rate_hz", "_sines", "_table")

    def __init__(self, frequency_hz: int, rate_hz: int) -> None:
        self._frequency_hz = frequency_hz
        self._rate_hz = rate_hz
        self._table = pcm.samples_in(_TABLE_MS, rate_hz)
        step = 2 * pi * frequency_hz / rate_hz
        full = pcm.FULL_SCALE
        self._sines = pcm.from_array(array("h", [round(full * sin(step * n)) for n in range(self._table)]))
        self._cosines = pcm.from_array(array("h", [round(full * cos(step * n)) for n in range(self._table)]))

    def stretch(self, start: int, samples: int, amplitude: float) -> bytes:
        """The wave from sample number `start` on; `amplitude` is of full scale."""
        parts = []
        while samples > 0:
            count = min(samples, self._table)
            phase = 2 * pi * (self._frequency_hz * start % self._rate_hz) / self._rate_hz
            size = pcm.SAMPLE_BYTES * count
            parts.append(
                pcm.mix(
                    pcm.scale(self._sines[:size], amplitude * cos(phase)),
                    pcm.scale(self._cosines[:size], amplitude * sin(phase)),
                )
            )
            start += count
            samples -= count
        return b"".join(parts)


class Chord:
    """Several sines at once, each with its share of the amplitude."""

    __slots__ = ("_partials",)

    def __init__(self, segment: ToneSegment, rate_hz: int) -> None:
        self._partials: list[tuple[Sine, float]] = []
        for frequency in segment.frequencies:
            if segment.modulation_hz:
                # Full modulation of a carrier is the carrier and two half as strong neighbours; the sum keeps its peak.
                self._partials.append((Sine(frequency, rate_hz), 0.5))
                self._partials.append((Sine(frequency - segment.modulation_hz, rate_hz), 0.25))
                self._partials.append((Sine(frequency + segment.modulation_hz, rate_hz), 0.25))
            else:
                self._partials.append((Sine(frequency, rate_hz), 1.0))

    def stretch(self, start: int, samples: int, amplitude: float) -> bytes:
        """The sum from sample number `start` on."""
        total = b""
        for sine, share in self._partials:
            total = pcm.mix(total, sine.stretch(start, samples, amplitude * share))
        return total


class ToneGenerator:
    """Plays one pattern. Frames may have any length; time counts in samples from the pattern's beginning."""

    __slots__ = (
        *("_amplitude", "_at", "_chords", "_edge", "_level_db", "_pattern", "_rate_hz", "_segment", "_start"),
        "finished",
    )

    def __init__(self, pattern: TonePattern, rate_hz: int, level_db: float = DEFAULT_LEVEL_DB) -> None:
        self._pattern = pattern
        self._rate_hz = rate_hz
        self._level_db = level_db
        self._amplitude = min(1.0, pcm.amplitude(level_db + pattern.level_db))
        self._edge = pcm.samples_in(EDGE_MS, rate_hz)
        self._chords: dict[ToneSegment, Chord] = {}
        self._segment = 0
        self._at = 0
        """Sample number inside the segment."""
        self._start = 0
        """Sample number of the whole tone, for phases that go on through every pause and repetition."""
        self.finished = not pattern.segments
        """True when a pattern that does not repeat has been played to its end."""

    def at_rate(self, rate_hz: int) -> "ToneGenerator":
        """The same tone from its beginning, at another rate."""
        return ToneGenerator(self._pattern, rate_hz, self._level_db)

    def next_frame(self, samples: int) -> bytes:
        """The next so many samples of PCM; silence once finished."""
        parts = []
        while samples > 0:
            if self.finished:
                parts.append(pcm.silence(samples))
                break
            part = self._next_part(samples)
            samples -= len(part) // pcm.SAMPLE_BYTES
            parts.append(part)
        return b"".join(parts)

    def _next_part(self, samples: int) -> bytes:
        """Up to the next change between tone and pause."""
        segment = self._pattern.segments[self._segment]
        on = pcm.samples_in(segment.on_ms, self._rate_hz)
        end = on + pcm.samples_in(segment.off_ms, self._rate_hz)
        if self._at < on:
            count = min(samples, on - self._at)
            part = self._sound(segment, count, on)
        else:
            count = min(samples, end - self._at)
            part = pcm.silence(count)
        self._at += count
        self._start += count
        if self._at >= end:
            self._next_segment()
        return part

    def _sound(self, segment: ToneSegment, count: int, on: int) -> bytes:
        chord = self._chords.get(segment)
        if chord is None:
            chord = self._chords[segment] = Chord(segment, self._rate_hz)
        part = chord.stretch(self._start, count, self._amplitude)
        if not segment.off_ms and self._pattern.repeat and self._is_endless():
            # A seam of an endless tone is none.
            return self._shape(part, self._start if self._pattern.again_from == 0 else self._edge, None)
        return self._shape(part, self._at, on)

    def _is_endless(self) -> bool:
        """Whether the last segment goes on for ever."""
        return self._segment == self._pattern.again_from == len(self._pattern.segments) - 1

    def _shape(self, part: bytes, at: int, on: int | None) -> bytes:
        """Ramp the beginning of a burst and, unless it is endless, its end."""
        count = len(part) // pcm.SAMPLE_BYTES
        edge = self._edge
        if at < edge:
            size = pcm.SAMPLE_BYTES * min(count, edge - at)
            last = (at + size // pcm.SAMPLE_BYTES) / edge
            part = pcm.ramp(part[:size], at / edge, last) + part[size:]
        if on is not None and at + count > on - edge:
            kept = max(0, on - edge - at)
            size = pcm.SAMPLE_BYTES * kept
            part = part[:size] + pcm.ramp(part[size:], (on - at - kept) / edge, (on - at - count) / edge)
        return part

    def _next_segment(self) -> None:
        self._at = 0
        self._segment += 1
        if self._segment == len(self._pattern.segments):
            self._segment = self._pattern.again_from
            self.finished = not self._pattern.repeat


__all__ = ["COUNTRIES", "TONE_NAMES", "ToneGenerator", "TonePattern", "ToneSegment", "tone_pattern"]
