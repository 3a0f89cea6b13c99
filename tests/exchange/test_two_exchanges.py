"""Two exchanges whose users send calls to each other's: loops are found, and no request makes a flood (RFC 5393)."""

import pytest

from device.exchange_model import Forwarding, RingGroup, RoutingTable
from device.model import Binding
from device.sip.hop import Hop
from device.sip.message import Request
from device.sip.parser import parse_message
from tests.scenarios.flows.people import FAR_AWAY_S, Person, Proxy
from tests.scenarios.flows.rfc3665 import ALICE, GONE_S, P1, P2, A, B, Play

Contacts = dict[str, list[str]]


def exchanges(at_p1: Contacts, at_p2: Contacts) -> list[Proxy]:
    """Two exchanges with users whose contacts are other addresses of record."""
    made = [Proxy("p1", P1, A), Proxy("p2", P2, B)]
    for proxy, domain, users in zip(made, (A, B), (at_p1, at_p2), strict=True):
        for user, contacts in users.items():
            aor = f"sip:{user}@{domain}"
            bindings = [Binding(aor, contact, FAR_AWAY_S, "before", 1) for contact in contacts]
            proxy.exchange.location.replace(aor, bindings)
    return made


def call(proxies: list[Proxy], target: str) -> tuple[str, Play]:
    """Alice calls; gives what she would tell, and the play when all is over."""
    alice = Person("alice", ALICE, A, A, register=False)
    play = Play([alice], proxies, None)
    play.network.names |= {A: [Hop("UDP", *P1)], B: [Hop("UDP", *P2)]}
    alice.call(target)
    play.network.run(GONE_S)
    play.check_end()
    return play.outcome(), play


def invites(play: Play) -> int:
    """How many INVITEs there were, copies aside."""
    found = set()
    for carried in play.network.wire:
        message = parse_message(carried.data)
        if isinstance(message, Request) and message.method == "INVITE":
            found.add((carried.source, carried.target, message.top_via.branch))
    return len(found)


def test_contacts_that_mean_each_other() -> None:
    outcome, play = call(exchanges({"bob": ["sip:carol@b.example"]}, {"carol": ["sip:bob@a.example"]}), "bob")
    assert outcome == "alice: ended 482"
    # Challenged, to P1 with a Route, to P2, back to P1 without that Route, and to P2, which knows it.
    assert invites(play) == 5


def test_forwarding_that_means_each_other() -> None:
    proxies = exchanges({}, {})
    for proxy, user, target in zip(proxies, ("bob", "carol"), ("carol@b.example", "bob@a.example"), strict=True):
        proxy.exchange.router.configure(RoutingTable(forwardings=(Forwarding(user, always=target),)))
    outcome, _ = call(proxies, "bob")
    assert outcome == "alice: ended 482"


def test_groups_that_mean_each_other() -> None:
    proxies = exchanges({}, {})
    for proxy, name, member in zip(proxies, ("600", "700"), ("sip:700@b.example", "sip:600@a.example"), strict=True):
        proxy.exchange.router.configure(RoutingTable(groups=(RingGroup(name, (member,)),)))
    outcome, _ = call(proxies, "600")
    assert outcome == "alice: ended 482"


@pytest.mark.parametrize("users", [2, 3])
def test_users_who_all_fork_to_each_other_make_no_flood(users: int) -> None:
    """The attack of RFC 5393 section 3: without bounds each INVITE becomes two at every hop, seventy hops long."""
    names = [f"u{number}" for number in range(users)]
    at_p1 = {name: [f"sip:{other}@b.example" for other in names] for name in names}
    at_p2 = {name: [f"sip:{other}@a.example" for other in names] for name in names}
    outcome, play = call(exchanges(at_p1, at_p2), "u0")
    assert outcome in ("alice: ended 482", "alice: ended 440")
    assert invites(play) < 60


def test_users_whose_forwarding_goes_round_make_no_flood() -> None:
    """Busy and no-answer of everybody go to everybody else, over both exchanges."""
    proxies = exchanges({}, {})
    names = [f"u{number}" for number in range(4)]
    for proxy, there in zip(proxies, (B, A), strict=True):
        forwardings = tuple(
            Forwarding(name, busy=f"{other}@{there}", no_answer=f"{other}@{there}")
            for name, other in zip(names, [*names[1:], names[0]], strict=True)
        )
        proxy.exchange.router.configure(RoutingTable(forwardings=forwardings))
    outcome, play = call(proxies, "u0")
    assert outcome in ("alice: ended 482", "alice: ended 480")
    assert invites(play) < 20
