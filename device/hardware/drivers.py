"""Which chip serves which driver of a board profile."""

from device.hardware.errors import HardwareError
from device.hardware.interfaces import LineChip

DRIVERS = ("gpiod", "rpi-gpio", "mock")
"""The GPIO character device of the kernel (what libgpiod 2 wraps), the RPi.GPIO interface, and the simulated board."""


def open_chip(driver: str) -> LineChip:
    """The chip for one of DRIVERS. The library behind it is imported only now. Raises LineError if it is missing."""
    if driver == "gpiod":
        from device.hardware.gpiod_chip import GpiodChip  # noqa: PLC0415

        return GpiodChip()
    if driver == "rpi-gpio":
        from device.hardware.rpi_chip import RpiChip  # noqa: PLC0415

        return RpiChip()
    if driver == "mock":
        from device.hardware.mock_chip import MockChip  # noqa: PLC0415

        return MockChip()
    raise HardwareError(f"driver {driver}: not known; there are {', '.join(DRIVERS)}")
