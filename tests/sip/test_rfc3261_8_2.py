"""RFC 3261 sections 8.2 and 9.2 as a peer of our user agent server sees it, clause by clause."""

import pytest

from device.model import CallId
from device.sip.events import IncomingCall, OfferReceived
from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.support.sip_bench import ANSWER, OFFER, PEER, Bench

ACCEPT = "application/sdp, multipart/mixed, multipart/alternative"
CALLED = CallId("in-1")
NEAR = "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK-a"
FAR = "SIP/2.0/TCP far.example.org;branch=z9hG4bK-b;received=198.51.100.1"


@pytest.fixture
def bench() -> Bench:
    return Bench()


# 8.2: the order in which a request is looked at.


@pytest.mark.parametrize(
    ("method", "uri", "headers", "status"),
    [
        ("PUBLISH", "foo:bar", {"Require": "x"}, 405),
        ("INVITE", "foo:bar", {"Require": "x", "Content_Type": "text/plain"}, 416),
        ("INVITE", "sip:nobody@192.0.2.1", {"Require": "x", "Content_Type": "text/plain"}, 404),
        ("INVITE", "sip:offhook@192.0.2.1", {"Require": "x", "Content_Type": "text/plain"}, 420),
        ("INVITE", "sip:offhook@192.0.2.1", {"Content_Type": "text/plain"}, 415),
    ],
)
def test_method_then_whom_it_is_for_then_extensions_then_body(
    bench: Bench, method: str, uri: str, headers: dict[str, str], status: int
) -> None:
    bench.request(method, uri, body=OFFER, **headers)
    assert bench.statuses() == [status]
    assert bench.events() == []


def test_a_merged_request_is_looped_whatever_else_is_wrong_with_it(bench: Bench) -> None:
    bench.called()
    bench.request("INVITE", body=OFFER, Require="x", Content_Type="text/plain")
    assert bench.statuses() == [482]


def test_a_request_that_is_refused_changes_nothing(bench: Bench) -> None:
    ours = bench.answered()
    bench.in_dialog("INVITE", ours, cseq=9, body=OFFER, Require="x", Contact="<sip:elsewhere@198.51.100.9>")
    assert bench.statuses() == [420]
    bench.in_dialog("INVITE", ours, cseq=3, body=OFFER)
    bench.event(OfferReceived)
    bench.agent.hang_up(CALLED, bench.now)
    assert bench.sent_request("BYE").uri.host == "192.0.2.2"


# 8.2.1 and 8.2.2: methods and header fields.


def test_a_refused_method_is_told_all_that_are_served(bench: Bench) -> None:
    bench.request("PUBLISH")
    refusal = bench.sent_response()
    assert refusal.status == 405
    assert {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"} <= set(refusal.tokens("Allow"))


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Unknown": "anything <>;=,", "P_Strange": '"'},
        {"Date": "yesterday", "Subject": "\t", "Priority": "very", "Organization": ";;"},
        {"Alert_Info": "<<>", "Call_Info": '"', "User_Agent": "(((", "Timestamp": "soon"},
        {"In_Reply_To": ",", "Warning": "none", "MIME_Version": "x", "Error_Info": "no URI"},
        {"Expires": "for ever", "Retry_After": "never", "Reply_To": "nobody"},
    ],
)
def test_unknown_header_fields_and_malformed_ones_that_nobody_needs_are_passed_over(
    bench: Bench, headers: dict[str, str]
) -> None:
    bench.request("INVITE", body=OFFER, **headers)
    assert bench.event(IncomingCall).offer == OFFER


@pytest.mark.parametrize("method", ["BYE", "OPTIONS", "INFO"])
def test_a_contact_that_nobody_reads_may_be_malformed(bench: Bench, method: str) -> None:
    ours = bench.answered()
    bench.in_dialog(method, ours, Contact="<sip:a b@x>", Record_Route="<<>")
    assert bench.statuses() == [200]


def test_a_contact_that_is_to_be_called_back_may_not(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, Contact="<sip:a b@x>")
    assert bench.statuses() == [400]


@pytest.mark.parametrize("to", ["<tel:+44123456>", "<mailto:x@example.org>", "<foo:bar>", "<sip:somebody@example.org>"])
def test_whatever_to_says_the_request_uri_decides_whom_a_call_is_for(bench: Bench, to: str) -> None:
    bench.request("INVITE", body=OFFER, to=to)
    assert bench.event(IncomingCall).called == to.strip("<>")
    bench.agent.answer(CALLED, ANSWER, bench.now)
    ours = bench.sent_response()
    assert ours.headers.get("To") == f"{to};tag={ours.to.tag}"


