"""Which servers are tried first after some have failed."""

import pytest

from device.sip.hop import Hop
from device.sip.hop_health import (
    CALL_GRACE_S,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    LONGEST_RETRY_AFTER_S,
    MAX_FAILED,
    HopHealth,
)

A, B, C = (Hop("UDP", f"192.0.2.{number}", 5060) for number in (1, 2, 3))


def test_those_that_are_well_keep_the_order_of_dns() -> None:
    assert HopHealth().order([B, A, C], "INVITE", 0.0) == [B, A, C]
    assert HopHealth().order([], "INVITE", 0.0) == []


def test_those_that_failed_come_last_and_none_is_left_out() -> None:
    health = HopHealth()
    health.note_failure(A, 100.0)
    assert health.order([A, B, C], "REGISTER", 100.0) == [B, C, A]
    assert health.has_failed(A)
    assert not health.has_failed(B)
    health.note_success(A)
    assert health.order([A, B, C], "REGISTER", 100.0) == [A, B, C]
    assert health.retry_at(A) is None


def test_when_all_have_failed_the_order_is_that_of_dns() -> None:
    health = HopHealth()
    for hop in (B, A):
        health.note_failure(hop, 100.0)
    assert health.order([A, B], "INVITE", 101.0) == [A, B]


def test_after_its_pause_one_request_finds_out_whether_it_is_back() -> None:
    health = HopHealth()
    health.note_failure(A, 100.0)
    assert health.retry_at(A) == 100.0 + FIRST_PAUSE_S
    assert health.order([A, B], "REGISTER", 129.9) == [B, A]
    assert health.order([A, B], "REGISTER", 130.0) == [A, B]
    # The others do not wait for what that one finds out.
    assert health.order([A, B], "OPTIONS", 130.1) == [B, A]


def test_a_call_is_not_the_first_to_find_out_and_an_ack_never() -> None:
    health = HopHealth()
    health.note_failure(A, 100.0)
    assert health.order([A, B], "INVITE", 130.0 + CALL_GRACE_S - 0.1) == [B, A]
    assert health.order([A, B], "ACK", 1e6) == [B, A]
    assert health.order([A, B], "INVITE", 130.0 + CALL_GRACE_S) == [A, B]


def test_the_pauses_grow_up_to_a_cap() -> None:
    health = HopHealth()
    now, pauses = 0.0, []
    for _ in range(6):
        health.note_failure(A, now)
        retry_at = health.retry_at(A)
        assert retry_at is not None
        pauses.append(retry_at - now)
        now = retry_at
    assert pauses == [30.0, 60.0, 120.0, 240.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


@pytest.mark.parametrize(("told", "pause"), [(7.0, 7.0), (90.0, 90.0), (1e9, LONGEST_RETRY_AFTER_S)])
def test_a_server_may_say_itself_when_to_come_again(told: float, pause: float) -> None:
    health = HopHealth()
    health.note_failure(A, 100.0, told)
    assert health.retry_at(A) == 100.0 + pause


def test_transports_of_one_host_fail_each_for_itself() -> None:
    health = HopHealth()
    health.note_failure(Hop("TCP", A.host, A.port, 7, ("example.org",)), 0.0)
    by_tcp = Hop("TCP", A.host, A.port)
    assert health.order([by_tcp, A], "INVITE", 0.0) == [A, by_tcp]


def test_the_memory_of_failures_is_bounded() -> None:
    health = HopHealth()
    hops = [Hop("UDP", "192.0.2.1", port) for port in range(1, MAX_FAILED + 2)]
    for hop in hops:
        health.note_failure(hop, 0.0)
    assert not health.has_failed(hops[0])
    assert all(health.has_failed(hop) for hop in hops[1:])
