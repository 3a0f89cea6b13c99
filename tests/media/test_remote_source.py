"""Whose packets are played and where ours go, in front of NAT, behind it, and under attack."""

import pytest

from device.media.remote_source import CONSISTENT_NEGOTIATED, CONSISTENT_PACKETS, QUIET_S, Address, RemoteSource

NEGOTIATED = ("192.0.2.9", 4000)
BEHIND_NAT = ("198.51.100.7", 61000)
ATTACKER = ("203.0.113.66", 5555)


def hear(remote: RemoteSource, source: Address, count: int, start_s: float = 0.0, first: int = 100) -> list[bool]:
    return [remote.accept(source, 7, (first + n) % 65536, start_s + 0.02 * n) for n in range(count)]


def test_a_peer_where_it_said_it_is() -> None:
    remote = RemoteSource(NEGOTIATED, symmetric=True)
    assert remote.destination == NEGOTIATED
    assert all(hear(remote, NEGOTIATED, 3))
    assert remote.latched == remote.destination == NEGOTIATED


def test_a_peer_behind_nat_is_heard_at_once_and_answered_when_proved() -> None:
    remote = RemoteSource(NEGOTIATED, symmetric=True)
    sent_to = []
    for n in range(CONSISTENT_PACKETS + 1):
        assert remote.accept(BEHIND_NAT, 7, 65534 + n & 0xFFFF, 0.02 * n)
        sent_to.append(remote.destination)
    assert sent_to == [NEGOTIATED] * (CONSISTENT_PACKETS - 1) + [BEHIND_NAT] * 2


def test_without_symmetry_the_peer_is_heard_but_we_send_where_it_said() -> None:
    remote = RemoteSource(NEGOTIATED, symmetric=False)
    assert all(hear(remote, BEHIND_NAT, 20))
    assert remote.destination == NEGOTIATED


def test_strangers_are_not_heard_once_the_peer_is_known() -> None:
    remote = RemoteSource(NEGOTIATED, symmetric=True)
    hear(remote, BEHIND_NAT, 10)
    for n in range(100):
        assert not remote.accept(ATTACKER, 7, n, 0.2 + 0.02 * n)
        assert remote.accept(BEHIND_NAT, 7, 110 + n, 0.2 + 0.02 * n)
    assert remote.destination == BEHIND_NAT


def test_single_stray_packets_prove_nothing() -> None:
    remote = RemoteSource(NEGOTIATED, symmetric=True)
    for n in range(50):
        remote.accept(ATTACKER, 7, 1000 * n % 65536, 0.02 * n)
    assert remote.destination == NEGOTIATED
    other_streams = RemoteSource(NEGOTIATED, symmetric=True)
    for n in range(50):
        other_streams.accept(ATTACKER, n, n, 0.02 * n)
    assert other_streams.destination == NEGOTIATED


def test_before_anyone_is_known_the_first_is_heard_and_the_second_not() -> None:
    remote = RemoteSource(NEGOTIATED, symmetric=True)
    assert remote.accept(BEHIND_NAT, 7, 1, 0.0)
    assert not remote.accept(ATTACKER, 8, 1, 0.01)
    assert remote.accept(BEHIND_NAT, 7, 2, 0.02)


def test_the_negotiated_address_wins_over_who_came_first() -> None:
    remote = RemoteSource(NEGOTIATED, symmetric=True)
    hear(remote, ATTACKER, 10)
    assert remote.destination == ATTACKER
    assert hear(remote, NEGOTIATED, 3, 0.3) == [False] * (CONSISTENT_NEGOTIATED - 1) + [True, True]
    assert remote.destination == NEGOTIATED
    assert not any(hear(remote, ATTACKER, 10, 0.4))


def test_a_silent_peer_may_come_back_from_elsewhere() -> None:
    remote = RemoteSource(NEGOTIATED, symmetric=True)
    hear(remote, BEHIND_NAT, 10)
    moved = ("198.51.100.7", 61999)
    assert not any(hear(remote, moved, 10, QUIET_S - 1))
    assert remote.destination == BEHIND_NAT
    assert hear(remote, moved, 10, QUIET_S + 1, first=500).count(True) == 10 - CONSISTENT_PACKETS + 1
    assert remote.destination == moved


def test_a_new_negotiation_begins_anew_only_with_a_new_address() -> None:
    remote = RemoteSource(NEGOTIATED, symmetric=True)
    hear(remote, BEHIND_NAT, 10)
    remote.update(NEGOTIATED, symmetric=True)
    assert remote.destination == BEHIND_NAT
    remote.update(("192.0.2.10", 4000), symmetric=True)
    assert remote.destination == ("192.0.2.10", 4000)
    assert remote.latched is None


@pytest.mark.parametrize("nowhere", [("0.0.0.0", 4000), ("::", 4000), ("", 4000), ("192.0.2.9", 0)])
def test_nothing_is_sent_to_nowhere_until_somebody_speaks(nowhere: Address) -> None:
    remote = RemoteSource(nowhere, symmetric=True)
    assert remote.destination is None
    hear(remote, BEHIND_NAT, CONSISTENT_PACKETS)
    assert remote.destination == BEHIND_NAT
