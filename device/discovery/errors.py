"""What can go wrong while boards look for each other."""

from device.errors import DeviceError


class DiscoveryError(DeviceError):
    """The root of the errors in here; the text names the next step."""


class RefusedError(DiscoveryError):
    """Another board is there, but does not take this one in."""
