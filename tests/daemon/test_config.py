"""Settings from text, all of them at once, with every fault."""

import pytest

from device.daemon.config import (
    SECTIONS,
    ConfigurationError,
    DaemonSettings,
    describe,
    names_in,
    parse_configuration,
    setting_exists,
)
from device.records import fields


def _faults(**values: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse_configuration({key.replace("__", "."): value for key, value in values.items()})
    return caught.value.faults


def test_without_values_all_has_its_default() -> None:
    configuration = parse_configuration({})
    assert configuration.sip.port == 5060
    assert configuration.daemon == DaemonSettings()
    for section in SECTIONS:
        assert getattr(configuration, section).faults() == []


def test_text_becomes_what_the_setting_is() -> None:
    configuration = parse_configuration(
        {
            "sip.port": " 5070 ",
            "sip.tcp": "No",
            "phone.flash": "on",
            "phone.hotline": "1002",
            "daemon.stop_timeout_s": "0.5",
        }
    )
    assert configuration.sip.port == 5070
    assert configuration.sip.tcp is False
    assert configuration.phone.flash is True
    assert configuration.phone.hotline == "1002"
    assert configuration.daemon.stop_timeout_s == 0.5


def test_every_fault_is_told_at_once() -> None:
    faults = _faults(
        sip__port="many",
        sip__tcp="perhaps",
        phone__hotline="a\nb",
        audio__kind="gramophone",
        daemon__log_level="loud",
        daemon__stop_timeout_s="inf",
        sip__prot="5060",
        nonsense="1",
    )
    text = "\n".join(faults)
    for words in (
        "sip.port: 'many' is not a whole number",
        "sip.tcp: 'perhaps' is neither on nor off",
        "phone.hotline: control characters are not allowed",
        "audio.kind: 'gramophone' is not one of alsa, wav, null",
        "daemon.log_level: 'loud' is not one of debug",
        "daemon.stop_timeout_s: 'inf' is not a finite number",
        "sip.prot: there is no such setting; did you mean sip.port?",
        "nonsense: there is no such setting",
    ):
        assert words in text
    assert len(faults) == 8


def test_a_number_that_is_none_is_told() -> None:
    assert _faults(daemon__stop_timeout_s="soon") == ["daemon.stop_timeout_s: 'soon' is not a number"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"daemon__rtp_first_port": "80"}, "80 to 16583"),
        ({"daemon__rtp_first_port": "30000"}, "30000 to 16583"),
        ({"daemon__stop_timeout_s": "31"}, "31 is not between 0 and 30"),
    ],
)
def test_the_daemons_own_settings_are_bounded(values: dict[str, str], words: str) -> None:
    assert words in _faults(**values)[0]


def test_every_setting_is_described() -> None:
    described = describe({"sip.port": "5070"})
    by_key = {item.key: item for item in described}
    assert (by_key["sip.port"].value, by_key["sip.port"].default, by_key["sip.port"].kind) == ("5070", "5060", "int")
    assert by_key["sip.tcp"].default == "on"
    assert by_key["daemon.stop_timeout_s"].default == "2"
    assert [item.key for item in described if not item.help] == []
    assert len(described) == sum(len(fields(section)) for section in SECTIONS.values())


def test_what_is_described_can_be_parsed_again() -> None:
    parse_configuration({item.key: item.value for item in describe({})})


@pytest.mark.parametrize("key", ["sip.port", "daemon.log_level"])
def test_a_setting_exists(key: str) -> None:
    assert setting_exists(key)


@pytest.mark.parametrize("key", ["", "sip", "sip.", "sip.prot", "SECTION", "sip.SECTION", "sip.HELP"])
def test_anything_else_does_not(key: str) -> None:
    assert not setting_exists(key)


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        ("sip.port: 0 is not between 1 and 65535", {"sip.port"}),
        ("daemon.rtp_first_port, daemon.rtp_last_port: no range", {"daemon.rtp_first_port", "daemon.rtp_last_port"}),
        ("media.jitter_min_ms, jitter_max_ms: rise", {"media.jitter_min_ms", "media.jitter_max_ms"}),
        ("sip.prot: there is no such setting; did you mean sip.port?", {"sip.prot"}),
    ],
)
def test_the_settings_that_a_fault_is_about_are_found(fault: str, names: set[str]) -> None:
    assert names_in(fault) == names


def test_every_fault_of_every_section_begins_with_its_settings() -> None:
    bad = {item.key: "-7" for item in describe({}) if item.kind in ("int", "float")}
    bad |= {item.key: "?" for item in describe({}) if item.kind == "str"}
    with pytest.raises(ConfigurationError) as caught:
        parse_configuration(bad)
    for fault in caught.value.faults:
        assert all(setting_exists(name) for name in names_in(fault)), fault
