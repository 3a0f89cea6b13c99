"""The settings of section [sip]."""

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
