"""Errors of the phone: faults in what was configured, never in what a person or a peer did."""

from device.errors import DeviceError


class PhoneError(DeviceError):
    """The root of the phone's errors."""


class DialPlanError(PhoneError):
    """A dial plan that cannot be read; the text names the place and what was expected there."""
