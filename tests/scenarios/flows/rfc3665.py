"""The call flows of RFC 3665, played between our own user agents and exchanges."""

from device.sip.events import CallEstablished, IncomingCall
from device.sip.hop import Hop
from device.sip.settings import UserAgentSettings
from tests.scenarios.flows.network import Address, HangUp, Network, Trouble
from tests.scenarios.flows.people import PASSWORD, Desk, Person, Proxy, RedirectServer

ALICE: Address = ("192.0.2.1", 5060)
BOB: Address = ("192.0.2.2", 5060)
BOB_ELSEWHERE: Address = ("198.51.100.2", 5060)
P1: Address = ("192.0.2.11", 5060)
P2: Address = ("192.0.2.12", 5060)
P3: Address = ("192.0.2.13", 5060)
NOBODY: Address = ("192.0.2.99", 5060)
A, B, C = "a.example", "b.example", "c.example"

REGISTERED_S = 60.0
"""A registration is looked at after this time."""
SETTLED_S = 200.0
"""By then every ring and every retransmission has timed out."""
GONE_S = 400.0
"""By then nothing is left of any flow, even one that began with a dead server."""


class Play:
    """One performance of a flow."""

    def __init__(self, people: list[Person], others: list[Proxy | RedirectServer | Desk], mishap: Trouble) -> None:
        self.people = people
        self.proxies = [one for one in others if isinstance(one, Proxy)]
        names = {A: [Hop("UDP", *P1)], B: [Hop("UDP", *P2)], C: [Hop("UDP", *P3)]}
        self.network = Network([one.station for one in (*people, *others)], names, mishap)
        for person in people:
            person.network = self.network
            if isinstance(mishap, HangUp) and mishap.who == person.name:
                self.network.plan(mishap.at, person.leave)
                self.network.plan(SETTLED_S, self._all_leave)

        self.notes: list[str] = []

    def _all_leave(self) -> None:
        """Somebody has left early: the others may talk on, but nobody talks alone."""
        assert sum(person.standing for person in self.people) % 2 == 0, "somebody talks alone"
        for person in self.people:
            person.leave()

    def note_bindings(self) -> None:
        """Remember for the outcome who is registered where."""
        for proxy in self.proxies:
            self.notes += [binding.contact for binding in proxy.exchange.location.everything()]

    def outcome(self) -> str:
        """What everybody would tell afterwards, and who is registered where, in one line."""
        people = [f"{person.name}: {', '.join(person.outcome()) or 'nothing'}" for person in self.people]
        return "; ".join([*people, *self.notes])

    def check_end(self) -> None:
        """All is over, everywhere."""
        assert not any(person.standing for person in self.people), "a call is left"
        for person in self.people:
            assert person.agent.is_idle, f"{person.name} is not at rest"
            assert person.rules.faults == [], f"{person.name} broke RFC 3261"
        for proxy in self.proxies:
            assert proxy.exchange.under_way == 0, f"{proxy.name} remembers a request"
        assert all(len(station.endpoint.layer) == 0 for station in (*self.people, *self.proxies))
        assert self.network.is_idle(within_s=86_400.0), "a timer is still running"


# The parts of a house.


def direct(mishap: Trouble, **settings: object) -> tuple[Play, Person, Person]:
    """Two phones and nothing between them."""
    both = UserAgentSettings(**settings)  # type: ignore[arg-type]
    alice, bob = Person("alice", ALICE, settings=both), Person("bob", BOB, settings=both)
    return Play([alice, bob], [], mishap), alice, bob


def two_proxies(mishap: Trouble, strict: bool = False, bob_at: Address = BOB) -> tuple[Play, Person, Person]:
    """Alice's proxy asks who she is; Bob's asks if it is strict."""
    alice = Person("alice", ALICE, A, A, register=False)
    bob = Person("bob", BOB, B, B, register=False)
    users = {"bob": [bob_at]}
    proxies = [Proxy("p1", P1, A), Proxy("p2", P2, B, users, asks_everybody=strict)]
    return Play([alice, bob], proxies, mishap), alice, bob


def one_proxy(mishap: Trouble, phones: int = 1) -> tuple[Play, Person, list[Person]]:
    """Alice and Bob are users of one exchange, Bob with several phones."""
    places = [(BOB, "bob"), (BOB_ELSEWHERE, "bob-upstairs")][:phones]
    alice = Person("alice", ALICE, A, A, register=False)
    bobs = [Person(name, address, A, A, register=False, user="bob") for address, name in places]
    proxy = Proxy("p1", P1, A, {"bob": [address for address, _ in places]})
    return Play([alice, *bobs], [proxy], mishap), alice, bobs


def perform(play: Play) -> Play:
    play.network.run(GONE_S)
    return play


# Section 2: registration.


def one_registrar(
    mishap: Trouble, password: str = PASSWORD, users: dict[str, list[Address]] | None = None
) -> tuple[Play, Person]:
    bob = Person("bob", BOB, B, password=password)
    registrar = Proxy("p2", P2, B, users)
    return Play([bob], [registrar], mishap), bob


