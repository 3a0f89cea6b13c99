"""G.726 at 32 kbit/s (ITU-T G.726, RFC 3551 section 4.5.4) by libspandsp: 8 kHz sound, two samples an octet."""

from device.media.codecs import native

_LIBRARY = "spandsp"
_BIT_RATE = 32000
_LINEAR = 0
_PACKING_RIGHT = 2
"""The first sample is in the lower half of the octet, as RFC 3551 has it; AAL2-G726-32 is the other way round."""
_MAX_OCTETS = 2048


class G726Codec:
    """One encoder and one decoder; each keeps its predictors from packet to packet."""

    name = "G726-32"
    library = _LIBRARY
    channels = 1
    parameters = ""
    packet_times_ms = (10, 20, 30, 40, 50, 60)
    payload_type: int | None = None
    clock_rate_hz = 8000
    sample_rate_hz = 8000

    def __init__(self) -> None:
        init = native.function(_LIBRARY, "g726_init", "pointer", "pointer", "int", "int", "int")
        self._encoder = init(None, _BIT_RATE, _LINEAR, _PACKING_RIGHT)
        self._decoder = init(None, _BIT_RATE, _LINEAR, _PACKING_RIGHT)
        self._encode = native.function(_LIBRARY, "g726_encode", "int", "pointer", "pointer", "octets", "int")
        self._decode = native.function(_LIBRARY, "g726_decode", "int", "pointer", "pointer", "octets", "int")
        self._free = native.function(_LIBRARY, "g726_free", "int", "pointer")
        self._out = native.buffer(4 * _MAX_OCTETS)

    def encode(self, pcm: bytes) -> bytes:
        count = self._encode(self._encoder, self._out, pcm, len(pcm) // 2)
        return self._out[:count]  # type: ignore[no-any-return]

    def decode(self, payload: bytes) -> bytes:
        payload = payload[:_MAX_OCTETS]
        count = self._decode(self._decoder, self._out, payload, len(payload))
        return self._out[: 2 * count]  # type: ignore[no-any-return]

    def duration(self, payload: bytes) -> int:
        return 2 * min(len(payload), _MAX_OCTETS)

    def __del__(self) -> None:
        if hasattr(self, "_out"):
            self._free(self._encoder)
            self._free(self._decoder)
