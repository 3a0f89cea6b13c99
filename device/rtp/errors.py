"""Errors of RTP and RTCP parsing; all of them are the sender's fault."""

from device.errors import DeviceError


class RtpError(DeviceError):
    """Root of what `rtp` raises."""


class RtpParseError(RtpError):
    """A datagram that is no RTP packet (RFC 3550 appendix A.1)."""


class RtcpParseError(RtpError):
    """A datagram that is no compound RTCP packet (RFC 3550 appendix A.2)."""
