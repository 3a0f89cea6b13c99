"""The registrar (RFC 3261 section 10.3): takes REGISTER requests and keeps the location service true."""

from device.exchange.date import sip_date
from device.exchange.location import LocationService
from device.exchange.settings import ExchangeSettings
from device.model import Aor, Binding
from device.records import dataclass
from device.sip.header_syntax import is_digits, quote
from device.sip.headers import NameAddr, parse_name_addr_list
from device.sip.hop import TLS, UDP, Hop, bracketed
from device.sip.message import Request, Response
from device.sip.uri import parse_uri

HIGHEST_EXPIRES_S = 3600
"""A wish of an hour or more is never "too brief", whatever the minimum is set to (section 10.3 step 7)."""

REACHABLE_TRANSPORTS = (None, "udp", "tcp")
"""What a contact may name as its transport for us to reach it; TLS where its REGISTER came by that, too."""

NOWHERE = ".invalid"
"""Ends the host of a contact whose phone says that it has no address (RFC 2606, as RFC 7118 uses it)."""

MAX_USER_AGENT = 200
"""Characters of a phone's User-Agent that are kept."""


EXTENSIONS = "path, outbound"
"""What the registrar does beyond RFC 3261, for Supported."""

MAX_PATH = 8
"""Proxies between a phone and us; a longer Path is none that calls should take."""

MAX_INSTANCE = 100
"""Characters of a phone's instance id: a URN with a UUID has 45."""

HIGHEST_REG_ID = 2**31 - 1
"""RFC 5626 section 4.2 lets it be as large."""


class _RegistrationRefusedError(Exception):
    """The request cannot be granted; nothing has been changed."""

    def __init__(self, status: int, reason: str | None = None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status)
        self.status = status
        self.reason = reason
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Registration:
    """What came of a REGISTER: the answer, and whether the contacts of the user are others now."""

    response: Response
    aor: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Way:
    """How a REGISTER came to us, and so how calls go back: over its flow, through its Path, or straight."""

    source: Hop
    path: str
    is_outbound: bool
    """Whether reg-ids count (RFC 5626 section 6)."""

    @classmethod
    def of(cls, request: Request, source: Hop) -> "Way":
        """Raises _RegistrationRefusedError where calls could not go back that way."""
        path = request.headers.get_all("Path")
        routes = _routes(path)
        wants_outbound = cls.is_outbound_wanted(request)
        if wants_outbound and len(request.vias) > 1 and not (routes and routes[-1].uri.has_param("ob")):
            raise _RegistrationRefusedError(439)
        if wants_outbound and len([one for one in request.contacts if _wish(one, request) != 0]) > 1:
            raise _RegistrationRefusedError(400, "A contact with reg-id stands alone")
        return cls(source, ", ".join(path), wants_outbound)

    @staticmethod
    def is_outbound_wanted(request: Request) -> bool:
        """Whether the phone registers a flow: it knows outbound and gives instance and reg-id."""
        if "outbound" not in [token.lower() for token in request.tokens("Supported")]:
            return False
        return any(_reg_id(contact) and _instance(contact) for contact in request.contacts)

    def flow_of(self, contact: NameAddr) -> tuple[str, int]:
        """Instance and reg-id of a contact, "" and 0 where it has none."""
        instance = _instance(contact)
        return instance, _reg_id(contact) if self.is_outbound and instance else 0


