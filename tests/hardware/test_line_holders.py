import pytest

from device.hardware.line_holders import KERNEL_DRIVERS, way_out


@pytest.mark.parametrize("driver", KERNEL_DRIVERS)
def test_drivers_of_the_kernel_are_known_with_any_ending(driver):
    assert way_out(f"{driver.upper()}@4") == KERNEL_DRIVERS[driver].replace("{number}", "NUMBER")


def test_a_line_that_was_exported_by_hand_has_its_number_among_all_lines(tmp_path):
    for name, label, base in (("gpiochip0", "other", "0"), ("gpiochip512", "pinctrl-bcm2835", "512")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "label").write_text(f"{label}\n")
        (tmp_path / name / "base").write_text(f"{base}\n")
    assert "`echo 529 | sudo tee" in way_out("sysfs", "pinctrl-bcm2835", 17, str(tmp_path))
    assert "`echo NUMBER | sudo tee" in way_out("sysfs", "unknown", 17, str(tmp_path))


def test_a_program_is_looked_for_by_its_first_word_which_does_no_harm_in_a_shell():
    assert "`pgrep -a '$(reboot)'`" in way_out("$(reboot) now")


def test_a_holder_without_a_name_is_found_through_the_pin_controller():
    assert "/sys/kernel/debug/pinctrl" in way_out("")
