"""Lines of the kernel through its character device, against a strict stand-in, and the real kernel without a chip."""

import pytest

from device.hardware.board import Board
from device.hardware.errors import LineError, LineTakenError
from device.hardware.gpio_uapi import LineInfo
from device.hardware.gpiod_chip import EVENT_BUFFER, ChipInfo, GpiodChip
from device.hardware.interfaces import LineChanged, LineSpec, PwmSpec
from device.hardware.profile import BoardProfile
from tests.support.fake_gpio_kernel import FakeGpioKernel

HOOK = LineSpec("gpiochip0", 17, active_low=True, bias="pull-up", debounce_ms=20)


@pytest.fixture
def kernel(tmp_path):
    kernel = FakeGpioKernel(tmp_path)
    yield kernel
    assert kernel.chips == {}
    assert kernel.lines == {}


@pytest.fixture
def header(kernel):
    return kernel.add_chip("gpiochip0", names={17: "GPIO17", 18: "GPIO18"})


@pytest.fixture
def chip(kernel, header):
    chip = GpiodChip(kernel, kernel.folder)
    yield chip
    chip.close()
    assert header.requests == {}


def test_kernel_debounces_applies_polarity_and_dates(chip, header):
    line = chip.request_input("hook", HOOK)
    held = header.requests[17]
    assert held.flags == {"input", "edge_rising", "edge_falling", "bias_pull_up", "active_low"}
    assert held.debounce_s == 0.02
    assert held.buffer == EVENT_BUFFER
    assert line.debounced_by == "kernel"
    assert line.lag_s == 0
    assert not line.active()
    header.drive(17, True, 0.5)
    header.drive(17, False, 1.0)
    assert line.read_events() == []
    header.settle(17)
    assert line.read_events() == [LineChanged("hook", True, pytest.approx(1.02))]
    assert line.read_events() == []
    assert line.active()
    assert line.next_timeout() is None
    assert line.handle_timeout(9.0) == []


def test_offhook_debounces_where_the_kernel_refuses(chip, header):
    header.debounces = False
    header.levels[17] = True
    line = chip.request_input("hook", HOOK)
    assert line.debounced_by == "software"
    header.drive(17, False, 1.0)
    header.drive(17, True, 1.005)
    header.drive(17, False, 1.01)
    assert line.read_events() == []
    assert not line.active()
    assert line.next_timeout() == pytest.approx(1.03)
    assert line.handle_timeout(1.04) == [LineChanged("hook", True, pytest.approx(1.03))]
    assert line.active()


def test_line_without_debounce(chip, header):
    line = chip.request_input("keypad.column0", LineSpec("gpiochip0", 16, bias="pull-down"))
    assert line.debounced_by == "none"
    assert "bias_pull_down" in header.requests[16].flags
    header.drive(16, True, 1.0)
    assert line.active()
    assert line.read_events() == [LineChanged("keypad.column0", True, 1.0)]


def test_edges_that_were_dropped_do_not_give_a_change_twice(chip, header):
    line = chip.request_input("x", LineSpec("gpiochip0", 16))
    header.drive(16, True, 1.0)
    header.drive(16, False, 1.1)
    header.requests[16].drop_oldest()
    assert line.read_events() == []


def test_output(chip, header):
    line = chip.request_output("ringer.0", LineSpec("gpiochip0", 18, active_low=True, drive="open-drain"), True)
    request = header.requests[18]
    assert request.flags == {"output", "open_drain", "active_low"}
    assert request.consumer == "offhook ringer.0"
    line.set(False)
    line.set(True)
    assert line.active()
    line.close()
    line.close()
    assert request.written == [True, False, True, False]
    with pytest.raises(LineError, match="given back"):
        line.set(True)


@pytest.mark.parametrize("chip_name", ["gpiochip0", "pinctrl-bcm2835", "raspberry-pi"])
@pytest.mark.parametrize("line", [17, "GPIO17"])
def test_chip_by_name_label_or_header_and_line_by_number_or_name(chip, header, chip_name, line):
    chip.request_input("hook", LineSpec(chip_name, line))
    assert list(header.requests) == [17]


def test_chip_by_path(chip, header):
    chip.request_input("hook", LineSpec(header.path, 17))
    assert list(header.requests) == [17]


def test_header_of_a_raspberry_pi_5_is_not_its_first_chip(kernel, chip, header):
    header.label = "gpio-brcmstb@107d508500"
    rp1 = kernel.add_chip("gpiochip4", "pinctrl-rp1")
    chip.request_input("hook", LineSpec("raspberry-pi", 17))
    assert list(rp1.requests) == [17]


