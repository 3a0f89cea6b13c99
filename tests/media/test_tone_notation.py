"""Tones as people write them."""

import pytest

from device.media.errors import UnknownToneError
from device.media.settings import MediaSettings
from device.media.tone_notation import parse_own_tones, parse_tone
from device.media.tone_plan import CONTINUOUS_MS, TonePattern, ToneSegment
from device.media.tones import ToneGenerator
from tests.media.goertzel import level_db


def test_a_steady_tone() -> None:
    assert parse_tone("350+440") == TonePattern((ToneSegment((350, 440), CONTINUOUS_MS),))


def test_a_cadence_with_two_bursts_and_a_modulated_one() -> None:
    assert parse_tone(" 425/200, 0/600,400*16/300,0/10000 ") == TonePattern(
        (ToneSegment((425,), 200, 600), ToneSegment((400,), 300, 10_000, 16))
    )


def test_parts_that_are_played_once_stand_before_what_repeats() -> None:
    pattern = parse_tone("!350+440/100,!0/100,350+440")
    assert pattern == TonePattern(
        (ToneSegment((350, 440), 100, 100), ToneSegment((350, 440), CONTINUOUS_MS)), again_from=1
    )
    player = ToneGenerator(pattern, 8000)
    player.next_frame(8000 * 30)
    assert level_db(player.next_frame(8000), 350, 8000) == pytest.approx(-16, abs=0.2)


def test_a_tone_that_ends() -> None:
    pattern = parse_tone("!950/330,!1400/330,!0/1000")
    assert not pattern.repeat
    player = ToneGenerator(pattern, 8000)
    player.next_frame(8000 * 2)
    assert player.finished


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no whole number"),
        ("425/", "is no whole number"),
        ("425/0", "a length is between 1 and 600000 ms"),
        ("x425", "is no whole number"),
        ("5/100", "a frequency is between 20 and 3800 Hz"),
        ("4000", "a frequency is between 20 and 3800 Hz"),
        ("0/500,425/500", "does not begin with a pause"),
        ("1000+1100+1200+1300+1400", "at most 4 frequencies"),
        ("350+440*20", "at most 4 frequencies together, or one with its modulation"),
        (",".join(["425/10"] * 65), "at most 64"),
        ("\u0664\u0662\u0665", "is no whole number"),
    ],
)
def test_what_is_wrong_is_said(text: str, reason: str) -> None:
    with pytest.raises(UnknownToneError, match=reason):
        parse_tone(text)


def test_own_tones_by_name() -> None:
    assert parse_own_tones("busy=425/250,0/250; DIAL=350+440;") == {"BUSY": "425/250,0/250", "DIAL": "350+440"}
    with pytest.raises(UnknownToneError, match="NAME=tone"):
        parse_own_tones("425")


def test_the_setting_is_checked_as_a_whole() -> None:
    assert MediaSettings(own_tones="DIAL=350+440").faults() == []
    (fault,) = MediaSettings(own_tones="DAIL=350+440").faults()
    assert fault.startswith("media.own_tones: there is no tone DAIL; there are DIAL, SECOND_DIAL")
    (fault,) = MediaSettings(own_tones="DIAL=x").faults()
    assert fault.startswith("media.own_tones: 'x'")
