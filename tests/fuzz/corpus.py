"""What fuzzing begins with: the vectors, and what can be made of them for each target."""

from functools import cache
from pathlib import Path

from device.rtp.extended_report import ReceiverReferenceTime, ReceptionDelay, VoipMetrics, encode_blocks
from device.rtp.packet import encode_rtp
from device.rtp.rtcp import Bye, ExtendedReport, ReportBlock, SenderReport, SourceDescription, encode_compound
from device.sip.stun import encode_request
from tests.fuzz.targets import CUT
from tests.support import dns_wire
from tests.support.sip_bench import ANSWER, OFFER, OFFICE, Bench, office

VECTORS = Path(__file__).parent.parent / "vectors"
FOUND = VECTORS / "fuzz"
"""A folder for each target, with what was found."""

SESSION = (
    b"v=0\r\no=- 1 1 IN IP4 198.51.100.2\r\ns=-\r\nc=IN IP6 2001:db8::2/127\r\nt=0 0\r\na=sendonly\r\n"
    b"m=audio 5000 RTP/AVP 18 0 96 8 97\r\na=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-16,32\r\na=ptime:20\r\n"
    b"a=rtpmap:97 opus/48000/2\r\na=rtcp:5009 IN IP4 198.51.100.3\r\nc=IN IP4 0.0.0.0\r\nm=video 0 RTP/AVPF 31\r\n"
)

VALUES = (
    "sip:alice%20a:pw@host.example:5060;transport=tcp;lr?Subject=x&a=b",
    "tel:+44-20-7946;ext=7;isub=1%3B;phone-context=a.example",
    '"Bob \\"x\\"" <sip:bob@[2001:db8::1]:5061>;tag=1;q=0.5;expires=60',
    "SIP/2.0/TLS [2001:db8::9:1]:5061;branch=z9hG4bK1;received=192.0.2.1;rport=5060",
    'Digest realm="x, y", nonce="n", qop="auth,auth-int", algorithm=SHA-256, stale=TRUE, userhash=true',
    'Digest username="a", realm="x", nonce="n", uri="sip:x", response="0", qop=auth, nc=00000001, cnonce="c"',
    'nextnonce="n", qop=auth, rspauth="0", cnonce="c", nc=1',
    "2147483647 INVITE",
    "<sip:a>, <sip:b;lr>;x, sip:c",
    "call@host;to-tag=a;from-tag=b;early-only",
    "message-summary;id=7",
    "terminated;reason=noresource;retry-after=10;expires=5",
)


@cache
def messages() -> tuple[bytes, ...]:
    """Every vector of a SIP message."""
    found = [path for path in VECTORS.glob("sip/**/*") if path.suffix in (".sip", ".dat")]
    return tuple(path.read_bytes() for path in sorted(found))


def seeds(target: str) -> list[bytes]:
    """The inputs that a target begins with, those found before among them."""
    found = [path.read_bytes() for path in sorted((FOUND / target).glob("*"))]
    return found + _SEEDS[target]()


def _values() -> list[bytes]:
    return [value.encode() for value in VALUES]


def _streams() -> list[bytes]:
    whole = [data for data in messages() if b"ontent-Length" in data or b"\nl:" in data]
    return [*whole, CUT.join(whole[:3]), whole[0][:60] + CUT + whole[0][60:] + b"\r\n\r\n" + whole[1] + b"\r\n"]


def _sessions() -> list[bytes]:
    return [SESSION, *(data.partition(b"\r\n\r\n")[2] for data in messages() if b"\r\n\r\nv=0" in data)]


def _multiparts() -> list[bytes]:
    part = b"--x\r\nContent-Type: application/sdp\r\nContent-Disposition: session;handling=required\r\n\r\n"
    nested = b"--x\r\nContent-Type: multipart/alternative;boundary=y\r\n\r\n--y\r\n\r\na\r\n--y--\r\n--x--\r\n"
    return [b'multipart/mixed;boundary="x"\n' + part + SESSION + b"\r\n" + nested, b"multipart/alternative\n" + part]


def _responses() -> list[bytes]:
    """Answers of name servers: addresses, an alias, SRV, NAPTR, nothing, and a name that is a pointer."""
    pointer = b"\xc0\x0c"
    bodies = [
        (dns_wire.A, [dns_wire.address(pointer, "192.0.2.1"), dns_wire.address("x.example", "2001:db8::1")]),
        (dns_wire.A, [dns_wire.alias(pointer, "b.example"), dns_wire.address("b.example", "192.0.2.1")]),
        (dns_wire.SRV, [dns_wire.srv(pointer, 1, 2, 5060, "sip.example")]),
        (dns_wire.NAPTR, [dns_wire.naptr(pointer, 1, 2, "s", "SIP+D2U", "_sip._udp.example")]),
        (dns_wire.AAAA, []),
    ]
    header = b"\x00\x07\x81\x80\x00\x01\x00%c\x00\x00\x00\x00"
    return [
        header % len(records) + dns_wire.name("a.example") + kind.to_bytes(2, "big") + b"\x00\x01" + b"".join(records)
        for kind, records in bodies
    ]