def test_chips_are_listed_in_the_order_of_their_numbers_and_links_once(kernel, chip, header, tmp_path):
    kernel.add_chip("gpiochip10", "pcf8574", 8)
    kernel.add_chip("gpiochip2", "raspberrypi-exp-gpio", 8)
    (tmp_path / "gpiochip4").symlink_to("gpiochip0")
    (tmp_path / "gpiochip7").touch()
    assert chip.chips() == [
        ChipInfo(header.path, "pinctrl-bcm2835", 54),
        ChipInfo(str(tmp_path / "gpiochip2"), "raspberrypi-exp-gpio", 8),
        ChipInfo(str(tmp_path / "gpiochip10"), "pcf8574", 8),
    ]


def test_line_that_is_taken_names_who_has_it(chip, header):
    header.consumers[17] = "w1-gpio"
    with pytest.raises(LineError, match=r"hook: line 17 of gpiochip0 \(pinctrl-bcm2835\) is in use by 'w1-gpio'"):
        chip.request_input("hook", HOOK)
    header.consumers[17] = ""
    with pytest.raises(LineError, match="a driver of the kernel"):
        chip.request_input("hook", HOOK)


@pytest.mark.parametrize(
    ("holder", "advice"),
    [
        ("sysfs", "/sys/class/gpio/unexport"),
        ("onewire@11", "dtoverlay=w1-gpio"),
        ("spi0 CS0", "raspi-config nonint do_spi 1"),
        ("offhook relay.door", "systemctl stop offhook"),
        ("python3 door.py", "pgrep -a python3"),
        ("", "pinmux-pins"),
    ],
)
def test_a_taken_line_says_what_to_type(chip, header, holder, advice):
    header.consumers[17] = holder
    with pytest.raises(LineTakenError) as refused:
        chip.request_input("hook", HOOK)
    assert advice in str(refused.value)
    assert refused.value.holder == holder


def test_no_permission_names_the_group(chip, header):
    header.permitted = False
    with pytest.raises(LineError, match=r"no permission to open .*gpiochip0; .*usermod -aG gpio"):
        chip.request_input("hook", HOOK)
    with pytest.raises(LineError, match=r"there are .*gpiochip0, but none may be opened; .*usermod -aG gpio"):
        chip.request_input("hook", LineSpec("raspberry-pi", 17))


def test_absent_chip_lists_those_there_are(kernel, chip):
    kernel.add_chip("gpiochip1", "raspberrypi-exp-gpio", 8)
    with pytest.raises(
        LineError,
        match=r"hook: there is no GPIO chip 'pinctrl-rp1' here; "
        r"there are gpiochip0 \(pinctrl-bcm2835, 54 lines\), gpiochip1 \(raspberrypi-exp-gpio, 8 lines\)",
    ):
        chip.request_input("hook", LineSpec("pinctrl-rp1", 17))
    with pytest.raises(LineError, match="there is no GPIO chip /nowhere/gpiochip9; there are gpiochip0"):
        chip.request_input("hook", LineSpec("/nowhere/gpiochip9", 17))


def test_machine_without_any_chip(kernel, tmp_path):
    with pytest.raises(LineError, match="is this a board with GPIO"):
        GpiodChip(kernel, kernel.folder).request_input("hook", LineSpec("raspberry-pi", 17))
    with pytest.raises(LineError, match="is this a board with GPIO"):
        GpiodChip(kernel, str(tmp_path / "none")).request_input("hook", LineSpec("raspberry-pi", 17))


def test_device_that_is_no_chip(kernel, chip, tmp_path):
    (tmp_path / "gpiochip9").touch()
    with pytest.raises(LineError, match=r"is no GPIO chip that can be used: .*Inappropriate ioctl"):
        chip.request_input("hook", LineSpec("gpiochip9", 17))


@pytest.mark.parametrize("line", [54, 400])
def test_number_beyond_the_chip(chip, line):
    with pytest.raises(LineError, match=rf"has no line {line}; its lines are 0 to 53"):
        chip.request_input("hook", LineSpec("gpiochip0", line))


def test_unknown_line_name(chip):
    with pytest.raises(LineError, match="has no line named 'GPIO71'"):
        chip.request_input("hook", LineSpec("gpiochip0", "GPIO71"))


def test_settings_that_the_chip_refuses(chip, header):
    header.biases = False
    with pytest.raises(LineError, match=r'refuses these settings: .* try bias = "none"'):
        chip.request_input("hook", HOOK)


@pytest.mark.parametrize(
    ("error", "said"), [(PermissionError(1, "no"), "may not be used"), (OSError(19, "gone"), "has gone")]
)
def test_request_that_fails_otherwise(chip, kernel, error, said):
    kernel.refusal = error
    with pytest.raises(LineError, match=said):
        chip.request_output("lamp.a", LineSpec("gpiochip0", 3))


