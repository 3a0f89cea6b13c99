"""Which requests are refused before anybody looks at their meaning, and how."""

import pytest

from device.sip.core import METHODS_SERVED
from device.sip.events import CallEstablished, CallRinging, IncomingCall, OfferReceived
from device.sip.headers import Headers
from device.sip.incoming_request import Refusal, find_content_fault, find_fault
from device.sip.message import Request
from tests.support.sip_bench import ANSWER, CALL, OFFER, Bench

ACCEPT = "application/sdp, multipart/mixed, multipart/alternative"


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("method", ["REGISTER", "PUBLISH"])
def test_methods_that_we_do_not_serve(bench: Bench, method: str) -> None:
    bench.request(method)
    refusal = bench.sent_response()
    assert refusal.status == 405
    assert refusal.tokens("Allow") == list(METHODS_SERVED)
    assert refusal.to.tag


def test_a_method_that_nobody_knows(bench: Bench) -> None:
    bench.request("DANCE")
    assert bench.statuses() == [501]


@pytest.mark.parametrize("uri", ["sips:offhook@192.0.2.1", "mailto:offhook@192.0.2.1", "foo:bar"])
def test_a_scheme_that_we_do_not_serve(bench: Bench, uri: str) -> None:
    bench.request("INVITE", uri, body=OFFER)
    assert bench.statuses() == [416]


def test_a_secure_scheme_is_served_where_the_way_here_was_secure(bench: Bench) -> None:
    request = bench.request("OPTIONS", "sips:offhook@192.0.2.1")
    assert bench.statuses() == [416]
    assert find_fault(request, "TCP") == Refusal(416)
    assert find_fault(request, "TLS") is None


@pytest.mark.parametrize(
    ("accept", "refusal"),
    [
        ("text/plain, text/*", Refusal(406)),
        ("", Refusal(406)),
        ("application/sdpx", Refusal(406)),
        ("Application / SDP;level=1", None),
        ("text/plain, application/*", None),
        ("*/*", None),
    ],
)
def test_a_caller_must_take_the_answer_that_we_give(accept: str, refusal: Refusal | None) -> None:
    assert find_content_fault(Request("INVITE", "sip:offhook@192.0.2.1", Headers([("Accept", accept)]))) == refusal
    assert find_content_fault(Request("OPTIONS", "sip:offhook@192.0.2.1", Headers([("Accept", accept)]))) is None


def test_an_answer_that_nobody_takes_is_not_given(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, Accept="text/plain")
    assert bench.statuses() == [406]
    assert bench.events() == []


def test_a_body_that_we_cannot_read_goes_before_an_answer_that_nobody_takes(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, Content_Type="text/plain", Accept="text/plain")
    assert bench.statuses() == [415]


def test_required_extensions(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, Require="100rel, teleport, timer, levitation")
    refusal = bench.sent_response()
    assert (refusal.status, refusal.tokens("Unsupported")) == (420, ["teleport", "levitation"])


def test_what_proxies_require_is_not_for_us(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, Proxy_Require="foo", Max_Forwards="0")
    bench.event(IncomingCall)


@pytest.mark.parametrize(
    ("headers", "status", "name", "value"),
    [
        ({"Content_Type": "text/plain"}, 415, "Accept", ACCEPT),
        ({"Content_Type": "multipart/mixed;boundary=x"}, 415, "Accept", ACCEPT),
        ({"Content_Type": "multipart/mixed"}, 400, "Content-Length", "0"),
        ({"Content_Encoding": "gzip"}, 415, "Accept-Encoding", "identity"),
        ({"Content_Type": ""}, 400, "Content-Length", "0"),
    ],
)
def test_bodies_that_we_cannot_read(bench: Bench, headers: dict[str, str], status: int, name: str, value: str) -> None:
    bench.request("INVITE", body=OFFER, **headers)
    refusal = bench.sent_response()
    assert (refusal.status, refusal.headers.get(name)) == (status, value)
    assert bench.events() == []


def test_an_optional_body_is_passed_over(bench: Bench) -> None:
    disposition = "render; Handling=Optional"
    bench.request("INVITE", body=b"hello", Content_Type="text/plain", Content_Disposition=disposition)
    assert bench.event(IncomingCall).offer == b""


def test_a_plain_encoding_is_no_encoding(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, Content_Encoding="identity")
    bench.event(IncomingCall)


def test_a_body_that_is_too_long(bench: Bench) -> None:
    bench.request("INVITE", body=b"v" * 20000)
    assert bench.statuses() == [413]


MIXED = "multipart/mixed;boundary=gap"
ISUP = b"--gap\r\nContent-Type: application/ISUP;version=itu-t92+\r\nContent-Disposition: signal%s\r\n\r\n\x01\r\n"


def mixed(handling: bytes = b";handling=optional", sdp: bytes = OFFER) -> bytes:
    """A body as a gateway of the telephone network sends it."""
    return ISUP % handling + b"--gap\r\nContent-Type: application/sdp\r\n\r\n" + sdp + b"\r\n--gap--\r\n"


def test_an_offer_among_other_parts(bench: Bench) -> None:
    bench.request("INVITE", body=mixed(), Content_Type=MIXED)
    assert bench.event(IncomingCall).offer == OFFER


def test_a_part_that_we_must_understand_and_do_not(bench: Bench) -> None:
    bench.request("INVITE", body=mixed(b";handling=required"), Content_Type=MIXED)
    refusal = bench.sent_response()
    assert (refusal.status, refusal.headers.get("Accept")) == (415, ACCEPT)


def test_answers_and_further_offers_among_other_parts(bench: Bench) -> None:
    bench.reply(bench.call(), 183, body=mixed(sdp=b"v=0 early\r\n"), Content_Type=MIXED)
    assert bench.event(CallRinging).sdp == b"v=0 early\r\n"
    bench.agent.hang_up(CALL, bench.now)
    bench.sent()
    again = Bench()
    again.reply(again.call(), 200, body=mixed(sdp=ANSWER), Content_Type=MIXED)
    ack = again.sent_request("ACK")
    assert again.event(CallEstablished).sdp == ANSWER
    again.in_dialog("INVITE", ack, body=mixed(), Content_Type=MIXED)
    assert again.event(OfferReceived).offer == OFFER
