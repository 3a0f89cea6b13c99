"""G.722 at 64 kbit/s (ITU-T G.722, RFC 3551 section 4.5.2) by libspandsp: 16 kHz sound, one octet for two samples."""

from device.media.codecs import native
from device.media.codecs.spandsp import LIBRARY, MAX_OCTETS, SpandspCodec

_RATE = 64000


class G722Codec(SpandspCodec):
    """One encoder and one decoder; each keeps its predictors from packet to packet."""

    name = "G722"
    payload_type = 9
    clock_rate_hz = 8000
    """By a slip of RFC 1890 that every phone keeps to: half of the sample rate."""
    sample_rate_hz = 16000

    def __init__(self) -> None:
        begin = [
            native.function(LIBRARY, name, "pointer", "pointer", "int", "int")
            for name in ("g722_encode_init", "g722_decode_init")
        ]
        super().__init__(
            (begin[0](None, _RATE, 0), begin[1](None, _RATE, 0)),
            ("g722_encode", "g722_decode"),
            ("g722_encode_free", "g722_decode_free"),
        )

    def duration(self, payload: bytes) -> int:
        return min(len(payload), MAX_OCTETS)
