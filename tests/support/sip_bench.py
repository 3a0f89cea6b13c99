"""One user agent on a bench: the test plays the peer, message by message, and moves the clock."""

from typing import TypeVar

from device.ids import CountingIds
from device.model import Account, AccountId, CallId, Credential
from device.sip.endpoint import SipEndpoint
from device.sip.events import CallEnded, EndCause
from device.sip.hop import Hop, Transmission
from device.sip.instance import NO_INSTANCE, Instance
from device.sip.message import Request, Response
from device.sip.parser import parse_message
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.transaction_layer import LookupWanted
from device.sip.user_agent import UserAgent

LOCAL = ("192.0.2.1", 5060)
PEER = Hop("UDP", "192.0.2.2", 5060)
PEER_STREAM = Hop("TCP", "192.0.2.2", 5060, 1)
STRANGER = Hop("UDP", "198.51.100.9", 5060)
OFFER = b"v=0 an offer\r\n"
ANSWER = b"v=0 an answer\r\n"
CALL = CallId("call")
OFFICE = AccountId("office")

EventT = TypeVar("EventT")


def office(**changes: object) -> Account:
    """The account that most tests use: registrar at the peer's address."""
    fields: dict[str, object] = {"id": OFFICE, "user": "1001", "domain": "192.0.2.2", "display_name": "Office"}
    return Account(**(fields | changes))  # type: ignore[arg-type]


