"""Opus (RFC 6716, RFC 7587) by libopus: wide-band speech at 16 kHz, with forward error correction and pauses."""

from device.media.codecs import Codec, native
from device.media.stream_parameters import OPUS_BIT_RATE

_LIBRARY = "opus"
_VOIP = 2048
"""OPUS_APPLICATION_VOIP; these numbers are from opus_defines.h."""
_SET_BIT_RATE = 4002
_SET_MAX_BANDWIDTH = 4004
_SET_COMPLEXITY = 4010
_SET_IN_BAND_FEC = 4012
_SET_PACKET_LOSS = 4014
_SET_DTX = 4016
_WIDE_BAND = 1103

CLOCK_HZ = 48000
RATE_HZ = 16000
MAX_MS = 120
"""The longest packet (RFC 6716 section 2)."""
_MAX_SAMPLES = RATE_HZ * MAX_MS // 1000
_UNIT = RATE_HZ // 400
"""The decoder fills gaps by whole 2.5 ms."""
_MAX_PAYLOAD = 1275 * 6
LEAST_BIT_RATE = 12000
COMPLEXITY = 5
"""Of 10, for few bits or lost packets. 8 takes twice the time for 0.04 of PESQ at best; above 8 nothing is gained."""
COMPLEXITY_FOR_MANY_BITS = 1
"""Takes less than half the time of 5, and scores 4.2 with 64 kbit/s, as 5 does with some 50 (docs/quality.md)."""
MANY_BITS = 60000
EXPECTED_LOSS = 5
"""Per cent of loss that the encoder is prepared for at least; without any it repeats nothing."""
CONGESTION = 0.10
"""More loss than this is taken for a line that is too thin, and the rate falls."""
LOSS_RISE, LOSS_FALL = 0.5, 0.1
"""Weight of a report that tells of more, and of less loss than before."""
_DTX_OCTETS = 2
"""An encoder that pauses gives payloads of at most so many octets, which need not be sent."""


class OpusCodec(Codec):
    """One encoder and one decoder. `recover` and `conceal` stand in for packets that did not come."""

    name = "OPUS"
    library = _LIBRARY
    clock_rate_hz = CLOCK_HZ
    sample_rate_hz = RATE_HZ
    channels = 2
    """RFC 7587 section 7: always said to be two; mono is sent all the same."""
    packet_times_ms = (10, 20, 40, 60)
    repeats = True
    parameters = f"maxplaybackrate={RATE_HZ};sprop-maxcapturerate={RATE_HZ};useinbandfec=1"

    def __init__(self) -> None:
        error = native.buffer(4)
        create = native.function(_LIBRARY, "opus_encoder_create", "pointer", "int", "int", "int", "pointer")
        self._encoder = create(RATE_HZ, 1, _VOIP, error)
        create = native.function(_LIBRARY, "opus_decoder_create", "pointer", "int", "int", "pointer")
        self._decoder = create(RATE_HZ, 1, error)
        self._encode = native.function(_LIBRARY, "opus_encode", "int", "pointer", "octets", "int", "pointer", "int")
        self._decode = native.function(
            _LIBRARY, "opus_decode", "int", "pointer", "octets", "int", "pointer", "int", "int"
        )
        self._samples = native.function(_LIBRARY, "opus_packet_get_nb_samples", "int", "octets", "int", "int")
        self._control = native.function(_LIBRARY, "opus_encoder_ctl", "int", "pointer", "int", "int")
        self._owned = native.Owned(
            _LIBRARY, (self._encoder, "opus_encoder_destroy"), (self._decoder, "opus_decoder_destroy")
        )
        self._out = native.buffer(2 * _MAX_SAMPLES)
        self._payload = native.buffer(_MAX_PAYLOAD)
        self._bit_rate = OPUS_BIT_RATE
        self._fec = True
        self._loss = EXPECTED_LOSS / 100
        self._control(self._encoder, _SET_MAX_BANDWIDTH, _WIDE_BAND)
        self._set_rates()

    def configure(self, bit_rate: int, dtx: bool, format_parameters: str) -> None:
        """Settings of ours within RFC 7587 section 6.1: maxaveragebitrate and useinbandfec."""
        asked = dict(part.strip().lower().split("=", 1) for part in format_parameters.split(";") if "=" in part)
        limit = asked.get("maxaveragebitrate", "").strip()
        self._bit_rate = max(LEAST_BIT_RATE, min(bit_rate, int(limit) if limit.isdecimal() else bit_rate))
        self._fec = asked.get("useinbandfec", "0").strip() == "1"
        self._control(self._encoder, _SET_DTX, int(dtx))
        self._set_rates()

    def expect_loss(self, share: float) -> None:
        """Prepare for loss as it was lately: redundancy within the rate, and less rate where a line seems too thin.

        Redundancy leaves fewer bits for the sound itself, so that the encoder is told to make more of them.
        """
        self._loss += (share - self._loss) * (LOSS_RISE if share > self._loss else LOSS_FALL)
        self._set_rates()

    def _set_rates(self) -> None:
        loss = max(EXPECTED_LOSS, min(30, round(100 * self._loss)))
        thin = max(0.0, self._loss - CONGESTION)
        rate = max(LEAST_BIT_RATE, int(self._bit_rate * (1 - thin)))
        self._control(self._encoder, _SET_IN_BAND_FEC, int(self._fec))
        self._control(self._encoder, _SET_PACKET_LOSS, loss if self._fec else 0)
        self._control(self._encoder, _SET_BIT_RATE, rate)
        easy = rate >= MANY_BITS and loss <= EXPECTED_LOSS
        self._control(self._encoder, _SET_COMPLEXITY, COMPLEXITY_FOR_MANY_BITS if easy else COMPLEXITY)

    def encode(self, pcm: bytes) -> bytes:
        count = self._encode(self._encoder, pcm, len(pcm) // 2, self._payload, _MAX_PAYLOAD)
        return self._payload[:count] if count > _DTX_OCTETS else b""

    def decode(self, payload: bytes) -> bytes:
        # Without a payload the decoder would conceal.
        count = self._decode(self._decoder, payload, len(payload), self._out, _MAX_SAMPLES, 0) if payload else 0
        return self._out[: 2 * count] if count > 0 else bytes(2 * self._decoded_samples(payload))

    def conceal(self, samples: int) -> bytes:
        """So many samples in place of a lost packet, from what came before."""
        return self._fill(None, _in_units(samples))[: 2 * samples]

    def recover(self, following: bytes, samples: int) -> bytes:
        """The same from the redundancy in the packet that follows the lost one; call `decode` with that one next."""
        whole = max(_in_units(samples), self._decoded_samples(following))
        return self._fill(following, whole)[-2 * samples :]

    def duration(self, payload: bytes) -> int:
        return self._decoded_samples(payload) * (CLOCK_HZ // RATE_HZ)

    def _decoded_samples(self, payload: bytes) -> int:
        count = self._samples(payload, len(payload), RATE_HZ) if payload else 0
        return count if 0 < count <= _MAX_SAMPLES else 0

    def _fill(self, payload: bytes | None, samples: int) -> bytes:
        samples = min(samples, _MAX_SAMPLES)
        count = self._decode(self._decoder, payload, len(payload or b""), self._out, samples, int(payload is not None))
        return self._out[: 2 * count] if count > 0 else bytes(2 * samples)


def _in_units(samples: int) -> int:
    """The least that the decoder fills and that is no shorter."""
    return -(-samples // _UNIT) * _UNIT
