"""SIP messages as a capture file."""

import struct

from device.console.pcap import file_header, packet_of, redact

REGISTER = (
    "REGISTER sip:pbx SIP/2.0\r\nCall-ID: a\r\n"
    'Authorization: Digest username="1001", realm="pbx", nonce="abc", response="0123canary", uri="sip:pbx"\r\n\r\nbody'
)


def test_what_a_password_could_be_guessed_from_is_replaced() -> None:
    clean = redact(REGISTER)
    assert "0123canary" not in clean
    assert 'nonce="***"' in clean
    assert 'username="1001", realm="pbx"' in clean
    assert clean.endswith("\r\n\r\nbody")
    assert redact('SIP/2.0 401 X\r\nWWW-Authenticate: Digest nonce="n"\r\n\r\n').count("***") == 1
    assert redact("no header at all") == "no header at all"


def test_a_message_is_a_datagram_with_its_time_and_its_addresses() -> None:
    packet = packet_of(
        {"at": 12.5, "direction": "out", "peer": "udp:192.0.2.9:5070", "text": "OPTIONS sip:x SIP/2.0\r\n\r\n"}
    )
    seconds, micros, length, _ = struct.unpack_from("<IIII", packet)
    assert (seconds, micros, length) == (12, 500_000, len(packet) - 16)
    assert packet[16] == 0x45
    assert packet[16 + 16 : 16 + 20] == bytes([192, 0, 2, 9])
    assert struct.unpack_from("!HH", packet, 36) == (5060, 5070)
    assert packet[44:].startswith(b"OPTIONS")


def test_ipv6_and_inward() -> None:
    packet = packet_of({"at": 1.0, "direction": "in", "peer": "tcp:[2001:db8::9]:5061", "text": "x"})
    assert packet[16] >> 4 == 6
    assert struct.unpack_from("!HH", packet, 56) == (5061, 5060)


def test_a_peer_without_an_address_is_left_out() -> None:
    assert packet_of({"peer": "tls:pbx.example.com", "text": "x"}) == b""


def test_the_file_begins_as_libpcap_writes_it() -> None:
    assert file_header()[:4] == bytes.fromhex("d4c3b2a1")
    assert len(file_header()) == 24
