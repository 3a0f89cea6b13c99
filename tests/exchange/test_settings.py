import pytest

from device.exchange.settings import ExchangeSettings
from device.records import fields, replace

GOOD = ExchangeSettings(domain="pbx.lan")


def test_the_defaults_need_only_a_domain() -> None:
    assert GOOD.faults() == []
    (fault,) = ExchangeSettings().faults()
    assert "exchange.domain" in fault


@pytest.mark.parametrize("domain", ["pbx", "192.0.2.1", "[2001:db8::1]", "PBX.example.com"])
def test_these_can_be_domains(domain: str) -> None:
    assert ExchangeSettings(domain=domain).faults() == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"domain": "pbx lan"}, "exchange.domain"),
        ({"domain": "pbx.lan:5060"}, "exchange.domain"),
        ({"domain": "2001:db8::1"}, "exchange.domain"),
        ({"min_expires_s": 0}, "min_expires_s"),
        ({"min_expires_s": 700}, "min_expires_s"),
        ({"default_expires_s": 4000}, "default_expires_s"),
        ({"max_contacts": 0}, "max_contacts"),
        ({"max_contacts": 61}, "max_contacts"),
        ({"nonce_lifetime_s": 1}, "nonce_lifetime_s"),
        ({"ring_timeout_s": 180}, "ring_timeout_s"),
        ({"server": "a\r\nb"}, "exchange.server"),
    ],
)
def test_each_fault_is_named(changes: dict[str, object], named: str) -> None:
    (fault,) = replace(GOOD, **changes).faults()
    assert named in fault


def test_every_setting_is_explained() -> None:
    assert set(ExchangeSettings.HELP) == {field.name for field in fields(ExchangeSettings)}
