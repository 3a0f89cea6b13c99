"""The national plans: complete, plausible, and the cadences that people know by heart."""

import pytest

from device.media.errors import UnknownToneError
from device.media.national_tones import PLANS
from device.media.tone_notation import parse_tone
from device.media.tone_plan import COUNTRIES, TONE_NAMES, tone_pattern


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("name", TONE_NAMES)
def test_every_country_has_every_tone(country: str, name: str) -> None:
    pattern = tone_pattern(country, name)
    assert pattern.segments
    once = {"CONFIRMATION", "HOLD_REMINDER"} | ({"SPECIAL_INFORMATION"} if country in ("us", "ca") else set())
    assert pattern.repeat == (name not in once)
    for segment in pattern.segments:
        assert all(300 <= frequency <= 3400 for frequency in segment.frequencies)
        assert segment.on_ms > 0
        assert segment.off_ms >= 0


@pytest.mark.parametrize(
    ("country", "name", "frequencies", "times"),
    [
        ("us", "DIAL", (350, 440), None),
        ("us", "MESSAGE_WAITING", (350, 440), [100, 100] * 10 + [10_000, 0]),
        ("us", "RINGBACK", (440, 480), [2000, 4000]),
        ("us", "REORDER", (480, 620), [250, 250]),
        ("uk", "RINGBACK", (400, 450), [400, 200, 400, 2000]),
        ("uk", "REORDER", (400,), [400, 350, 225, 525]),
        ("de", "BUSY", (425,), [480, 480]),
        ("fr", "DIAL", (440,), None),
        ("it", "DIAL", (425,), [200, 200, 600, 1000]),
        ("es", "RINGBACK", (425,), [1500, 3000]),
        ("nl", "DIAL", (425,), None),
        ("se", "RINGBACK", (425,), [1000, 5000]),
        ("jp", "RINGBACK", (400,), [1000, 2000]),
        ("au", "DIAL", (413, 438), None),
    ],
)
def test_known_tones(country: str, name: str, frequencies: tuple[int, ...], times: list[int] | None) -> None:
    segments = tone_pattern(country, name).segments
    assert {segment.frequencies for segment in segments} == {frequencies}
    if times is None:
        assert [segment.off_ms for segment in segments] == [0]
    else:
        assert [ms for segment in segments for ms in (segment.on_ms, segment.off_ms)] == times


def test_the_plans_are_those_that_are_announced() -> None:
    assert sorted(PLANS) == sorted(COUNTRIES)
    assert len(COUNTRIES) >= 30
    assert {name for plan in PLANS.values() for name in plan} <= set(TONE_NAMES)


def test_canada_has_the_tones_of_the_united_states() -> None:
    assert tone_pattern("ca", "BUSY") == tone_pattern("us", "BUSY")


def test_tones_of_ones_own_go_before_those_of_the_country() -> None:
    own = "busy=400/100,0/100; DIAL=350+440"
    assert tone_pattern("de", "BUSY", own) == parse_tone("400/100,0/100")
    assert tone_pattern("de", "DIAL", own) == tone_pattern("us", "DIAL")
    assert tone_pattern("de", "MESSAGE_WAITING", own) == tone_pattern("us", "MESSAGE_WAITING")
    assert tone_pattern("de", "RINGBACK", own) == tone_pattern("de", "RINGBACK")


def test_the_howler_is_the_loudest() -> None:
    for country in COUNTRIES:
        levels = {name: tone_pattern(country, name).level_db for name in TONE_NAMES}
        assert levels.pop("HOWLER") > max(levels.values())


def test_japan_s_ringing_is_modulated() -> None:
    assert tone_pattern("jp", "RINGBACK").segments[0].modulation_hz == 16


def test_names_in_any_spelling_and_unknown_ones() -> None:
    assert tone_pattern("DE", "dial") == tone_pattern("de", "DIAL")
    with pytest.raises(UnknownToneError, match="known are itu, at"):
        tone_pattern("xx", "DIAL")
    with pytest.raises(UnknownToneError, match="known are DIAL, SECOND_DIAL, MESSAGE_WAITING"):
        tone_pattern("de", "MUSIC")
