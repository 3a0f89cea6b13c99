"""The capture keeps SIP and the kernel's time of it."""

import struct

from tests.board.capture import SO_TIMESTAMPNS, is_wanted, passed_at
from tests.board.pcap import Packet
from tests.board.test_pcap import INVITE, ipv4, udp


def test_sip_is_kept_and_sound_is_not() -> None:
    assert is_wanted(Packet(0, ipv4(udp(INVITE, 40_000, 40_001))))
    assert not is_wanted(Packet(0, ipv4(udp(bytes(172), 20_000, 20_002))))
    assert not is_wanted(Packet(0, b"\0" * 60))


def test_the_later_pieces_of_a_long_message_are_kept() -> None:
    assert is_wanted(Packet(0, ipv4(b"the rest of a body", fragment=185)))


def test_the_time_is_the_kernels() -> None:
    assert passed_at([(1, SO_TIMESTAMPNS, struct.pack("@qq", 1_800_000_000, 42))]) == 1_800_000_000_000_000_042
