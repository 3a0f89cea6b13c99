"""What is heard for packets and for gaps, with and without the packet after the gap."""

from device.media import pcm
from device.media.codecs import Codec, new_codec
from device.media.packet_decoder import BRIDGE_FRAMES, FILL_FRAMES, PacketDecoder
from device.rtp.jitter_buffer import Gap
from device.rtp.packet import RtpPacket
from tests.media.test_bridging import error_of
from tests.media.test_concealment import voiced


class CountingCodec:
    """PCMU that tells how often each payload was decoded."""

    def __init__(self) -> None:
        self._codec = new_codec("PCMU")
        self.decoded: list[bytes] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._codec, name)

    def decode(self, payload: bytes) -> bytes:
        self.decoded.append(payload)
        return self._codec.decode(payload)


class RepeatingCodec(CountingCodec):
    """A codec that fills gaps by itself."""

    def conceal(self, samples: int) -> bytes:
        return b"\1\0" * samples

    def recover(self, following: bytes, samples: int) -> bytes:
        return b"\2\0" * samples


def packet(number: int) -> RtpPacket:
    payload = new_codec("PCMU").encode(voiced(120, 160 * number, 160))
    return RtpPacket(0, number, 160 * number, 1, False, payload)


def decoder_of(codec: object) -> PacketDecoder:
    codecs: dict[int, Codec] = {0: codec}  # type: ignore[dict-item]
    decoder = PacketDecoder(codecs, 8000, 8000)
    for number in range(5):
        decoder.decode(packet(number))
    return decoder


def test_a_gap_is_bridged_to_the_packet_after_it_which_is_decoded_once() -> None:
    codec = CountingCodec()
    decoder = decoder_of(codec)
    packet_6 = packet(6)
    filled = decoder.fill(Gap(160, lost=True, following=packet_6, distance=160))
    assert error_of(filled, voiced(120, 800, 160)) < 0.35
    played = decoder.decode(packet_6)
    assert error_of(played, voiced(120, 960, 160)) < 0.05
    assert len(codec.decoded) == 6
    assert (decoder.frames_played, decoder.frames_concealed) == (6, 1)


def test_a_gap_of_two_packets_is_bridged_as_one() -> None:
    decoder = decoder_of(CountingCodec())
    following = packet(7)
    first = decoder.fill(Gap(160, lost=True, following=following, distance=320))
    second = decoder.fill(Gap(160, lost=True, following=following, distance=160))
    assert error_of(first + second, voiced(120, 800, 320)) < 0.4
    assert pcm.rms(second) > 0.6 * pcm.rms(first)


def test_a_long_gap_fades_out() -> None:
    decoder = decoder_of(CountingCodec())
    following = packet(40)
    pieces = [
        decoder.fill(Gap(160, lost=True, following=following, distance=160 * frames))
        for frames in range(BRIDGE_FRAMES + 10, BRIDGE_FRAMES, -1)
    ]
    assert pcm.rms(pieces[0]) > 1000
    assert pcm.rms(pieces[-1]) == 0


def test_a_packet_that_was_decoded_early_and_never_played_is_forgotten() -> None:
    codec = CountingCodec()
    decoder = decoder_of(codec)
    decoder.fill(Gap(160, lost=True, following=packet(6), distance=160))
    other = packet(9)
    assert error_of(decoder.decode(other), voiced(120, 1440, 160)) < 0.05


def test_a_codec_that_fills_gaps_itself_is_asked_until_it_has_faded_out() -> None:
    decoder = decoder_of(RepeatingCodec())
    assert decoder.fill(Gap(160, lost=True)) == b"\1\0" * 160
    assert decoder.fill(Gap(160, lost=True, following=packet(7), distance=160)) == b"\2\0" * 160
    decoder.decode(packet(7))
    filled = [decoder.fill(Gap(160, lost=False)) for _ in range(FILL_FRAMES + 2)]
    assert filled[-1] == bytes(320)
    assert filled[FILL_FRAMES - 1] == b"\1\0" * 160
    assert decoder.frames_concealed == 2 + FILL_FRAMES


def test_nothing_before_the_first_packet_is_no_concealment() -> None:
    decoder = PacketDecoder({0: new_codec("PCMU")}, 8000, 8000)
    assert decoder.fill(Gap(160, lost=False)) == bytes(320)
    assert decoder.frames_concealed == 0


def test_reset_forgets_the_past() -> None:
    decoder = decoder_of(CountingCodec())
    decoder.fill(Gap(160, lost=True, following=packet(6), distance=160))
    decoder.reset()
    assert decoder.fill(Gap(160, lost=False)) == bytes(320)
