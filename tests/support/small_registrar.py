"""A registrar in the test's own loop: asks for digest, keeps contacts, and can be told to be unkind."""

from device.ids import SystemIds
from device.net.sip_sockets import SipSockets
from device.sip.digest import ha1, make_challenge, parse_credentials, verify
from device.sip.endpoint import SipEndpoint
from device.sip.message import Request
from device.sip.timers import SipTimers
from device.sip.transaction_layer import RequestReceived, TransactionEvent, TransactionLayer
from device.timing import earliest
from tests.support.turning import HandLoop

HOST = "127.0.0.1"
NONCE = "n0nce"


class SmallRegistrar:
    """Takes a REGISTER with the right password, or without any where it has none to ask for."""

    def __init__(self, loop: HandLoop, passwords: dict[str, str] | None = None, realm: str = "pbx") -> None:
        self.passwords = passwords or {}
        self.realm = realm
        self.algorithm = "MD5"
        self.status: int | None = None
        """Answer every REGISTER with this."""
        self.silent = False
        self.requests: list[Request] = []
        self.contacts: dict[str, str] = {}
        self._layer: TransactionLayer | None = None
        timers = SipTimers()
        self.endpoint = SipEndpoint(self, timers, SystemIds(), lambda _hop: (HOST, self.port))
        self.sockets = SipSockets(loop, self.endpoint, HOST)
        self.sockets.open(0)
        loop.add_participant(self)

    @property
    def port(self) -> int:
        return self.sockets.local_port

    def pump(self, now: float) -> float | None:
        self.endpoint.handle_timeout(now)
        self.sockets.handle_timeout(now)
        while self.endpoint.next_event() is not None:
            pass
        for transmission in self.endpoint.transmissions_to_send():
            self.sockets.send(transmission)
        return earliest(self.endpoint.next_timeout(), self.sockets.next_timeout())

    def close(self) -> None:
        self.sockets.close()

    # The transaction user.

    def bind(self, layer: TransactionLayer) -> None:
        self._layer = layer

    def handle_timeout(self, now: float) -> None:
        pass

    def connection_closed(self, *_: object) -> None:
        pass

    def next_timeout(self) -> float | None:
        return None

    def next_event(self) -> object | None:
        return None

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        if not isinstance(event, RequestReceived):
            return
        self.requests.append(event.request)
        if self.silent or self._layer is None:
            return
        user = event.request.to.uri.user
        response = event.request.response(self._status(event.request, user), to_tag="registrar")
        if response.status == 401:
            response.headers.add("WWW-Authenticate", make_challenge(self.realm, NONCE, self.algorithm))
        elif response.status == 200:
            self._bind(event.request, user)
            if user in self.contacts:
                response.headers.add("Contact", f"{self.contacts[user]};expires={event.request.expires or 600}")
        self._layer.send_response(event.key, response, now)

    def _status(self, request: Request, user: str) -> int:
        if self.status is not None:
            return self.status
        if request.method != "REGISTER":
            return 501
        if user not in self.passwords:
            return 200
        value = request.headers.get("Authorization")
        credentials = parse_credentials(value) if value else None
        if credentials is None or credentials.realm != self.realm:
            return 401
        password = self.passwords[user]
        good = verify(
            credentials, "REGISTER", lambda name, realm, algorithm: ha1(algorithm, name, realm, password), b""
        )
        return 200 if good else 401

    def _bind(self, request: Request, user: str) -> None:
        contact = request.headers.get("Contact") or ""
        if request.expires == 0:
            self.contacts.pop(user, None)
        else:
            self.contacts[user] = contact
