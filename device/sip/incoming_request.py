"""What is wrong with a request before anybody looks at its meaning (RFC 3261 section 8.2.1 to 8.2.3)."""

from device.annotations import Final
from device.records import dataclass
from device.sip.core import ACCEPT, ALLOW, EXTENSIONS, METHODS_SERVED, MULTIPART, SDP, describes_session
from device.sip.errors import SipParseError
from device.sip.header_names import METHODS
from device.sip.hop import TLS, UDP
from device.sip.message import Request, Response

_DESCRIBED: Final = ("INVITE", "PRACK", "UPDATE")
"""Requests whose body describes a session."""
MAX_BODY_BYTES: Final = 16384
"""The longest session description that is read; real ones have 200 to 3000 bytes."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status to answer with, and the header fields that explain it."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    reason: str | None = None

    def response(self, request: Request, to_tag: str) -> Response:
        """The answer to `request`."""
        response = request.response(self.status, self.reason, to_tag)
        for name, value in self.headers:
            response.headers.add(name, value)
        return response


def find_fault(request: Request, transport: str = UDP) -> Refusal | None:
    """The first reason to refuse `request` before anybody asks for whom it is (sections 8.2.1 and 8.2.2.1).

    `transport` is what it came by.
    """
    return _method_fault(request) or _uri_fault(request, transport)


def find_content_fault(request: Request) -> Refusal | None:
    """The first reason to refuse a request that is for us, by what it requires and carries (8.2.2.3 and 8.2.3)."""
    return _extension_fault(request) or _body_fault(request) or _accept_fault(request)


def _method_fault(request: Request) -> Refusal | None:
    """405 for methods that we know and do not serve, 501 for those that nobody knows (sections 8.2.1, 21.5.2)."""
    if request.method in METHODS_SERVED:
        return None
    return Refusal(405 if request.method in METHODS else 501, (("Allow", ALLOW),))


def _uri_fault(request: Request, transport: str) -> Refusal | None:
    """416 for schemes that we do not serve (section 8.2.2.1), which sips is where the way here was not secure.

    Whether the number of a tel URI is ours is seen later.
    """
    scheme = request.uri.scheme
    return None if scheme in ("sip", "tel") or (scheme == "sips" and transport == TLS) else Refusal(416)


def _extension_fault(request: Request) -> Refusal | None:
    """420 for every extension that is required and unknown here (section 8.2.2.3)."""
    unknown = [token for token in request.tokens("Require") if token.lower() not in EXTENSIONS]
    return Refusal(420, (("Unsupported", ", ".join(unknown)),)) if unknown else None


def _body_fault(request: Request) -> Refusal | None:
    """413 and 415 (section 8.2.3) for bodies that may hold an offer; others are for who takes them, or not read."""
    if len(request.body) > MAX_BODY_BYTES:
        return Refusal(413)
    if request.method not in _DESCRIBED or not request.body:
        return None
    encodings = [token.lower() for token in request.tokens("Content-Encoding")]
    if any(encoding != "identity" for encoding in encodings):
        return Refusal(415, (("Accept-Encoding", "identity"),))
    if request.content_type is None:
        return Refusal(400, reason="Content-Type is missing")
    if (request.content_type == SDP and describes_session(request)) or _is_optional(request):
        return None
    if request.content_type.startswith(MULTIPART):
        return _multipart_fault(request)
    return Refusal(415, (("Accept", ACCEPT),))


def _multipart_fault(request: Request) -> Refusal | None:
    """415 for parts that we must understand and do not (RFC 5621 section 8.2)."""
    from device.sip.multipart import is_acceptable  # noqa: PLC0415  # as in `sdp_of`

    try:
        acceptable = is_acceptable(request.headers.get("Content-Type") or "", request.body)
    except SipParseError as error:
        return Refusal(400, reason=str(error).capitalize())
    return None if acceptable else Refusal(415, (("Accept", ACCEPT),))


def _accept_fault(request: Request) -> Refusal | None:
    """406 for a caller who takes no session description, which our answer is (section 21.4.7)."""
    if request.method != "INVITE" or "Accept" not in request.headers.index:
        return None
    accepted = {token.lower().replace(" ", "") for token in request.tokens("Accept")}
    return None if accepted & {SDP, "application/*", "*/*"} else Refusal(406)


def _is_optional(request: Request) -> bool:
    """Whether a body may be passed over: Content-Disposition with handling=optional (section 20.11)."""
    disposition = request.headers.get("Content-Disposition") or ""
    return any(part.strip().lower() == "handling=optional" for part in disposition.split(";")[1:])