def test_chip_that_is_unplugged(chip, header):
    hook = chip.request_input("hook", HOOK)
    bell = chip.request_output("ringer.0", LineSpec("gpiochip0", 18))
    header.unplugged = True
    with pytest.raises(LineError, match=r"hook: the line cannot be read: .*No such device"):
        hook.read_events()
    with pytest.raises(LineError, match=r"hook: the line cannot be read: .*No such device"):
        hook.active()
    with pytest.raises(LineError, match=r"ringer\.0: the line cannot be set"):
        bell.set(True)
    with pytest.raises(LineError):
        bell.close()
    bell.close()
    hook.close()
    assert hook.fileno() == -1
    with pytest.raises(LineError, match="given back"):
        hook.active()


def test_kernel_that_is_too_old(chip, kernel):
    kernel.knows_version_2 = False
    with pytest.raises(LineError, match=r"kernel is older than 5\.10"):
        chip.request_input("hook", LineSpec("gpiochip0", 17))
    with pytest.raises(LineError, match="does not tell its lines"):
        chip.request_input("hook", LineSpec("gpiochip0", "GPIO17"))


def test_lines_of_a_chip_with_their_holders(chip, header, tmp_path):
    header.consumers[4] = "w1-gpio"
    chip.request_output("lamp.a", LineSpec("gpiochip0", 18))
    lines = chip.lines(header.path)
    assert len(lines) == 54
    assert lines[4] == LineInfo(4, "", "w1-gpio", True, False)
    assert lines[17] == LineInfo(17, "GPIO17", "", False, False)
    assert lines[18] == LineInfo(18, "GPIO18", "offhook lamp.a", True, True)
    with pytest.raises(LineError, match="there is no GPIO chip"):
        chip.lines(str(tmp_path / "gpiochip9"))


def test_whole_board_on_the_lines_of_the_kernel(kernel, header):
    header.num_lines = 54
    board = Board(BoardProfile.load("raspberry-pi"), GpiodChip(kernel, kernel.folder))
    assert sorted(header.requests) == [5, 6, 13, 16, 17, 18, 19, 20, 21, 22, 27]
    board.start(0.0)
    assert not board.hook.lifted
    header.drive(17, True, 0.0)
    header.drive(17, False, 1.0)
    header.settle(17)
    (event,) = board.receive_ready(header.requests[17].reader, 1.03)
    assert event.at == pytest.approx(1.02)
    board.ringer.start("us", 2.0)
    assert header.levels[18] is True
    board.close()
    assert header.requests == {}
    assert header.levels[18] is False


def test_board_works_without_the_line_that_somebody_holds_until_it_is_free(kernel, header):
    header.consumers[17] = "spi0"
    board = Board(BoardProfile.load("raspberry-pi"), GpiodChip(kernel, kernel.folder))
    board.start(0.0)
    assert "spi0" in board.missing["hook"]
    assert 18 in header.requests
    del header.consumers[17]
    board.handle_timeout(2.0)
    assert board.missing == {}
    assert 17 in header.requests
    board.close()
    assert header.requests == {}


def test_pulses_come_from_the_kernels_controllers(chip):
    with pytest.raises(LineError, match=r"dtoverlay=pwm-gpio,gpio=18"):
        chip.request_pwm("ringer", PwmSpec("", 0, LineSpec("gpiochip0", 18)))
    with pytest.raises(LineError, match="no PWM controller 'pwmchip99'"):
        chip.request_pwm("ringer", PwmSpec("pwmchip99", 0))


def test_a_line_by_its_name_on_whichever_chip_has_it(kernel, chip):
    other = kernel.add_chip("gpiochip3", label="4804c000.gpio", names={28: "P9_12", 22: "P9_22 [spi0_sclk]"})
    chip.request_output("relay.door", LineSpec("any", "P9_12"), True)
    chip.request_output("lamp.a", LineSpec("any", "P9_22"))
    assert set(other.requests) == {28, 22}
    with pytest.raises(
        LineError, match=r"no GPIO chip here has a line named 'P9_99'; .*there are gpiochip0 .*gpiochip3"
    ):
        chip.request_output("relay.x", LineSpec("any", "P9_99"))


class TestRealKernel:
    """What the real system calls say on a machine without such a chip."""

    @pytest.fixture
    def chip(self, tmp_path):
        return GpiodChip(folder=str(tmp_path))

    def test_no_chip(self, chip):
        with pytest.raises(LineError, match="is this a board with GPIO"):
            chip.request_input("hook", HOOK)

    def test_device_that_is_not_there(self, chip, tmp_path):
        with pytest.raises(LineError, match="there is no GPIO chip"):
            chip.request_input("hook", LineSpec(str(tmp_path / "gpiochip0"), 17))

    def test_file_that_is_no_chip(self, chip, tmp_path):
        (tmp_path / "gpiochip0").write_text("nothing")
        assert chip.chips() == []
        with pytest.raises(LineError, match="gpiochip0 is no GPIO chip"):
            chip.request_input("hook", HOOK)

    def test_device_of_another_kind(self, chip):
        with pytest.raises(LineError, match="/dev/null"):
            chip.request_output("lamp.a", LineSpec("/dev/null", 17))
