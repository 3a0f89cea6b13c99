"""A transfer that we ask for: the REFER, what the far end tells of it, and its one outcome."""

import pytest

from device.model import CallId
from device.sip.errors import SipStateError
from device.sip.feature_events import TransferFinished, TransferProgressed
from device.sip.message import Request
from device.sip.transferor import Transferor, TransferorState
from tests.support.sip_bench import ANSWER, CALL, OFFER, OFFICE, Bench, office

SIPFRAG = "message/sipfrag;version=2.0"


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.established()
    return bench


def refer(bench: Bench) -> Request:
    bench.agent.transfer(CALL, "192.0.2.3", bench.now)
    return bench.sent_request("REFER")


def tell(
    bench: Bench, ours: Request, status: int, state: str = "active;expires=60", cseq: int = 2, **more: str
) -> None:
    body = f"SIP/2.0 {status} Word\r\n".encode() if status else b""
    headers = {"Event": "refer", "Subscription_State": state, "Content_Type": SIPFRAG, **more}
    bench.in_dialog("NOTIFY", ours, cseq=cseq, body=body, **headers)


def outcome(bench: Bench) -> TransferFinished:
    return bench.event(TransferFinished)


def test_a_transfer_that_succeeds(bench: Bench) -> None:
    ours = refer(bench)
    assert ours.headers.get("Refer-To") == "<sip:192.0.2.3>"
    assert ours.headers.get("Referred-By") == "<sip:offhook@192.0.2.1>"
    assert ours.contacts
    bench.reply(ours, 202)
    tell(bench, ours, 100)
    tell(bench, ours, 180, cseq=3)
    assert bench.statuses() == [200, 200]
    assert bench.events() == [TransferProgressed(CALL, 100, "Word"), TransferProgressed(CALL, 180, "Word")]
    tell(bench, ours, 200, "terminated;reason=noresource", cseq=4)
    assert outcome(bench) == TransferFinished(CALL, 200, "answered", True)
    # What the far end repeats is answered, and changes nothing.
    tell(bench, ours, 200, "terminated;reason=noresource", cseq=5)
    assert bench.statuses() == [200, 200]
    assert bench.events() == []
    bench.agent.hang_up(CALL, bench.now)
    tell(bench, ours, 200, "terminated;reason=noresource", cseq=6)
    assert bench.statuses() == [200]
    bench.advance(100)
    assert bench.agent.is_idle


def test_a_transfer_that_fails(bench: Bench) -> None:
    ours = refer(bench)
    bench.reply(ours, 202)
    tell(bench, ours, 486, "terminated;reason=noresource")
    assert outcome(bench) == TransferFinished(CALL, 486, "busy (Word)", False)


@pytest.mark.parametrize("status", [403, 405, 603])
def test_a_far_end_that_will_not(bench: Bench, status: int) -> None:
    bench.reply(refer(bench), status)
    found = outcome(bench)
    assert (found.status, found.succeeded) == (status, False)


def test_a_far_end_that_is_silent(bench: Bench) -> None:
    refer(bench)
    bench.advance(33)
    assert outcome(bench).status == 408


def test_the_notification_may_overtake_the_answer(bench: Bench) -> None:
    ours = refer(bench)
    tell(bench, ours, 180)
    bench.reply(ours, 202)
    tell(bench, ours, 200, "terminated", cseq=3)
    assert outcome(bench).succeeded


def test_a_far_end_that_never_tells(bench: Bench) -> None:
    bench.reply(refer(bench), 202)
    bench.advance(65)
    found = outcome(bench)
    assert (found.status, found.succeeded) == (0, False)
    assert "does not say" in found.text


def test_a_far_end_that_stops_telling(bench: Bench) -> None:
    ours = refer(bench)
    bench.reply(ours, 202)
    tell(bench, ours, 180)
    bench.advance(61)
    assert not outcome(bench).succeeded
    ours = refer(bench)
    bench.reply(ours, 202)
    tell(bench, ours, 100, "terminated;reason=timeout", cseq=3)
    assert not outcome(bench).succeeded


def test_a_far_end_that_tells_nothing_by_agreement(bench: Bench) -> None:
    bench.reply(refer(bench), 202, Refer_Sub="false")
    assert outcome(bench) == TransferFinished(CALL, 202, "the far end has taken the transfer", True)


