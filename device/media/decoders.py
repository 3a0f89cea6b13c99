"""The decoders of a stream by payload type, made when the first packet of that type comes."""

from device.media.codecs import Codec, codec_class, new_codec
from device.media.stream_parameters import StreamParameters

COMFORT_NOISE = "CN"
"""The name among the decoders of what describes a pause (RFC 3389)."""
COMFORT_NOISE_PT = 13
COMFORT_NOISE_CLOCK_HZ = 8000
"""Of the static payload type; some peers send it unasked."""


class Decoders(dict[int, Codec]):
    """What a peer may send it mostly does not: a library is loaded and a decoder made only for what comes."""

    __slots__ = ("_made", "_rates", "names")

    def __init__(self, parameters: StreamParameters, encoder: Codec) -> None:
        """`encoder` serves as decoder of its own codec too. Codecs at other rates than the stream's are left out."""
        rates = (parameters.sample_rate_hz, parameters.clock_rate_hz)
        self.names = {
            payload_type: name
            for payload_type, name in parameters.receive_formats
            if (codec_class(name).sample_rate_hz, codec_class(name).clock_rate_hz) == rates
        }
        """The codec of each payload type that is taken."""
        for payload_type in noise_payload_types(parameters):
            self.names.setdefault(payload_type, COMFORT_NOISE)
        self._rates = rates
        self._made = {parameters.codec_name: encoder}

    def __missing__(self, payload_type: int) -> Codec:
        name = self.names[payload_type]
        if name not in self._made:
            self._made[name] = self._noise() if name == COMFORT_NOISE else new_codec(name)
        self[payload_type] = codec = self._made[name]
        return codec

    def _noise(self) -> Codec:
        from device.media.comfort_noise import ComfortNoise  # noqa: PLC0415  # hardly any peer sends it

        return ComfortNoise(*self._rates)


def noise_payload_types(parameters: StreamParameters) -> tuple[int, ...]:
    """What comfort noise may come as."""
    unasked = (COMFORT_NOISE_PT,) if parameters.clock_rate_hz == COMFORT_NOISE_CLOCK_HZ else ()
    return (*parameters.receive_noise_pts, *unasked)
