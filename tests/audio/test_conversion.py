"""What cards insist on."""

from array import array

import pytest

from device.audio.conversion import CaptureConversion, CardFormat, PlaybackConversion, usable


def samples(*values: int) -> bytes:
    return array("h", values).tobytes()


def wide(*values: int) -> bytes:
    return array("i", [value * 65536 for value in values]).tobytes()


def test_mono_of_16_bit_at_our_rate_needs_nothing() -> None:
    card = CardFormat(8000, 1)
    assert CaptureConversion(card, 8000).needless
    assert PlaybackConversion(card, 8000).needless
    assert CaptureConversion(card, 8000).convert(samples(1, -2)) == samples(1, -2)


@pytest.mark.parametrize(
    ("card", "captured"),
    [
        (CardFormat(8000, 2), samples(100, 300, -100, -300)),
        (CardFormat(8000, 1, 4), wide(200, -200)),
        (CardFormat(8000, 2, 4), wide(100, 300, -100, -300)),
        (CardFormat(8000, 4), samples(200, 7, 7, 7, -200, 7, 7, 7)),
    ],
)
def test_capture_becomes_mono_of_16_bit(card: CardFormat, captured: bytes) -> None:
    conversion = CaptureConversion(card, 8000)
    assert not conversion.needless
    assert conversion.convert(captured) == samples(200, -200)


@pytest.mark.parametrize(
    ("card", "played"),
    [
        (CardFormat(8000, 2), samples(5, 5, -6, -6)),
        (CardFormat(8000, 1, 4), wide(5, -6)),
        (CardFormat(8000, 2, 4), wide(5, 5, -6, -6)),
        (CardFormat(8000, 4), samples(5, 5, 0, 0, -6, -6, 0, 0)),
        (CardFormat(8000, 3, 4), wide(5, 5, 0, -6, -6, 0)),
    ],
)
def test_playback_becomes_what_the_card_wants(card: CardFormat, played: bytes) -> None:
    conversion = PlaybackConversion(card, 8000)
    assert not conversion.needless
    assert conversion.convert(samples(5, -6)) == played


@pytest.mark.parametrize(("rate_hz", "period"), [(16000, 320), (48000, 960)])
def test_rates_are_converted_frame_by_frame(rate_hz: int, period: int) -> None:
    card = CardFormat(rate_hz, 2)
    capture, playback = CaptureConversion(card, 8000), PlaybackConversion(card, 8000)
    for _ in range(3):
        heard = capture.convert(samples(*[1000] * (2 * period)))
        played = playback.convert(samples(*[1000] * 160))
    assert len(heard) == 320
    assert len(played) == 4 * period
    assert array("h", heard)[-1] == pytest.approx(1000, abs=40)
    assert array("h", played)[-1] == pytest.approx(1000, abs=40)


@pytest.mark.parametrize(
    ("card", "known"),
    [
        (CardFormat(48000, 2), True),
        (CardFormat(44100, 6, 4), True),
        (CardFormat(48000, 2, 0), False),
        (CardFormat(48000, 0), False),
        (CardFormat(4000, 1), False),
    ],
)
def test_which_formats_are_known(card: CardFormat, known: bool) -> None:
    assert usable(card) == known
