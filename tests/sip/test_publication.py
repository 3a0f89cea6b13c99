"""PUBLISH of something told once (RFC 3903): its header fields, a challenge, and what the log says of the outcome."""

import pytest

from device.sip.errors import SipStateError
from tests.support.sip_bench import OFFICE, Bench, office

TARGET = "sip:collector@192.0.2.8"
CONTENT = ("application/vq-rtcpxr", b"VQSessionReport: CallTerm\r\n")


@pytest.fixture
def bench() -> Bench:
    return Bench(account=office())


def publish(bench: Bench) -> None:
    bench.agent.publish(TARGET, OFFICE, "vq-rtcpxr", CONTENT, bench.now)


def test_what_is_sent_and_that_it_is_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    publish(bench)
    request = bench.sent_request("PUBLISH")
    assert str(request.uri) == TARGET
    assert request.headers.get("Event") == "vq-rtcpxr"
    assert request.content_type == "application/vq-rtcpxr"
    assert request.body == CONTENT[1]
    assert request.headers.get("Expires") is None
    bench.reply(request, 200)
    assert f"vq-rtcpxr told to {TARGET}" in caplog.text
    bench.advance(60)
    assert bench.agent.is_idle


def test_a_challenge_is_met(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    publish(bench)
    bench.reply(bench.sent_request("PUBLISH"), 401, WWW_Authenticate='Digest realm="r", nonce="n", qop="auth"')
    again = bench.sent_request("PUBLISH")
    assert again.headers.get("Authorization")
    assert again.body == CONTENT[1]
    bench.reply(again, 202)
    assert "told to" in caplog.text


@pytest.mark.parametrize("status", [404, 489, 503, 603])
def test_a_refusal_is_in_the_log(bench: Bench, caplog: pytest.LogCaptureFixture, status: int) -> None:
    publish(bench)
    bench.reply(bench.sent_request("PUBLISH"), status)
    assert f"could not be told to {TARGET}: {status}" in caplog.text


def test_silence_is_in_the_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    publish(bench)
    bench.advance(40)
    assert "could not be told to" in caplog.text


def test_a_collector_that_is_no_address(bench: Bench) -> None:
    with pytest.raises(SipStateError):
        bench.agent.publish("sip:", OFFICE, "vq-rtcpxr", CONTENT, bench.now)