class Registrar:
    """Answers REGISTER requests of users whose identity has been proved already."""

    def __init__(self, settings: ExchangeSettings, location: LocationService) -> None:
        self._settings = settings
        self._location = location

    def process(self, request: Request, user: str, source: Hop, to_tag: str, unix_now: float) -> Registration:
        """Steps 4 to 8 of section 10.3 for the proved `user`; the whole request takes effect or nothing of it."""
        aor = str(Aor(user, self._settings.domain))
        if request.to.uri.user != user:
            return Registration(request.response(403, "Not your address", to_tag), aor, changed=False)
        before = self._location.bindings(aor, unix_now)
        try:
            after = self._updated(request, aor, before, source, unix_now)
        except _RegistrationRefusedError as refusal:
            response = request.response(refusal.status, refusal.reason, to_tag)
            for name, value in refusal.headers:
                response.headers.add(name, value)
            return Registration(response, aor, changed=False)
        if after != before:
            self._location.replace(aor, after)
        return Registration(self._success(request, after, to_tag, unix_now), aor, changed=after != before)

    def _updated(
        self, request: Request, aor: str, before: list[Binding], source: Hop, unix_now: float
    ) -> list[Binding]:
        if request.contact_is_star:
            return self._without_all(request, before)
        contacts = request.contacts
        if len(contacts) > len(before) + self._settings.max_contacts:
            # Each is compared with all that are known; more than can be taken away and put there are not looked at.
            raise self._too_many()
        way = Way.of(request, source)
        after = list(before)
        for contact in contacts:
            _check_contact(contact, source)
            found = _same_binding(contact, way, after)
            _check_order(request, found if found in before else None)
            expires_s = self._granted(contact, request)
            after = [binding for binding in after if binding is not found]
            if expires_s:
                binding = _binding(request, aor, contact, way, unix_now + expires_s)
                after = [*(other for other in after if not _takes_place_of(binding, other)), binding]
        if len(after) > self._settings.max_contacts:
            raise self._too_many()
        return after

    def _too_many(self) -> _RegistrationRefusedError:
        return _RegistrationRefusedError(403, f"No more than {self._settings.max_contacts} contacts")

    def _without_all(self, request: Request, before: list[Binding]) -> list[Binding]:
        """Contact: * takes every binding away; it stands alone and with Expires: 0 (section 10.3 step 6)."""
        if request.expires != 0 or len(request.headers.get_all("Contact")) > 1:
            raise _RegistrationRefusedError(400, "Contact: * stands alone and needs Expires: 0")
        for binding in before:
            _check_order(request, binding)
        return []

    def _granted(self, contact: NameAddr, request: Request) -> int:
        """The lifetime in seconds that this contact gets: its own wish, else the request's, else ours."""
        wish = _wish(contact, request)
        if wish is None:
            wish = self._settings.default_expires_s
        if 0 < wish < min(self._settings.min_expires_s, HIGHEST_EXPIRES_S):
            raise _RegistrationRefusedError(423, None, (("Min-Expires", str(self._settings.min_expires_s)),))
        return min(wish, self._settings.max_expires_s)

    def _success(self, request: Request, bindings: list[Binding], to_tag: str, unix_now: float) -> Response:
        response = request.response(200, to_tag=to_tag)
        for binding in bindings:
            response.headers.add("Contact", _listed(binding, unix_now))
        supported = [token.lower() for token in request.tokens("Supported")]
        if "path" in supported:
            for path in request.headers.get_all("Path"):
                response.headers.add("Path", path)
        response.headers.add("Supported", EXTENSIONS)
        if Way.is_outbound_wanted(request):
            response.headers.add("Require", "outbound")
        # Phones without a clock of their own may set it by this (section 10.2.5).
        response.headers.add("Date", sip_date(unix_now))
        return response


def _listed(binding: Binding, unix_now: float) -> str:
    """A binding as a 200 names it, with all that its phone may know it by."""
    contact = f"<{binding.contact}>;expires={max(0, round(binding.expires_at - unix_now))}"
    if binding.q != 1.0:
        contact += f";q={binding.q:g}"
    if binding.instance:
        contact += f";+sip.instance={quote(f'<{binding.instance}>')}"
    if binding.reg_id:
        contact += f";reg-id={binding.reg_id}"
    return contact


def _wish(contact: NameAddr, request: Request) -> int | None:
    """The lifetime in seconds that a phone asks for this contact: its own, else the request's; None for neither."""
    return request.expires if contact.expires is None else contact.expires


def _instance(contact: NameAddr) -> str:
    """The instance id of RFC 5626 section 4.1, without its angle brackets; "" for none that we can keep."""
    text = (contact.param("+sip.instance") or "").removeprefix("<").removesuffix(">")
    return text if len(text) <= MAX_INSTANCE and text.isascii() and text.isprintable() else ""


