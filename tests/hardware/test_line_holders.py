import pytest

from device.hardware.line_holders import KERNEL_DRIVERS, way_out


@pytest.mark.parametrize("driver", KERNEL_DRIVERS)
def test_drivers_of_the_kernel_are_known_with_any_ending(driver):
    assert way_out(f"{driver.upper()}@4") == KERNEL_DRIVERS[driver]


def test_a_program_is_looked_for_by_its_first_word_which_does_no_harm_in_a_shell():
    assert "`pgrep -a '$(reboot)'`" in way_out("$(reboot) now")


def test_a_holder_without_a_name_is_found_through_the_pin_controller():
    assert "/sys/kernel/debug/pinctrl" in way_out("")
