"""G.722 at 64 kbit/s (ITU-T G.722, RFC 3551 section 4.5.2) by libspandsp: 16 kHz sound, one octet for two samples."""

from device.media.codecs import native

_LIBRARY = "spandsp"
_RATE = 64000
_MAX_OCTETS = 2048


class G722Codec:
    """One encoder and one decoder; each keeps its predictors from packet to packet."""

    name = "G722"
    library = _LIBRARY
    channels = 1
    parameters = ""
    packet_times_ms = (10, 20, 30, 40, 50, 60)
    payload_type: int | None = 9
    clock_rate_hz = 8000
    """By a slip of RFC 1890 that every phone keeps to: half of the sample rate."""
    sample_rate_hz = 16000

    def __init__(self) -> None:
        init = native.function(_LIBRARY, "g722_encode_init", "pointer", "pointer", "int", "int")
        self._encoder = init(None, _RATE, 0)
        init = native.function(_LIBRARY, "g722_decode_init", "pointer", "pointer", "int", "int")
        self._decoder = init(None, _RATE, 0)
        self._encode = native.function(_LIBRARY, "g722_encode", "int", "pointer", "pointer", "octets", "int")
        self._decode = native.function(_LIBRARY, "g722_decode", "int", "pointer", "pointer", "octets", "int")
        self._free = (
            native.function(_LIBRARY, "g722_encode_free", "int", "pointer"),
            native.function(_LIBRARY, "g722_decode_free", "int", "pointer"),
        )
        self._out = native.buffer(4 * _MAX_OCTETS)

    def encode(self, pcm: bytes) -> bytes:
        count = self._encode(self._encoder, self._out, pcm, len(pcm) // 2)
        return self._out[:count]  # type: ignore[no-any-return]

    def decode(self, payload: bytes) -> bytes:
        payload = payload[:_MAX_OCTETS]
        count = self._decode(self._decoder, self._out, payload, len(payload))
        return self._out[: 2 * count]  # type: ignore[no-any-return]

    def duration(self, payload: bytes) -> int:
        return min(len(payload), _MAX_OCTETS)

    def __del__(self) -> None:
        if hasattr(self, "_out"):
            self._free[0](self._encoder)
            self._free[1](self._decoder)
