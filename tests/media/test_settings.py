"""The media settings: sound defaults, and every fault told at once."""

import pytest

from device.media.settings import MediaSettings
from device.records import fields


def test_the_defaults_are_sound_and_explained() -> None:
    settings = MediaSettings()
    assert settings.faults() == []
    assert settings.codec_names == ("PCMA", "PCMU")
    assert set(MediaSettings.HELP) == {item.name for item in fields(settings)}


def test_codecs_are_read_leniently() -> None:
    settings = MediaSettings(codecs=" pcmu , PCMA,")
    assert settings.codec_names == ("PCMU", "PCMA")
    assert settings.faults() == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (MediaSettings(codecs=""), "at least one codec"),
        (MediaSettings(codecs="PCMA,G729"), "names more than"),
        (MediaSettings(codecs="PCMA,pcma"), "twice"),
        (MediaSettings(ptime_ms=7), "media.ptime_ms: 7 is not one of 10, 20, 30"),
        (MediaSettings(telephone_event_payload_type=8), "not between 96 and 127"),
        (MediaSettings(digit_ms=10), "digit_ms"),
        (MediaSettings(digit_gap_ms=0), "digit_gap_ms"),
        (MediaSettings(digit_level_db=3), "digit_level_db"),
        (MediaSettings(jitter_min_ms=100), "must rise"),
        (MediaSettings(jitter_max_ms=5000), "must rise"),
        (MediaSettings(tones="xx"), "itu, at, au"),
        (MediaSettings(tone_level_db=1), "tone_level_db"),
    ],
)
def test_every_fault_names_its_setting(settings: MediaSettings, words: str) -> None:
    (fault,) = settings.faults()
    assert fault.startswith("media.")
    assert words in fault


def test_all_faults_come_together() -> None:
    assert len(MediaSettings(ptime_ms=1, tones="", digit_ms=0).faults()) == 3
