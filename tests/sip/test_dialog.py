"""Dialogs: routes, targets and sequence numbers of both ends."""

import pytest

from device.sip.dialog import Dialog, DialogId
from device.sip.errors import SipParseError
from device.sip.hop import Hop, NextHop
from device.sip.message import Request, Response
from device.sip.uri import parse_uri
from tests.support.sip_messages import message, whole_request

INVITE = """
INVITE sip:bob@example.org SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-1
From: "Alice" <sip:alice@example.com>;tag=a
To: Bob <sip:bob@example.org>
Call-ID: c1
CSeq: 7 INVITE
Contact: <sip:alice@192.0.2.1:5070>
{extra}
"""

OK = """
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-1
From: "Alice" <sip:alice@example.com>;tag=a
To: Bob <sip:bob@example.org>;tag=b
Call-ID: c1
CSeq: 7 INVITE
{extra}
"""

BOB = "Contact: <sip:bob@192.0.2.2:5080;ob?Subject=x>"
REQUEST_URI = parse_uri("sip:bob@example.org")


def invite(extra: str = "") -> Request:
    return whole_request(INVITE.replace("{extra}\n", extra and extra + "\n"))


def ok(*extra: str) -> Response:
    found = message(OK.replace("{extra}", "\n".join(extra)))
    assert isinstance(found, Response)
    return found


def uac(*extra: str) -> Dialog:
    return Dialog.of_response(ok(*extra), REQUEST_URI)


def routes(request: Request) -> list[str]:
    return [str(route) for route in request.routes]


def test_caller_takes_routes_in_reverse_and_target_from_contact() -> None:
    dialog = uac(BOB, "Record-Route: <sip:p2.example.org;lr>, <sip:p1.example.org;lr>")
    bye = dialog.build_request("BYE")
    assert str(bye.uri) == "sip:bob@192.0.2.2:5080;ob"
    assert routes(bye) == ["<sip:p1.example.org;lr>", "<sip:p2.example.org;lr>"]
    assert dialog.next_hop == NextHop("p1.example.org", None, None)
    assert (bye.from_.tag, bye.to.tag, bye.call_id) == ("a", "b", "c1")
    assert str(bye.cseq) == "8 BYE"
    assert bye.max_forwards == 70
    assert dialog.id == DialogId("c1", "a", "b")
    assert dialog.confirmed


def test_callee_keeps_routes_in_order_and_its_own_tag() -> None:
    record = "Record-Route: <sip:p2.example.org;lr>\nRecord-Route: <sip:p1.example.org;transport=tcp;lr>"
    dialog = Dialog.of_request(invite(record), "b")
    bye = dialog.build_request("BYE")
    assert str(bye.uri) == "sip:alice@192.0.2.1:5070"
    assert routes(bye) == ["<sip:p2.example.org;lr>", "<sip:p1.example.org;transport=tcp;lr>"]
    assert (bye.from_.tag, bye.to.tag) == ("b", "a")
    assert bye.from_.uri.user == "bob"
    assert str(bye.cseq) == "1 BYE"
    assert dialog.id == DialogId("c1", "b", "a")
    assert not dialog.confirmed


def test_without_routes_the_contact_is_the_next_hop() -> None:
    assert uac("Contact: <sip:bob@192.0.2.2:5080;transport=TCP>").next_hop == NextHop("192.0.2.2", 5080, "TCP")
    assert uac("Contact: <sip:bob@b.org;maddr=192.0.2.9>").next_hop == NextHop("192.0.2.9", None, None)


def test_a_strict_router_is_named_in_the_request_uri() -> None:
    dialog = uac(BOB, "Record-Route: <sip:p2.example.org;lr>, <sip:strict.example.org;method=INVITE>")
    bye = dialog.build_request("BYE")
    assert str(bye.uri) == "sip:strict.example.org"
    assert routes(bye) == ["<sip:p2.example.org;lr>", "<sip:bob@192.0.2.2:5080;ob>"]
    assert dialog.next_hop.host == "strict.example.org"


def test_a_final_answer_replaces_routes_and_target_of_the_early_dialog() -> None:
    early = Dialog.of_response(ok(BOB, "Record-Route: <sip:p1.example.org;lr>"), REQUEST_URI)
    early.confirm(ok("Contact: <sip:bob@192.0.2.3>", "Record-Route: <sip:p9.example.org;lr>"))
    assert routes(early.build_request("BYE")) == ["<sip:p9.example.org;lr>"]
    assert early.remote_target.host == "192.0.2.3"


