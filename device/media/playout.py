"""From packets to frames for the ear: jitter buffer, decoders, concealment, and the working off of needless delay."""

from device.media import pcm
from device.media.codecs import Codec
from device.media.concealment import Concealer
from device.media.stream_parameters import FRAME_MS
from device.rtp.jitter_buffer import Gap, JitterBuffer
from device.rtp.packet import RtpPacket

_KEEP_MS = 4.0
_OVERLAP_MS = 5.0
_REMOVE_MIN_MS = 5.0
_REMOVE_MAX_MS = 15.0
"""One pitch period of any voice is in this range."""
_PAUSE_FRAMES = 3
"""Frames between two removals, so that speech is hurried by a sixth at most."""
_HURRY_FRAMES = 8
"""With so much too much, every frame is shortened."""


class Playout:
    """The receiving half of a stream. `next_frame` is 20 ms long, and its calls are the clock of it all."""

    def __init__(self, codecs: dict[int, Codec], sample_rate_hz: int, clock_rate_hz: int, buffer: JitterBuffer) -> None:
        self.buffer = buffer
        self.frames_played = 0
        self.frames_concealed = 0
        self._codecs = codecs
        self._sample_rate_hz = sample_rate_hz
        self._clock_rate_hz = clock_rate_hz
        self._frame_octets = pcm.SAMPLE_BYTES * pcm.samples_in(FRAME_MS, sample_rate_hz)
        self._frame_units = pcm.samples_in(FRAME_MS, clock_rate_hz)
        self._concealer = Concealer(sample_rate_hz)
        self._least_excess = pcm.samples_in(_REMOVE_MIN_MS, clock_rate_hz)
        self._ready = b""
        self._since_removal = 0

    def put(self, packet: RtpPacket) -> None:
        """A packet of audio with a payload type that we know."""
        duration = self._codecs[packet.payload_type].duration(packet.payload)
        if duration > 0:
            self.buffer.put(packet, duration)

    def reset(self) -> None:
        """Another source, or nothing to hear for a while."""
        self.buffer.reset()
        self._concealer.reset()
        self._ready = b""

    def next_frame(self) -> bytes:
        """20 ms to be heard now."""
        ready = self._ready
        while len(ready) < self._frame_octets:
            ready = self._with_next(ready)
        self._ready = ready[self._frame_octets :]
        self._since_removal += 1
        self.buffer.tick(self._frame_units)
        return ready[: self._frame_octets]

    def _with_next(self, ready: bytes) -> bytes:
        item = self.buffer.take(self._to_units(len(ready) // pcm.SAMPLE_BYTES))
        if isinstance(item, Gap):
            return ready + self._fill(item)
        ready += self._concealer.play(self._decode(item))
        return self._shorten(ready) if self.buffer.excess >= self._least_excess else ready

    def _decode(self, packet: RtpPacket) -> bytes:
        self.frames_played += 1
        return self._codecs[packet.payload_type].decode(packet.payload)

    def _fill(self, gap: Gap) -> bytes:
        if not self._concealer.is_silent:
            self.frames_concealed += 1
        return self._concealer.conceal(max(1, gap.duration * self._sample_rate_hz // self._clock_rate_hz))

    def _to_units(self, samples: int) -> int:
        return samples * self._clock_rate_hz // self._sample_rate_hz

    def _shorten(self, ready: bytes) -> bytes:
        """Work off needless delay, as far as that does not ask for the next packet before its time."""
        excess = self.buffer.excess
        if self._since_removal < _PAUSE_FRAMES and excess < _HURRY_FRAMES * self._frame_units:
            return ready
        most = pcm.SAMPLE_BYTES * (excess * self._sample_rate_hz // self._clock_rate_hz)
        if excess < self._frame_units:
            most = min(most, len(ready) - self._frame_octets)
        shorter = remove_repetition(ready, self._sample_rate_hz, most)
        if len(shorter) < len(ready):
            self._since_removal = 0
        return shorter


def remove_repetition(sound: bytes, rate_hz: int, most_octets: int) -> bytes:
    """Shorter by 5 to 15 ms, but no more than asked for, where that is heard least: by a pitch period of a voice.

    Where that cannot be, `sound` is returned as it is.
    """
    keep, overlap, least, most = (
        pcm.SAMPLE_BYTES * pcm.samples_in(ms, rate_hz) for ms in (_KEEP_MS, _OVERLAP_MS, _REMOVE_MIN_MS, _REMOVE_MAX_MS)
    )
    most = min(most, most_octets, len(sound) - keep - overlap)
    if most < least:
        return sound
    pattern = sound[keep : keep + overlap]
    shift = pcm.best_match(sound[keep + least : keep + most + overlap], pattern)
    onward = keep + least + pcm.SAMPLE_BYTES * shift
    return sound[:keep] + pcm.cross_fade(pattern, sound[onward : onward + overlap]) + sound[onward + overlap :]