class Bench:
    """`sent()` gives what went on the wire since the last look, `events()` what the user agent told."""

    def __init__(
        self,
        settings: UserAgentSettings | None = None,
        *,
        account: Account | None = None,
        instance: Instance = NO_INSTANCE,
        listens: bool = True,
    ) -> None:
        self.ids = CountingIds()
        self._listens = listens
        """Whether others can connect to us by TCP and TLS."""
        self.agent = UserAgent(settings or UserAgentSettings(), SipTimers(), self.ids, self._local_address, instance)
        self.endpoint = SipEndpoint(
            self.agent, SipTimers(), self.ids, lambda hop: self._local_address(hop.transport, hop.host)
        )
        self.now = 0.0
        self.hops: list[Hop] = []
        self.keepalives: list[Transmission] = []
        """What went on the wire so far that is no SIP message."""
        self.addresses: dict[str, str] = {}
        """From a destination to our address as that sees it, where it is not LOCAL."""
        self.located = [PEER]
        """Where every name leads to."""
        self._branches = 0
        self._events: list[object] = []
        if account is not None:
            self.agent.add_account(account, Credential(account.user, password="secret"))

    def _local_address(self, transport: str, host: str) -> tuple[str, int]:
        return self.addresses.get(host, LOCAL[0]), LOCAL[1] if self._listens or transport == "UDP" else 0

    def advance(self, seconds: float) -> None:
        """Let time pass, every timer at its moment."""
        until = self.now + seconds
        while (at := self.endpoint.next_timeout()) is not None and at <= until:
            self.now = max(self.now, at)
            self.endpoint.handle_timeout(self.now)
        self.now = until

    def receive(self, message: Request | Response, source: Hop = PEER) -> None:
        """Let a message arrive."""
        take = self.endpoint.receive_datagram if source.transport == "UDP" else self.endpoint.receive_stream
        take(message.encode(), source, self.now)

    def sent(self) -> list[Request | Response]:
        """Everything sent since the last look, parsed."""
        self._take_events()
        transmissions = self.endpoint.transmissions_to_send()
        messages = [one for one in transmissions if one.data[:1].isalpha()]
        self.keepalives += [one for one in transmissions if not one.data[:1].isalpha()]
        self.hops = [one.hop for one in messages]
        return [parse_message(one.data) for one in messages]

    def sent_request(self, method: str) -> Request:
        """The only request of that method sent since the last look, retransmissions aside."""
        requests = [one for one in self.sent() if isinstance(one, Request) and one.method == method]
        found = {one.top_via.branch: one for one in requests}
        assert len(found) == 1, f"{len(found)} {method} were sent"
        return requests[0]

    def sent_response(self) -> Response:
        """The last response sent since the last look."""
        found = [one for one in self.sent() if isinstance(one, Response)]
        assert found, "no response was sent"
        return found[-1]

    def statuses(self) -> list[int]:
        """The status of each response sent since the last look."""
        return [one.status for one in self.sent() if isinstance(one, Response)]

    def methods(self) -> list[str]:
        """The method of each request sent since the last look."""
        return [one.method for one in self.sent() if isinstance(one, Request)]

    def events(self) -> list[object]:
        """Everything told since the last look, look-ups aside."""
        self._take_events()
        events, self._events = self._events, []
        return events

    def event(self, kind: type[EventT]) -> EventT:
        """The only event of that kind since the last look."""
        found = [one for one in self.events() if isinstance(one, kind)]
        assert len(found) == 1, f"{len(found)} {kind.__name__} were told"
        return found[0]

    def end(self) -> EndCause:
        """Why the only call that ended since the last look did so."""
        return self.event(CallEnded).cause

    def _take_events(self) -> None:
        while (event := self.endpoint.next_event()) is not None:
            if isinstance(event, LookupWanted):
                self.endpoint.receive_lookup(event.next_hop, self.located, self.now)
            else:
                self._events.append(event)

    # The peer.

    def reply(
        self,
        request: Request,
        status: int,
        *,
        tag: str = "peer",
        body: bytes = b"",
        reason: str | None = None,
        source: Hop | None = None,
        **headers: str,
    ) -> Response:
        """Answer one of our requests; `Record_Route="..."` adds a header field, a Contact is there below 300."""
        response = request.response(status, reason, to_tag=tag or None)
        if status < 300 and request.method == "INVITE" and "Contact" not in headers:
            response.headers.add("Contact", "<sip:bob@192.0.2.2:5060>")
        self._fill(response, body, headers)
        self.receive(response, source or (PEER if request.top_via.transport == "UDP" else PEER_STREAM))
        return response

    def request(
        self,
        method: str,
        uri: str = "sip:offhook@192.0.2.1:5060",
        *,
        to: str = "<sip:offhook@192.0.2.1>",
        from_: str = "<sip:bob@192.0.2.2>;tag=peer",
        call_id: str = "peer-call",
        cseq: int = 1,
        body: bytes = b"",
        branch: str = "",
        source: Hop = PEER,
        **headers: str,
    ) -> Request:
        """Let a request of the peer arrive, each with a branch of its own unless one is given."""
        self._branches += 1
        branch = branch or f"z9hG4bK-peer{self._branches}"
        request = Request(method, uri)  # type: ignore[arg-type]
        for name, value in (
            ("Via", f"SIP/2.0/{source.transport} {source.host}:{source.port};branch={branch};rport"),
            ("Max-Forwards", "70"),
            ("From", from_),
            ("To", to),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
        ):
            request.headers.add(name, value)
        if method == "INVITE" and "Contact" not in headers:
            request.headers.add("Contact", "<sip:bob@192.0.2.2:5060>")
        self._fill(request, body, headers)
        self.receive(request, source)
        return request

    def in_dialog(
        self, method: str, ours: Request | Response, cseq: int = 2, body: bytes = b"", **headers: str
    ) -> Request:
        """Let a request of the peer arrive in the dialog of `ours`, a message that we sent in it."""
        local, remote = (ours.from_, ours.to) if isinstance(ours, Request) else (ours.to, ours.from_)
        return self.request(
            method, to=str(local), from_=str(remote), call_id=ours.call_id, cseq=cseq, body=body, **headers
        )

    @staticmethod
    def _fill(message: Request | Response, body: bytes, headers: dict[str, str]) -> None:
        for name, value in headers.items():
            if value:
                message.headers.set(name.replace("_", "-"), value)
        if body:
            message.body = body
            if "Content_Type" not in headers:
                message.headers.set("Content-Type", "application/sdp")

    # Whole calls, ready to go on from.

    def call(self, target: str = "192.0.2.2", offer: bytes = OFFER, account: AccountId | None = None) -> Request:
        """Call the peer; gives the INVITE."""
        self.agent.invite(CALL, target, offer, account, self.now)
        self._take_events()
        return self.sent_request("INVITE")

    def established(self) -> Request:
        """A call that we made and that was answered; gives the ACK."""
        self.reply(self.call(), 200, body=ANSWER)
        ack = self.sent_request("ACK")
        self.events()
        return ack

    def called(self, offer: bytes = OFFER, **headers: str) -> CallId:
        """The peer calls; gives our name of the call."""
        self.request("INVITE", body=offer, **headers)
        self._take_events()
        return CallId("in-1")

    def answered(self) -> Response:
        """A call of the peer that we answered and that is established; gives our 200."""
        call_id = self.called()
        self.agent.answer(call_id, ANSWER, self.now)
        ours = self.sent_response()
        self.in_dialog("ACK", ours, cseq=1)
        self.events()
        return ours