def _calls() -> list[bytes]:
    """Whole calls to a telephone: INVITE, ACK, re-INVITE, BYE, as the far end sends them."""
    bench = Bench()
    sent: list[bytes] = []

    def note(method: str, **fields: object) -> None:
        request = bench.request(method, **fields)  # type: ignore[arg-type]
        sent.append(request.encode())

    note("INVITE", body=OFFER)
    bench.agent.answer(bench.events()[0].call_id, ANSWER, bench.now)  # type: ignore[attr-defined]
    ours = bench.sent_response()
    fields = {"to": str(ours.to), "from_": str(ours.from_), "call_id": ours.call_id}
    note("ACK", **fields)
    note("INVITE", body=OFFER, cseq=2, **fields)
    note("BYE", cseq=3, **fields)
    return [CUT.join(sent), CUT.join((sent[0], sent[0].replace(b"INVITE", b"CANCEL")))]


def _answers() -> list[bytes]:
    """What a called far end says: provisional, final, redirecting and challenging responses, and its BYE."""
    bench = Bench()
    invite = bench.call()
    ringing = bench.reply(invite, 180)
    accepted = bench.reply(invite, 200, body=ANSWER)
    bye = bench.request("BYE", to=str(accepted.from_), from_=str(accepted.to), call_id=accepted.call_id)
    moved = invite.response(302, to_tag="b")
    moved.headers.add("Contact", "<sip:b@192.0.2.9>;q=0.5, <sip:c@192.0.2.9>")
    refused = invite.response(407, to_tag="c")
    refused.headers.add("Proxy-Authenticate", 'Digest realm="x", nonce="n", qop="auth"')
    busy = invite.response(486, to_tag="d")
    return [
        CUT.join((ringing.encode(), accepted.encode(), bye.encode())),
        moved.encode(),
        refused.encode(),
        CUT.join((ringing.encode(), busy.encode())),
    ]


def _bodies() -> list[bytes]:
    return [
        b"SIP/2.0 180 Ringing\r\n",
        b"Signal=5\r\nDuration=160\r\n",
        b"text/plain;charset=iso-8859-1\nHello\xe9",
        b"Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n",
    ]


def _stun() -> list[bytes]:
    request = encode_request(b"\0" * 12)
    attributes = b"\x00\x20\x00\x08\x00\x01\x11\x22\x5e\x12\xa4\x43" + b"\x00\x09\x00\x04\x00\x00\x04\x20"
    length = len(attributes).to_bytes(2, "big")
    return [request, b"\x01\x01" + length + request[4:20] + attributes]


EXTENDED_BLOCKS = [ReceiverReferenceTime(5 << 32), ReceptionDelay(1, 2, 3), VoipMetrics(1, 2, 3, 4, 5, 6, 7, 8, 9)]


def _media() -> list[bytes]:
    report = SenderReport(1, 2, 3, 4, 5, (ReportBlock(1, 2, 3, 4, 5, 6, 7),))
    return [
        encode_rtp(101, 1, 2, 3, True, b"\x05\x8a\x01\x40"),
        b"\xb1\x80" + encode_rtp(0, 1, 2, 3, False, b"x" * 20)[2:],
        encode_compound([report, SourceDescription(((1, ((1, "a@b"),)),)), Bye((1,), "gone")]),
        encode_compound([report, ExtendedReport(1, encode_blocks(EXTENDED_BLOCKS))]),
    ]


def _registrations() -> list[bytes]:
    """What a registrar says: a challenge, contacts, a longer wish, a pause."""
    bench = Bench(account=office())
    bench.agent.start_registration(OFFICE, bench.now)
    register = bench.sent_request("REGISTER")
    answers = []
    for status, name, value in (
        (401, "WWW-Authenticate", 'Digest realm="pbx", nonce="n1", algorithm=MD5, qop="auth", stale=true'),
        (200, "Contact", "<sip:1001@192.0.2.1:5060>;expires=60, <sip:1001@192.0.2.9>;expires=5"),
        (423, "Min-Expires", "900"),
        (503, "Retry-After", "120 (busy)"),
        (302, "Contact", "<sip:192.0.2.9>"),
    ):
        response = register.response(status, to_tag="r")
        response.headers.add(name, value)
        answers.append(response.encode())
    return [*answers, CUT.join(answers[:2])]


_SEEDS = {
    "message": lambda: list(messages()),
    "value": _values,
    "stream": _streams,
    "sdp": _sessions,
    "multipart": _multiparts,
    "body": _bodies,
    "dns": _responses,
    "stun": _stun,
    "media": _media,
    "telephone": lambda: [*messages(), *_calls()],
    "telephone_stream": lambda: [*_streams(), *(seed.replace(CUT, b"") for seed in _calls())],
    "caller": lambda: [*_answers(), *messages()],
    "registering": lambda: [*_registrations(), *messages()],
    "exchange": lambda: [*messages(), *_calls()],
}
