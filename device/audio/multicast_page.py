"""What is said in a room, sent as RTP to a multicast group, where phones listen that know nothing of calls."""

from device.annotations import Protocol
from device.media.codecs import codec_class, new_codec
from device.media.rates import resampler
from device.media.resample import Resampler
from device.media.stream_parameters import FRAME_MS
from device.rtp.packet import encode_rtp


class DatagramSender(Protocol):
    """Sends to the group."""

    def send(self, data: bytes) -> None:
        """Send one datagram; never waits, never raises."""

    def close(self) -> None:
        """Release the socket."""


class MulticastPage:
    """A listener of a room: one packet every 20 ms, of a codec with a static payload type."""

    def __init__(self, port: DatagramSender, codec: str, ssrc: int, sequence: int, timestamp: int) -> None:
        kind = codec_class(codec)
        assert kind.payload_type is not None, "phones that listen without a description know static types alone"
        self._payload_type = kind.payload_type
        self._sample_rate_hz = kind.sample_rate_hz
        self._units = kind.clock_rate_hz * FRAME_MS // 1000
        self._encoder = new_codec(codec)
        self._port = port
        self._ssrc = ssrc
        self._sequence = sequence
        self._timestamp = timestamp
        self._marker = True
        self._rate_hz = self._sample_rate_hz
        self._resampler: Resampler | None = None

    def send_frame(self, frame: bytes, rate_hz: int, now: float) -> None:
        """Take 20 ms of all that is said."""
        if rate_hz != self._rate_hz:
            self._rate_hz, self._resampler = rate_hz, resampler(rate_hz, self._sample_rate_hz)
        if self._resampler is not None:
            frame = self._resampler.convert(frame)
        marker, self._marker = self._marker, False
        payload = self._encoder.encode(frame)
        self._port.send(encode_rtp(self._payload_type, self._sequence, self._timestamp, self._ssrc, marker, payload))
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + self._units) & 0xFFFFFFFF

    def close(self) -> None:
        """The room is empty."""
        self._port.close()
