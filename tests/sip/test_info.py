"""INFO within a call: digits in the ways that were usual before RFC 6086, and what is refused."""

import pytest

from device.sip.errors import SipStateError
from device.sip.feature_events import DigitReceived, InfoFinished
from device.sip.info import DTMF, DTMF_RELAY, build_digit, read_digit
from tests.support.sip_bench import CALL, Bench


@pytest.mark.parametrize(
    ("content_type", "body", "digit"),
    [
        (DTMF_RELAY, b"Signal=5\r\nDuration=160\r\n", "5"),
        (DTMF_RELAY, b"Signal= #\nDuration= 250", "#"),
        (DTMF_RELAY, b"signal=star", "*"),
        (DTMF_RELAY, b"Signal=11\r\n", "#"),
        (DTMF_RELAY, b"Signal=d\r\n", "D"),
        (DTMF_RELAY, b"5", ""),
        (DTMF_RELAY, b"Signal=16\r\n", ""),
        (DTMF, b"7\r\n", "7"),
        (DTMF, b"Signal=7", "7"),
        (DTMF, b"flash", ""),
        (DTMF, b"\xff", ""),
    ],
)
def test_digits(content_type: str, body: bytes, digit: str) -> None:
    assert read_digit(content_type, body) == digit


def test_a_digit_is_written_as_it_is_read() -> None:
    assert read_digit(DTMF_RELAY, build_digit("9", 100)) == "9"


@pytest.mark.parametrize(
    ("headers", "body", "status", "name", "value"),
    [
        ({}, b"", 200, "Accept", None),
        ({"Content_Type": DTMF_RELAY}, b"Signal=1\r\n", 200, "Accept", None),
        ({"Content_Type": DTMF_RELAY}, b"nothing", 400, "Accept", None),
        ({"Content_Type": "application/media_control+xml"}, b"<x/>", 415, "Accept", f"{DTMF_RELAY}, {DTMF}"),
        ({"Info_Package": "g.3gpp.ussd"}, b"", 469, "Recv-Info", ""),
    ],
)
def test_answers(headers: dict[str, str], body: bytes, status: int, name: str, value: str | None) -> None:
    bench = Bench()
    bench.in_dialog("INFO", bench.established(), body=body, **headers)
    answer = bench.sent_response()
    assert (answer.status, answer.headers.get(name)) == (status, value)
    told = [DigitReceived(CALL, "1")] if body == b"Signal=1\r\n" else []
    assert bench.events() == told


def test_an_info_of_ours() -> None:
    bench = Bench()
    bench.established()
    bench.agent.send_info(CALL, DTMF_RELAY, build_digit("1", 100), bench.now)
    info = bench.sent_request("INFO")
    assert (info.content_type, info.body) == (DTMF_RELAY, b"Signal=1\r\nDuration=100\r\n")
    bench.reply(info, 200)
    assert bench.events() == [InfoFinished(CALL, 200)]
    bench.agent.send_info(CALL, DTMF_RELAY, build_digit("1", 100), bench.now)
    bench.advance(33)
    assert bench.events() == [InfoFinished(CALL, 408)]


def test_an_info_needs_an_established_call() -> None:
    bench = Bench()
    with pytest.raises(SipStateError):
        bench.agent.send_info(CALL, DTMF_RELAY, b"", bench.now)
    bench.call()
    with pytest.raises(SipStateError):
        bench.agent.send_info(CALL, DTMF_RELAY, b"", bench.now)
