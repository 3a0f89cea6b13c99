"""The settings of section [sip]."""

import pytest

from device.records import fields, replace
from device.sip.settings import UserAgentSettings


def test_the_defaults_are_good() -> None:
    assert UserAgentSettings().faults() == []


def test_every_setting_has_help() -> None:
    assert {field.name for field in fields(UserAgentSettings())} == set(UserAgentSettings.HELP)


def test_every_fault_is_reported_at_once() -> None:
    faults = replace(
        UserAgentSettings(), port=0, advertised_port=70000, max_calls=0, ip_call_user="", user_agent="a\r\nb"
    ).faults()
    assert len(faults) == 6
    assert "sip.port: 0 is not between 1 and 65535" in faults
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
