"""A phone and a moody registrar for thousands of hours: it is registered again each time the server is well."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import pytest

from device.model import Credential
from device.sip.digest import ha1, make_challenge, parse_credentials, verify
from device.sip.events import RegistrationChanged, RegistrationState
from device.sip.instance import Instance
from device.sip.message import Request, Response
from device.sip.registration import Phase
from tests.support.sip_bench import OFFICE, PEER, PEER_STREAM, Bench, office

HOUR_S = 3600.0
HOURS = 60
SEEDS = int(os.environ.get("OFFHOOK_ENDURANCE_SEEDS", "2"))
"""Each seed is sixty hours by UDP and by TCP; a night's run takes more of them."""
PASSWORD = "secret"
RETRY_AFTER_S = 1200
RECOVERY_S = RETRY_AFTER_S + 10 + 64
"""The longest pause that the server can have told, and two attempts."""


@dataclass
class Mood:
    """How the server answers for a while; `well` is whether a phone must be registered by then."""

    answer: Callable[["MoodyRegistrar", Request], Response | None]
    well: bool = False


class MoodyRegistrar:
    """Asks for digest, grants and forgets, and answers as its mood is."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.binding: tuple[str, float] | None = None
        """The contact that it holds, and until when."""
        self.now = 0.0
        self.nonce = 0
        self.mood = WELL
        self.longest_s = 600

    def choose(self) -> None:
        """Another mood; half of the time a good one."""
        self.mood = WELL if self.random.random() < 0.5 else self.random.choice(MOODS)
        self.longest_s = self.random.choice((20, 60, 600, 7200))
        if self.random.random() < 0.2:
            # It has been started anew and knows nobody.
            self.binding = None

    def receive(self, request: Request, now: float) -> Response | None:
        self.now = now
        return self.mood.answer(self, request)

    def challenge(self, request: Request, stale: bool = False) -> Response:
        self.nonce += 1
        response = request.response(401, to_tag="r")
        response.headers.add("WWW-Authenticate", make_challenge("pbx", f"n{self.nonce}", stale=stale))
        return response

    def is_proven(self, request: Request) -> bool:
        value = request.headers.get("Authorization")
        credentials = parse_credentials(value) if value else None
        if credentials is None or credentials.nonce not in (f"n{self.nonce}", f"n{self.nonce - 1}"):
            return False
        return verify(credentials, "REGISTER", lambda name, realm, method: ha1(method, name, realm, PASSWORD))

    def register(self, request: Request) -> Response:
        if not self.is_proven(request):
            return self.challenge(request)
        response = request.response(200, to_tag="r")
        granted = min(request.expires or 0, self.longest_s)
        contact = request.contacts[0]
        self.binding = (str(contact.uri), self.now + granted)
        response.headers.add("Contact", f"<sip:1001@192.0.2.99>;expires=3, {contact};expires={granted}")
        if self.random.random() < 0.3:
            self.nonce += 1
            response.headers.add("Authentication-Info", f'nextnonce="n{self.nonce}"')
        return response

    def status(self, request: Request, *choices: int, **headers: str) -> Response:
        response = request.response(self.random.choice(choices), to_tag="r")
        for name, value in headers.items():
            response.headers.add(name.replace("_", "-"), value)
        return response


def keeps_nothing(server: MoodyRegistrar, request: Request) -> Response:
    response = server.register(request)
    if response.status == 200:
        server.binding = None
        response.headers.set("Contact", f"{request.contacts[0]};expires=0")
    return response


def drops_most(server: MoodyRegistrar, request: Request) -> Response | None:
    return server.register(request) if server.random.random() < 0.05 else None


WELL = Mood(MoodyRegistrar.register, well=True)
MOODS = [
    Mood(lambda _server, _request: None),
    Mood(lambda server, request: server.status(request, 500, 502, 504, 480, 408, 430, 599)),
    Mood(lambda server, request: server.status(request, 503, Retry_After=str(server.random.randrange(RETRY_AFTER_S)))),
    Mood(lambda server, request: server.status(request, 403, 404, 410, 603, 400, 420, 439, 488, 606)),
    Mood(lambda server, request: server.status(request, 423, Min_Expires=str(server.random.randrange(3000)))),
    Mood(lambda server, request: server.status(request, 302, Contact="<sip:192.0.2.2>, <sip:198.51.100.1>")),
    Mood(MoodyRegistrar.challenge),
    Mood(lambda server, request: server.challenge(request, stale=True)),
    Mood(keeps_nothing),
    Mood(drops_most),
]


class Life:
    """Both together, and what must be so."""

    def __init__(self, seed: int, transport: str) -> None:
        self.random = Random(seed + 1)
        instance = Instance("urn:uuid:one-of-many", self.random.random())
        self.bench = Bench(account=office(transport=transport), instance=instance)
        self.bench.agent.add_account(office(transport=transport), Credential("1001", password=PASSWORD))
        self.server = MoodyRegistrar(seed)
        self.source = PEER if transport == "udp" else PEER_STREAM
        self.call_ids: set[str] = set()
        self.cseq = 0
        self.well_since: float | None = 0.0
        self.unreachable_s = 0.0
        self.registered_s = 0.0

    def live(self, hours: float) -> None:
        self.bench.agent.start_registration(OFFICE, 0.0)
        mood_ends = 0.0
        while self.bench.now < hours * HOUR_S:
            self.exchange()
            at = self.bench.endpoint.next_timeout()
            assert at is not None, "nothing will ever happen again"
            at = min(at, mood_ends)
            self.check(at)
            self.bench.advance(max(0.0, at - self.bench.now))
            if self.bench.now >= mood_ends:
                self.change_mood()
                mood_ends = self.bench.now + self.random.expovariate(1 / self.random.choice((30, 600, 7200)))

    def change_mood(self) -> None:
        self.server.choose()
        self.well_since = self.bench.now if self.server.mood.well else None
        misfortune = self.random.random()
        if misfortune < 0.05:
            self.bench.agent.network_changed(self.bench.now)
        elif misfortune < 0.15:
            self.bench.endpoint.receive_transport_error(self.source, self.bench.now, "unreachable")
        elif misfortune < 0.25 and self.source is PEER_STREAM:
            self.bench.endpoint.connection_closed(self.source, self.bench.now)

    def exchange(self) -> None:
        """Whatever the phone sends is answered, until it is silent."""
        while requests := [one for one in self.bench.sent() if isinstance(one, Request)]:
            for request in requests:
                self.call_ids.add(request.call_id)
                assert request.cseq.number >= self.cseq
                self.cseq = request.cseq.number
                response = self.server.receive(request, self.bench.now)
                if response is not None:
                    self.bench.receive(response, self.source)
        self.bench.events()

    def check(self, until: float) -> None:
        """Between now and `until` nothing happens: is the phone reachable all that time?"""
        binding = self.server.binding
        lasts = binding[1] if binding is not None else 0.0
        self.registered_s += max(0.0, min(lasts, until) - self.bench.now)
        self.unreachable_s += max(0.0, until - max(lasts, self.bench.now))
        if self.well_since is None:
            return
        # A server that was started anew is told of at the next refresh, which is due within the lifetime it gave.
        due = self.well_since + RECOVERY_S + 7200
        if binding is not None and binding[1] > self.well_since:
            due = self.well_since + RECOVERY_S
        assert until <= max(due, lasts), f"not registered at {until:.0f} s though the server is well since long"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of warnings, each true, would take longer to keep than the rest takes to run."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_registration_outlives_every_mood_of_its_server(seed: int, transport: str) -> None:
    life = Life(seed, transport)
    life.live(HOURS)
    assert len(life.call_ids) == 1
    assert life.cseq > HOURS
    # The server is well for half of the time, and often not for long enough.
    assert life.registered_s > life.unreachable_s / 5


@pytest.mark.parametrize("lifetime", [20, 60, 600, 7200])
def test_a_server_that_is_well_never_loses_us(lifetime: int) -> None:
    life = Life(lifetime, "udp")
    life.server.longest_s = lifetime
    life.bench.agent.start_registration(OFFICE, 0.0)
    life.exchange()
    told = 0
    while life.bench.now < lifetime * 200:
        at = life.bench.endpoint.next_timeout()
        assert at is not None
        binding = life.server.binding
        assert binding is not None
        assert at < binding[1]
        life.bench.advance(at - life.bench.now)
        told += len([event for event in life.bench.events() if isinstance(event, RegistrationChanged)])
        life.exchange()
    assert told == 0, "a refresh that changes nothing is no news"


@pytest.mark.parametrize("lost", [1, 2])
def test_refreshes_that_nobody_answers_cost_no_registration(lost: int) -> None:
    life = Life(1, "udp")
    life.bench.agent.start_registration(OFFICE, 0.0)
    life.exchange()
    binding = life.server.binding
    assert binding is not None
    life.server.mood = MOODS[0]
    # The whole of a REGISTER with all its retransmissions is lost, once or twice; then the server is back.
    while life.cseq < lost + 2:
        life.bench.advance((life.bench.endpoint.next_timeout() or 0) - life.bench.now)
        life.exchange()
    while life.bench.agent._registrations[OFFICE].state is not Phase.WAITING:
        life.bench.advance(1.0)
        life.exchange()
    life.server.mood = WELL
    while life.bench.agent._registrations[OFFICE].state is not Phase.REGISTERED:
        life.bench.advance(0.5)
        life.exchange()
    assert life.bench.now < binding[1]


def test_a_refresh_that_was_asked_for_is_answered_though_it_changes_nothing() -> None:
    bench = Bench(account=office())
    for _ in range(2):
        bench.events()
        bench.agent.start_registration(OFFICE, bench.now)
        bench.reply(bench.sent_request("REGISTER"), 200, Contact="<sip:1001@192.0.2.1:5060>;expires=600")
        told = [event for event in bench.events() if isinstance(event, RegistrationChanged)]
        assert (told[-1].state, told[-1].expires_s) == (RegistrationState.REGISTERED, 600)
