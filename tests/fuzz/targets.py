"""What is fed with arbitrary bytes, and what must hold whatever they are."""

from collections.abc import Callable
from contextlib import suppress
from itertools import islice

from device.model import CallId
from device.net.dns_message import DnsMessageError, parse_response
from device.rtp.errors import RtpError
from device.rtp.extended_report import encode_blocks, parse_blocks
from device.rtp.packet import parse_rtp
from device.rtp.rtcp import ExtendedReport, parse_rtcp
from device.rtp.telephone_event import TelephoneEventReceiver
from device.sdp.errors import SdpError
from device.sdp.offer_answer import AudioFormat, LocalMedia, build_answer, build_offer, find_audio, read_answer
from device.sdp.parser import parse_sdp
from device.sip.auto_answer import auto_answer_delay
from device.sip.call_facts import read_facts
from device.sip.digest import parse_authentication_info, parse_challenges, parse_credentials
from device.sip.endpoint import SipEndpoint
from device.sip.errors import SipParseError
from device.sip.events import IncomingCall
from device.sip.headers import (
    Headers,
    parse_cseq,
    parse_expires,
    parse_int_header,
    parse_name_addr,
    parse_name_addr_list,
    parse_params,
    parse_q,
    parse_token_list,
    parse_via,
    parse_via_list,
    split_commas,
)
from device.sip.hop import Hop
from device.sip.info import read_digit
from device.sip.instant_message import read_text
from device.sip.message import Message, Request
from device.sip.multipart import find_session, is_acceptable
from device.sip.parser import StreamFramer, is_contact_read, is_keepalive, parse_message, validate
from device.sip.refer import parse_referral, parse_replaces, parse_sipfrag
from device.sip.session_timer import read_interval, read_minimum
from device.sip.stun import is_stun, parse_stun
from device.sip.subscription import parse_event, parse_subscription_state
from device.sip.tel_uri import called_number, parse_subscriber, parse_tel
from device.sip.transaction_layer import LookupWanted
from device.sip.uri import parse_uri
from tests.exchange.switchboard import Switchboard, two_phones
from tests.support.sip_bench import ANSWER, OFFICE, Bench, office

Target = Callable[[bytes], None]

CUT = b"\0\xff\0\xff"
"""Parts one datagram, or one piece of a stream, from the next."""
PIECES_AT_MOST = 8

PEER = Hop("UDP", "192.0.2.2", 5060)
STREAM = Hop("TCP", "192.0.2.2", 40000, 7)

PARSERS: tuple[Callable[[str], object], ...] = (
    parse_uri,
    parse_name_addr,
    parse_name_addr_list,
    parse_via,
    parse_via_list,
    parse_cseq,
    parse_int_header,
    parse_expires,
    parse_q,
    parse_token_list,
    parse_params,
    split_commas,
    parse_challenges,
    parse_credentials,
    parse_authentication_info,
    parse_subscriber,
    parse_replaces,
    parse_event,
    parse_subscription_state,
)

LOCAL = LocalMedia("192.0.2.1", 4000, (AudioFormat(8, "PCMA"), AudioFormat(0, "PCMU")), 101, session_id=7)


def pieces_of(data: bytes) -> list[bytes]:
    """The datagrams of one input."""
    return data.split(CUT)[:PIECES_AT_MOST]


def use(message: Message) -> None:
    """Do with a validated message what the stack does; nothing here may raise."""
    assert message.top_via.transport
    further = [*message.contacts, *message.record_routes] if is_contact_read(message, message.cseq.method) else []
    for address in (message.from_, message.to, *message.routes, *further):
        assert parse_name_addr(str(address)) == address
        assert isinstance((address.tag, address.q, address.expires, address.uri.matches(address.uri)), tuple)
    assert parse_via(str(message.top_via)).params == message.top_via.params
    _ = (message.call_id, message.expires, message.content_type, message.contact_is_star, message.top_via.rport)
    _ = (message.tokens("Supported"), parse_challenges(message.headers.get_all("WWW-Authenticate")))
    assert read_minimum(message) >= 90
    read_interval(message)
    again = parse_message(message.encode())
    validate(again)
    assert list(again.headers.items()) == list(message.headers.items())
    assert again.body == message.body
    if isinstance(message, Request):
        assert isinstance(again, Request)
        assert (again.method, again.uri) == (message.method, message.uri)
        auto_answer_delay(message)
        for trusted in (True, False):
            read_facts(message, trusted=trusted)
        tolerate(lambda _: parse_referral(message), "")
        answer = parse_message(message.response(200, to_tag="x").encode())
        validate(answer)
        assert answer.to.tag