def end_registration(play: Play, bob: Person) -> Play:
    """Let it stand a while, see where both are, and take it back."""
    play.network.run(REGISTERED_S)
    play.note_bindings()
    bob.unregister()
    perform(play)
    play.note_bindings()
    return play


def new_registration(mishap: Trouble, _talk_s: float) -> Play:
    play, bob = one_registrar(mishap)
    bob.register()
    return end_registration(play, bob)


def second_contact(mishap: Trouble, _talk_s: float) -> Play:
    """Bob has another phone already; the registrar tells of both, and each minds its own."""
    play, bob = one_registrar(mishap, users={"bob": [BOB_ELSEWHERE]})
    bob.register()
    return end_registration(play, bob)


def contacts_fetched(mishap: Trouble, _talk_s: float) -> Play:
    desk = Desk("bob", BOB, "bob", B)
    play = Play([], [desk, Proxy("p2", P2, B, {"bob": [BOB, BOB_ELSEWHERE]})], mishap)
    desk.fetch(0.0)
    play.network.run(REGISTERED_S)
    play.notes += [str(len(answer.contacts)) for answer in desk.answers[-1:]]
    play.note_bindings()
    return perform(play)


def registration_cancelled(mishap: Trouble, _talk_s: float) -> Play:
    play, bob = one_registrar(mishap)
    bob.register()
    play.network.run(10.0)
    bob.unregister()
    play.network.run(60.0)
    play.note_bindings()
    return perform(play)


def wrong_password(mishap: Trouble, _talk_s: float) -> Play:
    play, bob = one_registrar(mishap, password="wrong")
    bob.register()
    return end_registration(play, bob)


# Section 3: sessions.


def successful(mishap: Trouble, talk_s: float) -> Play:
    play, alice, bob = direct(mishap)
    bob.will[CallEstablished] = lambda _: bob.hang_up(talk_s)
    alice.call("sip:bob@192.0.2.2")
    return perform(play)


def through_two_proxies(mishap: Trouble, talk_s: float) -> Play:
    play, alice, bob = two_proxies(mishap)
    bob.will[CallEstablished] = lambda _: bob.hang_up(talk_s)
    alice.call("sip:bob@b.example")
    return perform(play)


def multiple_authentication(mishap: Trouble, talk_s: float) -> Play:
    play, alice, _bob = two_proxies(mishap, strict=True)
    alice.will[CallEstablished] = lambda _: alice.hang_up(talk_s)
    alice.call("sip:bob@b.example")
    return perform(play)


def failing_proxy(mishap: Trouble, talk_s: float) -> Play:
    play, alice, bob = two_proxies(mishap)
    play.network.names[A] = [Hop("UDP", *NOBODY), Hop("UDP", *P1)]
    bob.will[CallEstablished] = lambda _: bob.hang_up(talk_s)
    alice.call("sip:bob@b.example")
    return perform(play)


def through_alg(mishap: Trouble, talk_s: float) -> Play:
    play, alice, (_bob,) = one_proxy(mishap)
    alice.will[CallEstablished] = lambda _: alice.hang_up(talk_s)
    alice.call("bob")
    return perform(play)


def redirected(mishap: Trouble, talk_s: float) -> Play:
    """The redirect server sends Alice to Bob's proxy; the offer comes in the 200, the answer in the ACK."""
    alice, bob = Person("alice", ALICE), Person("bob", BOB, C, C, register=False)
    others = [RedirectServer("redirect", P1, "sip:bob@c.example"), Proxy("p3", P3, C, {"bob": [BOB]})]
    play = Play([alice, bob], others, mishap)
    alice.will[CallEstablished] = lambda _: alice.hang_up(talk_s)
    alice.call("sip:bob@a.example", b"")
    return perform(play)


def address_change(mishap: Trouble, talk_s: float) -> Play:
    """Bob moves to another network in the middle of the call and says so by re-INVITE."""
    play, alice, bob = direct(mishap)

    def move() -> None:
        bob.address = BOB_ELSEWHERE
        play.network.move(bob.station, BOB_ELSEWHERE)
        bob.change()
        bob.hang_up(talk_s)

    bob.will[CallEstablished] = lambda _: play.network.plan(1.0, move)
    alice.call("sip:bob@192.0.2.2")
    return perform(play)


def no_answer(mishap: Trouble, _talk_s: float) -> Play:
    play, alice, bob = two_proxies(mishap)
    bob.will[IncomingCall] = bob.ring
    alice.call("sip:bob@b.example")
    alice.hang_up(8.0)
    return perform(play)


def busy(mishap: Trouble, _talk_s: float) -> Play:
    play, alice, bob = two_proxies(mishap)
    bob.will[IncomingCall] = bob.refuse(486)
    alice.call("sip:bob@b.example")
    return perform(play)


def no_response(mishap: Trouble, _talk_s: float) -> Play:
    play, alice, _ = two_proxies(mishap, bob_at=NOBODY)
    alice.call("sip:bob@b.example")
    return perform(play)


def unavailable(mishap: Trouble, _talk_s: float) -> Play:
    play, alice, bob = two_proxies(mishap)
    bob.will[IncomingCall] = bob.refuse(480)
    alice.call("sip:bob@b.example")
    return perform(play)