def _reg_id(contact: NameAddr) -> int:
    text = contact.param("reg-id") or ""
    return int(text) if is_digits(text) and len(text) <= 10 and int(text) <= HIGHEST_REG_ID else 0


def _routes(path: list[str]) -> list[NameAddr]:
    """The Path of a REGISTER (RFC 3327 section 5.3); raises _RegistrationRefusedError for one that is no way."""
    routes = parse_name_addr_list(path)
    if len(routes) > MAX_PATH or any(route.uri.scheme != "sip" or not route.uri.is_loose for route in routes):
        raise _RegistrationRefusedError(400, f"Path is not up to {MAX_PATH} SIP URIs with lr")
    if any(_text(one) != one for one in path):
        raise _RegistrationRefusedError(400, "Path is not UTF-8")
    return routes


def _check_contact(contact: NameAddr, source: Hop) -> None:
    """Refuse contacts that no call could reach, and those that cannot be stored."""
    transport = contact.uri.transport
    by_tls = source.transport == TLS and (transport == "tls" or contact.uri.scheme == "sips")
    if not contact.uri.is_sip or not (by_tls or (contact.uri.scheme == "sip" and transport in REACHABLE_TRANSPORTS)):
        raise _RegistrationRefusedError(400, "Contact is no SIP URI by UDP, TCP or the TLS that it came by")
    if str(contact.uri) != _text(str(contact.uri)):
        raise _RegistrationRefusedError(400, "Contact is not UTF-8")


def _same_binding(contact: NameAddr, way: Way, known: list[Binding]) -> Binding | None:
    """Which of `known` a contact means: by its instance and reg-id where it is a flow, else by its URI (19.1.4)."""
    instance, reg_id = way.flow_of(contact)
    if reg_id:
        flows = (one for one in known if one.reg_id == reg_id)
        return next((one for one in flows if one.instance.lower() == instance.lower()), None)
    text = str(contact.uri)
    plain = [binding for binding in known if not binding.reg_id]
    found = next((binding for binding in plain if binding.contact == text), None)
    return found or next((one for one in plain if parse_uri(one.contact).matches(contact.uri)), None)


def _takes_place_of(binding: Binding, other: Binding) -> bool:
    """Whether the phone that registers this flow is the one that had registered that contact without saying who it is.

    Otherwise a phone that begins to use outbound would ring twice.
    """
    return bool(binding.reg_id) and not other.reg_id and other.contact == binding.contact


def _check_order(request: Request, binding: Binding | None) -> None:
    """A request of the same Call-ID that is no newer than the binding changes nothing (section 10.3 step 7)."""
    if binding is not None and binding.call_id == _text(request.call_id) and request.cseq.number <= binding.cseq:
        raise _RegistrationRefusedError(500, "Out of order")


def _binding(request: Request, aor: str, contact: NameAddr, way: Way, expires_at: float) -> Binding:
    instance, reg_id = way.flow_of(contact)
    if way.path:
        received = ""
    elif reg_id:
        received = str(way.source)
    else:
        received = "" if _is_direct(request, contact, way.source) else str(way.source)
    return Binding(
        aor=aor,
        contact=str(contact.uri),
        expires_at=expires_at,
        call_id=_text(request.call_id),
        cseq=request.cseq.number,
        q=contact.q,
        received=received,
        user_agent=_text(request.headers.get("User-Agent") or "")[:MAX_USER_AGENT],
        path=way.path,
        instance=instance,
        reg_id=reg_id,
    )


def _is_direct(request: Request, contact: NameAddr, source: Hop) -> bool:
    """Whether calls had better go to the contact itself than to where its REGISTER came from.

    They do where the contact is not the phone itself, as when its calls are to go to another place. Else they go back
    over an open connection. A datagram goes back where the phone calls itself by another address than we see, since
    there is address translation between us; with the same address the contact may be another port or program.
    """
    host, here = contact.uri.host, bracketed(source.host).lower()
    if host not in (request.top_via.host, here) and not host.endswith(NOWHERE):
        return True
    return source.transport == UDP and host == here


def _text(text: str) -> str:
    """`text` as it can be stored: bytes that were not UTF-8 written out."""
    return text.encode("utf-8", "backslashreplace").decode()
