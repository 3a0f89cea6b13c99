"""GSM full rate (ETSI EN 300 961, RFC 3551 section 4.5.8) by libgsm: 33 octets for each 20 ms of 8 kHz sound."""

from device.media.codecs import Codec, native

_LIBRARY = "gsm"
_FRAME_OCTETS = 33
_FRAME_SAMPLES = 160


class GsmCodec(Codec):
    """One encoder and one decoder; a payload holds whole frames."""

    name = "GSM"
    library = _LIBRARY
    payload_type = 3
    clock_rate_hz = 8000
    sample_rate_hz = 8000
    packet_times_ms = (20, 40, 60)

    def __init__(self) -> None:
        create = native.function(_LIBRARY, "gsm_create", "pointer")
        self._encoder, self._decoder = create(), create()
        self._encode = native.function(_LIBRARY, "gsm_encode", "none", "pointer", "octets", "pointer")
        self._decode = native.function(_LIBRARY, "gsm_decode", "int", "pointer", "octets", "pointer")
        self._owned = native.Owned(_LIBRARY, (self._encoder, "gsm_destroy"), (self._decoder, "gsm_destroy"))
        self._out = native.buffer(2 * _FRAME_SAMPLES)

    def encode(self, pcm: bytes) -> bytes:
        frames = []
        size = 2 * _FRAME_SAMPLES
        for start in range(0, len(pcm) - size + 1, size):
            self._encode(self._encoder, pcm[start : start + size], self._out)
            frames.append(self._out[:_FRAME_OCTETS])
        return b"".join(frames)

    def decode(self, payload: bytes) -> bytes:
        frames = []
        for start in range(0, len(payload) - _FRAME_OCTETS + 1, _FRAME_OCTETS):
            if self._decode(self._decoder, payload[start : start + _FRAME_OCTETS], self._out) < 0:
                frames.append(bytes(2 * _FRAME_SAMPLES))  # the frame does not begin with GSM's signature
            else:
                frames.append(self._out.raw)
        return b"".join(frames)

    def duration(self, payload: bytes) -> int:
        return len(payload) // _FRAME_OCTETS * _FRAME_SAMPLES
