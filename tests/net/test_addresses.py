"""Addresses as the kernel sees them, and what an installer is told about one that cannot be used."""

import errno
import socket

import pytest

from device.net.addresses import (
    NetError,
    bound_socket,
    explain_bind_error,
    family_of,
    is_ipv6,
    is_unspecified,
    local_address_towards,
    plain_host,
    socket_host,
)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])
def test_some_addresses_stand_for_all(host: str) -> None:
    assert is_unspecified(host)


def test_a_real_address_stands_for_itself() -> None:
    assert not is_unspecified("192.0.2.1")
    assert is_ipv6("2001:db8::1")
    assert not is_ipv6("192.0.2.1")
    assert family_of("") == family_of("192.0.2.1") == socket.AF_INET
    assert family_of("::1") == socket.AF_INET6


@pytest.mark.parametrize(
    ("seen", "written"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1"), ("2001:db8::1", "2001:db8::1"), ("::1", "::1")],
)
def test_sip_writes_addresses_without_zone_and_wrapping(seen: str, written: str) -> None:
    assert plain_host(seen) == written


def test_a_dual_stack_socket_wants_ipv4_wrapped() -> None:
    assert socket_host("192.0.2.1", socket.AF_INET6) == "::ffff:192.0.2.1"
    assert socket_host("192.0.2.1", socket.AF_INET) == "192.0.2.1"
    assert socket_host("2001:db8::1", socket.AF_INET6) == "2001:db8::1"


def test_our_address_is_that_of_the_way_out() -> None:
    assert local_address_towards("127.0.0.1") == "127.0.0.1"
    assert local_address_towards("127.9.9.9") == "127.0.0.1"


@pytest.mark.parametrize(("host", "fallback"), [("255.255.255.255", "127.0.0.1"), ("fe80::1", "::1")])
def test_without_a_way_out_a_message_can_still_be_written(host: str, fallback: str) -> None:
    assert local_address_towards(host) == fallback


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EADDRINUSE, "already in use"),
        (errno.EADDRNOTAVAIL, "no such address"),
        (errno.EACCES, "below 1024"),
        (errno.EMFILE, "Too many open files"),
    ],
)
def test_a_socket_that_cannot_be_had_is_explained(number: int, words: str) -> None:
    error = OSError(number, "Too many open files")
    assert words in explain_bind_error(error, "UDP", "", 5060)
    assert "UDP 0.0.0.0:5060" in explain_bind_error(error, "UDP", "", 5060)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_taken_port_is_told_and_nothing_stays_open(kind: socket.SocketKind) -> None:
    with bound_socket(kind, "127.0.0.1", 0) as first, pytest.raises(NetError, match="already in use"):
        bound_socket(kind, "127.0.0.1", first.getsockname()[1])


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(NetError, match="no such address"):
        bound_socket(socket.SOCK_DGRAM, "192.0.2.1", 0)


def test_a_process_out_of_descriptors_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(NetError, match="Too many open files"):
        bound_socket(socket.SOCK_STREAM, "127.0.0.1", 0)


def test_every_address_of_both_families_can_be_listened_on() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with bound_socket(socket.SOCK_DGRAM, "::", 0) as both, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.sendto(b"x", ("127.0.0.1", both.getsockname()[1]))
        both.setblocking(True)
        both.settimeout(2)
        assert plain_host(both.recvfrom(10)[1][0]) == "127.0.0.1"
