"""Errors of the media rooms."""

from device.errors import DeviceError


class MediaError(DeviceError):
    """Root of what the media rooms raise."""


class UnknownCodecError(MediaError):
    """A codec name that no codec answers to."""


class UnknownToneError(MediaError):
    """A tone or country that no plan knows."""


class CodecUnavailableError(MediaError):
    """A codec whose library is not installed."""
