"""Between the mono sound of calls and what a card insists on: its rate, its channels, its sample width."""

from array import array

from device.audio.interfaces import SAMPLE_BYTES
from device.media import pcm as arithmetic
from device.media.rates import resampler
from device.records import dataclass


@dataclass(frozen=True, slots=True)
class CardFormat:
    """How a card wants its samples: interleaved, little endian."""

    rate_hz: int
    channels: int
    sample_bytes: int = SAMPLE_BYTES
    """2 or 4."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.sample_bytes


def usable(card: CardFormat) -> bool:
    """Whether the conversions below know this format."""
    return card.sample_bytes in (2, 4) and card.channels >= 1 and 8000 <= card.rate_hz <= 192000


class CaptureConversion:
    """From what the card captures to mono of 16 bit; keeps the resampler's state."""

    __slots__ = ("_card", "_resampler", "needless")

    def __init__(self, card: CardFormat, rate_hz: int) -> None:
        self._card = card
        self._resampler = resampler(card.rate_hz, rate_hz)
        self.needless = card == CardFormat(rate_hz, 1)
        """Whether the card's samples are right as they are."""

    def convert(self, data: bytes) -> bytes:
        """Mono samples at our rate. Of two channels the mean is taken, of more the first."""
        if self._card.sample_bytes == 4:
            # The upper half of a 32 bit sample is its 16 bit value.
            data = array("h", data)[1::2].tobytes()
        if self._card.channels == 2:
            data = arithmetic.stereo_to_mono(data)
        elif self._card.channels > 2:
            data = array("h", data)[:: self._card.channels].tobytes()
        return self._resampler.convert(data) if self._resampler else data


class PlaybackConversion:
    """From mono of 16 bit to what the card plays; keeps the resampler's state."""

    __slots__ = ("_card", "_resampler", "needless")

    def __init__(self, card: CardFormat, rate_hz: int) -> None:
        self._card = card
        self._resampler = resampler(rate_hz, card.rate_hz)
        self.needless = card == CardFormat(rate_hz, 1)
        """Whether the card takes our samples as they are."""

    def convert(self, pcm: bytes) -> bytes:
        """The card's samples: the same in the first two channels, silence in the others."""
        if self._resampler:
            pcm = self._resampler.convert(pcm)
        channels = self._card.channels
        if channels == 2:
            pcm = arithmetic.mono_to_stereo(pcm)
        elif channels > 2:
            pcm = _spread(pcm, channels, (0, 1))
        return _spread(pcm, 2, (1,)) if self._card.sample_bytes == 4 else pcm


def _spread(pcm: bytes, stride: int, places: tuple[int, ...]) -> bytes:
    """Every 16 bit word of `pcm` at `places` of a group of `stride` words, zero at the others."""
    words = array("h", pcm)
    spread = array("h", bytes(SAMPLE_BYTES * stride * len(words)))
    for place in places:
        spread[place::stride] = words
    return spread.tobytes()
