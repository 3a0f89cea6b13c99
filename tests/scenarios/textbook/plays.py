"""How the examples are played: between our own phones and exchanges, in virtual time."""

from collections.abc import Callable

from device.exchange.trunks import OutsideConfiguration
from device.exchange_model import DomainRoute, Forwarding, RingGroup, RoutingTable, Trunk, TrunkRoute
from device.model import Account, AccountId, Credential
from device.sip.events import CallEstablished, IncomingCall
from device.sip.hop import TLS, Hop
from device.sip.message import Request
from device.sip.parser import parse_message
from device.sip.settings import UserAgentSettings
from tests.scenarios.flows.network import Address
from tests.scenarios.flows.people import PASSWORD, Person, Proxy, RedirectServer
from tests.scenarios.flows.rfc3665 import ALICE, BOB, BOB_ELSEWHERE, P1, P2, A, B, Play, perform
from tests.scenarios.textbook.example import Note, Performance

TALK_S = 3.0
ANSWER_TIMEOUT_S = 30
"""Bob's telephone stops ringing after so many seconds."""
CAROL: Address = ("192.0.2.3", 5060)
INSIDE: Address = ("10.0.0.1", 5060)
"""The address of the gateway in its second network."""
INSIDE_BOB: Address = ("10.0.0.2", 5060)

Setup = Callable[[Play, Person, Person], None]


def two_phones(begin: Setup, bob_at: Address = BOB) -> Performance:
    """Alice and Bob at one exchange, which believes Bob to be at `bob_at`."""
    alice = Person("alice", ALICE, A, A, register=False)
    bob = Person("bob", BOB, A, A, UserAgentSettings(answer_timeout_s=ANSWER_TIMEOUT_S), register=False)
    play = Play([alice, bob], [Proxy("p1", P1, A, {"bob": [bob_at]})], None)
    return _performed(play, lambda: begin(play, alice, bob))


def trapezoid(begin: Setup) -> Performance:
    """Alice at P1, Bob at P2."""
    alice, bob = Person("alice", ALICE, A, A, register=False), Person("bob", BOB, B, B, register=False)
    play = Play([alice, bob], [Proxy("p1", P1, A), Proxy("p2", P2, B, {"bob": [BOB]})], None)
    return _performed(play, lambda: begin(play, alice, bob))


def _performed(play: Play, begin: Callable[[], None]) -> Performance:
    performance = Performance(play)
    begin()
    perform(play)
    return performance


# Registration.


def registration() -> Performance:
    """Bob registers, stays a while and goes."""
    bob = Person("bob", BOB, B)
    play = Play([bob], [Proxy("p2", P2, B)], None)
    performance = Performance(play)
    bob.register()
    play.network.run(60.0)
    bob.unregister()
    perform(play)
    return performance


# Calls.


def answered(play: Play, alice: Person, bob: Person) -> None:
    """Bob answers, and hangs up when they have talked."""
    alice.will[CallEstablished] = lambda _: alice.hang_up(TALK_S)
    alice.call(f"sip:bob@{bob_domain(play)}")


def released_by_callee(play: Play, alice: Person, bob: Person) -> None:
    bob.will[CallEstablished] = lambda _: bob.hang_up(TALK_S)
    alice.call(f"sip:bob@{bob_domain(play)}")


def given_up(play: Play, alice: Person, bob: Person) -> None:
    bob.will[IncomingCall] = bob.ring
    alice.call(f"sip:bob@{bob_domain(play)}")
    alice.hang_up(8.0)


def refused(status: int) -> Setup:
    def begin(play: Play, alice: Person, bob: Person) -> None:
        bob.will[IncomingCall] = bob.refuse(status)
        alice.call(f"sip:bob@{bob_domain(play)}")

    return begin


def rings_in_vain(play: Play, alice: Person, bob: Person) -> None:
    bob.will[IncomingCall] = bob.ring
    alice.call(f"sip:bob@{bob_domain(play)}")


def bob_domain(play: Play) -> str:
    return B if any(proxy.name == "p2" for proxy in play.proxies) else A


def over_a_trunk() -> Performance:
    """Alice calls a number that P1 sends to its provider P2, where it has the account "house"."""
    alice, other = Person("alice", ALICE, A, A, register=False), Person("0301234", BOB, B, B, register=False)
    house, provider = Proxy("p1", P1, A), Proxy("p2", P2, B, {"0301234": [BOB]})
    # Everybody has a password here; but nobody in the house is called like a number outside.
    credential_of = house.exchange._lookup
    house.exchange._lookup = lambda user: None if user.startswith("0") else credential_of(user)
    play = Play([alice, other], [house, provider], None)
    account = Account(AccountId("provider"), "house", B, register=False)
    trunk = Trunk(account, Credential("house", password=PASSWORD))
    house.exchange.trunks.configure(OutsideConfiguration(trunks=(trunk,), routes=(TrunkRoute("0", "provider"),)), 0.0)

    def begin() -> None:
        alice.will[CallEstablished] = lambda _: alice.hang_up(TALK_S)
        alice.call("0301234")

    return _performed(play, begin)


# What an exchange does besides.


def three_phones(begin: Callable[[Person, Person, Person], None], table: RoutingTable) -> Performance:
    """Alice, Bob and Carol at an exchange that is configured."""
    alice, bob, carol = (
        Person(name, address, A, A, register=False)
        for name, address in (("alice", ALICE), ("bob", BOB), ("carol", CAROL))
    )
    proxy = Proxy("p1", P1, A, {"bob": [BOB], "carol": [CAROL]})
    proxy.exchange.router.configure(table)
    play = Play([alice, bob, carol], [proxy], None)
    return _performed(play, lambda: begin(alice, bob, carol))


