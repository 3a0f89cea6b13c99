"""The ioctls of the GPIO character device: numbers and layouts as linux/gpio.h has them, and what comes back."""

import os

import pytest

from device.hardware import gpio_uapi as uapi
from tests.support.fake_gpio_kernel import FakeGpioKernel


@pytest.fixture
def kernel(tmp_path):
    kernel = FakeGpioKernel(tmp_path)
    yield kernel
    assert kernel.chips == {}
    assert kernel.lines == {}


def test_numbers_of_the_calls():
    """Computed by hand from the _IOR and _IOWR of linux/gpio.h; the same on every architecture we run on."""
    assert uapi.GET_CHIP_INFO == 0x8044B401
    assert uapi.GET_LINE_INFO == 0xC100B405
    assert uapi.GET_LINE == 0xC250B407
    assert uapi.GET_VALUES == 0xC010B40E
    assert uapi.SET_VALUES == 0xC010B40F


def test_chip_tells_name_label_and_lines(kernel):
    world = kernel.add_chip("gpiochip0", "pinctrl-rp1", 54, {5: "GPIO5"})
    world.consumers[5] = "é" * 12
    with uapi.Chip(world.path, kernel) as chip:
        assert (chip.name, chip.label, chip.lines) == ("gpiochip0", "pinctrl-rp1", 54)
        assert chip.line_info(5) == uapi.LineInfo(5, "GPIO5", "é" * 12, True, False)
        with pytest.raises(OSError, match="Invalid argument"):
            chip.line_info(54)


def test_file_that_is_no_chip_leaves_no_descriptor_open(kernel, tmp_path):
    (tmp_path / "gpiochip9").touch()
    with pytest.raises(OSError, match="Inappropriate ioctl"):
        uapi.Chip(str(tmp_path / "gpiochip9"), kernel)


def test_output_is_driven_from_the_first_moment(kernel):
    world = kernel.add_chip("gpiochip0")
    with uapi.Chip(world.path, kernel) as chip:
        line = chip.request(uapi.LineWish(18, uapi.OUTPUT | uapi.ACTIVE_LOW, "offhook bell", output_active=True))
    assert world.requests[18].written == [True]
    line.set(False)
    assert not line.active()
    assert world.levels[18] is True
    line.close()
    line.close()


def test_edges_come_with_direction_and_time_and_never_block(kernel):
    world = kernel.add_chip("gpiochip0")
    flags = uapi.INPUT | uapi.EDGE_RISING | uapi.EDGE_FALLING
    with uapi.Chip(world.path, kernel) as chip:
        line = chip.request(uapi.LineWish(4, flags, "offhook hook"))
    assert line.read_edges(8) == []
    for number in range(3):
        world.drive(4, number % 2 == 0, 1.5 + number)
    assert line.read_edges(2) == [(True, 1.5), (False, 2.5)]
    assert line.read_edges(2) == [(True, 3.5)]
    assert line.active()
    line.close()


def test_consumer_is_cut_to_what_the_kernel_keeps(kernel):
    world = kernel.add_chip("gpiochip0")
    with uapi.Chip(world.path, kernel) as chip:
        line = chip.request(uapi.LineWish(4, uapi.INPUT, "offhook " + "long" * 10))
        assert chip.line_info(4).consumer == ("offhook " + "long" * 10)[:31]
    line.close()


def test_debounce_goes_along_in_microseconds(kernel):
    world = kernel.add_chip("gpiochip0")
    with uapi.Chip(world.path, kernel) as chip:
        line = chip.request(uapi.LineWish(4, uapi.INPUT, "offhook hook", debounce_us=20_000, event_buffer=64))
    assert world.requests[4].debounce_s == 0.02
    assert world.requests[4].buffer == 64
    line.close()


def test_real_calls(tmp_path):
    """No chip is needed to see that the real calls reach the kernel and its errors come back."""
    kernel = uapi.Kernel()
    with pytest.raises(FileNotFoundError):
        kernel.open(str(tmp_path / "gpiochip0"))
    descriptor = kernel.open(os.devnull)
    # The second is the word of an emulator that does not know the call at all.
    with pytest.raises(OSError, match=r"Inappropriate ioctl|Function not implemented"):
        kernel.ioctl(descriptor, uapi.GET_CHIP_INFO, bytearray(68))
    assert kernel.read(descriptor, 48) == b""
    kernel.close(descriptor)