def tolerate(parse: Callable[[str], object], text: str) -> None:
    """Parse; what is wrong may be said, in few words that a log can show."""
    fault = ""
    try:
        parse(text)
    except SipParseError as error:
        fault = str(error)
    assert fault.isascii()
    assert len(fault) < 1000


def chew_message(data: bytes) -> None:
    """One datagram to the parser."""
    is_keepalive(data)
    try:
        message = parse_message(data)
        validate(message)
    except SipParseError as error:
        if error.partial is not None and error.status is not None:
            error.partial.response(error.status, to_tag="x").encode()
        return
    use(message)
    for name in ("Authorization", "Proxy-Authorization"):
        for value in message.headers.get_all(name):
            tolerate(parse_credentials, value)
    tolerate(lambda _: message.vias, "")


def chew_value(data: bytes) -> None:
    """One value of a header field to each of its parsers."""
    text = data.decode("utf-8", "surrogateescape").replace("\r", "").replace("\n", "")
    for parse in PARSERS:
        tolerate(parse, text)
    for parse, start in ((parse_uri, "sip:"), (parse_via, "SIP/2.0/UDP "), (parse_credentials, "Digest ")):
        tolerate(parse, start + text)
    for scheme in ("tel:", "sip:"):
        with suppress(SipParseError):
            uri = parse_uri(scheme + text)
            assert str(uri) == scheme + text
            assert uri.matches(uri)
            called_number(uri)
            if uri.scheme == "tel":
                tel = parse_tel(uri)
                assert parse_subscriber(str(tel).partition(":")[2]).matches(tel)


def frames_of(pieces: list[bytes]) -> list[bytes]:
    """The messages of a stream until its first fault; keep-alives depend on where a stream is cut."""
    framer = StreamFramer()
    frames: list[bytes] = []
    for piece in pieces:
        try:
            frames += [frame for frame in framer.receive_data(piece) if isinstance(frame, bytes)]
        except SipParseError:
            break
    return frames


def chew_stream(data: bytes) -> None:
    """A stream in pieces: the same messages wherever it is cut."""
    pieces = pieces_of(data)
    frames = frames_of(pieces)
    assert frames_of([b"".join(pieces)]) == frames
    for frame in frames:
        chew_message(frame)


def chew_sdp(data: bytes) -> None:
    """A session description, read, answered and read as an answer."""
    try:
        description = parse_sdp(data)
    except SdpError:
        return
    find_audio(description)
    again = parse_sdp(description.encode())
    assert len(again.media) == len(description.media)
    with suppress(SdpError):
        answer, _ = build_answer(description, LOCAL, 1)
        assert len(parse_sdp(answer.encode()).media) == len(description.media)
    with suppress(SdpError):
        read_answer(build_offer(LOCAL, 1), description, LOCAL)


def chew_multipart(data: bytes) -> None:
    """A body of several parts; the first line is its Content-Type."""
    first, _, body = data.partition(b"\n")
    for content_type in (first.decode("utf-8", "surrogateescape").strip(), "multipart/mixed;boundary=x"):
        find_session(content_type, body)
        with suppress(SipParseError):
            is_acceptable(content_type, body)


def chew_body(data: bytes) -> None:
    """The bodies of INFO, NOTIFY and MESSAGE."""
    parse_sipfrag(data)
    for content_type in ("application/dtmf-relay", "application/dtmf"):
        assert len(read_digit(content_type, data)) <= 1
    first, _, body = data.partition(b"\n")
    headers = Headers([("Content-Type", first.decode("utf-8", "replace").replace("\r", ""))])
    with suppress(SipParseError):
        read_text(headers, body, "text/plain")


def chew_stun(data: bytes) -> None:
    """A STUN message on the SIP port."""
    if is_stun(data):
        parse_stun(data)


