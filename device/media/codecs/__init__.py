"""Speech codecs by name: what each is called in SDP, its rates, and the object that encodes and decodes."""

from device.annotations import Protocol, cast
from device.media.errors import CodecUnavailableError, UnknownCodecError

PACKET_TIMES_MS = (10, 20, 30, 40, 50, 60)
"""Lengths of packet in ms that phones send."""


class Codec(Protocol):
    """One direction-pair of a codec; may keep state, so each stream has its own."""

    __slots__ = ()

    name: str
    """As in a=rtpmap, upper-case."""
    library: str = ""
    """What it needs, a key of `native.LIBRARIES`; "" for nothing."""
    channels: int = 1
    """As a=rtpmap has them."""
    parameters: str = ""
    """What a=fmtp says of what we can receive; "" for nothing."""
    packet_times_ms: tuple[int, ...] = PACKET_TIMES_MS
    """Lengths of packet that it can make."""
    repeats: bool = False
    """Each packet repeats something of the one before it, for whoever waits for the next one."""
    is_noise: bool = False
    """Its payloads describe a pause, which goes on until something else comes."""
    payload_type: int | None = None
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


class DecoderTable(Protocol):
    """Decoders by payload type."""

    def get(self, payload_type: int) -> Codec | None:
        """One that is there already; quicker than by brackets, which a subclass of dict answers the long way."""

    def __getitem__(self, payload_type: int) -> Codec:
        """Raises KeyError for a payload type that is not taken."""


class SelfConcealing(Protocol):
    """What a codec adds that fills gaps itself, better than anybody who sees only its samples."""

    is_noise: bool

    def conceal(self, samples: int) -> bytes:
        """So many samples in place of what did not come, from what came before."""

    def recover(self, following: bytes, samples: int) -> bytes:
        """The same from what the payload after the gap repeats of it; `decode` gets that payload next."""


class Configurable(Protocol):
    """What a codec adds whose encoder has choices."""

    def configure(self, bit_rate: int, dtx: bool, format_parameters: str) -> None:
        """Take our settings within what the peer's a=fmtp allows."""

    def expect_loss(self, share: float) -> None:
        """The far end lost so much (0 to 1) of what we sent lately."""


_CODECS: dict[str, tuple[str, str]] = {
    "PCMA": ("pcma", "PcmaCodec"),
    "PCMU": ("pcmu", "PcmuCodec"),
    "G722": ("g722", "G722Codec"),
    "OPUS": ("opus", "OpusCodec"),
    "G726-32": ("g726", "G726Codec"),
    "GSM": ("gsm", "GsmCodec"),
    "L16": ("l16", "L16Codec"),
    "L16/16000": ("l16", "WideL16Codec"),
    "SPEEX": ("speex", "SpeexCodec"),
    "SPEEX/16000": ("speex", "WideSpeexCodec"),
}
"""By the name in the settings: module and class. What is not used is not imported."""
CODEC_NAMES = tuple(_CODECS)


def codec_key(sdp_name: str, clock_rate_hz: int) -> str:
    """The name in the settings of what SDP calls `sdp_name` at a clock rate."""
    wide = f"{sdp_name}/{clock_rate_hz}"
    return wide if wide in _CODECS else sdp_name


def codec_class(name: str) -> type[Codec]:
    """The class of a codec by its name in any case, for what is true of all of them; raises UnknownCodecError."""
    try:
        module, attribute = _CODECS[name.upper()]
    except KeyError:
        raise UnknownCodecError(f"no codec {name!r}; known are {', '.join(CODEC_NAMES)}") from None
    found: type[Codec] = getattr(__import__(f"{__name__}.{module}", fromlist=[attribute]), attribute)
    return found


def new_codec(name: str) -> Codec:
    """A fresh codec by its name in any case.

    Raises UnknownCodecError, or CodecUnavailableError that names the package to install.
    """
    return codec_class(name)()


def missing_library(name: str) -> str:
    """What to install before a codec can be used; "" when it can be. Loads its library to find out."""
    library = codec_class(name).library
    if not library:
        return ""
    from device.media.codecs.native import load  # noqa: PLC0415  # G.711 needs none

    try:
        load(library)
    except CodecUnavailableError as error:
        return str(error)
    return ""


def needed_package(name: str) -> str:
    """Debian's package with the library of a codec; "" when it needs none."""
    library = codec_class(name).library
    if not library:
        return ""
    from device.media.codecs.native import LIBRARIES  # noqa: PLC0415

    return LIBRARIES[library][1]


def packet_ms(name: str, wanted_ms: int) -> int:
    """The length of packet nearest to `wanted_ms` that a codec can make, rather shorter than longer."""
    possible = codec_class(name).packet_times_ms
    return max((ms for ms in possible if ms <= wanted_ms), default=possible[0])


def self_concealing(codec: Codec) -> SelfConcealing | None:
    """The codec itself if it fills gaps by itself."""
    return cast("SelfConcealing", codec) if hasattr(codec, "conceal") else None


def configurable(codec: Codec) -> Configurable | None:
    """The codec itself if its encoder has choices."""
    return cast("Configurable", codec) if hasattr(codec, "configure") else None


__all__ = [
    "CODEC_NAMES",
    "PACKET_TIMES_MS",
    "Codec",
    "Configurable",
    "DecoderTable",
    "SelfConcealing",
    "codec_class",
    "codec_key",
    "configurable",
    "missing_library",
    "needed_package",
    "new_codec",
    "packet_ms",
    "self_concealing",
]
