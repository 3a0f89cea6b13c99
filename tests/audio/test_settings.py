"""Faults of the section [audio], in words."""

import pytest

from device.audio.settings import AudioSettings
from device.records import fields, replace


def test_the_defaults_are_right() -> None:
    assert AudioSettings().faults() == []


def test_every_setting_has_its_help() -> None:
    assert set(AudioSettings.HELP) == {field.name for field in fields(AudioSettings)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "oss"),
        ("capture_device", ""),
        ("playback_device", ""),
        ("rate_hz", 11025),
        ("period_ms", 1),
        ("period_ms", 100),
        ("playback_margin_ms", 1000),
        ("mic_gain_db", 60.0),
        ("ear_gain_db", -60.0),
        ("tone_gain_db", 31.0),
        ("rtp_timeout_s", -1.0),
        ("linger_s", 100.0),
        ("real_time_priority", 99),
    ],
)
def test_a_wrong_value_is_named(name: str, value: object) -> None:
    (fault,) = replace(AudioSettings(), **{name: value}).faults()
    assert fault.startswith(f"audio.{name}: ")


def test_zero_means_automatic_where_the_help_says_so() -> None:
    assert AudioSettings(period_ms=0, playback_margin_ms=0, rtp_timeout_s=0, real_time_priority=0).faults() == []


def test_device_names_do_not_matter_without_a_card() -> None:
    assert AudioSettings(kind="null", capture_device="", playback_device="").faults() == []


def test_all_faults_are_told_together() -> None:
    assert len(AudioSettings(kind="oss", rate_hz=1, linger_s=-1.0).faults()) == 3
