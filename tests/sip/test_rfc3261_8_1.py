"""RFC 3261 section 8.1 as a peer of our user agent client sees it, clause by clause."""

import pytest

from device.sip.events import CallEnded, CallEstablished, CallRinging
from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.support.sip_bench import ANSWER, CALL, OFFICE, Bench, office


@pytest.fixture
def bench() -> Bench:
    return Bench()


def altered(response: Response, via: str, further: str = "") -> Response:
    """The response with another top Via, and perhaps one below it."""
    response.headers.set("Via", via)
    if further:
        response.headers.add("Via", further)
    return response


def ok(invite: Request) -> Response:
    response = invite.response(200, to_tag="peer")
    response.headers.add("Contact", "<sip:bob@192.0.2.2:5060>")
    response.headers.set("Content-Type", "application/sdp")
    response.body = ANSWER
    return response


# 8.1.1: what every request carries.


def test_requests_outside_dialogs_have_a_from_tag_of_their_own_and_no_to_tag(bench: Bench) -> None:
    first = bench.call()
    bench.reply(first, 486)
    bench.sent()
    bench.agent.invite(CALL, "192.0.2.2", b"", None, bench.now)
    second = bench.sent_request("INVITE")
    assert first.to.tag is None
    assert second.to.tag is None
    assert first.from_.tag
    assert first.from_.tag != second.from_.tag
    assert first.call_id != second.call_id
    assert first.top_via.branch != second.top_via.branch
    for invite in (first, second):
        assert (invite.top_via.branch or "").startswith("z9hG4bK")
        assert (invite.cseq.method, invite.max_forwards) == ("INVITE", 70)
        assert invite.cseq.number < 2**31
        assert invite.uri == invite.to.uri
        assert len(invite.contacts) == 1


# 8.1.3.1 is shown in test_caller_session. 8.1.3.2: what nobody has heard of is taken for the x00 of its class.


@pytest.mark.parametrize("status", [200, 202, 299])
def test_any_2xx_establishes_the_call(bench: Bench, status: int) -> None:
    bench.reply(bench.call(), status, body=ANSWER)
    bench.event(CallEstablished)
    assert bench.methods() == ["ACK"]


@pytest.mark.parametrize("status", [300, 399])
def test_any_3xx_is_a_redirection(bench: Bench, status: int) -> None:
    bench.reply(bench.call(), status, Contact="<sip:carol@192.0.2.2:5070>")
    again = bench.sent_request("INVITE")
    assert str(again.uri) == "sip:carol@192.0.2.2:5070"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "the server did not understand the request"),
        (499, "refused"),
        (500, "the server failed"),
        (599, "the server failed"),
        (600, "busy everywhere"),
        (699, "refused everywhere"),
    ],
)
def test_any_failure_ends_the_call(bench: Bench, status: int, text: str) -> None:
    bench.reply(bench.call(), status, reason="")
    cause = bench.end()
    assert (cause.status, cause.text) == (status, text)
    assert bench.methods() == ["ACK"]


@pytest.mark.parametrize("status", [101, 183, 198])
def test_any_1xx_but_100_is_progress_with_its_early_media(bench: Bench, status: int) -> None:
    bench.reply(bench.call(), status, body=ANSWER)
    assert bench.event(CallRinging).sdp == ANSWER


def test_a_failure_with_a_malformed_contact_is_heard(bench: Bench) -> None:
    bench.reply(bench.call(), 486, Contact="<sip:a b@x>")
    assert bench.end().status == 486


# 8.1.3.3 and 18.1.2: whom a response is meant for.


def test_a_response_with_a_second_via_is_dropped(bench: Bench) -> None:
    invite = bench.call()
    via = invite.headers.get("Via") or ""
    bench.receive(altered(ok(invite), via, "SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK-other"))
    assert (bench.events(), bench.methods()) == ([], [])
    bench.receive(altered(ok(invite), f"{via}, SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK-other"))
    assert (bench.events(), bench.methods()) == ([], [])
    bench.receive(ok(invite))
    bench.event(CallEstablished)


def test_a_sent_by_whose_usual_port_was_left_out_is_ours(bench: Bench) -> None:
    invite = bench.call()
    bench.receive(altered(ok(invite), f"SIP/2.0/UDP 192.0.2.1;branch={invite.top_via.branch}"))
    bench.event(CallEstablished)


