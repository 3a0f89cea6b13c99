"""An exchange on a bench: the test plays the phones, message by message, and moves the clock."""

from collections import defaultdict

from device.exchange.accounting import Accounted
from device.exchange.exchange import Exchange
from device.exchange.exchange_events import ExchangeEvent
from device.exchange.settings import ExchangeSettings
from device.ids import CountingIds
from device.model import Binding, Credential
from device.records import replace
from device.sip.client_auth import ClientAuth
from device.sip.digest import ha1
from device.sip.endpoint import SipEndpoint
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.parser import parse_message
from device.sip.timers import SipTimers
from device.sip.transaction_layer import LookupWanted

OWN = "192.0.2.10"
DOMAIN = "pbx.lan"
UNIX_OFFSET_S = 1_000_000.0
PASSWORDS = {"1001": "one", "1002": "two", "1003": "three"}
SDP = b"v=0 an offer\r\n"

Message = Request | Response


def credential(user: str) -> Credential | None:
    """What the store would give; like SQLite it cannot be asked for what is no text."""
    user.encode()
    password = PASSWORDS.get(user)
    if password is None:
        return None
    return Credential(user, DOMAIN, tuple((name, ha1(name, user, DOMAIN, password)) for name in ("MD5", "SHA-256")))


class Switchboard:
    """An exchange for three users at 192.0.2.10, domain pbx.lan.

    `names` are the hosts that a look-up finds, `addresses` our own ones by the host that sees them. Two boards of the
    same `prefix` make up the same random things.
    """

    def __init__(
        self,
        settings: ExchangeSettings | None = None,
        bindings: list[Binding] | None = None,
        secret: str = "",
        prefix: str = "",
        **limits: int,
    ) -> None:
        self.ids = CountingIds(prefix)
        self.addresses: dict[str, str] = {}
        self.exchange = Exchange(
            settings or ExchangeSettings(domain=DOMAIN),
            credential,
            lambda _transport, host: (self.addresses.get(host, OWN), 5060),
            self.ids,
            bindings or [],
            UNIX_OFFSET_S,
            secret,
        )
        self.endpoint = SipEndpoint(
            self.exchange, SipTimers(), self.ids, lambda hop: (self.addresses.get(hop.host, OWN), 5060), **limits
        )
        self.names: dict[str, list[Hop]] = {DOMAIN: [Hop("UDP", OWN, 5060)]}
        self.now = 0.0
        self.events: list[ExchangeEvent] = []
        """All but what is accounted."""
        self.accounted: list[Accounted] = []
        self.sent: list[tuple[Hop, Message]] = []
        self._inboxes: dict[tuple[str, int], list[Message]] = defaultdict(list)
        self._requests = 0

    def phone(self, user: str, host: str, port: int = 5060, transport: str = "UDP") -> "Phone":
        """A phone at `host`; with TCP its connection is open already."""
        connection = len(self._inboxes) + 1 if transport != "UDP" else None
        return Phone(self, user, Hop(transport, host, port, connection))

    def new_branch(self) -> str:
        self._requests += 1
        return f"z9hG4bK-phone{self._requests}"

    def receive(self, data: bytes, source: Hop) -> None:
        """Let a message arrive."""
        if source.transport == "UDP":
            self.endpoint.receive_datagram(data, source, self.now)
        else:
            self.endpoint.receive_stream(data, source, self.now)
        self.flush()

    def advance(self, seconds: float) -> None:
        """Let time pass, every timer at its moment."""
        until = self.now + seconds
        for _ in range(20_000):
            at = self.endpoint.next_timeout()
            if at is None or at > until:
                self.now = until
                return
            self.now = max(self.now, at)
            self.endpoint.handle_timeout(self.now)
            self.flush()
        raise AssertionError("the exchange never rests")

    def flush(self) -> None:
        """Carry everything that the exchange has to say; what it sends to itself arrives at once."""
        busy = True
        while busy:
            busy = False
            while (event := self.endpoint.next_event()) is not None:
                busy = True
                if isinstance(event, LookupWanted):
                    hops = self.names.get(event.next_hop.host)
                    if hops is not None:
                        self.endpoint.receive_lookup(event.next_hop, hops, self.now)
                elif isinstance(event, Accounted):
                    self.accounted.append(event)
                else:
                    self.events.append(event)  # type: ignore[arg-type]
            for transmission in self.endpoint.transmissions_to_send():
                busy = True
                hop = transmission.hop
                self.sent.append((hop, parse_message(transmission.data)))
                if (hop.host, hop.port) == (OWN, 5060):
                    self.endpoint.receive_datagram(transmission.data, Hop("UDP", OWN, 5060), self.now)
                else:
                    self._inboxes[hop.host, hop.port].append(parse_message(transmission.data))

    def take(self, hop: Hop) -> list[Message]:
        """Everything sent to an address since the last look."""
        self.flush()
        return self._inboxes.pop((hop.host, hop.port), [])

    def empty_inboxes(self) -> None:
        """Forget what was sent to addresses where nobody looks."""
        self._inboxes.clear()

    @property
    def is_idle(self) -> bool:
        """Whether no request, transaction or timer of one is left; calls that go on are watched for hours."""
        timeout = self.endpoint.next_timeout()
        no_timer = timeout is None or timeout == self.exchange.house.calls.next_timeout()
        return self.exchange.under_way == 0 and len(self.endpoint.layer) == 0 and no_timer


