"""Texts: taken, refused, sent one after the other, with an outcome for each."""

import pytest

from device.model import AccountId
from device.sip.errors import SipStateError
from device.sip.feature_events import MessageFinished, MessageReceived
from device.sip.instant_message import MAX_WAITING
from tests.support.sip_bench import CALL, OFFICE, Bench, office

URI = "sip:1001@192.0.2.1:5060"


@pytest.fixture
def bench() -> Bench:
    return Bench(account=office())


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain", "Grüße".encode(), "Grüße"),
        ("text/plain;charset=UTF-8", b"hello", "hello"),
        ('text/plain; charset="iso-8859-1"', "Grüße".encode("latin-1"), "Grüße"),
        ("text/plain", b"\xff!", "�!"),
    ],
)
def test_a_text_is_taken(bench: Bench, content_type: str, body: bytes, text: str) -> None:
    bench.request("MESSAGE", URI, body=body, Content_Type=content_type, from_='"Bob" <sip:bob@192.0.2.2>;tag=b')
    response = bench.sent_response()
    assert (response.status, response.body, bool(response.to.tag)) == (200, b"", True)
    assert bench.events() == [MessageReceived(OFFICE, None, "sip:bob@192.0.2.2", "Bob", text)]


def test_a_text_within_a_call(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("MESSAGE", ack, body=b"hi", Content_Type="text/plain")
    assert bench.statuses() == [200]
    assert bench.event(MessageReceived).call_id == CALL


@pytest.mark.parametrize(
    ("headers", "name", "value"),
    [
        ({"Content_Type": "text/html"}, "Accept", "text/plain"),
        ({"Content_Type": "message/cpim"}, "Accept", "text/plain"),
        ({"Content_Type": "text/plain;charset=utf-7"}, "Accept", "text/plain;charset=utf-8"),
        ({"Content_Type": "text/plain", "Content_Encoding": "gzip"}, "Accept-Encoding", "identity"),
    ],
)
def test_what_is_no_text(bench: Bench, headers: dict[str, str], name: str, value: str) -> None:
    bench.request("MESSAGE", URI, body=b"x", **headers)  # type: ignore[arg-type]
    response = bench.sent_response()
    assert (response.status, response.headers.get(name)) == (415, value)
    assert bench.events() == []


def test_a_text_for_nobody_here(bench: Bench) -> None:
    bench.request("MESSAGE", "sip:nobody@192.0.2.1", body=b"x", Content_Type="text/plain")
    assert bench.statuses() == [404]


def test_a_text_is_sent_and_its_outcome_told(bench: Bench) -> None:
    name = bench.agent.send_message("1002", "Grüße", OFFICE, bench.now)
    message = bench.sent_request("MESSAGE")
    assert (str(message.uri), message.headers.get("Content-Type")) == ("sip:1002@192.0.2.2", "text/plain;charset=utf-8")
    assert message.body == "Grüße".encode()
    assert "Contact" not in message.headers
    bench.reply(message, 200)
    assert bench.events() == [MessageFinished(name, 200, "delivered")]
    assert MessageFinished(name, 200, "delivered").is_delivered


@pytest.mark.parametrize(
    ("status", "text"), [(202, "kept for later delivery"), (404, "number not found"), (480, "not available now")]
)
def test_outcomes(bench: Bench, status: int, text: str) -> None:
    name = bench.agent.send_message("1002", "hi", OFFICE, bench.now)
    bench.reply(bench.sent_request("MESSAGE"), status)
    assert bench.events() == [MessageFinished(name, status, text)]


def test_silence_and_a_refused_password(bench: Bench) -> None:
    bench.agent.send_message("1002", "hi", OFFICE, bench.now)
    bench.advance(33)
    assert bench.event(MessageFinished).status == 408
    bench.sent()
    bench.agent.send_message("1002", "hi", OFFICE, bench.now)
    for nonce in ("n", "m"):
        challenge = f'Digest realm="r", nonce="{nonce}", qop="auth"'
        bench.reply(bench.sent_request("MESSAGE"), 401, WWW_Authenticate=challenge)
    assert "refused" in bench.event(MessageFinished).text


def test_texts_go_one_after_the_other(bench: Bench) -> None:
    for text in ("one", "two", "three"):
        bench.agent.send_message("1002", text, OFFICE, bench.now)
    for text in (b"one", b"two", b"three"):
        message = bench.sent_request("MESSAGE")
        assert message.body == text
        bench.reply(message, 200)
    assert len(bench.events()) == 3


def test_waiting_texts_are_bounded(bench: Bench) -> None:
    for _ in range(MAX_WAITING + 1):
        bench.agent.send_message("1002", "x", OFFICE, bench.now)
    assert bench.event(MessageFinished).status == 503


def test_a_text_that_is_too_long_is_not_sent(bench: Bench) -> None:
    bench.agent.send_message("1002", "x" * 1300, OFFICE, bench.now)
    bench.agent.send_message("1002", "next", OFFICE, bench.now)
    assert bench.sent_request("MESSAGE").body == b"next"
    event = bench.event(MessageFinished)
    assert event.status == 513
    spare = int(event.text.split("at most ")[1].split()[0])
    bench.advance(40)
    bench.sent()
    bench.agent.send_message("1002", "x" * spare, OFFICE, bench.now)
    assert len(bench.sent_request("MESSAGE").body) == spare
    assert spare > 500


@pytest.mark.parametrize(("target", "text"), [("1002", " "), ("", "hi"), ("sip:x@y;method=BYE", "hi")])
def test_texts_that_cannot_be_sent(bench: Bench, target: str, text: str) -> None:
    with pytest.raises(SipStateError):
        bench.agent.send_message(target, text, OFFICE, bench.now)


def test_an_account_that_is_not_there(bench: Bench) -> None:
    with pytest.raises(SipStateError, match="none"):
        bench.agent.send_message("1002", "hi", AccountId("none"), bench.now)
