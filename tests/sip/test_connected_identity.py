"""Another party at the other end: by its From (RFC 4916), or as our server asserts (RFC 3325)."""

import pytest

from device.model import CallId
from device.sip.events import CallEnded, CallEstablished
from device.sip.feature_events import RemoteIdentityChanged
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import ANSWER, CALL, OFFER, OFFICE, STRANGER, Bench, office

CAROL = "sip:carol@192.0.2.2"


def changes(bench: Bench) -> list[tuple[str, str]]:
    return [(one.remote, one.remote_name) for one in bench.events() if isinstance(one, RemoteIdentityChanged)]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_changed_from_is_told_and_answered_to(method: str) -> None:
    bench = Bench()
    ack = bench.established()
    body = OFFER if method == "INVITE" else b""
    contact = {"Contact": "<sip:bob@192.0.2.2>"}
    for cseq in (2, 3):
        bench.request(
            method,
            to=str(ack.from_),
            from_=f'"Carol" <{CAROL}>;tag=peer',
            call_id=ack.call_id,
            cseq=cseq,
            body=body,
            **contact,  # type: ignore[arg-type]
        )
        if method == "INVITE":
            bench.agent.accept_offer(CALL, ANSWER, bench.now)
            bench.in_dialog("ACK", ack, cseq=cseq)
        # The same again is no news.
        assert changes(bench) == ([(CAROL, "Carol")] if cseq == 2 else [])
    bench.sent()
    bench.agent.hang_up(CALL, bench.now)
    bye = bench.sent_request("BYE")
    assert str(bye.to) == f'"Carol" <{CAROL}>;tag=peer'


def test_other_requests_change_nobody() -> None:
    bench = Bench()
    ack = bench.established()
    bench.request("INFO", to=str(ack.from_), from_=f"<{CAROL}>;tag=peer", call_id=ack.call_id, cseq=2)
    assert bench.events() == []


def test_our_server_says_who_answered() -> None:
    bench = Bench(account=office())
    invite = bench.call("1002", account=OFFICE)
    bench.reply(invite, 200, body=ANSWER, P_Asserted_Identity=f'"Carol" <{CAROL}>')
    events = bench.events()
    assert RemoteIdentityChanged(CALL, CAROL, "Carol") in events
    assert any(isinstance(event, CallEstablished) for event in events)
    ack = bench.sent_request("ACK")
    # The dialog is with whom it was; only who is shown has changed.
    assert ack.to.uri.user == "1002"
    for cseq, (name, told) in enumerate((("Carol", []), ("Dave", [(CAROL, "Dave")])), 2):
        asserted = f'"{name}" <{CAROL}>'
        bench.in_dialog("INVITE", ack, cseq=cseq, body=OFFER, P_Asserted_Identity=asserted)
        bench.agent.accept_offer(CALL, ANSWER, bench.now)
        bench.in_dialog("ACK", ack, cseq=cseq)
        assert changes(bench) == told


def test_a_stranger_s_word_does_not_count() -> None:
    bench = Bench()
    invite = bench.call()
    bench.reply(invite, 200, body=ANSWER, P_Asserted_Identity=f"<{CAROL}>")
    assert changes(bench) == []
    bench = Bench(account=office())
    bench.request("INVITE", "sip:1001@192.0.2.1", body=OFFER, source=STRANGER)
    call_id = CallId("in-1")
    bench.agent.answer(call_id, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("ACK", ours, cseq=1)
    bench.events()
    bench.in_dialog("UPDATE", ours, source=STRANGER, P_Asserted_Identity=f"<{CAROL}>", Contact="<sip:b@198.51.100.9>")
    assert changes(bench) == []


def test_a_party_that_hides_itself() -> None:
    bench = Bench(account=office())
    ack_of = bench.call("1002", account=OFFICE)
    bench.reply(ack_of, 200, body=ANSWER)
    ack = bench.sent_request("ACK")
    bench.events()
    bench.in_dialog("UPDATE", ack, P_Asserted_Identity=f"<{CAROL}>", Privacy="id", Contact="<sip:bob@192.0.2.2>")
    assert changes(bench) == [("sip:1002@192.0.2.2", "Anonymous")]


def test_why_the_other_side_ended_the_call() -> None:
    bench = Bench()
    bench.in_dialog("BYE", bench.established(), Reason="Q.850;cause=41")
    assert bench.event(CallEnded).cause.text == "the other side hung up (temporary failure)"
    bench = Bench()
    bench.reply(bench.call(), 503, Reason="Q.850;cause=34")
    assert bench.end().text == "service unavailable (no circuit available)"


def answered(called: str, setting: bool = True, supported: str = "from-change", allow: str = "INVITE, UPDATE") -> Bench:
    """A call for 1001 that was meant for `called`, established."""
    bench = Bench(UserAgentSettings(connected_identity=setting), account=office())
    more = {"Supported": supported, "Allow": allow}
    bench.request("INVITE", "sip:1001@192.0.2.1", to=f"<{called}>", body=OFFER, **more)  # type: ignore[arg-type]
    bench.agent.answer(CallId("in-1"), ANSWER, bench.now)
    bench.in_dialog("ACK", bench.sent_response(), cseq=1)
    return bench


def test_who_answers_for_another_says_so() -> None:
    bench = answered("sip:hotline@192.0.2.2")
    update = bench.sent_request("UPDATE")
    assert (str(update.from_.uri), update.from_.display_name, update.body) == ("sip:1001@192.0.2.2", "Office", b"")
    bench.reply(update, 200)
    bench.agent.hang_up(CallId("in-1"), bench.now)
    bye = bench.sent_request("BYE")
    assert (bye.from_.uri.user, bye.from_.tag) == ("1001", update.from_.tag)


def test_a_caller_without_update_is_told_by_invite() -> None:
    assert answered("sip:hotline@192.0.2.2", allow="INVITE").methods() == ["INVITE"]


@pytest.mark.parametrize(
    ("called", "setting", "supported"),
    [
        ("sip:1001@192.0.2.2", True, "from-change"),
        ("sip:hotline@192.0.2.2", False, "from-change"),
        ("sip:hotline@192.0.2.2", True, "timer"),
        ("tel:+4420", True, "from-change"),
    ],
)
def test_others_need_not_be_told(called: str, setting: bool, supported: str) -> None:
    assert answered(called, setting, supported).methods() == []
