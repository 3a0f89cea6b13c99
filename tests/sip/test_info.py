"""INFO within a call: digits in the ways that were usual before RFC 6086, and what is refused."""

import random

import pytest

from device.sip.errors import SipStateError
from device.sip.feature_events import DigitReceived, InfoFinished
from device.sip.info import DTMF, DTMF_RELAY, build_digit, read_digit
from tests.support.sip_bench import CALL, Bench

PRESSED = b"Signal=1\r\nDuration=250\r\n"


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


@pytest.mark.parametrize("content_type", [DTMF_RELAY, DTMF])
@pytest.mark.parametrize("digit", "0123456789*#ABCD")
def test_a_digit_is_written_as_it_is_read(content_type: str, digit: str) -> None:
    assert read_digit(content_type, build_digit(content_type, digit, 100)) == digit


def test_strange_bodies_harm_nothing() -> None:
    bench, chance = Bench(), random.Random(1)
    dialog = bench.established()
    for number in range(300):
        begin = chance.choice((b"Signal=", b"", b"Duration=9\r\nSignal="))
        body = begin + chance.randbytes(chance.choice((1, 9, 2000)))
        content_type = chance.choice((DTMF_RELAY, DTMF, "application/dtmf-relay;x=1", "text/plain", "APPLICATION/DTMF"))
        bench.in_dialog("INFO", dialog, body=body, cseq=10 + number, Content_Type=content_type)
        assert bench.sent_response().status in (200, 400, 415)
        for event in bench.events():
            assert isinstance(event, DigitReceived)
            assert event.digit in "0123456789*#ABCD"
            assert len(event.digit) == 1
    bench.in_dialog("INFO", dialog, body=PRESSED, cseq=999, Content_Type=DTMF_RELAY)
    assert bench.events() == [DigitReceived(CALL, "1", 0.25)]


@pytest.mark.parametrize(
    ("headers", "body", "status", "name", "value"),
    [
        ({}, b"", 200, "Accept", None),
        ({"Content_Type": DTMF_RELAY}, PRESSED, 200, "Accept", None),
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
    told = [DigitReceived(CALL, "1", 0.25)] if body == PRESSED else []
    assert bench.events() == told


def test_an_info_of_ours() -> None:
    bench = Bench()
    bench.established()
    bench.agent.send_info(CALL, DTMF_RELAY, build_digit(DTMF_RELAY, "1", 100), bench.now)
    info = bench.sent_request("INFO")
    assert (info.content_type, info.body) == (DTMF_RELAY, b"Signal=1\r\nDuration=100\r\n")
    bench.reply(info, 200)
    assert bench.events() == [InfoFinished(CALL, 200)]
    bench.agent.send_info(CALL, DTMF_RELAY, build_digit(DTMF_RELAY, "1", 100), bench.now)
    bench.advance(33)
    assert bench.events() == [InfoFinished(CALL, 408)]


def test_an_info_needs_an_established_call() -> None:
    bench = Bench()
    with pytest.raises(SipStateError):
        bench.agent.send_info(CALL, DTMF_RELAY, b"", bench.now)
    bench.call()
    with pytest.raises(SipStateError):
        bench.agent.send_info(CALL, DTMF_RELAY, b"", bench.now)
