"""Hours of strange traffic at one user agent, without sockets: nothing that comes may make it grow.

usage: python -m tests.sip.soak [REQUESTS] [SEED]      (a million by default; prints objects and memory as it goes)
"""

import gc
import sys
from collections import Counter
from contextlib import suppress
from random import Random
from types import BuiltinFunctionType, CodeType, FunctionType, MethodDescriptorType, ModuleType

from device.ids import CountingIds
from device.model import Account, AccountId, CallId, Credential
from device.sip.endpoint import SipEndpoint
from device.sip.errors import SipParseError
from device.sip.events import CallEnded, CallEstablished, IncomingCall, OfferReceived
from device.sip.hop import Hop
from device.sip.message import Request
from device.sip.parser import parse_message
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.transaction_layer import LookupWanted
from device.sip.user_agent import UserAgent

OWN = ("192.0.2.1", 5060)
SERVER = Hop("UDP", "192.0.2.2", 5060)
LINE = AccountId("line")
OFFER, ANSWER = b"v=0 an offer\r\n", b"v=0 an answer\r\n"

CALLS_AND_MORE = (
    ("INVITE",) * 3
    + ("OPTIONS", "REGISTER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "INFO", "UPDATE", "PRACK", "REFER", "PUBLISH")
    + ("BYE", "CANCEL", "ACK", "NONSENSE")
)
IN_DIALOG = ("INVITE", "BYE", "INFO", "UPDATE", "REFER", "NOTIFY", "MESSAGE", "OPTIONS", "PRACK", "ACK", "SUBSCRIBE")
STATUSES = (100, 180, 183, 199, 200, 202, 302, 401, 407, 408, 480, 486, 487, 491, 500, 503, 603)
STRAY = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-nobodys\r\nFrom: <sip:1001@192.0.2.2>;tag=1\r\n"
    b"To: <sip:1002@192.0.2.2>;tag=2\r\nCall-ID: nobodys\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n"
)
GARBAGE = (
    STRAY % b"OPTIONS",
    STRAY % b"INVITE",
    b"\r\n\r\n",
    b"\0" * 40,
    b"SIP/2.0 200\r\n\r\n",
    b"INVITE",
    b"\xff" * 300,
    b"GET / HTTP/1.1\r\n\r\n",
    b"{}" * 900,
)

STEP_S = 0.02
"""Fifty messages a second, for ever."""
DRAINED_S = 4000.0
"""By then everything that was under way is over, also what a peer may ask to be kept for an hour."""

_SKIPPED = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodDescriptorType, CodeType)


def count_objects(root: object) -> Counter[str]:
    """How many objects hang on `root`, by type."""
    found: Counter[str] = Counter()
    seen = {id(root)}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        found[type(one).__name__] += 1
        for other in gc.get_referents(one):
            if id(other) not in seen and not isinstance(other, _SKIPPED):
                seen.add(id(other))
                waiting.append(other)
    return found


