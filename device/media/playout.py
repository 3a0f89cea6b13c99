"""From packets to frames for the ear: jitter buffer, decoders, concealment, and the working off of needless delay."""

from device.media import pcm
from device.media.codecs import DecoderTable
from device.media.packet_decoder import PacketDecoder
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

_PAUSE_SHARE = 0.02
"""A frame this much quieter than the talk, 34 dB, is a pause."""
_LOUDNESS_DECAY = 0.995
_PATIENCE_FRAMES = 250
"""So long a pause is waited for before talk is shortened by a frame's worth; half as long for two frames, and so on."""


class Playout:
    """The receiving half of a stream. `next_frame` is 20 ms long, and its calls are the clock of it all."""

    __slots__ = (
        "_clock_rate_hz",
        "_codecs",
        "_decoder",
        "_frame_octets",
        "_frame_units",
        "_least_excess",
        "_loudness",
        "_patience",
        "_ready",
        "_sample_rate_hz",
        "_since_removal",
        "_waited",
        "buffer",
    )

    def __init__(self, codecs: DecoderTable, sample_rate_hz: int, clock_rate_hz: int, buffer: JitterBuffer) -> None:
        self.buffer = buffer
        self._codecs = codecs
        self._decoder = PacketDecoder(codecs, sample_rate_hz, clock_rate_hz)
        self._sample_rate_hz = sample_rate_hz
        self._clock_rate_hz = clock_rate_hz
        self._frame_octets = pcm.SAMPLE_BYTES * pcm.samples_in(FRAME_MS, sample_rate_hz)
        self._frame_units = pcm.samples_in(FRAME_MS, clock_rate_hz)
        self._patience = _PATIENCE_FRAMES * self._frame_units
        self._least_excess = pcm.samples_in(_REMOVE_MIN_MS, clock_rate_hz)
        self._ready = b""
        self._since_removal = 0
        self._waited = 0
        self._loudness = 0.0

    def put(self, packet: RtpPacket) -> None:
        """A packet of audio with a payload type that we know."""
        codec = self._codecs.get(packet.payload_type) or self._codecs[packet.payload_type]
        duration = codec.duration(packet.payload)
        if duration > 0:
            self.buffer.put(packet, duration)

    def reset(self) -> None:
        """Another source, or nothing to hear for a while."""
        self.buffer.reset()
        self._decoder.reset()
        self._ready = b""

    @property
    def in_pause(self) -> bool:
        """The far end sends nothing now, as it has announced (RFC 3389)."""
        return self._decoder.in_pause

    @property
    def frames_played(self) -> int:
        """Packets that were decoded."""
        return self._decoder.frames_played

    @property
    def frames_concealed(self) -> int:
        """Gaps of up to 20 ms that were filled with something to be heard."""
        return self._decoder.frames_concealed

    def continue_counts(self, before: "Playout") -> None:
        """Take over the counters of the play-out that this one replaces."""
        self._decoder.frames_played = before.frames_played
        self._decoder.frames_concealed = before.frames_concealed

    def next_frame(self) -> bytes:
        """20 ms to be heard now."""
        octets = self._frame_octets
        ready = self._ready or self._next(b"")
        while len(ready) < octets:
            ready = self._next(ready)
        self._since_removal += 1
        self.buffer.tick(self._frame_units)
        if len(ready) == octets:
            self._ready = b""
            return ready
        self._ready = ready[octets:]
        return ready[:octets]

    def _next(self, ready: bytes) -> bytes:
        """What is ready, and what comes after it."""
        ahead = len(ready) // pcm.SAMPLE_BYTES * self._clock_rate_hz // self._sample_rate_hz if ready else 0
        item = self.buffer.take(ahead)
        if isinstance(item, Gap):
            return ready + self._decoder.fill(item)
        sound = self._decoder.decode(item)
        if ready:
            sound = ready + sound
        return self._shorten(sound) if self.buffer.excess >= self._least_excess else sound

    def _shorten(self, ready: bytes) -> bytes:
        """Work off needless delay, as far as that does not ask for the next packet before its time."""
        excess = self.buffer.excess
        if excess < _HURRY_FRAMES * self._frame_units and not self._may_shorten(ready):
            return ready
        most = pcm.SAMPLE_BYTES * (excess * self._sample_rate_hz // self._clock_rate_hz)
        if excess < self._frame_units:
            most = min(most, len(ready) - self._frame_octets)
        shorter = remove_repetition(ready, self._sample_rate_hz, most)
        if len(shorter) < len(ready):
            self._since_removal = self._waited = 0
        return shorter

    def _may_shorten(self, ready: bytes) -> bool:
        """In a pause of the talk; or, when none comes for a while, now and then in the middle of it."""
        loudness = pcm.rms(ready)
        self._loudness *= _LOUDNESS_DECAY
        if loudness > self._loudness:
            self._loudness = float(loudness)
        self._waited += 1
        if self._since_removal < _PAUSE_FRAMES:
            return False
        worth = self._frame_units if self.buffer.excess < self._frame_units else self.buffer.excess
        return loudness <= self._loudness * _PAUSE_SHARE or self._waited * worth > self._patience


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
