"""RFC 3261 section 23: what becomes of S/MIME bodies, which this telephone does not know."""

import pytest

from device.sip.events import CallEstablished, IncomingCall
from tests.support.sip_bench import ANSWER, OFFER, Bench

SIGNED = 'multipart/signed; boundary="gap"; protocol="application/pkcs7-signature"; micalg=sha1'
SIGNATURE = (
    b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: binary\r\n%s\r\n\x30\x82"
)


def signed(description: bytes, handling: bytes = b"") -> bytes:
    parts = (b"Content-Type: application/sdp\r\n\r\n" + description, SIGNATURE % handling)
    return b"".join(b"--gap\r\n" + part + b"\r\n" for part in parts) + b"--gap--\r\n"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_optional_sealed_body_is_passed_over(bench: Bench) -> None:
    bench.request(
        "INVITE",
        body=b"\x30\x82",
        Content_Type="application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m",
        Content_Disposition="attachment; filename=smime.p7m; handling=optional",
    )
    assert bench.event(IncomingCall).offer == b""


def test_a_signed_description_is_read_as_an_unsigned_one(bench: Bench) -> None:
    bench.request("INVITE", body=signed(OFFER), Content_Type=SIGNED)
    assert bench.event(IncomingCall).offer == OFFER
    caller = Bench()
    caller.reply(caller.call(), 200, body=signed(ANSWER), Content_Type=SIGNED)
    assert caller.event(CallEstablished).sdp == ANSWER


def test_a_signature_that_must_be_looked_at_is_not_understood(bench: Bench) -> None:
    required = b"Content-Disposition: attachment; handling=required\r\n"
    bench.request("INVITE", body=signed(OFFER, required), Content_Type=SIGNED)
    assert bench.statuses() == [415]


def test_a_tunnelled_message_is_not_understood(bench: Bench) -> None:
    bench.request("INVITE", body=b"INVITE sip:x@y SIP/2.0\r\n\r\n", Content_Type="message/sip")
    assert bench.statuses() == [415]
