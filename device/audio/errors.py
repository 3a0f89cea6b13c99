"""What can go wrong with a sound card."""

from device.errors import DeviceError


class AudioError(DeviceError):
    """Base of every error of this subpackage."""


class DeviceUnavailable(AudioError):  # noqa: N818 - the name says the state of the card, as `DeviceLost` does
    """The card is missing, busy, unplugged or unusable; the text names it and the next step."""
