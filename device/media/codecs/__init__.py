"""Speech codecs by name: what each is called in SDP, its rates, and the object that encodes and decodes."""

from collections.abc import Callable

from device.annotations import Protocol
from device.media.codecs.pcma import PcmaCodec
from device.media.codecs.pcmu import PcmuCodec
from device.media.errors import UnknownCodecError


class Codec(Protocol):
    """One direction-pair of a codec; may keep state, so each stream has its own."""

    name: str
    """As in a=rtpmap, upper-case."""
    payload_type: int | None
    """The static payload type of RFC 3551 section 6, or None for a dynamic one."""
    clock_rate_hz: int
    """Rate of RTP time stamps; for some codecs not that of the samples."""
    sample_rate_hz: int
    """Rate of the PCM that goes in and comes out."""

    def encode(self, pcm: bytes) -> bytes:
        """Payload for S16LE mono samples."""

    def decode(self, payload: bytes) -> bytes:
        """S16LE mono samples of a payload; a broken payload gives b""."""

    def duration(self, payload: bytes) -> int:
        """Length of a payload in units of the RTP clock."""


_CODECS: dict[str, Callable[[], Codec]] = {"PCMA": PcmaCodec, "PCMU": PcmuCodec}
CODEC_NAMES = tuple(_CODECS)


def new_codec(name: str) -> Codec:
    """A fresh codec by its SDP name in any case; raises UnknownCodecError."""
    try:
        return _CODECS[name.upper()]()
    except KeyError:
        raise UnknownCodecError(f"no codec {name!r}; known are {', '.join(CODEC_NAMES)}") from None


__all__ = ["CODEC_NAMES", "Codec", "new_codec"]
