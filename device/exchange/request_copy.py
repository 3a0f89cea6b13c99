"""The copy of a request that goes to a target, and where it goes first (RFC 3261 section 16.6 steps 1 to 7)."""

from device.exchange.response_context import Target
from device.exchange.route_set import next_hop_of
from device.sip.hop import NextHop
from device.sip.message import Request

MAX_FORWARDS = 70
"""What a request gets that has no Max-Forwards (section 16.6 step 3)."""

APPENDED = ("History-Info",)
"""Header fields that tell the oldest first, so that what we add goes after the others."""


def on_its_way(request: Request, target: Target) -> tuple[Request, NextHop]:
    """The request as it goes to a target, and the hop."""
    copy = _prepared(request, target)
    if target.leg is not None:
        return target.leg.dress(copy)
    return copy, next_hop_of(copy) if copy.routes or target.hop is None else target.hop


def _prepared(request: Request, target: Target) -> Request:
    """A copy with the target's URI and one Max-Forwards less (section 16.6 steps 1 to 3)."""
    copy = request.copy()
    copy.uri = target.uri.target()
    left = request.max_forwards
    copy.headers.set("Max-Forwards", str(MAX_FORWARDS if left is None else left - 1))
    for name, value in reversed(target.headers):
        if name not in APPENDED:
            copy.headers.prepend(name, value)
    for name, value in target.headers:
        if name in APPENDED:
            copy.headers.add(name, value)
    return copy
