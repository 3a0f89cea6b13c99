"""L16 (RFC 3551 section 4.5.11): the samples as they are, most significant octet first."""

from device.media import pcm as samples
from device.media.codecs import Codec


class L16Codec(Codec):
    """Stateless; 128 kbit/s at 8 kHz, 256 at 16 kHz, mono."""

    name = "L16"
    clock_rate_hz = 8000
    sample_rate_hz = 8000

    def encode(self, pcm: bytes) -> bytes:
        return samples.swap_octets(pcm)

    def decode(self, payload: bytes) -> bytes:
        return samples.swap_octets(payload[: len(payload) // 2 * 2])

    def duration(self, payload: bytes) -> int:
        return len(payload) // 2


class WideL16Codec(L16Codec):
    """The same at 16 kHz."""

    clock_rate_hz = 16000
    sample_rate_hz = 16000
