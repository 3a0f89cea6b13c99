"""What can go wrong with an upgrade; the texts say what to do."""

from device.errors import DeviceError


class UpgradeError(DeviceError):
    """The upgrade is refused or has failed; the running version is untouched."""


class SlotStateError(UpgradeError):
    """The state of the slots cannot be read, or makes no sense."""