def test_what_a_cancel_requires_is_ignored(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-a")
    bench.request("CANCEL", branch="z9hG4bK-a", Require="x", Proxy_Require="y")
    assert bench.statuses() == [200, 487]


def test_what_an_ack_requires_is_ignored(bench: Bench) -> None:
    call_id = bench.called()
    bench.agent.answer(call_id, ANSWER, bench.now)
    bench.in_dialog("ACK", bench.sent_response(), cseq=1, Require="x", Proxy_Require="y")
    bench.advance(10)
    assert bench.sent() == []


# 8.2.3: bodies.


@pytest.mark.parametrize("disposition", ["early-session", "render;handling=required", "alert", "Icon"])
def test_a_description_that_is_not_of_the_session_is_not_understood(bench: Bench, disposition: str) -> None:
    bench.request("INVITE", body=OFFER, Content_Disposition=disposition)
    refusal = bench.sent_response()
    assert (refusal.status, refusal.headers.get("Accept")) == (415, ACCEPT)


def test_an_optional_description_that_is_not_of_the_session_is_passed_over(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, Content_Disposition="early-session; handling=optional")
    assert bench.event(IncomingCall).offer == b""


@pytest.mark.parametrize("disposition", ["session", "Session;handling=required", "session ; handling=optional"])
def test_a_description_of_the_session_is_the_offer(bench: Bench, disposition: str) -> None:
    bench.request("INVITE", body=OFFER, Content_Disposition=disposition)
    assert bench.event(IncomingCall).offer == OFFER


def test_an_early_description_in_a_response_answers_nothing(bench: Bench) -> None:
    bench.reply(bench.call(), 183, body=b"v=0 early\r\n", Content_Disposition="early-session")
    assert all(getattr(event, "sdp", b"") == b"" for event in bench.events())


@pytest.mark.parametrize("content_type", ["application/pkcs7-mime; smime-type=enveloped-data", "text/plain", "x/y"])
def test_a_body_of_unknown_type_is_refused_with_the_known_ones(bench: Bench, content_type: str) -> None:
    bench.request("INVITE", body=b"0\x82", Content_Type=content_type)
    refusal = bench.sent_response()
    assert (refusal.status, refusal.headers.get("Accept")) == (415, ACCEPT)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "PRACK"])
@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"Content_Type": "x/y"}, "Accept"),
        ({"Content_Encoding": "gzip"}, "Accept-Encoding"),
        ({"Content_Disposition": "render"}, "Accept"),
    ],
)
def test_within_a_call_too(bench: Bench, method: str, headers: dict[str, str], name: str) -> None:
    ours = bench.answered()
    bench.in_dialog(method, ours, body=OFFER, **headers)
    refusal = bench.sent_response()
    assert (refusal.status, name in refusal.headers) == (415, True)
    assert bench.events() == []


@pytest.mark.parametrize("method", ["BYE", "OPTIONS"])
def test_a_body_that_a_request_does_not_need_does_not_hinder_it(bench: Bench, method: str) -> None:
    ours = bench.answered()
    bench.in_dialog(method, ours, body=b"\x01\x02", Content_Type="application/isup")
    assert bench.statuses() == [200]


# 8.2.6: what a response looks like.


def test_no_provisional_response_to_anything_but_invite(bench: Bench) -> None:
    bench.request("OPTIONS")
    ours = bench.answered()
    bench.sent()
    bench.in_dialog("OPTIONS", ours)
    bench.in_dialog("BYE", ours, cseq=3)
    assert bench.statuses() == [200, 200]


def test_trying_gives_the_timestamp_back_with_our_delay(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, Timestamp="54.25 0.1")
    bench.advance(0.2)
    trying = bench.sent_response()
    assert trying.status == 100
    assert trying.headers.get("Timestamp") == "54.25 0.200"


def test_trying_without_timestamp_has_none(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER)
    bench.advance(0.2)
    assert "Timestamp" not in bench.sent_response().headers


def responses(bench: Bench) -> list[Response]:
    return [one for one in bench.sent() if isinstance(one, Response)]


def test_every_response_copies_what_the_request_said_and_has_one_tag(bench: Bench) -> None:
    invite = bench.request(
        "INVITE",
        body=OFFER,
        to='"Us; <all>" <sip:offhook@192.0.2.1;x=1>;y=2',
        from_="Bob <sip:bob@192.0.2.2>;tag=peer;z",
        Via=f"{NEAR}, {FAR}",
        Record_Route="<sip:192.0.2.2;lr;x=y>;z, <sip:198.51.100.1;lr>",
    )
    bench.agent.ring(CALLED, bench.now)
    bench.advance(61)
    bench.agent.answer(CALLED, ANSWER, bench.now)
    sent = [one for one in responses(bench) if one.status > 100]
    assert [one.status for one in sent][-1] == 200
    assert len({one.to.tag for one in sent}) == 1
    for response in sent:
        for name in ("From", "Call-ID", "CSeq"):
            assert response.headers.get(name) == invite.headers.get(name)
        assert response.headers.get("To") == f"{invite.headers.get('To')};tag={response.to.tag}"
        assert [str(via) for via in response.vias] == [str(via) for via in invite.vias]
        assert response.headers.get_all("Record-Route") == ["<sip:192.0.2.2;lr;x=y>;z", "<sip:198.51.100.1;lr>"]


def test_a_request_in_a_dialog_is_answered_with_its_to_as_it_came(bench: Bench) -> None:
    ours = bench.answered()
    request = bench.in_dialog("OPTIONS", ours)
    assert bench.sent_response().headers.get("To") == request.headers.get("To")


# 9.2: CANCEL.


def test_a_cancel_and_its_invite_are_answered_with_one_tag(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-a")
    bench.request("CANCEL", branch="z9hG4bK-a")
    to_cancel, to_invite = responses(bench)
    assert (to_cancel.cseq.method, to_cancel.status) == ("CANCEL", 200)
    assert (to_invite.cseq.method, to_invite.status) == ("INVITE", 487)
    assert to_cancel.to.tag == to_invite.to.tag


def test_a_cancel_is_never_challenged_or_refused_for_its_sender(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-a")
    bench.request("CANCEL", Via=NEAR, source=Hop("UDP", PEER.host, 49152))
    assert bench.statuses() == [200, 487]


def test_a_cancel_of_an_answered_call_changes_nothing(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-a")
    bench.agent.answer(CALLED, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.request("CANCEL", branch="z9hG4bK-a")
    assert bench.statuses() == [200]
    bench.in_dialog("ACK", ours, cseq=1)
    assert not any(isinstance(one, Request) for one in bench.sent())
    bench.in_dialog("BYE", ours)
    assert bench.statuses() == [200]