class Soak:
    """A registered phone, its owner who answers some calls, and a world that sends whatever it likes."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.now = 0.0
        self.requests = self.established = 0
        ids = CountingIds()
        self.agent = UserAgent(UserAgentSettings(), SipTimers(), ids, lambda _transport, _host: OWN)
        self.endpoint = SipEndpoint(self.agent, SipTimers(), ids, lambda _hop: OWN)
        self.agent.add_account(Account(LINE, "1001", "192.0.2.2"), Credential("1001", password="secret"))
        self.agent.start_registration(LINE, 0.0)
        self._heard: list[tuple[Hop, bytes]] = []
        """What the phone sent last: the world answers it, or goes on from it."""
        self._calls: set[CallId] = set()

    def run(self, requests: int) -> None:
        """Let so many messages come, 50 a second."""
        for _ in range(requests):
            self.requests += 1
            self.now += STEP_S
            self._turn()
            data, source = self._message()
            if source.connection is None:
                self.endpoint.receive_datagram(data, source, self.now)
            else:
                self.endpoint.receive_stream(data, source, self.now)
                if self.dice.random() < 0.05:
                    self.endpoint.connection_closed(source, self.now)
            self._take()
            if self.requests % 500 == 0:
                self.agent.network_changed(self.now)

    def drain(self) -> None:
        """Let the owner hang up, the world fall silent, and time pass until nothing is under way any more."""
        for call_id in list(self._calls):
            self.agent.hang_up(call_id, self.now)
        for number in range(1, 9):
            self.endpoint.connection_closed(Hop("TCP", "198.51.100.1", 40_000 + number, number), self.now)
        until = self.now + DRAINED_S
        while (at := self.endpoint.next_timeout()) is not None and at <= until:
            self.now = max(self.now, at)
            self.endpoint.handle_timeout(self.now)
            self._take()
        self.now = until
        self._heard.clear()

    def _turn(self) -> None:
        at = self.endpoint.next_timeout()
        if at is not None and at <= self.now:
            self.endpoint.handle_timeout(self.now)
            self._take()

    def _take(self) -> None:
        while (event := self.endpoint.next_event()) is not None:
            self._react(event)
        for transmission in self.endpoint.transmissions_to_send():
            if transmission.data.strip():
                self._heard.append((transmission.hop, transmission.data))
        del self._heard[:-30]

    def _react(self, event: object) -> None:
        dice = self.dice
        match event:
            case LookupWanted():
                self.endpoint.receive_lookup(event.next_hop, [SERVER] if dice.random() < 0.8 else [], self.now)
            case IncomingCall():
                self._calls.add(event.call_id)
                self.agent.ring(event.call_id, self.now)
                if dice.random() < 0.3:
                    self.agent.reject(event.call_id, 486, self.now)
                elif dice.random() < 0.5:
                    self.agent.answer(event.call_id, ANSWER if event.offer else OFFER, self.now)
            case OfferReceived(call_id, offer):
                self.agent.accept_offer(call_id, ANSWER if offer else OFFER, self.now)
            case CallEstablished():
                self.established += 1
            case CallEnded():
                self._calls.discard(event.call_id)

    # What the world says.

    def _message(self) -> tuple[bytes, Hop]:
        dice = self.dice
        what = dice.random()
        if what < 0.03:
            return dice.choice(GARBAGE), self._source()
        if what < 0.4 and self._heard:
            with suppress(SipParseError):  # what the phone refused may be copied into its answer
                return self._continued(*dice.choice(self._heard))
        return self._damaged(self._begun()), self._source()

    def _source(self) -> Hop:
        dice = self.dice
        host = f"198.51.{dice.randrange(4)}.{dice.randrange(256)}"
        if dice.random() < 0.15:
            number = dice.randrange(1, 9)
            return Hop("TCP", "198.51.100.1", 40_000 + number, number)
        return dice.choice((SERVER, Hop("UDP", host, dice.randrange(1024, 65536))))

    def _begun(self) -> bytes:
        """A request out of the blue."""
        dice = self.dice
        method = dice.choice(CALLS_AND_MORE)
        number = dice.randrange(1 << 30)
        user = dice.choice(("1001", "1001", "offhook", "nobody", ""))
        to_tag = f";tag=x{number}" if dice.random() < 0.2 else ""
        more = dice.choice(
            (
                "",
                "Require: 100rel\r\n",
                "Supported: 100rel, timer, replaces\r\nSession-Expires: 90\r\n",
                "Event: dialog\r\nExpires: 600\r\n",
                "Event: refer\r\nSubscription-State: active;expires=60\r\n",
                "Refer-To: <sip:1002@192.0.2.2>\r\nReferred-By: <sip:1003@192.0.2.2>\r\n",
                f"Replaces: nobody{number};to-tag=a;from-tag=b\r\n",
                "Record-Route: <sip:198.51.100.1;lr>\r\n",
                "Expires: 3\r\n",
            )
        )
        body = OFFER if method in ("INVITE", "UPDATE") and dice.random() < 0.8 else b""
        head = (
            f"{method} sip:{user}@192.0.2.1 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK-{number};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{number}@198.51.100.1>;tag=f{number}\r\n"
            f"To: <sip:{user}@192.0.2.1>{to_tag}\r\nCall-ID: call-{number}\r\n"
            f"CSeq: {dice.randrange(1, 99)} {method}\r\n"
            f"Contact: <sip:{number}@198.51.100.1>\r\n{more}"
            f"{'Content-Type: application/sdp' if body else 'Subject: none'}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _damaged(self, data: bytes) -> bytes:
        """The same with a few bytes changed, in one of ten."""
        if self.dice.random() > 0.1:
            return data
        changed = bytearray(data)
        for _ in range(self.dice.randrange(1, 6)):
            changed[self.dice.randrange(len(changed))] = self.dice.randrange(256)
        return bytes(changed)

    def _continued(self, hop: Hop, data: bytes) -> tuple[bytes, Hop]:
        """An answer to a request of the phone, or the next request in the dialog of an answer that it gave."""
        message = parse_message(data)
        dice = self.dice
        if isinstance(message, Request):
            answer = message.response(dice.choice(STATUSES), to_tag=message.to.tag or f"t{dice.randrange(1 << 20)}")
            answer.headers.add("Contact", "<sip:peer@198.51.100.1>;expires=60")
            if answer.status in (401, 407):
                name = "WWW-Authenticate" if answer.status == 401 else "Proxy-Authenticate"
                realm = f"realm{dice.randrange(9)}"
                answer.headers.add(name, f'Digest realm="{realm}", nonce="n{dice.randrange(1 << 20)}", qop="auth"')
            return self._damaged(answer.encode()), Hop(hop.transport, hop.host, hop.port, hop.connection)
        is_answered = message.status == 200 and message.cseq.method == "INVITE"
        method = "ACK" if is_answered and dice.random() < 0.5 else dice.choice(IN_DIALOG)
        number = message.cseq.number + (method != "ACK") * dice.randrange(3)
        head = (
            f"{method} sip:1001@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;"
            f"branch=z9hG4bK-{dice.randrange(1 << 30)};rport\r\nMax-Forwards: 70\r\nFrom: {message.from_}\r\n"
            f"To: {message.to}\r\nCall-ID: {message.call_id}\r\nCSeq: {number} {method}\r\n"
            f"Contact: <sip:peer@198.51.100.1>\r\nContent-Length: 0\r\n\r\n"
        )
        return self._damaged(head.encode("utf-8", "surrogateescape")), SERVER


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    soak = Soak(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    step = max(1, requests // 20)
    sys.stdout.write("requests  objects under way  objects at rest  resident KiB\n")
    while soak.requests < requests:
        soak.run(step)
        under_way = count_objects(soak.endpoint).total()
        soak.drain()
        with open("/proc/self/status") as status:
            resident = next(line.split()[1] for line in status if line.startswith("VmRSS"))
        at_rest = count_objects(soak.endpoint).total()
        sys.stdout.write(f"{soak.requests:8}  {under_way:17}  {at_rest:15}  {resident:>12}\n")


if __name__ == "__main__":
    main()
