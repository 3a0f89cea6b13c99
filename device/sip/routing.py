"""Rules of the transport layer that need no socket: marking a request's source, and where a response goes.

RFC 3261 section 18.2 with RFC 3581; the Via of our own requests is made in `client_table`.
"""

from binascii import crc32

from device.sip.headers import Via
from device.sip.hop import DEFAULT_PORTS, UDP, Hop, bracketed, ip_literal
from device.sip.message import Request

MAX_PORT = 65535


def mark_source(request: Request, source: Hop) -> None:
    """Write into the top Via where the request really came from (section 18.2.1, RFC 3581 section 4)."""
    via = request.top_via
    marked = via
    host = source.host.partition("%")[0]
    if via.has_rport:
        marked = marked.with_param("rport", str(source.port))
    # A "received" that the sender wrote itself must not steer the response to a third party.
    if via.has_rport or via.has_param("received") or via.host not in (host, bracketed(host)):
        marked = marked.with_param("received", host)
    if marked is not via:
        request.headers.remove_first("Via")
        request.headers.prepend("Via", str(marked))


def response_hop(via: Via, source: Hop | None) -> Hop | None:
    """Where a response goes whose top Via, marked by `mark_source`, is `via` (section 18.2.2).

    `source` is where the request came from, None when that is forgotten. The answer is None when the Via names
    no address, which only happens without `source`.
    """
    if source is None:
        host, transport, connection = ip_literal(via.received or via.host), via.transport, None
    else:
        host, transport, connection = source.host, source.transport, source.connection
    if host is None:
        return None
    port = via.port or DEFAULT_PORTS.get(transport, 5060)
    if transport != UDP:
        return Hop(transport, host, port, connection)
    group = via.param("maddr")
    if group and ip_literal(group) is not None:
        return Hop(UDP, ip_literal(group) or group, port)
    rport = via.rport
    return Hop(UDP, host, rport if rport is not None and 0 < rport <= MAX_PORT else port)


def stateless_tag(request: Request) -> str:
    """A To tag that is the same for every retransmission of `request` (section 8.2.7)."""
    seed = f"{request.headers.get('Via')}|{request.headers.get('Call-ID')}|{request.headers.get('CSeq')}"
    return f"{crc32(seed.encode('utf-8', 'replace')):08x}"