class Phone:
    """One phone, or a stranger, played by the test."""

    def __init__(self, board: Switchboard, user: str, hop: Hop) -> None:
        self.board = board
        self.user = user
        self.hop = hop
        self.domain = DOMAIN
        self.password = PASSWORDS.get(user, "none")
        self.auth = ClientAuth(Credential(user, password=self.password), board.ids)
        self.contact = f"<sip:{user}@{hop.host}:{hop.port}>"
        if hop.transport != "UDP":
            self.contact = f"<sip:{user}@{hop.host}:5060;transport={hop.transport.lower()}>"
        self.call_id = f"call-of-{user}"
        self.cseq = 0

    @property
    def address(self) -> str:
        return f"<sip:{self.user}@{self.domain}>"

    def via(self, branch: str = "", rport: bool = True) -> str:
        return (
            f"SIP/2.0/{self.hop.transport} {self.hop.host}:{self.hop.port};branch={branch or self.board.new_branch()}"
            + (";rport" if rport else "")
        )

    def build(self, method: str, uri: str, **headers: str) -> Request:
        """A request as this phone would send it; `Max_Forwards=""` leaves a header field out."""
        self.cseq += 1
        request = Request(method, uri)
        fields = {
            "Via": self.via(),
            "Max-Forwards": "70",
            "From": f"{self.address};tag=tag-{self.user}",
            "To": f"<{uri}>",
            "Call-ID": self.call_id,
            "CSeq": f"{self.cseq} {method}",
        }
        if method in ("INVITE", "REGISTER", "SUBSCRIBE"):
            fields["Contact"] = self.contact
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in fields.items():
            if value:
                for line in value.split("\n"):
                    request.headers.add(name, line)
        if method == "INVITE":
            request.body = SDP
        return request

    def send(self, message: Message) -> None:
        """Put a message on the wire."""
        self.board.receive(message.encode(), self.hop)

    def ask(self, method: str, uri: str, **headers: str) -> Request:
        """Send a request without credentials."""
        request = self.build(method, uri, **headers)
        self.send(request)
        return request

    def received(self) -> list[Message]:
        """Everything that came since the last look."""
        return self.board.take(self.hop)

    def request(self, method: str) -> Request:
        """The only request of that method that came since the last look, copies aside."""
        found = [one for one in self.received() if isinstance(one, Request) and one.method == method]
        assert len({one.top_via.branch for one in found}) == 1, f"{len(found)} {method} came"
        return found[0]

    def response(self) -> Response:
        """The last response that came."""
        found = [one for one in self.received() if isinstance(one, Response)]
        assert found, "no response came"
        return found[-1]

    def statuses(self) -> list[int]:
        """The status of each response that came since the last look."""
        return [one.status for one in self.received() if isinstance(one, Response)]

    def authorized(self, method: str, uri: str, **headers: str) -> tuple[Request, list[Message]]:
        """Send a request and answer the challenge; gives the request that went through, and what came back so far."""
        request = self.auth.authorize(self.build(method, uri, **headers))
        self.send(request)
        came = self.received()
        if came and isinstance(came[-1], Response) and came[-1].status in (401, 407):
            if method == "INVITE":
                self.acknowledge_failure(request, came[-1])
            again = self.auth.challenge_received(came[-1], request)
            assert again is not None, self.auth.fault
            again.headers.prepend("Via", self.via())
            self.cseq = again.cseq.number
            request = again
            self.send(request)
            came = self.received()
        return request, came

    def register(self, **headers: str) -> Response:
        """Register; gives the final answer."""
        _, came = self.authorized(
            "REGISTER", f"sip:{DOMAIN}", **({"To": self.address, "Call_ID": f"reg-{self.user}"} | headers)
        )
        (response,) = came
        assert isinstance(response, Response)
        return response

    def invite(self, called: str, **headers: str) -> Request:
        """Call a user; gives the INVITE as it went through."""
        request, _ = self.authorized("INVITE", f"sip:{called}@{DOMAIN}", **headers)
        return request

    def reply(self, request: Request, status: int, **headers: str) -> Response:
        """Answer a request that came."""
        response = request.response(status, to_tag=f"tag-{self.user}" if status > 100 else None)
        for line in request.headers.get_all("Record-Route"):
            response.headers.add("Record-Route", line)
        if 100 < status < 300 and request.method == "INVITE":
            response.headers.add("Contact", self.contact)
        for name, value in headers.items():
            response.headers.set(name.replace("_", "-"), value)
        self.send(response)
        return response

    def acknowledge_failure(self, invite: Request, response: Response) -> None:
        """ACK a 3xx to 6xx: same branch, hop by hop."""
        ack = Request("ACK", invite.uri)
        for name in ("Via", "Max-Forwards", "From", "Call-ID"):
            ack.headers.add(name, invite.headers.get(name) or "")
        ack.headers.add("To", str(response.to))
        ack.headers.add("CSeq", f"{invite.cseq.number} ACK")
        self.send(ack)

    def cancel(self, invite: Request, **headers: str) -> None:
        """Take an INVITE back."""
        cancel = Request("CANCEL", invite.uri)
        for name in ("Via", "Max-Forwards", "From", "To", "Call-ID"):
            cancel.headers.add(name, invite.headers.get(name) or "")
        cancel.headers.add("CSeq", f"{invite.cseq.number} CANCEL")
        for name, value in headers.items():
            cancel.headers.set(name.replace("_", "-"), value)
        self.send(cancel)

    def in_dialog(self, method: str, of: Message, **headers: str) -> Request:
        """Send a request in the dialog of a message that came: by its Contact and Record-Route (section 12.2.1.1)."""
        routes = of.record_routes
        local, remote = (of.from_, of.to) if isinstance(of, Response) else (of.to, of.from_)
        if isinstance(of, Response):
            routes.reverse()
        elif remote.tag is None or local.tag is None:
            local = local.with_tag(f"tag-{self.user}")
        target = of.contacts[0].uri
        fields = {"From": str(local), "To": str(remote), "Call_ID": of.call_id}
        if routes:
            fields["Route"] = "\n".join(str(route) for route in routes)
        if method == "ACK":
            fields["CSeq"] = f"{of.cseq.number} ACK"
        return self.ask(method, str(target), **(fields | headers))


def settings(**changes: object) -> ExchangeSettings:
    """Settings of pbx.lan with some of them changed."""
    return replace(ExchangeSettings(domain=DOMAIN), **changes)


def two_phones(board: Switchboard) -> tuple[Phone, Phone]:
    """1001 and 1002, both registered."""
    phones = board.phone("1001", "192.0.2.1"), board.phone("1002", "192.0.2.2")
    for phone in phones:
        assert phone.register().status == 200
    return phones
