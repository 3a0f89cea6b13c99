"""What a SIPS URI promises (RFC 3261 section 26.2.2, RFC 5630): TLS from hop to hop, as far as our own hops go."""

from collections.abc import Sequence

from device.exchange.response_context import Stage, Target
from device.exchange.route_set import OwnNames
from device.records import replace
from device.sip.hop import TLS, Hop
from device.sip.message import Request
from device.sip.uri import Uri


def is_secure(request: Request) -> bool:
    """Whether the request wants TLS all the way."""
    return request.uri.scheme == "sips"


def is_served(uri: Uri, source: Hop) -> bool:
    """Whether a URI is of our schemes, and came by TLS where it wants that: else it has lost what it is for."""
    return uri.scheme == "sip" or (uri.scheme == "sips" and source.transport == TLS)


def routes_are_served(request: Request, source: Hop, own: OwnNames) -> bool:
    """The same of the Routes of a request. Of our own two the other one may want what its side has."""
    return all(
        is_served(route.uri, source) or (route.uri.is_sip and own.include(route.uri)) for route in request.routes
    )


def secured(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages without what cannot be reached by TLS; their Request-URIs are SIPS URIs."""
    found = []
    for stage in stages:
        targets = tuple(secure for target in stage.targets if (secure := _secured(target)) is not None)
        diversions = tuple((cause, secured(following)) for cause, following in stage.diversions)
        if targets:
            found.append(replace(stage, targets=targets, diversions=tuple(one for one in diversions if one[1])))
    return tuple(found)


def _secured(target: Target) -> Target | None:
    """The target by TLS, None where there is no such way."""
    uri = target.uri
    wants_tls = uri.scheme == "sips" or uri.transport == "tls"
    by_tls = wants_tls if target.hop is None else target.hop.transport == TLS
    # A proxy on the way is reached by TLS whatever its Route says (section 16.6 step 7).
    is_routed = any(name == "Route" for name, _ in target.headers)
    if target.leg is not None or not (by_tls or is_routed):
        return None
    others = tuple(secure for other in target.alternatives if (secure := _secured(other)) is not None)
    return replace(target, uri=replace(uri, scheme="sips").without_param("transport"), alternatives=others)
