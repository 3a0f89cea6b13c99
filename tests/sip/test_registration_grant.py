"""What is read out of a registrar's 2xx, whatever else it says (RFC 3261 section 10.2.4, 3608, 5626, 5627)."""

import pytest

from device.sip.headers import NameAddr, parse_name_addr
from device.sip.message import Response
from device.sip.parser import parse_message, validate
from device.sip.registration_grant import NOTHING_GRANTED, own_binding, read_grant, readable_contacts

URN = "urn:uuid:f81d4fae-7dec-41d0-8765-00a0c91e6bf6"
SENT = parse_name_addr(f'<sip:1001@192.0.2.1:5060>;+sip.instance="<{URN}>";reg-id=1')
PLAIN = parse_name_addr("<sip:1001@192.0.2.1:5060>")
OTHER = '<sip:1001@192.0.2.77:5060>;+sip.instance="<urn:uuid:another>"'


def ok(*lines: str, via: str = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1") -> Response:
    head = f"SIP/2.0 200 OK\r\nVia: {via}\r\nFrom: <sip:1001@pbx>;tag=a\r\nTo: <sip:1001@pbx>;tag=b\r\n"
    text = head + "Call-ID: c\r\nCSeq: 1 REGISTER\r\n" + "".join(f"{line}\r\n" for line in lines) + "\r\n"
    message = parse_message(text.encode())
    validate(message)
    assert isinstance(message, Response)
    return message


@pytest.mark.parametrize(
    ("contacts", "sent", "expires"),
    [
        # As it was sent, among those of other phones.
        (f"{OTHER};expires=7, <sip:1001@192.0.2.1:5060>;expires=60", PLAIN, 60),
        # Equal after RFC 3261 section 19.1.4: case of the host, an escaped user part, a parameter more.
        ("<sip:%31001@192.0.2.1:5060;x=y>;expires=61", PLAIN, 61),
        # By our instance id, wherever a server in between has moved us.
        (f'<sip:x@198.51.100.1:999>;reg-id=1;+sip.instance="<{URN}>";expires=62, {OTHER};expires=7', SENT, 62),
        # The same address with another transport parameter; the user part in other letters.
        ("<sip:1001@192.0.2.1:5060;transport=tcp>;expires=63", PLAIN, 63),
        ("<sip:BOB@192.0.2.1:5060>;expires=64", parse_name_addr("<sip:bob@192.0.2.1:5060>"), 64),
        # Written as the server saw us.
        ("<sip:1001@203.0.113.9:4711>;expires=65, <sip:1001@192.0.2.88>;expires=7", PLAIN, 65),
        # The only one, by whatever name.
        ("<sip:s-17@sbc.example.net>;expires=66", PLAIN, 66),
        # Quotes, spaces, upper case.
        ('<sip:1001@192.0.2.1:5060> ; EXPIRES = "67" ; q=0.5;x', PLAIN, 67),
        # Another device at our very address is not us: then the header field counts.
        ('<sip:1001@192.0.2.1:5060>;+sip.instance="<urn:uuid:another>";expires=7', SENT, 500),
        # What cannot be read is another phone's affair.
        ("<sip:1001@192.0.2.1:5060>;expires=68, <sip:bob@@pbx>, <tel:+4412>;expires=7", PLAIN, 68),
        ("", PLAIN, 500),
        ("*", PLAIN, 500),
        ('"unfinished <sip:1001@192.0.2.1:5060>', PLAIN, 500),
        ('"unfinished <sip:1001@192.0.2.1:5060>, <sip:1001@192.0.2.9>', PLAIN, 500),
        ("<sip:1001@192.0.2.8>;expires=7,, <sip:1001@192.0.2.1:5060>;expires=69,", PLAIN, 69),
    ],
)
def test_our_own_binding_is_found_and_the_others_are_not(contacts: str, sent: NameAddr, expires: int) -> None:
    lines = ["Expires: 500", *([f"Contact: {contacts}"] if contacts else [])]
    response = ok(*lines, via="SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;received=203.0.113.9;rport=4711")
    assert read_grant(response, sent, 600).expires_s == expires


def test_an_ipv6_contact_in_another_spelling_is_ours() -> None:
    sent = parse_name_addr("<sip:1001@[2001:db8::1]:5060>")
    response = ok("Contact: <sip:1001@[2001:DB8:0:0::1]:5060>;expires=90, <sip:1001@[2001:db8::2]>;expires=5")
    assert read_grant(response, sent, 600).expires_s == 90


def test_an_ipv6_contact_that_is_written_as_the_server_saw_it_is_ours() -> None:
    sent = parse_name_addr("<sip:1001@[2001:db8::1]:5060>")
    contacts = "Contact: <sip:x@[2001:db8::9]:4711>;expires=91, <sip:1001@[2001:db8::2]>;expires=5"
    via = "SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;received=2001:db8::9;rport=4711"
    assert read_grant(ok(contacts, via=via), sent, 600).expires_s == 91


def test_an_instance_in_capitals_is_the_same() -> None:
    contact = f'<sip:x@192.0.2.5>;+sip.instance="<{URN.upper()}>";reg-id=1;expires=92, {OTHER};expires=5'
    assert read_grant(ok(f"Contact: {contact}"), SENT, 600).expires_s == 92


def test_the_lifetime_without_any_figure_is_the_one_asked_for() -> None:
    assert read_grant(ok("Contact: <sip:1001@192.0.2.1:5060>"), PLAIN, 600).expires_s == 600
    assert read_grant(ok(), PLAIN, 600).expires_s == 600


def test_the_contacts_of_several_lines_are_one_list() -> None:
    response = ok("Contact: <sip:1001@192.0.2.8>;expires=5", "m: <sip:1001@192.0.2.1:5060>;expires=77")
    assert [contact.expires for contact in readable_contacts(response)] == [5, 77]
    found = own_binding(response, PLAIN)
    assert found is not None
    assert found.expires == 77


@pytest.mark.parametrize(
    ("lines", "sent", "outbound", "timer"),
    [
        (("Require: outbound", "Flow-Timer: 120"), SENT, True, 120),
        (("Require: Outbound",), SENT, True, 0),
        (("Supported: outbound",), SENT, False, 0),
        (("Require: outbound",), PLAIN, False, 0),
        (("Require: ,(", "Flow-Timer: soon"), SENT, False, 0),
        (("Require: outbound", "Flow-Timer: 99999999"), SENT, True, 0),
    ],
)
def test_whether_the_server_sends_over_our_flow(
    lines: tuple[str, ...], sent: NameAddr, outbound: bool, timer: int
) -> None:
    grant = read_grant(ok(*lines), sent, 600)
    assert (grant.outbound, grant.flow_timer_s) == (outbound, timer)


@pytest.mark.parametrize(
    ("contact", "sent", "knows"),
    [
        (SENT, SENT, True),
        (SENT.without_param("reg-id"), SENT, False),
        (PLAIN, SENT, False),
        (PLAIN, PLAIN, False),
    ],
)
def test_whether_the_server_tells_our_bindings_by_instance(contact: NameAddr, sent: NameAddr, knows: bool) -> None:
    assert read_grant(ok(f"Contact: {contact.with_param('expires', '60')}"), sent, 600).knows_instances is knows


@pytest.mark.parametrize(
    ("lines", "routes"),
    [
        (("Service-Route: <sip:p1.example.net;lr>, <sip:p2.example.net;lr>",), 2),
        (("Service-Route: <sip:p1.example.net;lr>", "Service-Route: <sip:p2.example.net;lr>"), 2),
        (("Service-Route: <sip:strict.example.net>",), 0),
        (("Service-Route: <tel:+44>",), 0),
        (("Service-Route: <sip:p1.example.net;lr>, ]",), 0),
        (("Service-Route: " + ", ".join(f"<sip:p{number}.example.net;lr>" for number in range(9)),), 0),
        ((), 0),
    ],
)
def test_the_service_route(lines: tuple[str, ...], routes: int) -> None:
    route = read_grant(ok(*lines), PLAIN, 600).service_route
    assert [one.uri.host for one in route] == [f"p{number + 1}.example.net" for number in range(routes)]


def test_the_gruus_are_those_of_our_own_binding() -> None:
    public, temporary = f"sip:1001@pbx;gr={URN}", "sip:tgruu.7hs==@pbx;gr"
    gruus = f'pub-gruu="{public}";temp-gruu="{temporary}"'
    grant = read_grant(ok(f'Contact: {OTHER};pub-gruu="sip:x@pbx;gr=x", {SENT};{gruus}'), SENT, 600)
    assert (str(grant.public_gruu), str(grant.temporary_gruu)) == (public, temporary)


@pytest.mark.parametrize(
    ("lines", "temporary", "used"),
    [
        (("Server: Kamailio (5.6.3 (x86_64/linux))",), "sip:x@pbx;gr", False),
        (("Server: OpenSIPS (3.4.2 (x86_64/linux))",), "sip:x@pbx;gr", False),
        ((), "sip:uloc-65a-1-1@pbx;gr", False),
        (("Server: kamailio", "Require: outbound"), "sip:uloc-65a-1-1@pbx;gr", True),
        (("Server: Flexisip/2.3",), "sip:x@pbx;gr", True),
    ],
)
def test_gruus_of_stock_configurations_that_do_not_route_them_are_left(
    lines: tuple[str, ...], temporary: str, used: bool
) -> None:
    contact = f'Contact: {SENT};pub-gruu="sip:1001@pbx;gr={URN}";temp-gruu="{temporary}"'
    grant = read_grant(ok(contact, *lines), SENT, 600)
    assert (grant.public_gruu is not None, grant.temporary_gruu is not None) == (used, used)


@pytest.mark.parametrize("text", ["sip:1001@pbx", "tel:+44;gr", "sip:a b@pbx;gr", ""])
def test_what_is_no_gruu_is_not_shown_to_others(text: str) -> None:
    grant = read_grant(ok(f'Contact: {SENT};pub-gruu="{text}"'), SENT, 600)
    assert grant.public_gruu is None


def test_nothing_is_granted_before() -> None:
    assert (NOTHING_GRANTED.expires_s, NOTHING_GRANTED.outbound, NOTHING_GRANTED.service_route) == (0, False, ())
