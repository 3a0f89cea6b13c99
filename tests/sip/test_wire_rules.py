"""Calls over a network that loses, doubles and reorders: every message on the wire keeps to RFC 3261."""

from types import SimpleNamespace

import pytest

from tests.sip.test_lossy_sessions import SessionPerson
from tests.support.sip_phones import Person, TwoPeople
from tests.support.wire_rules import WireRules

CALLS = 200
BATCH = 50
NETWORKS = ((0.0, 0.0, (0.01, 0.01)), (0.3, 0.15, (0.01, 0.6)))
"""Loss, duplication and delays in seconds: a good network and a bad one."""
KINDS: dict[type[Person], dict[str, object]] = {
    Person: {},
    SessionPerson: {"reliable_ringing": True, "session_expires_s": 90},
}
"""Who calls whom, by which settings: the second kind has PRACK, UPDATE and session timers."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", range(0, CALLS, BATCH))
def test_every_message_keeps_the_rules(first: int, kind: type[Person]) -> None:
    messages = 0
    for seed in range(first, first + BATCH):
        people = TwoPeople(seed, *NETWORKS[seed % 2], kind, **KINDS[kind])
        rules = [WireRules(person.endpoint) for person in (people.caller, people.callee)]
        people.caller.call("192.0.2.2", 0.0)
        people.run(60.0)
        people.run(140.0, step=20.0)
        for person in (people.caller, people.callee):
            person.hang_up(people.link.now)
        people.run(300.0, step=40.0)
        for one in rules:
            assert one.finish() == [], f"seed {seed}"
            messages += one.messages
    assert messages > 10 * BATCH


# The rules themselves: what breaks one is found.


def message(start: str, cseq: str, branch: str = "1", to: str = "", **fields: str) -> bytes:
    lines = {
        "Via": f"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{branch}",
        "Max-Forwards": "70",
        "From": "<sip:a@x>;tag=a",
        "To": f"<sip:b@x>{to}",
        "Call-ID": "c",
        "CSeq": cseq,
        "Contact": "<sip:a@192.0.2.1>",
        "Content-Length": "0",
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    return "\r\n".join([start, *(f"{name}: {value}" for name, value in lines.items() if value), "", ""]).encode()


INVITE = message("INVITE sip:b@x SIP/2.0", "1 INVITE")
OPTIONS = message("OPTIONS sip:b@x SIP/2.0", "1 OPTIONS")
RINGING = message("SIP/2.0 180 Ringing", "1 INVITE", to=";tag=b")
BUSY = message("SIP/2.0 486 Busy Here", "1 INVITE", to=";tag=b")
OK = message("SIP/2.0 200 OK", "1 INVITE", to=";tag=b")
ACK = message("ACK sip:b@x SIP/2.0", "1 ACK", to=";tag=b", Contact="")


def faults(*steps: tuple[str, bytes] | tuple[str, bytes, float]) -> list[str]:
    """What the rules say about messages that an endpoint gets and sends."""
    endpoint = SimpleNamespace(on_trace=None)
    rules = WireRules(endpoint)  # type: ignore[arg-type]
    for direction, data, *at in steps:
        endpoint.on_trace(direction, data, None, at[0] if at else 0.0)
    return rules.finish()


def test_a_call_by_the_rules() -> None:
    bye = message("BYE sip:b@x SIP/2.0", "2 BYE", "3", ";tag=b")
    answered = message("ACK sip:b@x SIP/2.0", "1 ACK", "2", ";tag=b", Contact="")
    assert faults(("out", INVITE), ("in", RINGING), ("in", OK), ("out", answered), ("out", bye)) == []
    assert faults(("in", INVITE), ("out", RINGING), ("out", OK), ("in", answered), ("out", bye)) == []
    assert faults(("out", INVITE), ("out", INVITE), ("in", BUSY), ("out", ACK), ("out", ACK)) == []


@pytest.mark.parametrize(
    ("section", "steps"),
    [
        ("17.1", (("out", INVITE), ("out", INVITE.replace(b"70", b"69")))),
        ("8.1.1.6", (("out", OPTIONS.replace(b"Max-Forwards: 70\r\n", b"")),)),
        ("8.1.1.7", (("out", OPTIONS.replace(b"z9hG4bK", b"x")),)),
        ("8.1.1.8", (("out", INVITE.replace(b"Contact: <sip:a@192.0.2.1>\r\n", b"")),)),
        ("9.1", (("out", INVITE), ("out", message("CANCEL sip:b@x SIP/2.0", "1 CANCEL", Contact="")))),
        ("12.2.1.1", (("out", INVITE), ("out", message("BYE sip:b@x SIP/2.0", "3 BYE", "2", ";tag=b")))),
        ("13.2.2.4", (("out", INVITE), ("in", OK))),
        (
            "13.2.2.4",
            (("out", INVITE), ("in", OK), ("out", ACK.replace(b"z9hG4bK1", b"z9hG4bK2").replace(b"=b", b"=c"))),
        ),
        ("17.1.1.3", (("out", INVITE), ("in", BUSY))),
        ("17.1.1.3", (("out", INVITE), ("in", BUSY), ("out", ACK.replace(b";tag=b", b"")))),
        ("14.1", (("out", INVITE), ("out", message("INVITE sip:b@x SIP/2.0", "2 INVITE", "2", ";tag=b")))),
        ("15", (("out", message("BYE sip:b@x SIP/2.0", "1 BYE")),)),
        ("15", (("in", INVITE), ("out", OK), ("out", message("BYE sip:a@x SIP/2.0", "1 BYE", "2", ";tag=a"), 9.0))),
        ("8.2", (("in", OPTIONS),)),
        ("8.2", (("out", BUSY),)),
        ("8.2.6.1", (("in", OPTIONS), ("out", message("SIP/2.0 180 Ringing", "1 OPTIONS", to=";tag=b")))),
        ("8.2.6.2", (("in", INVITE), ("out", RINGING), ("out", BUSY.replace(b"tag=b", b"tag=c")))),
        ("8.2.6.2", (("in", INVITE), ("out", BUSY.replace(b"5060;", b"5061;")))),
        ("17.2", (("in", INVITE), ("out", BUSY), ("out", BUSY.replace(b"486", b"480")))),
        ("12.1.1", (("in", INVITE), ("out", RINGING.replace(b"Contact: <sip:a@192.0.2.1>\r\n", b"")))),
        ("21", (("in", INVITE), ("out", BUSY.replace(b"486", b"420")))),
        ("20.14", (("out", OPTIONS.replace(b"Content-Length: 0\r\n", b"")),)),
    ],
)
def test_what_breaks_a_rule_is_found(section: str, steps: tuple[tuple[str, bytes], ...]) -> None:
    assert section in {fault.partition(":")[0] for fault in faults(*steps)}
