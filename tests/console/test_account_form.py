from typing import Any

import pytest

from device.console.account_form import DEFAULTS, FIELD_HELP, field_text, parse_field, value_choices
from device.console.errors import ConsoleError


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("address", "1001@pbx.example.com", {"user": "1001", "domain": "pbx.example.com"}),
        ("address", "sip:1001@pbx:5070", {"user": "1001", "domain": "pbx:5070"}),
        ("address", "192.0.2.7", {"user": "", "domain": "192.0.2.7"}),
        ("register", "off", {"register": False}),
        ("mwi", "Yes", {"mwi": True}),
        ("expires_s", "300", {"expires_s": 300}),
        ("transport", "tls", {"transport": "tls"}),
        ("privacy", "none", {"privacy": ""}),
    ],
)
def test_values(name: str, text: str, wanted: dict[str, Any]) -> None:
    assert parse_field(name, text) == wanted


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("address", "1001@", "is no address"), ("register", "maybe", "neither on nor off"), ("expires_s", "x", "whole")],
)
def test_values_that_are_none(name: str, text: str, said: str) -> None:
    with pytest.raises(ConsoleError, match=said):
        parse_field(name, text)


def test_every_field_of_an_account_can_be_typed() -> None:
    assert set(DEFAULTS) <= set(FIELD_HELP)
    assert set(FIELD_HELP) - set(DEFAULTS) == {"address", "password", "realm"}


def test_choices_and_texts() -> None:
    assert [name for name, _ in value_choices("transport")] == ["udp", "tcp", "tls", "auto"]
    assert [name for name, _ in value_choices("privacy")] == ["none", "id", "full"]
    assert [name for name, _ in value_choices("mwi")] == ["on", "off"]
    assert value_choices("domain") == []
    assert (field_text(True), field_text(300)) == ("on", "300")
