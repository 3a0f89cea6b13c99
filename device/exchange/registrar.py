"""The registrar (RFC 3261 section 10.3): takes REGISTER requests and keeps the location service true."""

from device.exchange.location import LocationService
from device.exchange.settings import ExchangeSettings
from device.model import Aor, Binding
from device.records import dataclass
from device.sip.headers import NameAddr
from device.sip.hop import Hop, bracketed
from device.sip.message import Request, Response
from device.sip.uri import parse_uri

HIGHEST_EXPIRES_S = 3600
"""A wish of an hour or more is never "too brief", whatever the minimum is set to (section 10.3 step 7)."""


class _RegistrationRefusedError(Exception):
    """The request cannot be granted; nothing has been changed."""

    def __init__(self, status: int, reason: str | None = None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status)
        self.status = status
        self.reason = reason
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Registration:
    """What came of a REGISTER: the answer, and the contacts of the user now where they changed."""

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
        self._location.replace(aor, after)
        return Registration(self._success(request, after, to_tag, unix_now), aor, changed=after != before)

    def _updated(
        self, request: Request, aor: str, before: list[Binding], source: Hop, unix_now: float
    ) -> list[Binding]:
        if request.contact_is_star:
            return self._without_all(request, before)
        after = {binding.contact: binding for binding in before}
        for contact in request.contacts:
            if not contact.uri.is_sip:
                raise _RegistrationRefusedError(400, "Contact is no SIP URI")
            key = self._same_contact(contact, after)
            self._check_order(request, after.get(key))
            expires_s = self._granted(contact, request)
            if expires_s == 0:
                after.pop(key, None)
            else:
                after.pop(key, None)
                after[str(contact.uri)] = self._binding(request, aor, contact, source, unix_now + expires_s)
        if len(after) > self._settings.max_contacts:
            raise _RegistrationRefusedError(403, f"No more than {self._settings.max_contacts} contacts")
        return list(after.values())

    def _without_all(self, request: Request, before: list[Binding]) -> list[Binding]:
        """Contact: * takes every binding away, and only with Expires: 0 (section 10.3 step 6)."""
        if request.expires != 0:
            raise _RegistrationRefusedError(400, "Contact: * needs Expires: 0")
        for binding in before:
            self._check_order(request, binding)
        return []

    def _same_contact(self, contact: NameAddr, known: dict[str, Binding]) -> str:
        text = str(contact.uri)
        if text in known:
            return text
        return next((key for key in known if parse_uri(key).matches(contact.uri)), text)

    def _check_order(self, request: Request, binding: Binding | None) -> None:
        """A request of the same Call-ID that is no newer than the binding changes nothing (section 10.3 step 7)."""
        if binding is not None and binding.call_id == request.call_id and request.cseq.number <= binding.cseq:
            raise _RegistrationRefusedError(500, "Out of order")

    def _granted(self, contact: NameAddr, request: Request) -> int:
        """The lifetime in seconds that this contact gets."""
        wish = contact.expires
        if wish is None:
            wish = request.expires
        if wish is None:
            wish = self._settings.default_expires_s
        if 0 < wish < self._settings.min_expires_s and wish < HIGHEST_EXPIRES_S:
            raise _RegistrationRefusedError(423, None, (("Min-Expires", str(self._settings.min_expires_s)),))
        return min(wish, self._settings.max_expires_s)

    def _binding(self, request: Request, aor: str, contact: NameAddr, source: Hop, expires_at: float) -> Binding:
        direct = (contact.uri.host, contact.uri.port or 5060) == (bracketed(source.host), source.port)
        return Binding(
            aor=aor,
            contact=str(contact.uri),
            expires_at=expires_at,
            call_id=request.call_id,
            cseq=request.cseq.number,
            q=contact.q,
            received="" if direct and source.transport == "UDP" else str(source),
            user_agent=request.headers.get("User-Agent") or "",
        )

    def _success(self, request: Request, bindings: list[Binding], to_tag: str, unix_now: float) -> Response:
        response = request.response(200, to_tag=to_tag)
        for binding in bindings:
            left_s = max(0, round(binding.expires_at - unix_now))
            quality = "" if binding.q == 1.0 else f";q={binding.q:g}"
            response.headers.add("Contact", f"<{binding.contact}>;expires={left_s}{quality}")
        return response
