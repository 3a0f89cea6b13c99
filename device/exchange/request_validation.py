"""What is refused at once (RFC 3261 section 16.3), and what the exchange answers as a user agent (section 11)."""

from device.exchange.proxy import Proxy, Received
from device.exchange.route_set import OwnNames
from device.exchange.secure_routes import is_served, routes_are_served
from device.ids import IdSource
from device.sip.header_names import METHODS
from device.sip.message import Request, Response

ALLOWED = "OPTIONS, REGISTER"
"""What the exchange itself answers; everything else it only forwards."""

CAPABILITIES = (("Accept", ""), ("Accept-Encoding", "identity"), ("Accept-Language", "en"), ("Supported", ""))
"""What the answer to OPTIONS says of the exchange itself: it reads no bodies and knows no extensions."""

RETRY_AFTER_S = 10
"""What a 503 for lack of room asks the sender to wait, in seconds."""


class RequestValidation:
    """Looks at each request before anything else is done with it."""

    __slots__ = ("_ids", "_own", "_proxy")

    def __init__(self, own: OwnNames, proxy: Proxy, ids: IdSource) -> None:
        self._own = own
        self._proxy = proxy
        self._ids = ids

    def refusal(self, received: Received, is_emergency: bool) -> Response | None:
        """The request validation of section 16.3: what refuses it at once."""
        request, tag = received.request, self._ids.tag()
        if not is_emergency and not is_served(request.uri, received.source):
            return request.response(416, to_tag=tag)
        if request.method == "REGISTER" and not request.to.uri.is_sip:
            return request.response(400, "To is no SIP URI", tag)
        if not routes_are_served(request, received.source, self._own):
            return request.response(400, "Route of another scheme than sip, or sips and not by TLS", tag)
        if request.max_forwards == 0 and not self._ends_here(request):
            return request.response(483, to_tag=tag)
        if self._proxy.is_looped(request, received.mark):
            return request.response(482, to_tag=tag)
        unknown = request.tokens("Proxy-Require")
        if unknown:
            return unsupported(request, unknown, tag)
        if self._proxy.is_full() and not is_emergency:
            response = request.response(503, to_tag=tag)
            response.headers.set("Retry-After", str(RETRY_AFTER_S))
            return response
        return None

    def _ends_here(self, request: Request) -> bool:
        """Whether we answer it ourselves rather than forward it."""
        return self._own.include(request.uri) and (request.method == "REGISTER" or not request.uri.user)

    def answer(self, request: Request) -> Response:
        """The exchange as the user agent that its bare domain names: OPTIONS tells that it lives (section 11)."""
        tag = self._ids.tag()
        required = request.tokens("Require")
        if request.method != "OPTIONS":
            response = request.response(405 if request.method in METHODS else 501, to_tag=tag)
            response.headers.set("Allow", ALLOWED)
        elif required:
            response = unsupported(request, required, tag)
        else:
            # No Allow: a proxy takes whatever its users take (section 11.2).
            response = request.response(200, to_tag=tag)
            for name, value in CAPABILITIES:
                response.headers.set(name, value)
        return response


def unsupported(request: Request, options: list[str], tag: str) -> Response:
    """420, naming the extensions that we do not know (section 8.2.2.3)."""
    response = request.response(420, to_tag=tag)
    response.headers.set("Unsupported", ", ".join(options))
    return response