def chew_media(data: bytes) -> None:
    """A datagram at the ports of RTP and RTCP."""
    with suppress(RtpError):
        packet = parse_rtp(data)
        assert len(packet.payload) <= len(data)
        TelephoneEventReceiver().receive(packet)
    with suppress(RtpError):
        for report in parse_rtcp(data):
            if isinstance(report, ExtendedReport):
                encode_blocks(parse_blocks(report.blocks))


def chew_dns(data: bytes) -> None:
    """A response of a name server."""
    try:
        response = parse_response(data)
    except DnsMessageError:
        return
    records, ttl_s = response.find()
    assert ttl_s >= 0
    assert len(records) <= len(response.answers)


def chew_telephone(data: bytes) -> None:
    """Datagrams to a telephone, which answers the calls among them."""
    bench = Bench()
    for piece in pieces_of(data):
        bench.endpoint.receive_datagram(piece, PEER, bench.now)
        answer_calls(bench)
    come_to_rest(bench)


def chew_telephone_stream(data: bytes) -> None:
    """Pieces of a stream to a telephone."""
    bench = Bench()
    for piece in pieces_of(data):
        bench.endpoint.receive_stream(piece, STREAM, bench.now)
        answer_calls(bench)
    bench.endpoint.connection_closed(STREAM, bench.now)
    come_to_rest(bench)


def chew_caller(data: bytes) -> None:
    """What a far end says to a telephone that is calling it."""
    bench = Bench()
    bench.call()
    for piece in pieces_of(data):
        bench.endpoint.receive_datagram(piece, PEER, bench.now)
        bench.sent()
    bench.agent.hang_up(CallId("call"), bench.now)
    come_to_rest(bench)


def chew_registering(data: bytes) -> None:
    """What a server says to a telephone that registers."""
    bench = Bench(account=office())
    bench.agent.start_registration(OFFICE, bench.now)
    bench.sent()
    for piece in pieces_of(data):
        bench.endpoint.receive_datagram(piece, PEER, bench.now)
        bench.sent()
        bench.advance(1.0)
    bench.agent.remove_account(OFFICE, bench.now)
    come_to_rest(bench)


def answer_calls(bench: Bench) -> None:
    """Answer whatever rings."""
    for event in bench.events():
        if isinstance(event, IncomingCall):
            bench.agent.answer(event.call_id, ANSWER, bench.now)
    bench.sent()


def come_to_rest(bench: Bench) -> None:
    """Hang up everything; afterwards no transaction is left and the telephone answers."""
    for number in range(1, PIECES_AT_MOST + 1):
        bench.agent.hang_up(CallId(f"in-{number}"), bench.now)
    for _ in range(40):
        bench.advance(10.0)
        bench.sent()
    assert len(bench.endpoint.layer) == 0, "transactions are left"
    bench.events()
    bench.request("OPTIONS", call_id="afterwards", branch="z9hG4bK-afterwards")
    assert bench.statuses() == [200]


def chew_exchange(data: bytes) -> None:
    """Datagrams to an exchange with two telephones."""
    board = Switchboard()
    two_phones(board)
    for piece in pieces_of(data):
        feed_exchange(board.endpoint, piece)
        board.flush()
    for _ in range(40):
        board.advance(10.0)
    assert (len(board.endpoint.layer), board.exchange.under_way) == (0, 0), "transactions are left"


def feed_exchange(endpoint: SipEndpoint, piece: bytes) -> None:
    endpoint.receive_datagram(piece, PEER, 0.0)
    for event in islice(iter(endpoint.next_event, None), 100):
        if isinstance(event, LookupWanted):
            endpoint.receive_lookup(event.next_hop, [PEER], 0.0)


TARGETS: dict[str, Target] = {
    "message": chew_message,
    "value": chew_value,
    "stream": chew_stream,
    "sdp": chew_sdp,
    "multipart": chew_multipart,
    "body": chew_body,
    "dns": chew_dns,
    "stun": chew_stun,
    "media": chew_media,
    "telephone": chew_telephone,
    "telephone_stream": chew_telephone_stream,
    "caller": chew_caller,
    "registering": chew_registering,
    "exchange": chew_exchange,
}
