"""The decoders of a stream by payload type, made when the first packet of that type comes."""

from device.media.codecs import Codec, codec_class, new_codec
from device.media.stream_parameters import StreamParameters


class Decoders:
    """What a peer may send it mostly does not: a library is loaded and a decoder made only for what comes."""

    def __init__(self, parameters: StreamParameters, encoder: Codec) -> None:
        """`encoder` serves as decoder of its own codec too. Codecs at other rates than the stream's are left out."""
        rates = (parameters.sample_rate_hz, parameters.clock_rate_hz)
        self.names = {
            payload_type: name
            for payload_type, name in parameters.receive_formats
            if (codec_class(name).sample_rate_hz, codec_class(name).clock_rate_hz) == rates
        }
        """The codec of each payload type that is taken."""
        self._made = {parameters.codec_name: encoder}

    def __getitem__(self, payload_type: int) -> Codec:
        name = self.names[payload_type]
        if name not in self._made:
            self._made[name] = new_codec(name)
        return self._made[name]
