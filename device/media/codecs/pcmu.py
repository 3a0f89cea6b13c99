"""G.711 mu-law (ITU-T G.711, RFC 3551 section 4.5.14): one octet a sample, 8 kHz."""

from device.media import pcm as samples
from device.media.codecs import Codec


class PcmuCodec(Codec):
    """PCMU: stateless, 64 kbit/s."""

    __slots__ = ()

    name = "PCMU"
    payload_type = 0
    clock_rate_hz = 8000
    sample_rate_hz = 8000

    def encode(self, pcm: bytes) -> bytes:
        return samples.encode_ulaw(pcm)

    def decode(self, payload: bytes) -> bytes:
        return samples.decode_ulaw(payload)

    def duration(self, payload: bytes) -> int:
        return len(payload)
