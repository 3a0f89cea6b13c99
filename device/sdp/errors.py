"""Errors of session descriptions; all of them are the peer's fault except SdpStateError."""

from device.errors import DeviceError


class SdpError(DeviceError):
    """Root of what `sdp` raises."""


class SdpParseError(SdpError):
    """Not a session description: answer 400 (RFC 3261 section 21.4.1), or end the call when it was an answer."""


class NoCommonCodec(SdpError):  # noqa: N818 - telephone people say it so, and it becomes a 488, not a fault
    """A description without audio that we can use: answer 488 (RFC 3261 section 21.4.26)."""


class SdpStateError(SdpError):
    """Offer and answer in the wrong order, such as an answer where nothing was offered: our own mistake."""
