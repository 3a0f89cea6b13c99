"""What the codecs of libspandsp have in common: an encoder and a decoder with a state each."""

from device.annotations import Any
from device.media.codecs import Codec, native

LIBRARY = "spandsp"
MAX_OCTETS = 2048
"""Of a payload; longer ones are cut."""


class SpandspCodec(Codec):
    """Two states and the four functions that work on them; a subclass says which."""

    library = LIBRARY

    def __init__(self, states: tuple[Any, Any], functions: tuple[str, str], free: tuple[str, str]) -> None:
        """`functions` encode and decode (state, out, in, length), `free` release the two states."""
        self._encoder, self._decoder = states
        types = ("int", "pointer", "pointer", "octets", "int")
        self._encode, self._decode = (native.function(LIBRARY, name, *types) for name in functions)
        self._owned = native.Owned(LIBRARY, *zip(states, free, strict=True))
        self._out = native.buffer(4 * MAX_OCTETS)

    def encode(self, pcm: bytes) -> bytes:
        """Payload for S16LE mono samples."""
        count = self._encode(self._encoder, self._out, pcm, len(pcm) // 2)
        return self._out[:count]  # type: ignore[no-any-return]

    def decode(self, payload: bytes) -> bytes:
        """S16LE mono samples of a payload."""
        payload = payload[:MAX_OCTETS]
        count = self._decode(self._decoder, self._out, payload, len(payload))
        return self._out[: 2 * count]  # type: ignore[no-any-return]
