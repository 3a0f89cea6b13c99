"""What a trace may show."""

import pytest

from device.daemon.sip_trace import SHOWN_BYTES, redact, trace_record
from device.sip.hop import Hop

CANARY = "c4n4ry"


def _message(*headers: str, body: str = "") -> str:
    lines = ["REGISTER sip:pbx.example SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", *headers]
    return "\r\n".join([*lines, "", body])


@pytest.mark.parametrize(
    "header",
    [
        f'Authorization: Digest username="1001", realm="x", nonce="abc", response="{CANARY}", qop=auth',
        f"authorization:Digest response={CANARY}",
        f'PROXY-AUTHORIZATION : Digest response = "{CANARY}", cnonce="{CANARY}"',
        f'Authorization: Digest username="1001",\r\n realm="x",\r\n\tresponse="{CANARY}"',
        f'Authentication-Info: rspauth="{CANARY}", nextnonce="n", cnonce="{CANARY}"',
        f'Proxy-Authentication-Info: rspauth="{CANARY}"',
        f"Authorization: Basic {CANARY}==",
        f"Authorization: Bearer {CANARY}.x.y",
        f'Authorization: Digest response="a\\"{CANARY}"',
        f"Contact: <sip:1001:{CANARY}@192.0.2.1>",
        f"To: sips:1001:{CANARY}@pbx.example",
    ],
)
def test_no_secret_is_shown(header: str) -> None:
    shown = redact(_message(header, "Call-ID: c1"))
    assert CANARY not in shown
    assert "Call-ID: c1" in shown
    assert "***" in shown
    assert header[:4] in shown


def test_keys_of_encrypted_sound_are_not_shown() -> None:
    body = f"v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{CANARY}|2^20|1:4\r\n"
    assert redact(_message(body=body)).endswith("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***|2^20|1:4\r\n")


def test_everything_else_stays_as_it_was() -> None:
    message = _message(
        'WWW-Authenticate: Digest realm="x", nonce="abc"',
        "Contact: <sip:1001@192.0.2.1:5060;transport=tcp>, <sip:a@b>",
        "Subject: the password=none of your business, response=none",
        'Authorization: Digest username="1001", realm="the response", uri="sip:pbx.example", nc=00000001',
        body="v=0\r\n",
    )
    assert redact(message) == message


def test_a_record_tells_who_when_and_what() -> None:
    data = _message(f'Authorization: Digest response="{CANARY}"').encode() + b"\xff"
    record = trace_record("in", data, Hop("UDP", "192.0.2.1", 5060), 1700000000.0)
    assert record["direction"] == "in"
    assert record["peer"] == "udp:192.0.2.1:5060"
    assert record["at"] == 1700000000.0
    assert record["bytes"] == len(data)
    assert record["first_line"] == "REGISTER sip:pbx.example SIP/2.0"
    assert CANARY not in str(record)
    assert str(record["text"]).endswith("\\xff")


def test_a_monster_is_cut() -> None:
    record = trace_record("out", b"x" * 60_000, Hop("TCP", "192.0.2.1", 5060), 0.0)
    assert record["bytes"] == 60_000
    assert len(str(record["text"])) == SHOWN_BYTES
