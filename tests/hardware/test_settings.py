"""The settings of section "hardware"."""

import pytest

from device.hardware.errors import ProfileError
from device.hardware.profile import BoardProfile
from device.hardware.settings import HardwareSettings
from device.records import fields
from tests.support.desk_bench import make_profile


def test_defaults_change_nothing():
    profile = make_profile(hook={"line": 17, "flash": False}, ringer={"lines": [18], "cadence": "us"})
    assert HardwareSettings().faults() == []
    assert HardwareSettings().apply(profile) == profile
    assert HardwareSettings().apply(make_profile()) == make_profile()


def test_settings_go_before_the_profile():
    profile = make_profile(hook={"line": 17}, ringer={"lines": [18]})
    settings = HardwareSettings(flash="off", flash_min_ms=100, flash_max_ms=400, cadence="uk")
    changed = settings.apply(profile)
    assert (changed.hook.flash, changed.hook.flash_min_ms, changed.hook.flash_max_ms) == (False, 100, 400)
    assert changed.ringer.cadence == "uk"
    assert HardwareSettings(flash="on").apply(changed).hook.flash is True


def test_window_that_closes_before_it_opens_is_refused():
    with pytest.raises(ProfileError, match="900 to 800 ms is no window"):
        HardwareSettings(flash_min_ms=900).apply(make_profile(hook={"line": 17}))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (HardwareSettings(board=""), "hardware.board: empty"),
        (HardwareSettings(bell_hz=5), "hardware.bell_hz: 5 is not between 10 and 60, nor 0"),
        (HardwareSettings(flash="yes"), "hardware.flash: 'yes'"),
        (HardwareSettings(flash_min_ms=-1), "hardware.flash_min_ms: -1"),
        (HardwareSettings(flash_max_ms=9000), "hardware.flash_max_ms: 9000"),
        (HardwareSettings(flash_min_ms=300, flash_max_ms=200), "hardware.flash_max_ms: 200 is not more than"),
        (HardwareSettings(cadence="xx"), "hardware.cadence: 'xx'"),
    ],
)
def test_faults(settings, fault):
    (found,) = settings.faults()
    assert found.startswith(fault)


def test_every_field_has_help():
    assert set(HardwareSettings.HELP) == {item.name for item in fields(HardwareSettings)}


def test_the_frequency_of_a_bell_goes_before_that_of_the_profile():
    profile = BoardProfile.from_mapping({"ringer": {"kind": "bell", "lines": [18, 25], "frequency_hz": 20}})
    assert HardwareSettings(bell_hz=25).apply(profile).ringer.frequency_hz == 25
    assert HardwareSettings().apply(profile).ringer.frequency_hz == 20
