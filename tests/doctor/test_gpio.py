"""Lines, chips and boot settings: each fault with the line that mends it."""

import pytest

from device.doctor.finding import Finding
from device.doctor.gpio import examine_gpio
from device.doctor.system_view import Node
from tests.support.doctored_board import DoctoredBoard


def sick(board: DoctoredBoard) -> list[Finding]:
    return [finding for finding in examine_gpio(board.case()) if finding.severity in ("warning", "error")]


def test_a_healthy_board_has_every_line_of_its_profile(board: DoctoredBoard) -> None:
    board.keep()
    assert sick(board) == []
    assert any(
        "lines of the profile are there: pinctrl-bcm2835" in finding.text for finding in examine_gpio(board.case())
    )


def test_a_simulated_board_needs_no_gpio(board: DoctoredBoard) -> None:
    board.keep(hardware__board="simulated")
    board.change("dev/gpiochip0", None)
    assert sick(board) == []


def test_a_profile_that_cannot_be_used(board: DoctoredBoard) -> None:
    board.keep(hardware__board="typewriter")
    (fault,) = sick(board)
    assert (fault.severity, fault.area) == ("error", "board")
    assert "typewriter" in fault.text
    assert "hardware.board" in fault.remedy


@pytest.mark.parametrize(
    ("holder", "remedy"),
    [
        ("w1-gpio@0", "remove dtoverlay=w1-gpio"),
        ("spi0 CS1", "remove dtparam=spi=on"),
        ("gpio_ir_recv", "remove dtoverlay=gpio-ir"),
        ("sysfs", "/sys/class/gpio/unexport"),
        ("pigpio", "ps ax | grep pigpio"),
        ("offhook hook", "ps ax | grep offhook"),
    ],
)
def test_a_line_that_somebody_else_holds(board: DoctoredBoard, holder: str, remedy: str) -> None:
    board.keep()
    board.holders[17] = holder
    (fault,) = sick(board)
    assert fault.severity == "error"
    assert f"line 17 is in use by '{holder}'" in fault.text
    assert remedy in fault.remedy


def test_lines_that_the_running_phone_holds_are_as_they_should_be(board: DoctoredBoard) -> None:
    board.answers = {
        "status": {"accounts": [], "notices": []},
        "settings.list": {"settings": [{"key": "hardware.board", "value": "raspberry-pi"}]},
    }
    board.holders = {17: "offhook hook", 18: "offhook ringer.0"}
    assert sick(board) == []


def test_a_board_without_the_chip_of_the_profile(board: DoctoredBoard) -> None:
    board.keep()
    board.label = "gpio-mockup-A"
    faults = sick(board)
    assert all("there is no GPIO chip" in fault.text and "gpio-mockup-A" in fault.text for fault in faults)
    assert faults


def test_no_chip_at_all(board: DoctoredBoard) -> None:
    board.keep()
    board.change("dev/gpiochip0", None)
    (fault,) = sick(board)
    assert "there is no GPIO chip in /dev" in fault.text
    assert fault.remedy.startswith("dmesg")


def test_a_chip_that_belongs_to_root_alone(board: DoctoredBoard) -> None:
    board.keep()
    board.nodes["/dev/gpiochip0"] = Node("root", 0o600)
    board.chips_readable = False
    (fault,) = sick(board)
    assert "/dev/gpiochip0 belongs to group root with mode 600" in fault.text
    assert fault.remedy == "sudo udevadm trigger"
    board.change("usr/lib/udev/rules.d/60-offhook.rules", None)
    (fault,) = sick(board)
    assert "install-system" in fault.remedy


def test_no_group_for_the_chips(board: DoctoredBoard) -> None:
    board.keep()
    board.change("etc/group", "audio:x:29:offhook\ndialout:x:20:offhook\n")
    assert any("there is no group gpio" in fault.text for fault in sick(board))


def test_a_kernel_without_the_second_version_of_the_device(board: DoctoredBoard) -> None:
    board.keep()
    board.change("proc/sys/kernel/osrelease", "5.4.83-v7+")
    (fault,) = sick(board)
    assert "kernel 5.4.83-v7+ is too old" in fault.text


