"""The settings of section [sip]."""

import pytest

from device.records import fields, replace
from device.sip.settings import UserAgentSettings, parse_dns_servers


def test_the_defaults_are_good() -> None:
    assert UserAgentSettings().faults() == []


def test_every_setting_has_help() -> None:
    assert {field.name for field in fields(UserAgentSettings())} == set(UserAgentSettings.HELP)


def test_every_fault_is_reported_at_once() -> None:
    faults = replace(
        UserAgentSettings(), port=-1, advertised_port=70000, max_calls=0, ip_call_user="", user_agent="a\r\nb"
    ).faults()
    assert len(faults) == 6
    assert "sip.port: -1 is not between 0 and 65535" in faults
    assert any(fault.startswith("sip.ip_call_user: is empty") for fault in faults)
    assert any(fault.startswith("sip.user_agent: contains a line break") for fault in faults)
    assert any("advertised_address is empty" in fault for fault in faults)


@pytest.mark.parametrize("address", ["192.0.2.1", "::", "::1", "2001:db8::5", "fe80::1%eth0", "::ffff:192.0.2.1"])
def test_addresses_to_listen_on(address: str) -> None:
    assert replace(UserAgentSettings(), bind_address=address).faults() == []


@pytest.mark.parametrize("address", ["foo bar", "999.1.1.1", "example.org", "[::1]", "1:2", "::g"])
def test_what_is_no_address_is_refused(address: str) -> None:
    assert len(replace(UserAgentSettings(), bind_address=address).faults()) == 1


def test_names_that_would_break_an_address_are_refused() -> None:
    faults = replace(UserAgentSettings(), advertised_address="a b", ip_call_user="a b").faults()
    assert len(faults) == 2


def test_name_servers_are_addresses_with_or_without_port() -> None:
    text = "192.0.2.53, 127.0.0.1:5353 2001:db8::53,[2001:db8::54]:54 [::1]"
    assert parse_dns_servers(text) == (
        ("192.0.2.53", 53),
        ("127.0.0.1", 5353),
        ("2001:db8::53", 53),
        ("2001:db8::54", 54),
        ("::1", 53),
    )
    assert replace(UserAgentSettings(), dns_servers=text).faults() == []
    assert parse_dns_servers(" , ") == ()


@pytest.mark.parametrize("server", ["dns.example", "192.0.2.53:0", "192.0.2.53:70000", "[::1]53", "1:2:x"])
def test_what_is_no_name_server_is_refused(server: str) -> None:
    faults = replace(UserAgentSettings(), dns_servers=f"192.0.2.1 {server}").faults()
    assert faults == [f"sip.dns_servers: {server} is no IP address, with or without a port; write 192.0.2.53:53"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tls_minimum": "1.1"}, "sip.tls_minimum: '1.1' is not one of 1.2, 1.3"),
        ({"tls_key": "/etc/key.pem"}, "sip.tls_key: is set but sip.tls_certificate is empty"),
        ({"tls_certificate": "/etc/cert.pem", "tls_port": 5060}, "sip.tls_port: 5060 is that of sip.port"),
        ({"tls_system_cas": False}, "sip.tls_system_cas: is off but sip.tls_ca_file is empty"),
        ({"tls_ca_file": "ca.pem"}, "sip.tls_ca_file: 'ca.pem' is no absolute path"),
        ({"tls_port": 70000}, "sip.tls_port: 70000 is not between 0 and 65535"),
        ({"dscp": 64}, "sip.dscp: 64 is not between 0 and 63"),
    ],
)
def test_settings_of_transports_that_cannot_be(changes: dict[str, object], words: str) -> None:
    (fault,) = replace(UserAgentSettings(), **changes).faults()
    assert fault.startswith(words)


@pytest.mark.parametrize(
    "changes",
    [
        {"port": 0, "tls_port": 0, "tls_certificate": "/etc/cert.pem"},
        {"tls_certificate": "/etc/cert.pem", "tls_key": "/etc/key.pem", "tls_minimum": "1.3"},
        {"tls_system_cas": False, "tls_ca_file": "/etc/ca.pem"},
        {"tls_system_cas": False, "tls_verify": False},
        {"tls_port": 5060},
        {"dscp": 0},
    ],
)
def test_settings_of_transports_that_can(changes: dict[str, object]) -> None:
    assert replace(UserAgentSettings(), **changes).faults() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"session_min_se_s": 89}, "sip.session_min_se_s: 89 is not between 90 and 86400"),
        (
            {"session_expires_s": 100, "session_min_se_s": 200},
            "sip.session_expires_s: 100 is below sip.session_min_se_s",
        ),
    ],
)
def test_intervals_of_sessions(changes: dict[str, int], words: str) -> None:
    assert UserAgentSettings(session_expires_s=0, session_min_se_s=200).faults() == []
    (fault,) = UserAgentSettings(**changes).faults()  # type: ignore[arg-type]
    assert fault.startswith(words)
