"""Captures come back as they were written, and SIP is found in them."""

import struct
from pathlib import Path

import pytest

from tests.board.pcap import TCP, UDP, Packet, PcapWriter, decode, is_sip, read_pcap, sip_messages

INVITE = b"INVITE sip:1002@10.77.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.77.0.10\r\n\r\n"


def ethernet(payload: bytes, ethertype: int = 0x0800) -> bytes:
    return bytes(12) + ethertype.to_bytes(2, "big") + payload


def ipv4(payload: bytes, protocol: int = UDP, fragment: int = 0) -> bytes:
    header = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, fragment, 64, protocol, 0, b"\x0a\x4d\0\x0a", b"\x0a\x4d\0\x01"
    )
    return ethernet(header + payload)


def udp(payload: bytes, source: int = 5060, target: int = 5060) -> bytes:
    return struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload


def write(path: Path, *frames: bytes) -> list[Packet]:
    packets = [Packet(1_800_000_000_000_000_123 + number, frame) for number, frame in enumerate(frames)]
    with path.open("wb") as file:
        writer = PcapWriter(file)
        for packet in packets:
            writer.write(packet)
    return packets


def test_packets_come_back_with_their_nanoseconds(tmp_path) -> None:
    packets = write(tmp_path / "a.pcap", ipv4(udp(INVITE)), b"\x01\x02")
    assert list(read_pcap(tmp_path / "a.pcap")) == packets


def test_the_end_of_a_killed_capture_is_left_out(tmp_path) -> None:
    packets = write(tmp_path / "a.pcap", ipv4(udp(INVITE)), ipv4(udp(INVITE)))
    whole = (tmp_path / "a.pcap").read_bytes()
    for cut in (1, 20, 60):
        (tmp_path / "a.pcap").write_bytes(whole[:-cut])
        assert list(read_pcap(tmp_path / "a.pcap")) == packets[:1]


def test_another_file_is_no_capture(tmp_path) -> None:
    (tmp_path / "a.pcap").write_bytes(b"not a capture, whatever its name says")
    with pytest.raises(ValueError, match="no capture"):
        list(read_pcap(tmp_path / "a.pcap"))


def test_a_datagram_is_taken_out_of_its_frame() -> None:
    # Short Ethernet frames are padded, which is no part of the datagram.
    found = decode(Packet(5, ipv4(udp(b"hello", 4000, 9)) + b"\0" * 18))
    assert found is not None
    assert found == (5, ("10.77.0.10", 4000), ("10.77.0.1", 9), UDP, b"hello")
    assert not is_sip(found)


def test_ipv6_and_tcp_are_understood() -> None:
    segment = struct.pack(">HHIIBBHHH", 5060, 40_000, 0, 0, 5 << 4, 0x18, 0, 0, 0) + INVITE
    header = struct.pack(">IHBB16s16s", 6 << 28, len(segment), TCP, 64, bytes(15) + b"\1", bytes(15) + b"\2")
    found = decode(Packet(5, ethernet(header + segment, 0x86DD)))
    assert found is not None
    assert (found.protocol, found.payload, found.source) == (
        TCP,
        INVITE,
        ("0000:0000:0000:0000:0000:0000:0000:0001", 5060),
    )
    assert is_sip(found)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\0" * 14,
        ipv4(b"", UDP),
        ipv4(udp(b"rest"), fragment=20),
        ethernet(b"", 0x0806),
        ipv4(b"", 1),
        ethernet(b"\x60", 0x86DD),
    ],
)
def test_what_carries_nothing_is_passed_over(frame: bytes) -> None:
    assert decode(Packet(0, frame)) is None


def test_messages_of_sip_are_listed_with_their_first_line() -> None:
    rtp = ipv4(udp(b"\x80\0" + bytes(170), 20_000, 20_002))
    keep_alive = ipv4(udp(b"\r\n\r\n"))
    strange_port = ipv4(udp(b"SIP/2.0 200 OK\r\n\r\n", 40_000, 40_001))
    packets = [Packet(at, frame) for at, frame in enumerate((rtp, ipv4(udp(INVITE)), keep_alive, strange_port))]
    found = [(datagram.at_ns, line) for datagram, line in sip_messages(packets)]
    assert found == [(1, "INVITE sip:1002@10.77.0.1 SIP/2.0"), (3, "SIP/2.0 200 OK")]
