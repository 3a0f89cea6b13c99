"""The registrar (RFC 3261 section 10.3): takes REGISTER requests and keeps the location service true."""

from device.exchange.date import sip_date
from device.exchange.location import LocationService
from device.exchange.settings import ExchangeSettings
from device.model import Aor, Binding
from device.records import dataclass
from device.sip.headers import NameAddr
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
        known = {binding.contact: binding for binding in before}
        after = known.copy()
        contacts = request.contacts
        if len(contacts) > len(known) + self._settings.max_contacts:
            # Each is compared with all that are known; more than can be taken away and put there are not looked at.
            raise self._too_many()
        for contact in contacts:
            _check_contact(contact, source)
            key = _same_contact(contact, after)
            _check_order(request, known.get(key))
            expires_s = self._granted(contact, request)
            after.pop(key, None)
            if expires_s:
                after[str(contact.uri)] = _binding(request, aor, contact, source, unix_now + expires_s)
        if len(after) > self._settings.max_contacts:
            raise self._too_many()
        return list(after.values())

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
        wish = contact.expires
        if wish is None:
            wish = request.expires
        if wish is None:
            wish = self._settings.default_expires_s
        if 0 < wish < min(self._settings.min_expires_s, HIGHEST_EXPIRES_S):
            raise _RegistrationRefusedError(423, None, (("Min-Expires", str(self._settings.min_expires_s)),))
        return min(wish, self._settings.max_expires_s)

    def _success(self, request: Request, bindings: list[Binding], to_tag: str, unix_now: float) -> Response:
        response = request.response(200, to_tag=to_tag)
        for binding in bindings:
            left_s = max(0, round(binding.expires_at - unix_now))
            quality = "" if binding.q == 1.0 else f";q={binding.q:g}"
            response.headers.add("Contact", f"<{binding.contact}>;expires={left_s}{quality}")
        # Phones without a clock of their own may set it by this (section 10.2.5).
        response.headers.add("Date", sip_date(unix_now))
        return response


def _check_contact(contact: NameAddr, source: Hop) -> None:
    """Refuse contacts that no call could reach, and those that cannot be stored."""
    transport = contact.uri.transport
    is_reachable = transport in REACHABLE_TRANSPORTS or (transport == "tls" and source.transport == TLS)
    if contact.uri.scheme != "sip" or not is_reachable:
        raise _RegistrationRefusedError(400, "Contact is no SIP URI by UDP, TCP or the TLS that it came by")
    if str(contact.uri) != _text(str(contact.uri)):
        raise _RegistrationRefusedError(400, "Contact is not UTF-8")


def _same_contact(contact: NameAddr, known: dict[str, Binding]) -> str:
    """The key in `known` of the URI that equals the contact's (section 19.1.4); its own text when there is none."""
    text = str(contact.uri)
    if text in known:
        return text
    return next((key for key in known if parse_uri(key).matches(contact.uri)), text)


def _check_order(request: Request, binding: Binding | None) -> None:
    """A request of the same Call-ID that is no newer than the binding changes nothing (section 10.3 step 7)."""
    if binding is not None and binding.call_id == _text(request.call_id) and request.cseq.number <= binding.cseq:
        raise _RegistrationRefusedError(500, "Out of order")


def _binding(request: Request, aor: str, contact: NameAddr, source: Hop, expires_at: float) -> Binding:
    return Binding(
        aor=aor,
        contact=str(contact.uri),
        expires_at=expires_at,
        call_id=_text(request.call_id),
        cseq=request.cseq.number,
        q=contact.q,
        received="" if _is_direct(request, contact, source) else str(source),
        user_agent=_text(request.headers.get("User-Agent") or "")[:MAX_USER_AGENT],
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
