"""A registrar in the test's own loop: asks for digest, keeps contacts, and can be told to be unkind."""

from device.ids import SystemIds
from device.net.sip_sockets import SipSockets
from device.sip.dialog import Dialog
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
        self.summary: bytes | None = None
        """What a NOTIFY says to who asks for waiting messages; without it a SUBSCRIBE is answered 501."""
        self.watcher: Dialog | None = None
        """The subscription to that, once there is one."""
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
        elif response.status == 200 and event.request.method == "REGISTER":
            self._bind(event.request, user)
            if user in self.contacts:
                response.headers.add("Contact", f"{self.contacts[user]};expires={event.request.expires or 600}")
        if event.request.method == "SUBSCRIBE" and response.status == 200:
            response.headers.set("Expires", str(event.request.expires or 0))
            response.headers.add("Contact", f"<sip:mwi@{HOST}:{self.port}>")
        self._layer.send_response(event.key, response, now)
        if event.request.method == "SUBSCRIBE" and response.status == 200:
            self.watcher = self.watcher or Dialog.of_request(event.request, "registrar")
            self.tell("active;expires=600" if event.request.expires else "terminated;reason=timeout", now)

    def tell(self, state: str, now: float) -> None:
        """Send the summary to the phone that asked for it."""
        assert self._layer is not None
        assert self.watcher is not None
        notify = self.watcher.build_request("NOTIFY")
        for name, value in (
            ("Event", "message-summary"),
            ("Subscription-State", state),
            ("Contact", f"<sip:mwi@{HOST}:{self.port}>"),
            ("Content-Type", "application/simple-message-summary"),
        ):
            notify.headers.add(name, value)
        notify.body = self.summary or b""
        self._layer.send_request(notify, self.watcher.next_hop, now)

    def _status(self, request: Request, user: str) -> int:
        if self.status is not None:
            return self.status
        if request.method == "SUBSCRIBE" and self.summary is not None:
            return 200
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
