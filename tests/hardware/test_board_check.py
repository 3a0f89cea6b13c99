"""What a profile and its board have against each other."""

import pytest

from device.hardware.board_check import all_lines, check_machine, check_profile, outputs_that_matter
from device.hardware.board_data import load_board
from device.hardware.gpiod_chip import GpiodChip
from device.hardware.profile import BoardProfile
from tests.support.fake_gpio_kernel import FakeGpioKernel


def check(board="raspberry-pi-4", **sections):
    return check_profile(BoardProfile.from_mapping(sections, board=board), load_board(board))


def texts(findings, level="warning"):
    return [finding.text for finding in findings if finding.level == level]


class TestBootState:
    """A relay or bell must be off while nobody holds its line."""

    @pytest.mark.parametrize("kind", [{"relays": {"door": {"pin": 7}}}, {"ringer": {"pins": [7]}}])
    def test_a_pin_that_is_pulled_up_would_switch_it_on(self, kind):
        (text,) = texts(check(**kind))
        assert text.startswith("it is switched ON from power-up until offhook starts, and after a crash")
        assert "pin 7 has its pull up at reset" in text
        assert 'fit 10 kilohms from the pin to GND and write unheld = "low"' in text
        assert "such as 11 (GPIO17)" in text

    def test_a_pin_that_is_pulled_down_is_right(self):
        assert texts(check(relays={"door": {"pin": 22}})) == []

    def test_a_low_active_relay_is_the_other_way_round(self):
        assert texts(check(relays={"door": {"pin": 7, "active_low": True}})) == []
        (text,) = texts(check(relays={"door": {"pin": 22, "active_low": True}}))
        assert "10 kilohms from the pin to 3.3 V" in text
        assert 'unheld = "high"' in text

    def test_a_resistor_outside_decides(self):
        assert texts(check(relays={"door": {"pin": 7, "unheld": "low"}})) == []
        (text,) = texts(check(relays={"door": {"pin": 22, "unheld": "high"}}))
        assert "the profile says so" in text
        (text,) = texts(check(relays={"door": {"pin": 22, "unheld": "floating"}}))
        assert text.startswith("nothing decides its level")

    def test_a_board_without_pulls_and_one_of_which_nothing_is_known(self):
        (text,) = texts(check("orange-pi-zero", relays={"door": {"pin": 22}}))
        assert "it has no pull" in text
        (text,) = texts(check("orange-pi-5", relays={"door": {"pin": 22}}))
        assert "not documented" in text

    def test_a_lamp_may_light_for_a_moment(self):
        assert texts(check(lamps={"a": {"pin": 7}})) == []


def test_the_boot_loader_of_a_raspberry_pi_can_hold_them_off():
    sections = {"relays": {"door": {"pin": 22}, "gate": {"pin": 7, "active_low": True}}, "ringer": {"pins": [12]}}
    assert texts(check(**sections), "advice") == [
        "to hold these outputs off from power-up on, add `gpio=25,18=op,dl` to config.txt",
        "to hold these outputs off from power-up on, add `gpio=4=op,dh` to config.txt",
    ]
    assert texts(check("orange-pi-zero", relays={"door": {"pin": 22}}), "advice") == []


def test_pins_that_are_better_left_alone_and_lines_on_no_header():
    assert texts(check(hook={"pin": 10})) == ["pin 10 (GPIO15): serial console: characters would be read from it"]
    (text,) = texts(check(hook={"line": 3, "chip": "pcf8574"}))
    assert "on no header of the Raspberry Pi 4" in text


def test_every_line_is_looked_at():
    profile = BoardProfile.load("simulated")
    assert len(all_lines(profile)) == 19
    bell = BoardProfile.from_mapping({"ringer": {"kind": "bell", "lines": [1, 2], "enable": {"line": 3}}})
    assert list(outputs_that_matter(bell)) == ["ringer.0", "ringer.1", "ringer.enable"]


class TestKernel:
    @pytest.fixture
    def kernel(self, tmp_path):
        return FakeGpioKernel(tmp_path)

    def check(self, kernel, **sections):
        return check_machine(BoardProfile.from_mapping(sections), GpiodChip(kernel, kernel.folder))

    def test_lines_that_are_free_or_held_by_a_running_phone_are_right(self, kernel):
        header = kernel.add_chip("gpiochip0")
        header.consumers[25] = "offhook relay.door"
        assert self.check(kernel, hook={"line": 17}, relays={"door": {"line": 25}}) == []

    def test_a_line_that_is_taken_says_by_whom_and_what_to_type(self, kernel):
        kernel.add_chip("gpiochip0").consumers[4] = "onewire@4"
        (finding,) = self.check(kernel, buttons={"door": {"line": 4}})
        assert (finding.level, finding.about) == ("error", "button.door")
        assert finding.text == "line 4 is in use by 'onewire@4'; remove `dtoverlay=w1-gpio` from config.txt and restart"

    def test_what_is_wrong_with_all_lines_is_told_once(self, kernel):
        (finding,) = self.check(kernel, hook={"line": 17}, lamps={"a": {"line": 4}})
        assert finding.about == "hook, lamp.a"
        assert "there is no GPIO chip 'raspberry-pi' here" in finding.text

    def test_a_chip_that_may_not_be_opened(self, kernel):
        kernel.add_chip("gpiochip0").permitted = False
        (finding,) = self.check(kernel, hook={"line": 17, "chip": "gpiochip0"})
        assert "usermod -aG gpio" in finding.text
