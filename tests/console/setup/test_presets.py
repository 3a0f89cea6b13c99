"""The kinds of servers."""

from device.console.account_form import DEFAULTS
from device.console.setup.presets import PRESETS


def test_every_preset_sets_fields_that_accounts_have() -> None:
    for name, preset in PRESETS.items():
        assert set(preset.fields) <= set(DEFAULTS), name
        assert preset.title
        for field, value in preset.fields.items():
            assert type(value) is type(DEFAULTS[field]), (name, field)


def test_the_kinds_that_installers_ask_for_are_there() -> None:
    assert {"asterisk", "fritzbox", "kamailio", "freeswitch", "3cx", "sipgate", "any"} <= set(PRESETS)
