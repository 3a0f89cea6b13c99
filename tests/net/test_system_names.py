"""What /etc/resolv.conf and /etc/hosts say, and that a change of them is noticed."""

import os
from pathlib import Path

import pytest

from device.net.dns_message import AAAA, SRV, A
from device.net.system_names import (
    MAX_BYTES,
    ResolvConf,
    WatchedFile,
    addresses_of_type,
    parse_hosts,
    parse_resolv_conf,
)

RESOLV_CONF = """
# written by the router
nameserver 192.0.2.53   ; the first
nameserver fe80::1%eth0
nameserver dns.example
nameserver [2001:db8::53]
nameserver 2001:db8::53
nameserver 192.0.2.54
domain old.example
search Lan. example.org .
sortlist 130.155.160.0/255.255.240.0
options timeout:3 attempts:9 rotate ndots:2
options edns0
nameserver
"""


def test_a_resolv_conf_names_servers_search_list_and_options() -> None:
    assert parse_resolv_conf(RESOLV_CONF) == ResolvConf(
        servers=(("192.0.2.53", 53), ("fe80::1%eth0", 53), ("2001:db8::53", 53)),
        search=("lan", "example.org"),
        ndots=2,
        timeout_s=3.0,
        attempts=5,
        rotate=True,
    )


@pytest.mark.parametrize("options", ["timeout:", "timeout:x", "timeout:99999999999", "attempts:-1", ""])
def test_options_that_cannot_be_read_leave_the_default(options: str) -> None:
    assert parse_resolv_conf(f"options {options}\n") == ResolvConf()


def test_numbers_stay_within_reason() -> None:
    read = parse_resolv_conf("options timeout:0 attempts:0 ndots:99")
    assert (read.timeout_s, read.attempts, read.ndots) == (1.0, 1, 15)


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("pbx", ("pbx.lan", "pbx.example.org", "pbx")),
        ("pbx.", ("pbx",)),
        ("pbx.example.org", ("pbx.example.org",)),
    ],
)
def test_short_names_are_searched_for(name: str, candidates: tuple[str, ...]) -> None:
    assert ResolvConf(search=("lan", "example.org")).candidates(name) == candidates


def test_a_hosts_file_gives_addresses_in_its_order() -> None:
    read = parse_hosts(
        "127.0.0.1 localhost\n::1 localhost ip6-localhost # us\n\n192.0.2.7 PBX.lan. pbx\nrubbish x\n10.0.0.1\n"
    )
    assert read == {
        "localhost": ("127.0.0.1", "::1"),
        "ip6-localhost": ("::1",),
        "pbx.lan": ("192.0.2.7",),
        "pbx": ("192.0.2.7",),
    }
    assert addresses_of_type(read["localhost"], A) == ("127.0.0.1",)
    assert addresses_of_type(read["localhost"], AAAA) == ("::1",)
    assert addresses_of_type(read["localhost"], SRV) == ()


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    read: list[str] = []

    def parse(text: str) -> str:
        read.append(text)
        return text

    watched = WatchedFile(str(path), parse)
    assert watched.get() == ""
    assert watched.get() == ""
    path.write_text("one")
    assert watched.get() == "one"
    assert watched.get() == "one"
    other = tmp_path / "new"
    other.write_text("two")
    os.replace(other, path)
    assert watched.refresh()
    assert not watched.refresh()
    assert watched.get() == "two"
    path.unlink()
    assert watched.get() == ""
    assert read == ["", "", "one", "two", ""]


def test_an_endless_file_and_one_that_cannot_be_read_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"\xff" * (MAX_BYTES + 1))
    assert len(WatchedFile(str(path), str).get()) == MAX_BYTES
    assert WatchedFile(str(tmp_path), str).get() == ""