def forwarded_when_busy() -> Performance:
    def begin(alice: Person, bob: Person, _carol: Person) -> None:
        bob.will[IncomingCall] = bob.refuse(486)
        alice.will[CallEstablished] = lambda _: alice.hang_up(TALK_S)
        alice.call("bob")

    return three_phones(begin, RoutingTable(forwardings=(Forwarding("bob", busy="carol"),)))


def forwarded_without_answer() -> Performance:
    def begin(alice: Person, bob: Person, _carol: Person) -> None:
        bob.will[IncomingCall] = bob.ring
        alice.will[CallEstablished] = lambda _: alice.hang_up(TALK_S)
        alice.call("bob")

    return three_phones(begin, RoutingTable(forwardings=(Forwarding("bob", no_answer="carol", no_answer_s=12),)))


def group_in_order() -> Performance:
    def begin(alice: Person, bob: Person, _carol: Person) -> None:
        bob.will[IncomingCall] = bob.ring
        alice.will[CallEstablished] = lambda _: alice.hang_up(TALK_S)
        alice.call("600")

    return three_phones(begin, RoutingTable(groups=(RingGroup("600", ("bob", "carol"), in_order=True, ring_s=10),)))


def group_at_once() -> Performance:
    def begin(alice: Person, bob: Person, _carol: Person) -> None:
        bob.will[IncomingCall] = bob.ring
        alice.will[CallEstablished] = lambda _: alice.hang_up(TALK_S)
        alice.call("door")

    return three_phones(begin, RoutingTable(groups=(RingGroup("door", ("bob", "carol"), bell="door"),)))


def redirected() -> Performance:
    """Alice's exchange tells her to go to Bob's domain herself."""
    alice, bob = Person("alice", ALICE, A, A, register=False), Person("bob", BOB, B, B, register=False)
    proxies = [Proxy("p1", P1, A), Proxy("p2", P2, B, {"bob": [BOB]})]
    proxies[0].exchange.router.configure(RoutingTable(routes=(DomainRoute(B, f"sip:{P2[0]}", redirect=True),)))
    proxies[1].exchange.own.add_host(P2[0])
    play = Play([alice, bob], proxies, None)

    def begin() -> None:
        alice.will[CallEstablished] = lambda _: alice.hang_up(TALK_S)
        alice.call("sip:bob@b.example")

    return _performed(play, begin)


def followed() -> Performance:
    """Bob's telephone sends every call on to Carol, and the exchange goes there itself."""
    alice, carol = (
        Person(name, address, A, A, register=False) for name, address in (("alice", ALICE), ("carol", CAROL))
    )
    sends_on = RedirectServer("bob", BOB, "sip:carol@a.example")
    play = Play([alice, carol], [Proxy("p1", P1, A, {"bob": [BOB], "carol": [CAROL]}), sends_on], None)

    def begin() -> None:
        alice.will[CallEstablished] = lambda _: alice.hang_up(TALK_S)
        alice.call("bob")

    return _performed(play, begin)


def gateway() -> Performance:
    """One exchange between two networks: Alice by TLS in one, Bob by UDP in the other."""
    alice = Person("alice", ALICE, A, A, register=False, transport="tls")
    bob = Person("bob", INSIDE_BOB, A, A, register=False)
    play = Play([alice, bob], [Proxy("p1", P1, A, {"bob": [INSIDE_BOB]}, further=(INSIDE,))], None)
    play.network.names[A] = [Hop(TLS, P1[0], 5061)]

    def begin() -> None:
        alice.will[CallEstablished] = lambda _: alice.hang_up(TALK_S)
        alice.call("bob")

    performance = _performed(play, begin)
    for carried in play.network.wire:
        message = parse_message(carried.data)
        if isinstance(message, Request) and message.method == "INVITE" and carried.target == "bob":
            for route in message.record_routes:
                shown = f"Record-Route: {route.uri.without_param('seal').without_param('lr')}"
                performance.notes.append(Note(carried.at, "p1", shown))
    return performance


def by_preference() -> Performance:
    """Bob wants to be called at his desk first, then upstairs."""
    alice = Person("alice", ALICE, A, A, register=False)
    desk = Person("bob", BOB, A, A, register=False)
    upstairs = Person("bob-upstairs", BOB_ELSEWHERE, A, A, register=False, user="bob")
    proxy = Proxy("p1", P1, A, {"bob": [BOB, BOB_ELSEWHERE]}, preferences={"bob": (1.0, 0.5)}, serial_ring_s=15)
    play = Play([alice, desk, upstairs], [proxy], None)

    def begin() -> None:
        desk.will[IncomingCall] = desk.ring
        alice.will[CallEstablished] = lambda _: alice.hang_up(TALK_S)
        alice.call("bob")

    return _performed(play, begin)


def in_a_circle() -> Performance:
    """Bob's calls go to Carol at the other exchange, and hers to him."""
    alice = Person("alice", ALICE, A, A, register=False)
    proxies = [Proxy("p1", P1, A, {"bob": [BOB]}), Proxy("p2", P2, B, {"carol": [CAROL]})]
    to_carol, to_bob = Forwarding("bob", always="carol@b.example"), Forwarding("carol", always="bob@a.example")
    proxies[0].exchange.router.configure(RoutingTable(forwardings=(to_carol,)))
    proxies[1].exchange.router.configure(RoutingTable(forwardings=(to_bob,)))
    play = Play([alice], proxies, None)
    return _performed(play, lambda: alice.call("bob"))
