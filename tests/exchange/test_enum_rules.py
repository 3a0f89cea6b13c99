import pytest

from device.exchange.enum_rules import EnumRecord, enum_name, sip_uris

NUMBER = "+4930123456"
SIP = "E2U+SIP"


def record(
    regexp: str, order: int = 10, preference: int = 10, flags: str = "U", service: str = "E2U+SIP"
) -> EnumRecord:
    return EnumRecord(order, preference, flags, service, regexp)


def uris(*records: EnumRecord) -> list[str]:
    return [str(uri) for uri in sip_uris(NUMBER, records)]


def test_the_name_of_the_example_in_the_rfc() -> None:
    assert enum_name("+442079460148", "e164.arpa") == "8.4.1.0.6.4.9.7.0.2.4.4.e164.arpa"
    assert enum_name("+1", "enum.lan.") == "1.enum.lan"


@pytest.mark.parametrize(
    ("regexp", "uri"),
    [
        ("!^.*$!sip:info@example.com!", "sip:info@example.com"),
        (r"!^\+49(.*)$!sip:\1@example.com!", "sip:30123456@example.com"),
        (r"/^\+(4)(9)(.*)$/sip:\3\2\1@example.com/i", "sip:3012345694@example.com"),
        (r"!^(\+49)?.*$!sip:x\9y@example.com!", None),
        ("!^[+]49.*$!sip:a@example.com!", "sip:a@example.com"),
    ],
)
def test_expressions(regexp: str, uri: str | None) -> None:
    assert uris(record(regexp)) == ([uri] if uri else [])


@pytest.mark.parametrize(
    "regexp",
    [
        "",
        "!!",
        "!^.*$!sip:x@y",
        "!^.*$!sip:x@y!g",
        "1^.*$1sip:x@y1",
        r"\^.*$\sip:x@y\\",
        "!(!sip:x@y!",
        "!^1.*$!sip:x@example.com!",
        "!^.*$!not a uri!",
        "!^.*$!mailto:x@example.com!",
        "!^.*$!tel:+4930!",
        "!^(.*)*$!sip:x@example.com!",
        "!^(a+)+$!sip:x@example.com!",
        "!.*.*.*.*!sip:x@example.com!",
        "!" + "." * 200 + "!sip:x@example.com!",
    ],
)
def test_what_is_no_expression_or_none_that_is_followed(regexp: str) -> None:
    assert uris(record(regexp)) == []


def test_by_order_and_preference_and_of_sip_alone() -> None:
    records = (
        record("!^.*$!sip:third@x.example!", 20),
        record("!^.*$!sip:second@x.example!", 10, 20),
        record("!^.*$!sip:first@x.example!", 10, 10),
        record("!^.*$!sip:mail@x.example!", 5, service="E2U+EMAIL:MAILTO"),
        record("!^.*$!sip:more@x.example!", 5, flags=""),
        record("!^.*$!sip:old@x.example!", 30, service="SIP+E2U"),
    )
    assert uris(*records) == [f"sip:{name}@x.example" for name in ("first", "second", "third", "old")]


def test_no_more_than_a_few() -> None:
    assert len(uris(*(record(f"!^.*$!sip:{number}@x.example!") for number in range(50)))) == 5
