"""Whose certificate it is, after RFC 5922 section 7; the certificates stand here as `ssl` would give them."""

import pytest

from device.net.certificates import Identities, identities, name_fault, person, proves, wildcard_matches

CN = ((("commonName", "Old.Example"),),)


def certificate(*names: tuple[str, str], subject: object = CN) -> dict[str, object]:
    return {"subject": subject, "subjectAltName": names} if names else {"subject": subject}


@pytest.mark.parametrize(
    ("fields", "domains"),
    [
        (certificate(("URI", "sip:a.example"), ("DNS", "b.example")), ("a.example",)),
        (certificate(("URI", "SIP:A.Example"), ("URI", "sip:b.example:5061")), ("a.example", "b.example")),
        (certificate(("URI", "sip:a.example;x=y"), ("URI", "sip:b.example?x=y")), ("a.example", "b.example")),
        # A single user's certificate, other schemes, and sips, which section 7.1 does not name, are nobody's domain.
        (certificate(("URI", "sip:bob@a.example"), ("DNS", "b.example")), ("b.example",)),
        (certificate(("URI", "sips:a.example"), ("URI", "https://c.example"), ("DNS", "b.example")), ("b.example",)),
        (certificate(("DNS", "B.Example."), ("DNS", "c.example")), ("b.example", "c.example")),
        # The common name counts only without any alternative name.
        (certificate(("email", "root@a.example")), ()),
        (certificate(), ("old.example",)),
        (certificate(subject=((("commonName", "A Server & Co"),),)), ()),
        (certificate(subject=((("organizationName", "a.example"),),)), ()),
        ({}, ()),
    ],
)
def test_the_domains_of_a_certificate(fields: dict[str, object], domains: tuple[str, ...]) -> None:
    assert identities(fields).domains == domains


@pytest.mark.parametrize(
    ("names", "wanted", "proved"),
    [
        ([("DNS", "a.example")], ["a.example"], True),
        ([("DNS", "a.example")], ["A.EXAMPLE."], True),
        ([("DNS", "a.example")], ["b.example", "a.example"], True),
        ([("DNS", "a.example")], ["sip.a.example"], False),
        ([("DNS", "sip.a.example")], ["a.example"], False),
        ([("URI", "sip:b.example"), ("DNS", "a.example")], ["a.example"], False),
        ([("DNS", "*.a.example")], ["sip.a.example"], False),
        ([("DNS", "192.0.2.1")], ["192.0.2.1"], False),
        ([("IP Address", "192.0.2.1")], ["192.0.2.1"], True),
        ([("IP Address", "192.0.2.1")], ["192.0.2.2"], False),
        ([("URI", "sip:192.0.2.1")], ["192.0.2.1"], True),
        ([("URI", "sip:[2001:DB8::1]:5061")], ["2001:db8::1"], True),
        ([("IP Address", "2001:DB8:0:0:0:0:0:1")], ["2001:db8::1"], True),
        ([("IP Address", "2001:DB8:0:0:0:0:0:1\n")], ["2001:0db8::0:1"], True),
        ([("IP Address", "2001:DB8:0:0:0:0:0:1")], ["2001:db8::2"], False),
        ([("DNS", "a.example")], [], False),
    ],
)
def test_what_a_certificate_proves(names: list[tuple[str, str]], wanted: list[str], proved: bool) -> None:
    assert proves(identities(certificate(*names)), wanted) is proved


@pytest.mark.parametrize(
    ("pattern", "name", "covers"),
    [
        ("*.a.example", "sip.a.example", True),
        ("*.a.example", "a.example", False),
        ("*.a.example", "x.sip.a.example", False),
        ("*.example", "a.example", False),
        ("s*.a.example", "sip.a.example", False),
        ("*.a.example", ".a.example", False),
    ],
)
def test_wildcards_cover_one_label_where_they_are_allowed(pattern: str, name: str, covers: bool) -> None:
    assert wildcard_matches(pattern, name) is covers
    assert proves(Identities((), (pattern,), ()), [name], wildcards=True) is covers
    assert not proves(Identities((), (pattern,), ()), [name])


def test_a_wildcard_is_no_address() -> None:
    assert not proves(Identities((), ("*.0.2.1",), ()), ["192.0.2.1"], wildcards=True)


def test_a_wrong_name_is_told_with_what_helps() -> None:
    text = name_fault(identities(certificate(("DNS", "a.example"), ("IP Address", "192.0.2.1"))), ["b.example", "c"])
    assert "is for a.example, 192.0.2.1, not for b.example or c" in text
    assert "account's domain or registrar" in text
    assert "tls_wildcards" not in text


def test_a_wildcard_that_would_do_is_told_with_its_setting() -> None:
    text = name_fault(identities(certificate(("DNS", "*.a.example"))), ["sip.a.example"])
    assert "is for *.a.example, not for sip.a.example" in text
    assert "sip.tls_wildcards=on" in text


def test_of_many_names_some_are_told() -> None:
    text = str(Identities((), tuple(f"{number}.example" for number in range(100)), ()))
    assert text.endswith("5.example and 94 more")
    assert str(Identities((), (), ())) == "nobody that it names"


@pytest.mark.parametrize(
    ("distinguished", "words"),
    [
        (((("organizationName", "Testers"),), (("commonName", "Root"),)), "Root of Testers"),
        (((("organizationName", "Testers"),),), "Testers"),
        ((), "somebody without a name"),
    ],
)
def test_people_in_words(distinguished: tuple[tuple[tuple[str, str]]], words: str) -> None:
    assert person(distinguished) == words
