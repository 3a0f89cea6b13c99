"""Route and Record-Route as a proxy treats them (RFC 3261 sections 16.4, 16.6 and 16.12)."""

from collections.abc import Callable

from device.exchange.seal import Seal
from device.records import replace
from device.sip.headers import NameAddr, parse_name_addr
from device.sip.hop import TLS, Hop, NextHop, bracketed
from device.sip.message import Request
from device.sip.target import next_hop_of as hop_of_uri
from device.sip.uri import Uri, host_key

OwnAddress = Callable[[str, str], tuple[str, int]]
"""From transport and the other side's host to the host and port under which that side reaches us."""

SEAL_PARAM = "seal"
"""URI parameter of our Record-Route values: it comes back in Route and proves that we let this dialog begin.

Without it, anybody could have any request relayed by giving it a To tag and a Route to us.
"""


class OwnNames:
    """Which URIs mean this exchange."""

    def __init__(self, domain: str, ports: Callable[[], tuple[int, ...]]) -> None:
        self._ports = ports
        self._hosts: set[str] = set()
        self.add_host(domain)

    def add_host(self, host: str) -> None:
        """Another host name or address of ours."""
        self._hosts.add(host_key(host))

    def include(self, uri: Uri) -> bool:
        """Whether `uri` is in our domain or names our own address; one with a foreign maddr is not ours."""
        if host_key(uri.host) not in self._hosts or (uri.port is not None and uri.port not in self._ports()):
            return False
        maddr = uri.param("maddr")
        return maddr is None or self.is_host(maddr)

    def is_host(self, host: str) -> bool:
        """Whether `host` is a name or an address of ours."""
        return host_key(host) in self._hosts


def dialog_seal(seal: Seal, call_id: str, tag: str | None) -> str:
    """The seal of a dialog: `tag` is that of the side that sent the first request."""
    return seal.of("dialog", call_id, tag or "")


def take_own_routes(request: Request, own: OwnNames, seal: Seal) -> bool:
    """Prepare a request's route as section 16.4 says; answers whether it belongs to a dialog that we let begin.

    A strict router before us may have put our own Record-Route value into the Request-URI; the real one is the last
    Route then. Of several Routes of ours (one for each transport) all go.
    """
    maddr = request.uri.param("maddr")
    if maddr and own.is_host(maddr):
        request.uri = request.uri.without_param("maddr")
    if not request.routes:
        return False
    seals = _seals_of_dialog(request, seal)
    sealed = False
    if request.uri.is_loose and not request.uri.user and _is_ours(request.uri, own, seals):
        sealed = _is_sealed(request.uri, seals)
        routes = request.routes
        request.uri = routes[-1].uri.target()
        _set_routes(request, routes[:-1])
    routes = request.routes
    ahead = 0
    while ahead < len(routes) and _is_ours(routes[ahead].uri, own, seals):
        sealed = sealed or _is_sealed(routes[ahead].uri, seals)
        ahead += 1
    if ahead:
        _set_routes(request, routes[ahead:])
    return sealed


def own_route_param(request: Request, name: str) -> str:
    """What a Record-Route of ours said as `name`, before `take_own_routes`; "" without. Whoever reads it checks it."""
    for uri in (*(route.uri for route in request.routes), request.uri):
        value = uri.param(name)
        if value:
            return value
    return ""


def _seals_of_dialog(request: Request, seal: Seal) -> tuple[str, ...]:
    """What our seal may be in this request, which either side of the dialog may have sent; none outside dialogs."""
    if request.to.tag is None:
        return ()
    return tuple(dialog_seal(seal, request.call_id, tag) for tag in (request.from_.tag, request.to.tag))


def _is_sealed(uri: Uri, seals: tuple[str, ...]) -> bool:
    return uri.param(SEAL_PARAM) in seals


def _is_ours(uri: Uri, own: OwnNames, seals: tuple[str, ...]) -> bool:
    return own.include(uri) or _is_sealed(uri, seals)


def _set_routes(request: Request, routes: list[NameAddr]) -> None:
    request.headers.remove("Route")
    for route in routes:
        request.headers.add("Route", str(route))


def next_hop_of(request: Request) -> NextHop:
    """Where the request goes next; rearranges it for a strict router (section 16.6 steps 6 and 7)."""
    routes = request.routes
    if not routes:
        return hop_of_uri(request.uri)
    first = routes[0].uri
    # What is for a SIPS URI goes by TLS, whatever the first Route says.
    hop = replace(hop_of_uri(first), transport=TLS) if request.uri.scheme == "sips" else hop_of_uri(first)
    if not first.is_loose:
        _set_routes(request, [*routes[1:], parse_name_addr(f"<{request.uri}>")])
        request.uri = first.target()
    return hop


def way_back(source: Hop) -> NextHop:
    """Back to where a message came from, over the same connection while that stands."""
    return NextHop(source.host, source.port, source.transport, connection=source.connection)


def received_hop(received: str) -> NextHop | None:
    """Where a REGISTER came from, kept as "transport:host:port", as a place to send to; None for another text."""
    transport, _, address = received.partition(":")
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()):
        return None
    return NextHop(host.strip("[]"), int(port), transport.upper())


def add_record_routes(
    request: Request,
    source: Hop,
    hop: Hop,
    own_address: OwnAddress,
    seal: Seal,
    param: str = "",
    came_secure: bool = False,
    towards: OwnAddress | None = None,
) -> None:
    """Stay in the path of the dialog: one value, or two where transport or network change here (section 16.6 step 4).

    Each side so has the address under which it reaches us, and nothing need be rewritten on the way back.
    `param`, such as "name=value", comes back in the Routes of the dialog. `came_secure`: with a SIPS URI, so that the
    side that it came from has one of ours, as the other side has one where the request goes to one. Where
    the side ahead sees us at another address than the one behind, `towards` says which.
    """
    mark = f"lr;{SEAL_PARAM}={dialog_seal(seal, request.call_id, request.from_.tag)}{';' * bool(param)}{param}"
    incoming = _own_route(source.transport, *own_address(source.transport, source.host), mark, came_secure)
    goes_secure = request.uri.scheme == "sips"
    outgoing = _own_route(hop.transport, *(towards or own_address)(hop.transport, hop.host), mark, goes_secure)
    if incoming != outgoing:
        request.headers.prepend("Record-Route", incoming)
    request.headers.prepend("Record-Route", outgoing)


def _own_route(transport: str, host: str, port: int, mark: str, secure: bool) -> str:
    """No port: nobody can connect to us by that transport, and only the connection that is open serves."""
    suffix = "" if transport == "UDP" or secure else f";transport={transport.lower()}"
    place = f"{bracketed(host)}:{port}" if port else bracketed(host)
    return f"<{'sips' if secure else 'sip'}:{place}{suffix};{mark}>"
