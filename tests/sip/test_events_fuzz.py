"""Whatever peers write into headers and bodies of subscriptions, transfers and texts: a fault of theirs, or none."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from device.sip.call_facts import read_facts
from device.sip.connected_identity import note_party
from device.sip.errors import SipParseError
from device.sip.headers import Headers
from device.sip.incoming_request import Refusal
from device.sip.info import InfoVerdict, judge_info
from device.sip.instant_message import read_text
from device.sip.message import Request, Response
from device.sip.refer import Referral, Replaces, build_sipfrag, parse_referral, parse_replaces, parse_sipfrag
from device.sip.subscription import (
    parse_event,
    parse_min_expires,
    parse_retry_after,
    parse_subscription_state,
)
from tests.support.sip_bench import CALL, Bench

PIECES = (
    "<sip:a@b>", "<sip:a@b?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2&X=y>", "<tel:+1>", '"q\\"', ";", ",", "=", "reason",
    "id", "expires=", "retry-after=", "9" * 30, "index=1.2.x", "to-tag", "from-tag=1", "early-only", "\u00e9",
    "info=alert-internal", "Bellcore-dr2", "purpose=icon", "active", "terminated", "refer", "charset=", "utf-8", " ",
    "method=INVITE", "%", 'id="a;b"',
    "urn:alert:source:internal", "privacy=full", "id;header", "Auto;require", "@", ":", "[::1]", "\x01",
)  # fmt: skip
VALUES = (
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=8)
    .map("".join)
    .map(lambda text: text.replace("\r", "").replace("\n", ""))
)
NAMES = st.sampled_from(
    ["Alert-Info", "Call-Info", "Diversion", "History-Info", "Answer-Mode", "Priv-Answer-Mode", "Privacy", "Subject",
     "P-Asserted-Identity", "Remote-Party-ID", "Referred-By", "Refer-To", "Refer-Sub", "Replaces", "Priority",
     "Organization", "Content-Type", "Content-Encoding", "Info-Package"]
)  # fmt: skip
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
BODIES = st.one_of(
    st.binary(max_size=64),
    st.sampled_from([b"Signal=5", b"Signal=", b"SIP/2.0 200 OK", b"SIP/2.0 ", b"7\r\n", b"\xff\xfe\r\n"]),
)


def outcome(read: Callable[[], object]) -> object:
    """What was read, or the status that refuses it."""
    try:
        return read()
    except SipParseError as error:
        return error.status


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_values_are_read_or_refused(text: str) -> None:
    for parse in (parse_event, parse_subscription_state, parse_replaces):
        found = outcome(lambda parse=parse: parse(text))  # type: ignore[misc]
        # What was understood is understood again when it is written.
        assert found == 400 or isinstance(found, Replaces) or parse(str(found)) == found
    response = Response(503, None, Headers([("Retry-After", text), ("Min-Expires", text)]))
    for seconds in (parse_retry_after(response), parse_min_expires(response)):
        assert seconds is None or 0 <= seconds <= 86_400


@settings(max_examples=300, deadline=None)
@given(HEADERS, BODIES)
def test_requests_are_read_or_refused(headers: list[tuple[str, str]], body: bytes) -> None:
    request = Request("REFER", "sip:x", Headers([("From", "<sip:bob@192.0.2.2>;tag=1"), *headers]), body)
    for trusted in (True, False):
        facts = read_facts(request, trusted=trusted)
        said = (facts.subject, facts.priority, facts.organization, *facts.history, *facts.diverted_by, *facts.call_info)
        assert all(text.isprintable() for text in said)
    referral = outcome(lambda: parse_referral(request))
    assert referral in (400, 416, 501) or isinstance(referral, Referral)
    verdict = outcome(lambda: judge_info(request))
    assert verdict == 400 or isinstance(verdict, InfoVerdict)
    assert not isinstance(verdict, InfoVerdict) or verdict.digit in {"", *"0123456789*#ABCD"}
    text = outcome(lambda: read_text(request.headers, body, request.content_type))
    assert text == 400 or isinstance(text, str | Refusal)


@given(st.integers(100, 699), st.binary(max_size=64))
def test_fragments_are_read_or_not(status: int, body: bytes) -> None:
    assert parse_sipfrag(build_sipfrag(status) + body) is not None
    found = parse_sipfrag(body)
    assert found is None or 100 <= found[0] <= 699


@settings(max_examples=100, deadline=None)
@given(HEADERS)
def test_any_identity_within_a_call(headers: list[tuple[str, str]]) -> None:
    bench = Bench()
    bench.established()
    session = bench.agent._calls.get(CALL)
    assert session is not None
    update = Request("UPDATE", "sip:x", Headers([("From", "<sip:carol@192.0.2.2>;tag=peer"), *headers]))
    note_party(session.usage, session.usage.confirmed_dialog, update, trusted=True)
    assert session.usage.confirmed_dialog.remote.tag == "peer"
