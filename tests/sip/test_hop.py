import pytest

from device.sip.hop import Hop, NextHop, bracketed, ip_literal


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("[2001:db8:::192.0.2.1]", "2001:db8::192.0.2.1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("example.org", None),
        ("192.0.2", None),
        ("192.0.2.256", None),
        ("192.0.2.x", None),
        ("1.2.3.4.5", None),
        ("host:5060", None),
        ("", None),
        ("\u0661.2.3.4", None),
    ],
)
def test_ip_literals_are_told_from_names(host: str, address: str | None) -> None:
    assert ip_literal(host) == address


def test_only_ipv6_literals_get_brackets() -> None:
    assert [bracketed(host) for host in ("192.0.2.1", "a.example", "::1", "[::1]")] == [
        "192.0.2.1",
        "a.example",
        "[::1]",
        "[::1]",
    ]


@pytest.mark.parametrize(
    ("next_hop", "hop"),
    [
        (NextHop("192.0.2.1"), Hop("UDP", "192.0.2.1", 5060)),
        (NextHop("192.0.2.1", 5070, "tcp"), Hop("TCP", "192.0.2.1", 5070)),
        (NextHop("[::1]", transport="TLS"), Hop("TLS", "::1", 5061, names=("::1",))),
        (
            NextHop("192.0.2.1", None, "tls", "a.example"),
            Hop("TLS", "192.0.2.1", 5061, names=("192.0.2.1", "a.example")),
        ),
        (NextHop("pbx.example"), None),
        (NextHop("pbx.example", 5060, "UDP"), None),
    ],
)
def test_a_literal_needs_no_look_up(next_hop: NextHop, hop: Hop | None) -> None:
    assert next_hop.literal_hop() == hop


def test_the_same_path_is_the_same_connection_or_the_same_address_and_transport() -> None:
    here = Hop("TCP", "192.0.2.1", 5060, connection=3)
    assert here.is_same_path(Hop("TCP", "192.0.2.1", 5060))
    assert here.is_same_path(Hop("TCP", "192.0.2.1", 41000, connection=3))
    assert not here.is_same_path(Hop("TCP", "192.0.2.1", 41000, connection=4))
    assert not here.is_same_path(Hop("UDP", "192.0.2.1", 5060))
    assert not here.is_same_path(Hop("TCP", "192.0.2.2", 5060))


def test_a_hop_in_words() -> None:
    assert str(Hop("UDP", "::1", 5060)) == "udp:[::1]:5060"
    assert [Hop(name, "::1", 1).is_reliable for name in ("UDP", "TCP", "TLS")] == [False, True, True]


def test_a_tls_server_is_asked_for_the_name_that_was_looked_up_or_the_domain_of_the_account() -> None:
    assert NextHop("pbx.example").at("TLS", "192.0.2.1", 5061).names == ("pbx.example",)
    assert NextHop("pbx.example", domain="a.example").at("TLS", "192.0.2.1", 5061).names == ("pbx.example", "a.example")
    assert NextHop("a.example", domain="a.example").at("TLS", "192.0.2.1", 5061).names == ("a.example",)
    assert NextHop("pbx.example", domain="a.example").at("UDP", "192.0.2.1", 5060) == Hop("UDP", "192.0.2.1", 5060)


def test_one_address_may_be_the_server_of_two_domains() -> None:
    one, other = (Hop("TLS", "192.0.2.1", 5061, names=(name,)) for name in ("a.example", "b.example"))
    assert one.is_same_path(one)
    assert not one.is_same_path(other)
    assert one.is_same_path(Hop("TLS", "192.0.2.1", 5061))
