"""What an INVITE says about its caller."""

from pathlib import Path

import pytest

from device.sip import asserted_identity, call_facts
from device.sip.call_facts import MAX_HISTORY, CallFacts, read_facts
from device.sip.callee_session import TELLING
from device.sip.events import IncomingCall
from device.sip.headers import Headers
from device.sip.message import Request
from tests.support.sip_bench import OFFER, STRANGER, Bench, office


def facts(*headers: tuple[str, str], trusted: bool = True, from_: str = '"Bob" <sip:bob@192.0.2.2>;tag=1') -> CallFacts:
    return read_facts(Request("INVITE", "sip:x", Headers([("From", from_), *headers])), trusted=trusted)


def test_a_plain_caller() -> None:
    assert facts() == CallFacts("sip:bob@192.0.2.2", "Bob")


@pytest.mark.parametrize("name", ["P-Asserted-Identity", "Remote-Party-ID"])
def test_an_asserted_caller_counts_from_our_server_only(name: str) -> None:
    header = (name, '"Carol" <sip:+4420@example.org>')
    found = facts(header)
    assert (found.caller, found.caller_name, found.asserted) == ("sip:+4420@example.org", "Carol", True)
    found = facts(header, trusted=False)
    assert (found.caller, found.caller_name, found.asserted) == ("sip:bob@192.0.2.2", "Bob", False)


def test_an_asserted_number_without_a_name_keeps_the_name_of_the_from() -> None:
    assert facts(("P-Asserted-Identity", "<tel:+4420>")).caller_name == "Bob"


@pytest.mark.parametrize(
    "header", [("Privacy", "id"), ("Privacy", "header;user"), ("Remote-Party-ID", "<sip:c@d>;privacy=full")]
)
def test_privacy_is_respected(header: tuple[str, str]) -> None:
    found = facts(("P-Asserted-Identity", '"Carol" <sip:c@d>'), header, from_="<sip:anonymous@anonymous.invalid>;tag=1")
    assert (found.caller, found.caller_name, found.private) == ("sip:anonymous@anonymous.invalid", "Anonymous", True)


@pytest.mark.parametrize(
    ("text", "alert"),
    [
        ("<http://127.0.0.1/Bellcore-dr3>", "bellcore-dr3"),
        ("Bellcore-dr2", "bellcore-dr2"),
        ("<http://www.notused.com>;info=alert-internal;x-line-id=0", "internal"),
        ("<urn:alert:source:external>", "external"),
        ('<http://x>;info="Doorphone"', "door"),
        ("<http://x>;info=my-own", ""),
        ("<http://x", ""),
        ('<http://x>;info="open', ""),
    ],
)
def test_rings(text: str, alert: str) -> None:
    assert facts(("Alert-Info", text)).alert == alert


def test_words_of_the_caller() -> None:
    found = facts(
        ("Subject", "The door"),
        ("Priority", "Emergency"),
        ("Organization", "Works\x07"),
        ("Call-Info", "<http://x/p.jpg>;purpose=icon, <http://x/>;purpose=info, <sip:x>;answer-after=0"),
        ("Alert-Info", "<http://x/1.wav>, <http://x/2.wav>"),
        ("Referred-By", "<sip:dave@example.org>;cid=1"),
    )
    assert (found.subject, found.priority, found.organization) == ("The door", "emergency", "Works")
    assert found.call_info == ("icon http://x/p.jpg", "info http://x/", "info sip:x")
    assert found.alert_info == "<http://x/1.wav>"
    assert found.referred_by == "sip:dave@example.org"
    assert facts(("Referred-By", "<<")).referred_by == ""


def test_the_way_that_a_call_has_taken() -> None:
    found = facts(
        ("Diversion", '<sip:b@x>;reason=user-busy, <sip:a@x>;reason="no-answer"'),
        ("History-Info", "<sip:c@x?Reason=SIP%3Bcause%3D302>;index=1.2, <sip:a@x>;index=1, <sip:b@x>;index=1.1"),
    )
    assert found.diverted_by == ("sip:b@x (user-busy)", "sip:a@x (no-answer)")
    assert found.history == ("sip:a@x", "sip:b@x", "sip:c@x")
    assert facts(("Diversion", "<sip:b@x>")).diverted_by == ("sip:b@x",)


def test_a_long_way_is_cut_short() -> None:
    many = ", ".join(f"<sip:{number}@x>;index=1.{number}" for number in range(100))
    found = facts(("Diversion", many), ("History-Info", many), ("Call-Info", many))
    assert [len(value) for value in (found.diverted_by, found.history, found.call_info)] == [MAX_HISTORY] * 3
    assert facts(("Diversion", '<sip:a@x>, "open'), ("Subject", "x" * 500)).diverted_by == ()
    assert len(facts(("Subject", "x" * 500)).subject) == 200


@pytest.mark.parametrize(
    ("headers", "mode"),
    [
        ((("Answer-Mode", "Auto"),), ("auto", False)),
        ((("Answer-Mode", "Manual;require"),), ("manual", True)),
        ((("Answer-Mode", "Manual"), ("Priv-Answer-Mode", "Auto;require")), ("auto", True)),
        ((("Answer-Mode", "Perhaps"),), ("", False)),
    ],
)
def test_answer_modes(headers: tuple[tuple[str, str], ...], mode: tuple[str, bool]) -> None:
    found = facts(*headers)
    assert (found.answer_mode, found.answer_mode_required) == mode


def test_every_telling_header_is_looked_for() -> None:
    """The room of facts is entered for each header that it reads."""
    source = Path(call_facts.__file__).read_text() + Path(asserted_identity.__file__).read_text()
    assert {name for name in TELLING if f'"{name}"' not in source} == set()
    bench = Bench()
    for name in TELLING:
        bench.request("INVITE", call_id=name, body=OFFER, **{name: "x"})  # type: ignore[arg-type]
        assert bench.event(IncomingCall).facts is not None
    bench.request("INVITE", call_id="anonymous", body=OFFER, from_="<sip:anonymous@anonymous.invalid>;tag=1")
    assert bench.event(IncomingCall).caller_name == "Anonymous"
    bench.request("INVITE", call_id="plain", body=OFFER)
    assert bench.event(IncomingCall).facts is None


def test_the_owner_is_told_the_caller_that_our_server_asserts() -> None:
    bench = Bench(account=office())
    for number, (source, caller) in enumerate(
        (({}, "sip:carol@example.org"), ({"source": STRANGER}, "sip:bob@192.0.2.2"))
    ):
        bench.request(
            "INVITE",
            "sip:1001@192.0.2.1",
            call_id=f"c{number}",
            body=OFFER,
            P_Asserted_Identity="<sip:carol@example.org>",
            Require="answermode",
            **source,  # type: ignore[arg-type]
        )
        assert bench.event(IncomingCall).caller == caller
