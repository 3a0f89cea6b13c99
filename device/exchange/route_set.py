"""Route and Record-Route as a proxy treats them (RFC 3261 sections 16.4, 16.6 and 16.12)."""

from collections.abc import Callable

from device.sip.headers import NameAddr, parse_name_addr
from device.sip.hop import Hop, NextHop, bracketed
from device.sip.message import Request
from device.sip.uri import Uri, parse_uri

OwnAddress = Callable[[str, str], tuple[str, int]]
"""From transport and the other side's host to the host and port under which that side reaches us."""


class OwnNames:
    """Which URIs mean this exchange."""

    def __init__(self, domain: str, port: Callable[[], int]) -> None:
        self._domain = domain.lower()
        self._port = port
        self._hosts = {self._domain}

    def add_host(self, host: str) -> None:
        """Another host name or address of ours."""
        self._hosts.add(host.lower())

    def include(self, uri: Uri) -> bool:
        """Whether `uri` is in our domain or names our own address."""
        return uri.host.strip("[]") in self._hosts and uri.port in (None, self._port())


def remove_own_routes(request: Request, own: OwnNames) -> bool:
    """Prepare a request's route as section 16.4 says; answers whether it had been routed through us.

    A strict router before us may have put our own Record-Route value into the Request-URI; the real one is the last
    Route then. Of several Routes of ours (one for each transport) all go.
    """
    routed = False
    if own.include(request.uri) and request.uri.is_loose and not request.uri.user and request.routes:
        routes = request.routes
        request.uri = routes[-1].uri.target()
        _set_routes(request, routes[:-1])
        routed = True
    while request.routes and own.include(request.routes[0].uri):
        request.headers.remove_first("Route")
        routed = True
    return routed


def _set_routes(request: Request, routes: list[NameAddr]) -> None:
    request.headers.remove("Route")
    for route in routes:
        request.headers.add("Route", str(route))


def next_hop_of(request: Request) -> NextHop:
    """Where the request goes next; rearranges it for a strict router (section 16.6 steps 6 and 7)."""
    routes = request.routes
    if not routes:
        return uri_hop(request.uri)
    first = routes[0].uri
    if not first.is_loose:
        _set_routes(request, [*routes[1:], parse_name_addr(f"<{request.uri}>")])
        request.uri = first.target()
    return uri_hop(first)


def uri_hop(uri: Uri) -> NextHop:
    """What a URI says about where to send (RFC 3263 section 4): maddr, port and transport count."""
    transport = uri.transport.upper() if uri.transport else ("TLS" if uri.scheme == "sips" else None)
    return NextHop(uri.param("maddr") or uri.host, uri.port, transport)


def received_hop(received: str) -> NextHop:
    """Where a REGISTER came from, kept as "transport:host:port", as a place to send to."""
    transport, _, address = received.partition(":")
    host, _, port = address.rpartition(":")
    return NextHop(host.strip("[]"), int(port), transport.upper())


def add_record_routes(request: Request, source: Hop, next_hop: NextHop, own_address: OwnAddress) -> None:
    """Stay in the path of the dialog: one value, or two where the transport changes here (section 16.6 step 4)."""
    outgoing_transport = next_hop.transport or "UDP"
    incoming = _own_route(source.transport, *own_address(source.transport, source.host))
    outgoing = _own_route(outgoing_transport, *own_address(outgoing_transport, next_hop.host))
    if incoming != outgoing:
        request.headers.prepend("Record-Route", incoming)
    request.headers.prepend("Record-Route", outgoing)


def _own_route(transport: str, host: str, port: int) -> str:
    suffix = "" if transport == "UDP" else f";transport={transport.lower()}"
    return f"<{parse_uri(f'sip:{bracketed(host)}:{port}{suffix};lr')}>"
