"""The chip for a driver."""

import sys

import pytest

from device.hardware.drivers import DRIVERS, open_chip
from device.hardware.errors import HardwareError, LineError
from device.hardware.mock_chip import MockChip
from tests.support.fake_rpi_gpio import FakeRpiGpio


def test_mock_needs_nothing():
    assert isinstance(open_chip("mock"), MockChip)


def test_unknown_driver_names_the_known_ones():
    with pytest.raises(HardwareError, match=", ".join(DRIVERS)):
        open_chip("pigpio")


def test_library_is_found_where_it_is_installed(monkeypatch):
    package = type(sys)("RPi")
    package.GPIO = FakeRpiGpio()
    monkeypatch.setitem(sys.modules, "RPi", package)
    monkeypatch.setitem(sys.modules, "RPi.GPIO", package.GPIO)
    open_chip("gpiod").close()
    open_chip("rpi-gpio").close()
    assert package.GPIO.getmode() == package.GPIO.BCM


def test_missing_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "RPi", None)
    with pytest.raises(LineError, match="rpi-lgpio"):
        open_chip("rpi-gpio")


def test_original_rpi_gpio_on_another_board(monkeypatch, tmp_path):
    package = tmp_path / "RPi" / "GPIO"
    package.mkdir(parents=True)
    (tmp_path / "RPi" / "__init__.py").write_text("")
    (package / "__init__.py").write_text("raise RuntimeError('This module can only be run on a Raspberry Pi!')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "RPi", raising=False)
    with pytest.raises(LineError, match="can only be run on a Raspberry Pi! Other boards need driver gpiod"):
        open_chip("rpi-gpio")
    sys.modules.pop("RPi", None)
