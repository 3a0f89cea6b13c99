"""The messages of RFC 4475 and RFC 5118 at the exchange: what it sends on, what it registers, what it refuses."""

import pytest

from device.ids import CountingIds
from device.model import Binding, Credential
from device.sip.client_auth import ClientAuth
from device.sip.digest import ha1
from device.sip.hop import Hop
from device.sip.message import Request
from device.sip.parser import parse_message
from tests.exchange.switchboard import DOMAIN, UNIX_OFFSET_S, Switchboard
from tests.support.sip_facts import Facts, differences
from tests.support.torture import FACTS, NAMES, SENDER_IPV6, Outcome, data_of, sender_of

CALLED = (
    "1002",
    "sips:1002@pbx.lan",
    "1002;par=u@gate.example",
    "2_odd.Name~(of-the!door)&don't+ask$me/why?,/;;*",
)
PASSWORD = "secret"
OWN_IPV6 = {"rfc5118/4.10a_three_colons": "2001:db8::192.0.2.1", "rfc5118/4.10b_two_colons": "2001:db8::c000:201"}
REGISTERING = [name for name in NAMES if "registers" in FACTS[name]["exchange"]]


def anybody(user: str) -> Credential:
    """Every name is a user's: what is asked here is what becomes of it."""
    return Credential(user, DOMAIN, tuple((name, ha1(name, user, DOMAIN, PASSWORD)) for name in ("MD5", "SHA-256")))


def board_for(name: str) -> Switchboard:
    """An exchange whose users are all at 192.0.2.2, and which the sender of a vector knows by the vector's address."""
    bindings = [
        Binding(f"sip:{user}@{DOMAIN}", f"sip:{user.replace('@', '%40')}@192.0.2.2", UNIX_OFFSET_S + 3600, "b", 1)
        for user in CALLED
    ]
    board = Switchboard(bindings=bindings)
    board.addresses[SENDER_IPV6] = OWN_IPV6.get(name, "2001:db8::10")
    return board


@pytest.mark.parametrize("is_stream", [False, True], ids=["datagram", "stream"])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in REGISTERING])
def test_what_an_exchange_does(name: str, is_stream: bool) -> None:
    expected = FACTS[name]["exchange"]
    if is_stream:
        expected = FACTS[name].get("stream", {}).get("exchange", expected)
    outcome = Outcome(board_for(name).endpoint, data_of(name), name, is_stream)
    assert outcome.statuses == ([expected["status"]] if "status" in expected else [])
    assert outcome.is_broken is expected.get("broken", False)
    for response in outcome.responses:
        assert {name: response.headers.get(name) for name in expected.get("headers", {})} == expected.get("headers", {})
    if "forwards" in expected:
        check_forwarded(outcome, name, expected["forwards"])
    else:
        assert outcome.requests == []


def check_forwarded(outcome: Outcome, name: str, expected: Facts) -> None:
    """What is sent on says all that it said before, and does so without the faults that were forgiven."""
    (forwarded,) = outcome.requests
    assert differences(forwarded, expected) == {}
    came = parse_message(data_of(name))
    assert isinstance(came, Request)
    for header in ("From", "To", "Call-ID", "CSeq", "Contact"):
        assert forwarded.headers.get_all(header) == came.headers.get_all(header)
    assert forwarded.body == came.body
    assert forwarded.uri.host == "192.0.2.2"


@pytest.mark.parametrize("is_stream", [False, True], ids=["datagram", "stream"])
@pytest.mark.parametrize("name", REGISTERING)
def test_what_is_registered_once_the_user_has_proved_who_it_is(name: str, is_stream: bool) -> None:
    expected = FACTS[name]["exchange"]["registers"]
    board = board_for(name)
    board.exchange._authenticator._lookup = anybody
    board.exchange.location.forget(f"sip:{expected['user']}@{DOMAIN}")
    first = Outcome(board.endpoint, data_of(name), name, is_stream)
    # Behind dblreq a stream carries the INVITE as well, for a user who has no contact now.
    assert first.statuses[0] == 401
    assert first.statuses[1:] == ([480] if is_stream and "dblreq" in name else [])
    auth = ClientAuth(Credential(expected["user"], password=PASSWORD), CountingIds("reg"))
    came = parse_message(data_of(name))
    assert isinstance(came, Request)
    again = auth.challenge_received(first.responses[0], came)
    assert again is not None
    again.headers.prepend(
        "Via", f"SIP/2.0/UDP {sender_of(name)};branch=z9hG4bK-again".replace("2001:db8::9:1", "[2001:db8::9:1]")
    )
    (response,) = Outcome(board.endpoint, again.encode(), name, is_stream).responses
    assert response.status == 200
    bindings = board.exchange.location.bindings(f"sip:{expected['user']}@{DOMAIN}", UNIX_OFFSET_S)
    assert sorted(binding.contact for binding in bindings) == sorted(expected["contacts"])
    assert sorted(str(contact.uri) for contact in response.contacts) == sorted(expected["contacts"])
    if "called_as" in expected:
        board.endpoint.receive_datagram(call(), Hop("UDP", "198.51.100.9", 5060), 1.0)
        assert forwarded_uri(board) == expected["called_as"]


def call() -> bytes:
    request = Request("OPTIONS", f"sip:1002@{DOMAIN}")
    for name, value in (
        ("Via", "SIP/2.0/UDP 198.51.100.9;branch=z9hG4bK-call"),
        ("From", "<sip:guest@gate.example>;tag=1"),
        ("To", f"<sip:1002@{DOMAIN}>"),
        ("Call-ID", "call"),
        ("CSeq", "1 OPTIONS"),
    ):
        request.headers.add(name, value)
    return request.encode()


def forwarded_uri(board: Switchboard) -> str:
    board.names["gw.gate.example"] = [Hop("UDP", "192.0.2.3", 5060)]
    (request,) = board.take(Hop("UDP", "192.0.2.3", 5060))
    assert isinstance(request, Request)
    assert "Route" not in request.headers
    return request.uri_text


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_of_any_of_them(name: str) -> None:
    board = board_for(name)
    Outcome(board.endpoint, data_of(name), name, is_stream=False)
    board.advance(400.0)
    assert (board.exchange.under_way, len(board.endpoint.layer)) == (0, 0)