@pytest.mark.parametrize("sent_by", ["192.0.2.99:5060", "192.0.2.1:5061", "192.0.2.99"])
def test_a_response_to_another_sent_by_is_dropped(bench: Bench, sent_by: str) -> None:
    invite = bench.call()
    bench.receive(altered(ok(invite), f"SIP/2.0/UDP {sent_by};branch={invite.top_via.branch}"))
    assert (bench.events(), bench.methods()) == ([], [])
    assert bench.endpoint.counters().unmatched_responses == 1


def test_a_late_2xx_with_a_second_via_is_dropped(bench: Bench) -> None:
    ack = bench.established()
    bench.advance(40)
    bench.sent()
    late = ack.response(200)
    late.headers.set("CSeq", f"{ack.cseq.number} INVITE")
    bench.receive(altered(late, ack.headers.get("Via") or "", "SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK-other"))
    assert bench.methods() == []
    bench.receive(altered(late.copy(), ack.headers.get("Via") or ""))
    assert bench.methods() == ["ACK"]


# 8.1.3.4: redirections. The order and the end of the search are shown in test_outgoing_invite.


def test_a_redirected_request_is_the_old_one_with_a_new_target(bench: Bench) -> None:
    first = bench.call()
    moved = "<sip:carol@192.0.2.2:5070;transport=udp;x=1;method=BYE?Subject=hello&Route=%3Csip:evil%3E>"
    bench.reply(first, 302, Contact=moved)
    again = bench.sent_request("INVITE")
    assert str(again.uri) == "sip:carol@192.0.2.2:5070;transport=udp;x=1"
    assert again.method == "INVITE"
    assert (again.to, again.from_, again.call_id) == (first.to, first.from_, first.call_id)
    assert again.cseq.number == first.cseq.number + 1
    assert again.top_via.branch != first.top_via.branch
    assert again.body == first.body
    assert "Subject" not in again.headers
    assert "Route" not in again.headers


def test_a_proxy_that_is_to_be_used_is_on_the_way_and_not_the_target(bench: Bench) -> None:
    first = bench.call("sip:bob@192.0.2.2")
    bench.reply(first, 305, Contact="<sip:192.0.2.7:5070;transport=tcp>;q=0.5, <sip:192.0.2.8>")
    through = bench.sent_request("INVITE")
    assert (through.uri, through.to) == (first.uri, first.to)
    assert through.headers.get_all("Route") == ["<sip:192.0.2.8;lr>"]
    assert bench.hops[-1] == Hop("UDP", "192.0.2.8", 5060)
    bench.reply(through, 503)
    again = bench.sent_request("INVITE")
    assert again.headers.get_all("Route") == ["<sip:192.0.2.7:5070;transport=tcp;lr>"]
    assert (again.uri, bench.hops[-1]) == (first.uri, Hop("TCP", "192.0.2.7", 5070))
    bench.reply(again, 200, body=ANSWER)
    bench.event(CallEstablished)


def test_no_address_is_tried_twice(bench: Bench) -> None:
    bench.reply(bench.call(), 302, Contact="<sip:carol@192.0.2.2>, <sip:%63arol@192.0.2.2>, <sip:192.0.2.2>")
    bench.reply(bench.sent_request("INVITE"), 486)
    assert bench.methods() == ["ACK"]
    assert bench.event(CallEnded).cause.status == 486


# 8.1.3.5: failures that can be mended.


def test_a_repetition_with_credentials_is_the_next_in_the_same_series() -> None:
    bench = Bench(account=office())
    first = bench.call("1002", account=OFFICE)
    bench.reply(first, 407, Proxy_Authenticate='Digest realm="pbx", nonce="n", qop="auth"')
    again = bench.sent_request("INVITE")
    assert again.headers.get("Proxy-Authorization")
    assert (again.to, again.from_, again.call_id) == (first.to, first.from_, first.call_id)
    assert again.cseq.number == first.cseq.number + 1


@pytest.mark.parametrize("status", [413, 415, 416, 420])
def test_a_plain_request_that_is_refused_for_its_form_is_not_repeated(bench: Bench, status: int) -> None:
    # It has a SIP URI, a session description without encoding and requires no extension: nothing could be left out.
    invite = bench.call()
    assert invite.content_type == "application/sdp"
    assert not any(name in invite.headers for name in ("Require", "Proxy-Require", "Content-Encoding"))
    bench.reply(invite, status)
    assert bench.methods() == ["ACK"]
    assert bench.end().status == status
