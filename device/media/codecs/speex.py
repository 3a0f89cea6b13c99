"""Speex (RFC 5574) by libspeex: 8 or 16 kHz, variable payloads of whole 20 ms frames."""

from device.media.codecs import Codec, native

_LIBRARY = "speex"
_MODE_NARROW, _MODE_WIDE = 0, 1
_SET_ENHANCEMENT = 0
_SET_QUALITY = 4
_QUALITY = 8
"""15 kbit/s at 8 kHz, 28 at 16 kHz; these numbers are from speex.h."""
_FRAME_MS = 20
_MAX_FRAMES = 6
_MAX_FRAME_OCTETS = 200
_BITS_OCTETS = 64
"""Enough for the structure SpeexBits on every processor."""

_NARROW_BITS = {0: 5, 1: 43, 2: 119, 3: 160, 4: 220, 5: 300, 6: 364, 7: 492, 8: 79}
"""Bits of a narrow-band frame by its mode, with the wide-band flag and the mode (The Speex Codec Manual, table 9.2)."""
_WIDE_BITS = {0: 4, 1: 36, 2: 112, 3: 192, 4: 352}
"""Bits of the wide-band layer that follows, with its flag and mode (table 10.1)."""


class SpeexCodec(Codec):
    """One encoder and one decoder."""

    name = "SPEEX"
    library = _LIBRARY
    packet_times_ms = (20, 40, 60)
    clock_rate_hz = 8000
    sample_rate_hz = 8000
    _mode = _MODE_NARROW

    def __init__(self) -> None:
        self._frame = self.sample_rate_hz * _FRAME_MS // 1000
        mode = native.function(_LIBRARY, "speex_lib_get_mode", "pointer", "int")(self._mode)
        self._encoder = native.function(_LIBRARY, "speex_encoder_init", "pointer", "pointer")(mode)
        self._decoder = native.function(_LIBRARY, "speex_decoder_init", "pointer", "pointer")(mode)
        self._load_functions()
        self._bits = native.buffer(_BITS_OCTETS)
        native.function(_LIBRARY, "speex_bits_init", "none", "pointer")(self._bits)
        self._owned = native.Owned(
            _LIBRARY,
            (self._encoder, "speex_encoder_destroy"),
            (self._decoder, "speex_decoder_destroy"),
            (self._bits, "speex_bits_destroy"),
        )
        self._payload = native.buffer(_MAX_FRAMES * _MAX_FRAME_OCTETS)
        self._out = native.buffer(2 * self._frame)
        self._set("speex_encoder_ctl", self._encoder, _SET_QUALITY, _QUALITY)
        self._set("speex_decoder_ctl", self._decoder, _SET_ENHANCEMENT, 1)

    def _load_functions(self) -> None:
        self._encode = native.function(_LIBRARY, "speex_encode_int", "int", "pointer", "octets", "pointer")
        self._decode = native.function(_LIBRARY, "speex_decode_int", "int", "pointer", "pointer", "pointer")
        self._reset = native.function(_LIBRARY, "speex_bits_reset", "none", "pointer")
        self._read = native.function(_LIBRARY, "speex_bits_read_from", "none", "pointer", "octets", "int")
        self._write = native.function(_LIBRARY, "speex_bits_write", "int", "pointer", "pointer", "int")

    def _set(self, symbol: str, state: object, option: int, value: int) -> None:
        cell = native.buffer(4)
        cell[:4] = value.to_bytes(4, "little")
        native.function(_LIBRARY, symbol, "int", "pointer", "int", "pointer")(state, option, cell)

    def encode(self, pcm: bytes) -> bytes:
        self._reset(self._bits)
        size = 2 * self._frame
        for start in range(0, len(pcm) - size + 1, size):
            self._encode(self._encoder, pcm[start : start + size], self._bits)
        return self._payload[: self._write(self._bits, self._payload, len(self._payload))]  # type: ignore[no-any-return]

    def decode(self, payload: bytes) -> bytes:
        frames: list[bytes] = []
        self._read(self._bits, payload, len(payload))
        for _ in range(count_frames(payload)):
            failed = self._decode(self._decoder, self._bits, self._out)
            frames.append(bytes(2 * self._frame) if failed else self._out.raw)
        return b"".join(frames)

    def duration(self, payload: bytes) -> int:
        return count_frames(payload) * self._frame


class WideSpeexCodec(SpeexCodec):
    """The same at 16 kHz."""

    clock_rate_hz = 16000
    sample_rate_hz = 16000
    _mode = _MODE_WIDE


def count_frames(payload: bytes) -> int:
    """How many 20 ms frames a payload holds; a mode that is none (15 ends the packet) ends the count."""
    total, at, frames = 8 * len(payload), 0, 0
    bits = int.from_bytes(payload, "big")

    def peek(width: int) -> int:
        return (bits >> (total - at - width)) & ((1 << width) - 1) if total - at >= width else -1

    while frames < _MAX_FRAMES:
        if peek(1) == 1 and frames:
            size = _WIDE_BITS.get(peek(4) & 7)
        else:
            size = _NARROW_BITS.get(peek(5))  # the flag is 0, so that five bits are the mode
            frames += size is not None and at + size <= total
        if size is None or at + size > total:
            break
        at += size
    return frames
