"""A typical INVITE and its 200, as desk phones behind a proxy send them: some 900 bytes each with their SDP."""

_SDP = (
    "v=0\r\no=- 20518 20518 IN IP4 192.0.2.31\r\ns=call\r\nc=IN IP4 192.0.2.31\r\nt=0 0\r\n"
    "m=audio 11424 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
)

_DIALOG = (
    'From: "Alice Example" <sip:1001@pbx.example.com>;tag=9fxced76sl\r\n'
    "To: <sip:1002@pbx.example.com>{to_tag}\r\n"
    "Call-ID: 3848276298220188511@192.0.2.31\r\n"
    "CSeq: 102 INVITE\r\n"
)

_END = (
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER, INFO, UPDATE\r\n"
    "Supported: replaces, timer\r\n"
    "Content-Type: application/sdp\r\n"
    f"Content-Length: {len(_SDP)}\r\n"
    "\r\n" + _SDP
)

INVITE = (
    "INVITE sip:1002@192.0.2.44:5060;transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKd41d.87bb1f3;rport\r\n"
    "Via: SIP/2.0/UDP 192.0.2.31:5060;branch=z9hG4bK74bf9a22;received=192.0.2.31;rport=5060\r\n"
    "Max-Forwards: 69\r\n" + _DIALOG.format(to_tag="") + "Record-Route: <sip:192.0.2.1;lr;ftag=9fxced76sl>\r\n"
    "Contact: <sip:1001@192.0.2.31:5060;transport=udp>\r\n"
    "User-Agent: ExamplePhone/4.2\r\n" + _END
).encode()

OK = (
    "SIP/2.0 200 OK\r\n"
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKd41d.87bb1f3;rport=5060;received=192.0.2.1\r\n"
    "Via: SIP/2.0/UDP 192.0.2.31:5060;branch=z9hG4bK74bf9a22;received=192.0.2.31;rport=5060\r\n"
    + _DIALOG.format(to_tag=";tag=314159")
    + "Record-Route: <sip:192.0.2.1;lr;ftag=9fxced76sl>\r\n"
    "Contact: <sip:1002@192.0.2.44:5060;transport=udp>\r\n"
    "Server: ExamplePhone/4.2\r\n" + _END
).encode()


def strangers(data: bytes, count: int = 1000) -> list[bytes]:
    """The message from and to others each time: no address, URI or Via has been read before."""
    text = data.decode()
    return [
        text.replace("1001@", f"{2000 + number}@")
        .replace("1002@", f"{5000 + number}@")
        .replace("192.0.2.", f"192.{number // 200}.{number % 200}.")
        .encode()
        for number in range(count)
    ]
