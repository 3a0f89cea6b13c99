"""The registrar of the fleet: the product's own exchange behind a model of one core and its socket's buffer."""

from collections import deque
from dataclasses import dataclass
from functools import cache

from device.exchange.exchange import Exchange
from device.exchange.settings import ExchangeSettings
from device.ids import CountingIds
from device.model import Binding, Credential
from device.sip.digest import ha1
from device.sip.endpoint import SipEndpoint
from device.sip.message import Request
from device.sip.parser import parse_message
from device.sip.timers import SipTimers
from tests.fleet.agenda import Agenda
from tests.fleet.journal import ANSWERED, DROPPED, TURNED_AWAY, UNHEARD, Journal
from tests.fleet.phone import DOMAIN, SERVER, Carry, FleetPhone, password_of, user_of

UNIX_OFFSET_S = 1_700_000_000.0


@dataclass(frozen=True)
class Capacity:
    """What a server can do; docs/scaling.md says where the figures come from."""

    per_s: float = 1000.0
    """REGISTERs that it reads, checks and answers in a second."""
    queue: int = 128
    """Datagrams that wait in the socket's buffer; further ones the kernel drops."""
    retry_after_s: int = 0
    """What a server that is full says with a 503, as many do; 0 is the exchange, which lets the kernel drop."""

    @property
    def service_s(self) -> float:
        """How long one of them takes."""
        return 1 / self.per_s


REFUSAL_COST = 0.1
"""What a 503 costs, in parts of a REGISTER that is served: 10 µs of Python instead of 272 (a 401 takes 194, a 200 takes
350), and the same two system calls."""
KEEPALIVE_COST = 0.05
"""What a keep-alive by STUN costs: 5 µs and the system calls, since it is answered before anything is parsed."""
FULL = 0.5
"""The part of its queue from which on a server that refuses does so."""


@cache
def credential(user: str) -> Credential:
    """What the store would give for a user."""
    password = password_of(int(user[1:]))
    return Credential(user, DOMAIN, tuple((name, ha1(name, user, DOMAIN, password)) for name in ("MD5", "SHA-256")))


def is_message(data: bytes) -> bool:
    """Whether it is SIP rather than a keep-alive by STUN or CRLF."""
    return data[:1].isalpha()


class FleetServer:
    """Takes datagrams into its queue and serves one after the other; `open` and `close` it as a story wants."""

    def __init__(self, agenda: Agenda, journal: Journal, carry: Carry, capacity: Capacity, phones: int) -> None:
        self._agenda, self._journal, self._carry, self.capacity = agenda, journal, carry, capacity
        self._users = {user_of(number) for number in range(phones)}
        self._queue: deque[tuple[bytes, FleetPhone]] = deque()
        self._is_busy = False
        self._armed: float | None = None
        self.is_open = True
        self.refuses = False
        """Whether, while it is away, the network says so at once."""
        self._phones: dict[str, FleetPhone] = {}
        self._start([])

    def restart(self) -> None:
        """Start anew, with the contacts that a store has kept."""
        self._start(self.exchange.location.everything())

    def _start(self, bindings: list[Binding]) -> None:
        at = (SERVER.host, SERVER.port)
        ids = CountingIds(f"s{self._agenda.now:.0f}-")
        self.exchange = Exchange(
            ExchangeSettings(domain=DOMAIN),
            lambda user: credential(user) if user in self._users else None,
            lambda _transport, _host: at,
            ids,
            bindings,
            UNIX_OFFSET_S,
        )
        self.endpoint = SipEndpoint(self.exchange, SipTimers(), ids, lambda _hop: at)
        self._armed = None
        self.is_open = True

    def close(self, *, refuses: bool = False) -> None:
        """Be away, silently or with the network's word."""
        self.is_open, self.refuses = False, refuses
        self._queue.clear()

    def receive(self, data: bytes, phone: FleetPhone) -> None:
        """A datagram has come over the wire."""
        now = self._agenda.now
        if not self.is_open:
            self._note(UNHEARD, data)
            if self.refuses:
                self._agenda.at(now + phone.latency_s, phone.fail)
        elif len(self._queue) >= self.capacity.queue:
            self._note(DROPPED, data)
        else:
            self._queue.append((data, phone))
            self._serve_next()

    def holds(self, number: int) -> bool:
        """Whether a phone can be called at this moment."""
        unix_now = self._agenda.now + UNIX_OFFSET_S
        return bool(self.exchange.location.bindings(f"sip:{user_of(number)}@{DOMAIN}", unix_now))

    def _serve_next(self) -> None:
        if self._is_busy or not self._queue:
            return
        self._is_busy = True
        is_full = len(self._queue) >= FULL * self.capacity.queue
        data, phone = self._queue.popleft()
        takes_s = self.capacity.service_s
        if not is_message(data):
            self._agenda.at(self._agenda.now + takes_s * KEEPALIVE_COST, lambda: self._serve(data, phone))
        elif self.capacity.retry_after_s and is_full:
            self._agenda.at(self._agenda.now + takes_s * REFUSAL_COST, lambda: self._refuse(data, phone))
        else:
            self._agenda.at(self._agenda.now + takes_s, lambda: self._serve(data, phone))

    def _refuse(self, data: bytes, phone: FleetPhone) -> None:
        self._is_busy = False
        request = parse_message(data)
        assert isinstance(request, Request)
        response = request.response(503, to_tag="full")
        response.headers.add("Retry-After", str(self.capacity.retry_after_s))
        self._answer(response.encode(), phone)
        self._serve_next()

    def _serve(self, data: bytes, phone: FleetPhone) -> None:
        self._is_busy = False
        if self.is_open:
            self._phones[phone.address.host] = phone
            self.endpoint.receive_datagram(data, phone.address, self._agenda.now)
            self._flush()
        self._serve_next()

    def _wake(self, armed: float) -> None:
        if self._armed != armed or not self.is_open:
            return
        self._armed = None
        self.endpoint.handle_timeout(self._agenda.now)
        self._flush()

    def _answer(self, data: bytes, phone: FleetPhone) -> None:
        status = data[8:11]
        self._note(TURNED_AWAY if status == b"503" else ANSWERED[status != b"200"], data)
        self._carry(data, phone)

    def _note(self, fate: str, data: bytes) -> None:
        if is_message(data):
            self._journal.note_fate(fate, self._agenda.now)

    def _flush(self) -> None:
        while self.endpoint.next_event() is not None:
            pass
        for one in self.endpoint.transmissions_to_send():
            self._answer(one.data, self._phones[one.hop.host])
        at = self.endpoint.next_timeout()
        if at is not None and (self._armed is None or at < self._armed):
            self._armed = at
            self._agenda.at(at, lambda: self._wake(at))