@pytest.mark.parametrize(
    ("line", "pin"),
    [
        ("dtoverlay=gpio-ir", 18),
        ("dtoverlay=w1-gpio,gpiopin=17", 17),
        ("dtparam=i2s=on", 20),
        ("dtoverlay=pwm-2chan", 19),
    ],
)
def test_a_boot_setting_that_takes_a_pin_of_the_profile(board: DoctoredBoard, line: str, pin: int) -> None:
    board.keep()
    board.change("boot/firmware/config.txt", f"dtparam=audio=on\n{line}   # for the sensor\ngpio=18,23=op,dl\n")
    faults = [fault for fault in sick(board) if f"GPIO{pin}," in fault.text]
    assert faults
    assert all(fault.severity == "error" and repr(line) in fault.text for fault in faults)
    assert f"sudo sed -i 's/^{line}/#&/' /boot/firmware/config.txt" in faults[0].remedy


@pytest.mark.parametrize(
    "line", ["#dtoverlay=gpio-ir", "dtoverlay=w1-gpio", "dtparam=i2s=off", "dtoverlay=vc4-kms-v3d"]
)
def test_boot_settings_that_leave_the_pins_alone(board: DoctoredBoard, line: str) -> None:
    board.keep()
    board.change("boot/firmware/config.txt", f"{line}\ngpio=18,23=op,dl\n")
    assert sick(board) == []


def test_outputs_that_the_boot_loader_does_not_switch_off(board: DoctoredBoard) -> None:
    board.keep()
    board.change("boot/firmware/config.txt", "dtparam=audio=on\n")
    (fault,) = sick(board)
    assert fault.severity == "warning"
    assert fault.remedy == "echo 'gpio=18=op,dl' | sudo tee -a /boot/firmware/config.txt"


@pytest.mark.parametrize("line", ["gpio=17-19=op,dl", "gpio=4,18=dl", "gpio=18=op,pn,dl"])
def test_ways_to_switch_an_output_off_at_power_on(board: DoctoredBoard, line: str) -> None:
    board.keep()
    board.change("boot/firmware/config.txt", f"dtparam=audio=on\n{line}\n")
    assert sick(board) == []


def test_an_image_that_does_not_run_is_judged_by_its_files(board: DoctoredBoard) -> None:
    board.keep()
    board.live = False
    board.change("boot/firmware/config.txt", "dtoverlay=gpio-ir\ngpio=18=op,dl\n")
    (fault,) = sick(board)
    assert "takes GPIO18" in fault.text


@pytest.fixture
def pwm(board: DoctoredBoard) -> DoctoredBoard:
    """A board whose bell is a buzzer on the first channel of a controller of two."""
    board.change("etc/offhook/pwm.toml", PWM_PROFILE)
    board.keep(hardware__board="/etc/offhook/pwm.toml")
    board.change("sys/devices/platform/fe20c000.pwm/pwm/pwmchip0/npwm", "2")
    board.change("sys/devices/platform/fe20c000.pwm/pwm/pwmchip0/export", "")
    (board.folder / "sys/class/pwm").mkdir(parents=True)
    (board.folder / "sys/class/pwm/pwmchip0").symlink_to("../../devices/platform/fe20c000.pwm/pwm/pwmchip0")
    (board.folder / "sys/devices/platform/fe20c000.pwm/pwm/pwmchip0/device").symlink_to("../..")
    board.nodes["/sys/class/pwm/pwmchip0/export"] = Node("gpio", 0o220)
    return board


PWM_PROFILE = """name = "buzzer"
driver = "gpiod"

[ringer]
kind = "pwm"
pwm_chip = "fe20c000.pwm"
pwm_channel = 0
"""


def test_a_pwm_channel_that_is_there(pwm: DoctoredBoard) -> None:
    assert sick(pwm) == []
    assert "ringer.pwm: channel 0 of pwmchip0 is there" in [finding.text for finding in examine_gpio(pwm.case())]


def test_a_pwm_controller_that_is_not_there(pwm: DoctoredBoard) -> None:
    pwm.change("etc/offhook/pwm.toml", PWM_PROFILE.replace("fe20c000", "3f20c000"))
    (fault,) = sick(pwm)
    assert "no PWM controller '3f20c000.pwm' here; there are: pwmchip0 (fe20c000.pwm)" in fault.text


def test_a_pwm_channel_that_the_controller_has_not(pwm: DoctoredBoard) -> None:
    pwm.change("etc/offhook/pwm.toml", PWM_PROFILE.replace("pwm_channel = 0", "pwm_channel = 2"))
    (fault,) = sick(pwm)
    assert "has 2 channels, counted from 0; the profile wants 2" in fault.text


def test_a_pwm_channel_that_belongs_to_root(pwm: DoctoredBoard) -> None:
    pwm.nodes["/sys/class/pwm/pwmchip0/export"] = Node("root", 0o200)
    (fault,) = sick(pwm)
    assert "belongs to group root with mode 200" in fault.text
    assert fault.remedy == "sudo firmware_scripts/install-system /"
