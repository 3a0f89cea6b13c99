"""A call that is put in the place of another one at a phone that knows how to (RFC 3891)."""

from device.exchange.response_context import Target
from device.exchange.route_set import way_back
from device.sip.hop import Hop
from device.sip.message import Request
from device.sip.refer import Replaces
from device.sip.uri import Uri


def knows_replaces(request: Request) -> bool:
    """Whether the phone that sent it takes a call in place of this one."""
    return "replaces" in [token.lower() for token in request.tokens("Supported")]


def replacing(contact: Uri, source: Hop, replaces: Replaces, user: str) -> Target:
    """The phone of `user` at `contact`, back where it came from, with a call in place of the one that is named."""
    headers = (("Replaces", str(replaces)), ("Require", "replaces"))
    return Target(contact, way_back(source), headers=headers, user=user)
