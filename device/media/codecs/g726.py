"""G.726 at 32 kbit/s (ITU-T G.726, RFC 3551 section 4.5.4) by libspandsp: 8 kHz sound, two samples an octet."""

from device.media.codecs import native
from device.media.codecs.spandsp import LIBRARY, MAX_OCTETS, SpandspCodec

_BIT_RATE = 32000
_LINEAR = 0
_PACKING_RIGHT = 2
"""The first sample is in the lower half of the octet, as RFC 3551 has it; AAL2-G726-32 is the other way round."""


class G726Codec(SpandspCodec):
    """One encoder and one decoder; each keeps its predictors from packet to packet."""

    name = "G726-32"
    clock_rate_hz = 8000
    sample_rate_hz = 8000

    def __init__(self) -> None:
        begin = native.function(LIBRARY, "g726_init", "pointer", "pointer", "int", "int", "int")
        states = (begin(None, _BIT_RATE, _LINEAR, _PACKING_RIGHT), begin(None, _BIT_RATE, _LINEAR, _PACKING_RIGHT))
        super().__init__(states, ("g726_encode", "g726_decode"), ("g726_free", "g726_free"))

    def duration(self, payload: bytes) -> int:
        return 2 * min(len(payload), MAX_OCTETS)
