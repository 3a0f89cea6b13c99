"""Errors of the SIP subpackage: whose fault it is tells the class."""

from device.annotations import TYPE_CHECKING
from device.errors import DeviceError

if TYPE_CHECKING:
    from device.sip.message import Request


class SipError(DeviceError):
    """Anything that went wrong in SIP."""


class SipParseError(SipError):
    """The peer sent something that RFC 3261 section 25 does not allow.

    `status` is what to answer a request with; None means drop it (a response, an ACK, or no SIP at all).
    `partial` is the request as far as it could be read: its `response()` copies the header fields that are there,
    but its typed properties may raise.
    """

    def __init__(self, text: str, status: int | None = 400, partial: "Request | None" = None) -> None:
        super().__init__(text)
        self.status = status
        self.partial = partial


class SipStateError(SipError):
    """Our own side asked for something that the protocol does not allow now, or that cannot be encoded."""
