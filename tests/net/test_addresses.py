"""Addresses as the kernel sees them, and what an installer is told about one that cannot be used."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from device import plain_sockets
from device.net.addresses import (
    MAX_ZONES,
    NO_IPV6,
    SOMEWHERE,
    SOMEWHERE_IPV6,
    LinkLocalZones,
    NetError,
    bound_socket,
    explain_bind_error,
    family_of,
    has_route,
    is_ipv6,
    is_link_local,
    is_unspecified,
    local_address_towards,
    mark_packets,
    plain_host,
    socket_address,
    somewhere,
)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])
def test_some_addresses_stand_for_all(host: str) -> None:
    assert is_unspecified(host)


def test_a_real_address_stands_for_itself() -> None:
    assert not is_unspecified("192.0.2.1")
    assert is_ipv6("2001:db8::1")
    assert not is_ipv6("192.0.2.1")
    assert family_of("192.0.2.1") == socket.AF_INET
    assert family_of("::1") == socket.AF_INET6


@pytest.mark.parametrize("host", ["::ffff:192.0.2.1", "::FFFF:192.0.2.1"])
def test_ipv4_wrapped_in_ipv6_is_ipv4(host: str) -> None:
    assert not is_ipv6(host)
    assert family_of(host) == socket.AF_INET
    assert socket_address(host, 5060, socket.AF_INET) == ("192.0.2.1", 5060)
    assert socket_address(host, 5060, socket.AF_INET6) == ("::ffff:192.0.2.1", 5060)


@pytest.mark.parametrize(
    ("seen", "written"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1"), ("2001:db8::1", "2001:db8::1"), ("::1", "::1")],
)
def test_sip_writes_addresses_without_zone_and_wrapping(seen: str, written: str) -> None:
    assert plain_host(seen) == written


def test_a_dual_stack_socket_wants_ipv4_wrapped() -> None:
    assert socket_address("192.0.2.1", 5060, socket.AF_INET6) == ("::ffff:192.0.2.1", 5060)
    assert socket_address("192.0.2.1", 5060, socket.AF_INET) == ("192.0.2.1", 5060)
    assert socket_address("2001:db8::1", 5060, socket.AF_INET6) == ("2001:db8::1", 5060)


def test_a_neighbour_is_addressed_by_its_interface() -> None:
    assert socket_address("fe80::2%7", 5060, socket.AF_INET6) == ("fe80::2", 5060, 0, 7)
    loopback = socket.if_nametoindex("lo")
    assert socket_address("fe80::2%lo", 5060, socket.AF_INET6) == ("fe80::2", 5060, 0, loopback)
    with pytest.raises(OSError, match="no interface"):
        socket_address("fe80::2%nothing", 5060, socket.AF_INET6)


def test_our_address_is_that_of_the_way_out() -> None:
    assert local_address_towards("127.0.0.1") == "127.0.0.1"
    assert local_address_towards("127.9.9.9") == "127.0.0.1"


@pytest.mark.parametrize(("host", "fallback"), [("255.255.255.255", "127.0.0.1"), ("fe80::1%nothing", "::1")])
def test_without_a_way_out_a_message_can_still_be_written(host: str, fallback: str) -> None:
    assert local_address_towards(host) == fallback


def test_out_there_is_where_a_default_route_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    for routes, expected in (
        ({SOMEWHERE, SOMEWHERE_IPV6}, SOMEWHERE),
        ({SOMEWHERE_IPV6}, SOMEWHERE_IPV6),
        (set(), SOMEWHERE),
    ):
        monkeypatch.setattr("device.net.addresses.has_route", routes.__contains__)
        assert somewhere() == expected


def test_a_route_is_known_or_not() -> None:
    assert has_route("127.0.0.1")
    assert has_route("::1")
    assert not has_route("255.255.255.255")


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


def test_a_port_taken_at_every_address_is_told_too() -> None:
    with bound_socket(socket.SOCK_DGRAM, "", 0) as first, pytest.raises(NetError, match="already in use"):
        bound_socket(socket.SOCK_DGRAM, "", first.getsockname()[1])


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(NetError, match="no such address"):
        bound_socket(socket.SOCK_DGRAM, "192.0.2.1", 0)


def test_a_process_out_of_descriptors_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(plain_sockets, "socket", refuse)
    with pytest.raises(NetError, match="Too many open files"):
        bound_socket(socket.SOCK_STREAM, "127.0.0.1", 0)


@pytest.mark.parametrize("host", ["", "::"])
def test_every_address_of_both_families_can_be_listened_on(host: str) -> None:
    for peer_host in ("127.0.0.1", "::1"):
        with (
            bound_socket(socket.SOCK_DGRAM, host, 0) as both,
            socket.socket(family_of(peer_host), socket.SOCK_DGRAM) as peer,
        ):
            peer.bind((peer_host, 0))
            peer.sendto(b"x", (peer_host, both.getsockname()[1]))
            both.setblocking(True)
            both.settimeout(2)
            assert plain_host(both.recvfrom(10)[1][0]) == peer_host


@pytest.mark.parametrize("number", NO_IPV6)
def test_a_kernel_without_ipv6_gives_ipv4_alone(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def without_ipv6(family: int, *rest: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(number, "no IPv6 here")
        return real(family, *rest)

    monkeypatch.setattr(plain_sockets, "socket", without_ipv6)
    with bound_socket(socket.SOCK_DGRAM, "", 0) as sock:
        assert sock.family == socket.AF_INET
    with pytest.raises(NetError):
        bound_socket(socket.SOCK_DGRAM, "::", 0)


@pytest.mark.parametrize("switch", ["all", "default", "lo"])
def test_ipv6_that_is_switched_off_gives_ipv4_alone(switch: str) -> None:
    """A network namespace of its own, in which no interface has IPv6."""
    script = (
        "import socket\nfrom device.net.addresses import bound_socket, local_address_towards\n"
        "sock = bound_socket(socket.SOCK_DGRAM, '', 0)\nsock.setblocking(True)\n"
        "peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "peer.sendto(b'x', ('127.0.0.1', sock.getsockname()[1]))\n"
        "print(sock.recv(10), local_address_towards('::1'), local_address_towards('127.0.0.1'))\n"
    )
    command = f"echo 1 > /proc/sys/net/ipv6/conf/{switch}/disable_ipv6 && ip link set lo up && exec {sys.executable} -"
    # Who is root needs no user namespace, which a bare root under chroot could not have.
    apart = "-n" if os.geteuid() == 0 else "-rn"
    run = subprocess.run(
        ["unshare", apart, "sh", "-c", command], input=script, capture_output=True, text=True, timeout=20, check=True
    )
    assert run.stdout.split() == ["b'x'", "::1", "127.0.0.1"]


def test_packets_carry_the_mark_of_both_families() -> None:
    with bound_socket(socket.SOCK_DGRAM, "", 0) as both:
        mark_packets(both, 46)
        assert both.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 46 << 2
        assert both.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS) == 46 << 2


def test_a_kernel_without_dscp_is_put_up_with() -> None:
    class Refusing:
        family = socket.AF_INET6

        def setsockopt(self, *_: object) -> None:
            raise OSError(errno.EPERM, "no")

    mark_packets(Refusing(), 24)  # type: ignore[arg-type]


class TestLinkLocal:
    def test_a_neighbour_keeps_its_zone_and_is_known_again_without(self) -> None:
        zones = LinkLocalZones()
        assert zones.host_of(("fe80::2", 5060, 0, 3)) == "fe80::2%3"
        assert zones.complete("fe80::2") == "fe80::2%3"
        assert zones.complete("fe80::2%4") == "fe80::2%4"

    def test_other_sources_have_none(self) -> None:
        zones = LinkLocalZones()
        assert zones.host_of(("::ffff:192.0.2.1", 5060, 0, 3)) == "192.0.2.1"
        assert zones.host_of(("2001:db8::1", 5060, 0, 3)) == "2001:db8::1"
        assert zones.host_of(("fe80::2", 5060, 0, 0)) == "fe80::2"
        assert zones.host_of(("192.0.2.1", 5060)) == "192.0.2.1"
        assert zones.complete("2001:db8::1") == "2001:db8::1"

    def test_the_memory_of_them_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("device.net.addresses.IF_INET6", "/dev/null")
        zones = LinkLocalZones()
        for number in range(MAX_ZONES + 1):
            zones.host_of((f"fe80::{number + 1:x}", 5060, 0, 2))
        assert zones.complete("fe80::1") == "fe80::1"
        assert zones.complete("fe80::2") == "fe80::2%2"

    @pytest.mark.parametrize(
        ("interfaces", "completed"),
        [
            ("fe800000000000000000000000000001 04 40 20 80 eth0\n00..01 01 80 10 80 lo\n", "fe80::9%4"),
            ("fe80..01 04 40 20 80 eth0\nfe80..02 0a 40 20 80 wlan0\n", "fe80::9"),
            ("00..01 01 80 10 80 lo\n", "fe80::9"),
            (None, "fe80::9"),
        ],
        ids=["one", "two", "none", "no IPv6 at all"],
    )
    def test_an_unheard_neighbour_is_on_the_only_interface_there_is(
        self, interfaces: str | None, completed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        if interfaces is not None:
            (tmp_path / "if_inet6").write_text(interfaces)
        monkeypatch.setattr("device.net.addresses.IF_INET6", str(tmp_path / "if_inet6"))
        assert LinkLocalZones().complete("fe80::9") == completed

    @pytest.mark.parametrize(
        ("host", "is_one"), [("fe80::1", True), ("FEBF::1", True), ("fec0::1", False), ("fe80", False)]
    )
    def test_what_is_link_local(self, host: str, is_one: bool) -> None:
        assert is_link_local(host) is is_one
