"""From packets and the gaps between them to sound: the decoders of a stream, and what stands in for lost packets."""

from device.media import pcm
from device.media.codecs import Codec, DecoderTable, SelfConcealing, self_concealing
from device.media.concealment import Concealer
from device.media.stream_parameters import FRAME_MS
from device.rtp.jitter_buffer import Gap
from device.rtp.packet import RtpPacket

BRIDGE_FRAMES = 3
"""A gap of up to so many frames is bridged to the packet after it; a longer one fades out and in."""
FILL_FRAMES = 15
"""A codec that fills gaps by itself has faded out after so many in a row."""


class PacketDecoder:
    """Give it packets and gaps in the order of play."""

    __slots__ = (
        "_bridge",
        "_clock_rate_hz",
        "_codec",
        "_codecs",
        "_concealer",
        "_early",
        "_filled",
        "_longest_bridge",
        "_sample_rate_hz",
        "_self_concealing",
        "frames_concealed",
        "frames_played",
    )

    def __init__(self, codecs: DecoderTable, sample_rate_hz: int, clock_rate_hz: int) -> None:
        self.frames_played = 0
        self.frames_concealed = 0
        self._codecs = codecs
        self._sample_rate_hz = sample_rate_hz
        self._clock_rate_hz = clock_rate_hz
        self._longest_bridge = BRIDGE_FRAMES * pcm.samples_in(FRAME_MS, clock_rate_hz)
        self._concealer = Concealer(sample_rate_hz)
        self._codec: Codec | None = None
        """Of the last packet."""
        self._self_concealing: SelfConcealing | None = None
        self._filled = 0
        self._bridge = b""
        self._early: tuple[RtpPacket, bytes] | None = None
        """The packet after a gap and its sound, decoded before its turn."""

    @property
    def in_pause(self) -> bool:
        """The far end has described its background and sends nothing meanwhile."""
        return self._self_concealing is not None and self._self_concealing.is_noise

    def decode(self, packet: RtpPacket) -> bytes:
        """The sound of the next packet."""
        sound = self._decode(packet)
        codec = self._self_concealing
        return sound if codec is not None and not codec.is_noise else self._concealer.play(sound)

    def fill(self, gap: Gap) -> bytes:
        """What is heard in a gap; silence where nothing came before."""
        samples = max(1, gap.duration * self._sample_rate_hz // self._clock_rate_hz)
        codec = self._self_concealing
        if codec is not None and codec.is_noise:
            return codec.conceal(samples)
        if not (self._filled >= FILL_FRAMES if codec else self._concealer.is_silent):
            self.frames_concealed += 1
        if codec is not None:
            return self._fill_by_codec(codec, gap, samples)
        if gap.following is None:
            self._bridge = b""
            return self._concealer.conceal(samples)
        return self._fill_up_to(gap.following, gap, samples)

    def reset(self) -> None:
        """Another source, or nothing to hear for a while."""
        self._concealer.reset()
        if self.in_pause:
            self._codec = self._self_concealing = None
        self._bridge = b""
        self._early = None

    def _decode(self, packet: RtpPacket) -> bytes:
        early, self._early = self._early, None
        if early is not None and early[0] is packet:
            return early[1]
        self.frames_played += 1
        codec = self._codecs.get(packet.payload_type) or self._codecs[packet.payload_type]
        if codec is not self._codec:
            self._take_codec(codec)
        self._filled = 0
        return codec.decode(packet.payload)

    def _take_codec(self, codec: Codec) -> None:
        before = self._self_concealing
        if before is not None and not before.is_noise:
            self._concealer.reset()  # which has not heard what came meanwhile
        self._codec, self._self_concealing = codec, self_concealing(codec)

    def _fill_by_codec(self, codec: SelfConcealing, gap: Gap, samples: int) -> bytes:
        """The decoder goes on by itself, or reads what the packet after the gap repeats of the lost one."""
        self._filled += 1
        if self._filled > FILL_FRAMES:
            return pcm.silence(samples)
        if gap.following is not None and gap.distance == gap.duration:
            return codec.recover(gap.following.payload, samples)
        return codec.conceal(samples)

    def _fill_up_to(self, following: RtpPacket, gap: Gap, samples: int) -> bytes:
        """A piece of the bridge to the packet after the gap, which is built whole at the first piece."""
        if not self._bridge and gap.distance <= self._longest_bridge:
            distance = gap.distance * self._sample_rate_hz // self._clock_rate_hz
            self._early = following, self._decode(following)
            self._bridge = self._concealer.bridge(max(samples, distance), self._early[1])
        if not self._bridge:
            return self._concealer.conceal(samples)
        size = pcm.SAMPLE_BYTES * samples
        piece, self._bridge = self._bridge[:size], self._bridge[size:]
        return piece + bytes(size - len(piece))