def test_a_far_end_that_hangs_up_once_it_has_agreed(bench: Bench) -> None:
    ours = refer(bench)
    bench.reply(ours, 202)
    bench.in_dialog("BYE", ours, cseq=2)
    assert outcome(bench) == TransferFinished(CALL, 0, "the far end hung up", True)


def test_a_call_that_ends_before_the_far_end_agrees(bench: Bench) -> None:
    ours = refer(bench)
    bench.in_dialog("BYE", ours, cseq=2)
    assert not outcome(bench).succeeded


def test_a_notification_without_a_fragment_says_nothing(bench: Bench) -> None:
    ours = refer(bench)
    bench.reply(ours, 202)
    tell(bench, ours, 0)
    assert bench.statuses() == [200]
    assert bench.events() == []


@pytest.mark.parametrize(
    ("headers", "status"), [({"Event": "refer;id=99"}, 481), ({"Event": "dialog"}, 481), ({"Event": "refer;id=2"}, 200)]
)
def test_notifications_of_other_subscriptions(bench: Bench, headers: dict[str, str], status: int) -> None:
    ours = refer(bench)
    assert ours.cseq.number == 2
    bench.reply(ours, 202)
    tell(bench, ours, 100, **headers)
    assert bench.statuses() == [status]


def test_an_attended_transfer_names_the_other_call(bench: Bench) -> None:
    second = CallId("second")
    bench.agent.invite(second, "192.0.2.3", OFFER, None, bench.now)
    invite = bench.sent_request("INVITE")
    bench.reply(invite, 200, tag="carol", body=ANSWER, Contact="<sip:carol@192.0.2.3:5066>")
    bench.sent()
    bench.agent.transfer(CALL, "", bench.now, second)
    value = bench.sent_request("REFER").headers.get("Refer-To")
    assert value == (
        f"<sip:carol@192.0.2.3:5066?Replaces={invite.call_id}%3Bto-tag%3Dcarol%3Bfrom-tag%3D{invite.from_.tag}>"
    )


def test_a_far_end_behind_a_server_is_named_by_its_address_of_record() -> None:
    bench = Bench(account=office())
    bench.reply(bench.call("1002", account=OFFICE), 200, body=ANSWER)
    bench.sent()
    second = CallId("second")
    bench.agent.invite(second, "1003", OFFER, OFFICE, bench.now)
    for contact, named in (
        ("<sip:carol@192.0.2.9>", "sip:1003@192.0.2.2"),
        ("<sip:c@192.0.2.9;gr=x>", "sip:c@192.0.2.9;gr=x"),
    ):
        bench.reply(bench.sent_request("INVITE"), 200, tag="carol", body=ANSWER, Contact=contact)
        bench.sent()
        bench.agent.transfer(CALL, "", bench.now, second)
        refer = bench.sent_request("REFER")
        assert (refer.headers.get("Refer-To") or "").startswith(f"<{named}?Replaces=")
        bench.reply(refer, 603)
        bench.agent.hang_up(second, bench.now)
        bench.reply(bench.sent_request("BYE"), 200)
        second = CallId("third")
        bench.agent.invite(second, "1003", OFFER, OFFICE, bench.now)


def test_calls_that_cannot_be_transferred(bench: Bench) -> None:
    for call_id, replaced in ((CallId("none"), None), (CALL, CallId("none"))):
        with pytest.raises(SipStateError):
            bench.agent.transfer(call_id, "192.0.2.3", bench.now, replaced)
    refer(bench)
    with pytest.raises(SipStateError, match="already"):
        bench.agent.transfer(CALL, "192.0.2.3", bench.now)
    with pytest.raises(SipStateError):
        bench.agent.transfer(CALL, "", bench.now)


def test_every_outcome_is_told_once_from_every_state() -> None:
    told = {(state, kind) for state, kind in Transferor.TABLE} | Transferor.IGNORED
    for state in TransferorState:
        kinds = {kind.__name__ for at, kind in told if at is state}
        assert {"Notified", "CallGone"} <= kinds
    assert not {*Transferor.TABLE} & Transferor.IGNORED
