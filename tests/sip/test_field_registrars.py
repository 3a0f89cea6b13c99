"""Registrars with the habits of those in the field: a whole life with each, and not one failure."""

from collections.abc import Callable

import pytest

from device.sip.digest import ha1, make_challenge, parse_credentials, verify
from device.sip.events import RegistrationChanged, RegistrationState
from device.sip.instance import Instance
from device.sip.message import Request, Response
from tests.support.sip_bench import OFFICE, Bench, office

PASSWORD = "secret"
INSTANCE = Instance("urn:uuid:f81d4fae-7dec-41d0-8765-00a0c91e6bf6", 0.5)
OTHER = "<sip:1001@192.0.2.88:5060;transport=udp>;expires=11"


class FieldRegistrar:
    """Asks for digest once, then takes the nonce for ever."""

    realm = "pbx"
    lifetime = 600

    def __init__(self) -> None:
        self.nonce = 0
        self.refused = 0
        """Requests with credentials that were not taken: what makes a server lock a phone out."""

    def receive(self, request: Request) -> Response:
        if not self.is_proven(request):
            self.refused += "Authorization" in request.headers
            self.nonce += 1
            response = request.response(401, to_tag="r")
            response.headers.add("WWW-Authenticate", self.challenge())
            return response
        response = request.response(200, to_tag="r")
        self.grant(request, response)
        return response

    def is_proven(self, request: Request) -> bool:
        value = request.headers.get("Authorization")
        credentials = parse_credentials(value) if value else None
        if credentials is None or credentials.nonce != f"n{self.nonce}":
            return False
        return verify(credentials, "REGISTER", lambda name, realm, method: ha1(method, name, realm, PASSWORD))

    def challenge(self) -> str:
        return make_challenge(self.realm, f"n{self.nonce}")

    def grant(self, request: Request, response: Response) -> None:
        response.headers.add("Contact", f"{OTHER}, {request.contacts[0]};expires={self.lifetime}")


class HomeRouter(FieldRegistrar):
    """No qop, each nonce good for one request, no user part in the Request-URI, a bare Contact in small letters."""

    realm = "fritz.box"

    def is_proven(self, request: Request) -> bool:
        assert request.uri.user == ""
        proven = super().is_proven(request)
        if proven:
            # It serves once.
            self.nonce += 1
        return proven

    def challenge(self) -> str:
        return f'Digest realm="{self.realm}", nonce="n{self.nonce}"'

    def grant(self, request: Request, response: Response) -> None:
        contact = str(request.contacts[0].uri).lower()
        response.headers.add("Contact", f"<{contact}>;expires={min(request.expires or 0, 300)}")


class OpenSourcePbx(FieldRegistrar):
    """Lower-case algorithm, opaque, Date, an expires beside the contact, and the contact as it saw us."""

    realm = "asterisk"

    def challenge(self) -> str:
        return f'Digest realm="{self.realm}",nonce="n{self.nonce}",opaque="2b2f",algorithm=md5,qop="auth"'

    def grant(self, request: Request, response: Response) -> None:
        response.headers.add("Date", "Fri, 27 Nov 2026 10:00:00 GMT")
        response.headers.add("Expires", "3600")
        response.headers.add("Contact", f"<sip:1001@192.0.2.1:5060;x-ast-orig-host=192.0.2.1>;expires={self.lifetime}")


class WindowsPbx(FieldRegistrar):
    """The parameters of the challenge in another order, and a contact of its own making."""

    def challenge(self) -> str:
        return f'Digest nonce="n{self.nonce}", algorithm=MD5, realm="PhoneSystem"'

    def grant(self, request: Request, response: Response) -> None:
        response.headers.add("Contact", f'<sip:1001@192.0.2.2:5060;rinstance=4f1c>;expires="{self.lifetime}"')


class SilentProvider(FieldRegistrar):
    """A 200 without any Contact."""

    def grant(self, request: Request, response: Response) -> None:
        response.headers.add("Expires", str(self.lifetime))


class ImpatientProvider(FieldRegistrar):
    """Behind a border element: a nonce for each request by Authentication-Info, very short lifetimes."""

    lifetime = 60

    def grant(self, request: Request, response: Response) -> None:
        super().grant(request, response)
        self.nonce += 1
        response.headers.add("Authentication-Info", f'nextnonce="n{self.nonce}"')


class GenerousProvider(FieldRegistrar):
    """Grants a day whatever was asked for, and forgets after an hour."""

    lifetime = 86400


@pytest.mark.parametrize(
    ("make", "refused"),
    [
        (FieldRegistrar, 0),
        # Twice a nonce is tried again; then each is awaited.
        (HomeRouter, 2),
        (OpenSourcePbx, 0),
        # Without qop the nonce may serve again, and does.
        (WindowsPbx, 0),
        (SilentProvider, 0),
        (ImpatientProvider, 0),
        (GenerousProvider, 0),
    ],
)
def test_a_day_with_a_registrar_of_the_field(make: Callable[[], FieldRegistrar], refused: int) -> None:
    registrar = make()
    bench = Bench(account=office(), instance=INSTANCE)
    bench.agent.start_registration(OFFICE, bench.now)
    registered = 0
    longest = 0.0
    last = 0.0
    while bench.now < 86400:
        while requests := bench.sent():
            (request,) = requests
            assert isinstance(request, Request)
            response = registrar.receive(request)
            if response.status == 200:
                registered += 1
                longest, last = max(longest, bench.now - last), bench.now
            bench.receive(response)
        at = bench.endpoint.next_timeout()
        assert at is not None
        bench.advance(at - bench.now)
    states = {event.state for event in bench.events() if isinstance(event, RegistrationChanged)}
    assert states == {RegistrationState.REGISTERING, RegistrationState.REGISTERED}
    assert registered > 86400 / 600
    assert longest < min(registrar.lifetime, 600)
    assert registrar.refused == refused