def test_a_response_without_contact_leaves_the_request_uri_as_target() -> None:
    assert uac().remote_target == REQUEST_URI
    assert uac("Contact: <tel:+4412345>").remote_target == REQUEST_URI


def test_a_request_without_usable_contact_makes_no_dialog() -> None:
    bare = invite()
    bare.headers.remove("Contact")
    for contact in ("", "<tel:+4412345>", "<mailto:alice@192.0.2.1>"):
        if contact:
            bare.headers.set("Contact", contact)
        with pytest.raises(SipParseError) as caught:
            Dialog.of_request(bare, "b")
        assert caught.value.status == 400


def test_target_refresh_ignores_what_we_cannot_send_to() -> None:
    dialog = uac(BOB)
    dialog.refresh_target(ok("Contact: <tel:+44>"))
    dialog.refresh_target(ok())
    assert dialog.remote_target.host == "192.0.2.2"
    dialog.refresh_target(ok("Contact: <sip:bob@192.0.2.77>"))
    assert dialog.remote_target.host == "192.0.2.77"


def test_a_lower_sequence_number_is_out_of_order() -> None:
    dialog = Dialog.of_request(invite(), "b")
    later = invite()
    later.headers.set("CSeq", "9 INVITE")
    assert dialog.is_in_order(later)
    assert not dialog.is_in_order(invite())
    assert dialog.is_in_order(later)


def test_the_first_request_of_the_peer_sets_the_sequence() -> None:
    dialog = uac(BOB)
    assert dialog.remote_cseq is None
    assert dialog.is_in_order(invite())
    assert dialog.remote_cseq == 7


def test_ack_has_number_and_credentials_of_its_invite() -> None:
    request = invite('Proxy-Authorization: Digest username="alice"\nAuthorization: Digest username="al"')
    ack = uac(BOB).build_ack(7, request)
    assert str(ack.cseq) == "7 ACK"
    assert ack.headers.get("Authorization") == 'Digest username="al"'
    assert ack.headers.get("Proxy-Authorization") == 'Digest username="alice"'


def test_a_dialog_with_a_peer_of_rfc_2543_has_no_remote_tag() -> None:
    old = invite()
    old.headers.set("From", "<sip:alice@example.com>")
    dialog = Dialog.of_request(old, "b")
    assert dialog.id == DialogId("c1", "b", "")
    assert dialog.build_request("BYE").to.tag is None


class TestFlow:
    """Requests to whoever connected to us go back on that connection."""

    SOURCE = Hop("TCP", "192.0.2.1", 40000, connection=7)

    def dialog(self, contact: str, source: Hop | None = SOURCE, record: str = "") -> Dialog:
        request = invite(f"Record-Route: {record}" if record else "")
        request.headers.set("Contact", contact)
        return Dialog.of_request(request, "b", source)

    def test_where_the_contact_is_its_other_end(self) -> None:
        hop = self.dialog("<sip:alice@192.0.2.1;transport=tcp>").next_hop.literal_hop()
        assert hop == Hop("TCP", "192.0.2.1", 5060, connection=7)

    @pytest.mark.parametrize(
        ("contact", "source"),
        [
            ("<sip:alice@192.0.2.9;transport=tcp>", SOURCE),
            ("<sip:alice@192.0.2.1>", SOURCE),
            ("<sip:alice@a.example;transport=tcp>", SOURCE),
            ("<sip:alice@192.0.2.1;transport=tcp>", None),
            ("<sip:alice@192.0.2.1;transport=tcp>", Hop("UDP", "192.0.2.1", 5060)),
        ],
        ids=["another host", "another transport", "a name", "nothing known", "no stream"],
    )
    def test_and_nowhere_else(self, contact: str, source: Hop | None) -> None:
        assert self.dialog(contact, source).next_hop.connection is None

    def test_a_route_goes_first(self) -> None:
        dialog = self.dialog("<sip:alice@192.0.2.1;transport=tcp>", record="<sip:192.0.2.7;lr;transport=tcp>")
        assert dialog.next_hop.connection is None
