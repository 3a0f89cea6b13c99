"""A REFER from the far end: what is asked of the owner, what is told of the new call, what is refused."""

import pytest

from device.model import CallId
from device.sip.errors import SipStateError
from device.sip.events import CallEnded
from device.sip.feature_events import TransferRequested
from device.sip.message import Request, Response
from device.sip.settings import UserAgentSettings
from device.sip.transfers import MAX_UNDECIDED
from tests.support.sip_bench import ANSWER, CALL, OFFER, STRANGER, Bench, office

NEW = CallId("new")
TARGET = "<sip:carol@192.0.2.3>"


def in_call(policy: str = "in-call") -> tuple[Bench, Request]:
    bench = Bench(UserAgentSettings(accept_refer=policy))
    return bench, bench.established()


@pytest.fixture
def bench() -> Bench:
    bench, ack = in_call()
    bench.ack = ack  # type: ignore[attr-defined]
    return bench


def refer(bench: Bench, target: str = TARGET, cseq: int = 2, **more: str) -> None:
    headers = {"Refer_To": target, "Contact": "<sip:bob@192.0.2.2>", "Referred_By": "<sip:bob@192.0.2.2>", **more}
    bench.in_dialog("REFER", bench.ack, cseq=cseq, **headers)  # type: ignore[attr-defined]


def accept(bench: Bench) -> tuple[list[Request | Response], Request]:
    asked = bench.event(TransferRequested)
    bench.agent.accept_transfer(asked.transfer_id, NEW, OFFER, bench.now)
    sent = bench.sent()
    return sent, next(one for one in sent if isinstance(one, Request) and one.method == "INVITE")


def fragment(bench: Bench) -> tuple[str, str]:
    notify = bench.sent_request("NOTIFY")
    bench.reply(notify, 200)
    bench.sent()
    return notify.body.decode().strip(), notify.headers.get("Subscription-State") or ""


def test_a_transfer_is_carried_out_and_told(bench: Bench) -> None:
    refer(bench)
    (asked,) = bench.events()
    assert asked == TransferRequested("transfer-1", CALL, None, "sip:carol@192.0.2.3", "sip:192.0.2.2", False)
    bench.agent.accept_transfer("transfer-1", NEW, OFFER, bench.now)
    answer, notify, invite = bench.sent()
    assert isinstance(answer, Response)
    assert isinstance(notify, Request)
    assert isinstance(invite, Request)
    assert (answer.status, len(answer.contacts)) == (202, 1)
    assert (notify.body, notify.headers.get("Event")) == (b"SIP/2.0 100 Trying\r\n", "refer;id=2")
    assert notify.headers.get("Subscription-State") == "active;expires=200"
    assert notify.headers.get("Content-Type") == "message/sipfrag;version=2.0"
    assert (str(invite.uri), invite.headers.get("Referred-By")) == ("sip:carol@192.0.2.3", "<sip:bob@192.0.2.2>")
    assert "Replaces" not in invite.headers
    bench.reply(notify, 200)
    bench.reply(invite, 180, tag="carol")
    assert fragment(bench) == ("SIP/2.0 180 Ringing", "active;expires=200")
    bench.reply(invite, 200, tag="carol", body=ANSWER)
    assert fragment(bench) == ("SIP/2.0 200 OK", "terminated;reason=noresource")
    # Nothing more is told, whatever becomes of the new call.
    bench.agent.hang_up(NEW, bench.now)
    assert bench.methods() == ["BYE"]


@pytest.mark.parametrize("status", [486, 404, 603])
def test_a_transfer_that_fails_leaves_the_call(bench: Bench, status: int) -> None:
    refer(bench)
    sent, invite = accept(bench)
    bench.reply(next(one for one in sent if isinstance(one, Request) and one.method == "NOTIFY"), 200)
    bench.reply(invite, status, tag="carol")
    text, state = fragment(bench)
    assert text.startswith(f"SIP/2.0 {status} ")
    assert state == "terminated;reason=noresource"
    bench.agent.hang_up(CALL, bench.now)
    assert bench.methods() == ["BYE"]


def test_a_transfer_that_was_given_up_here(bench: Bench) -> None:
    refer(bench)
    sent, _ = accept(bench)
    bench.reply(next(one for one in sent if isinstance(one, Request) and one.method == "NOTIFY"), 200)
    bench.agent.hang_up(NEW, bench.now)
    assert fragment(bench)[0] == "SIP/2.0 487 Request Terminated"


def test_a_target_that_cannot_be_called(bench: Bench) -> None:
    refer(bench, "<tel:+4412345>")
    asked = bench.event(TransferRequested)
    bench.agent.accept_transfer(asked.transfer_id, NEW, OFFER, bench.now)
    first = bench.sent_request("NOTIFY")
    assert bench.event(CallEnded).cause.status == 404
    bench.reply(first, 200)
    assert fragment(bench)[0] == "SIP/2.0 404 Not Found"


def test_replaces_goes_into_the_invite(bench: Bench) -> None:
    refer(bench, "<sip:carol@192.0.2.3?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&Subject=x>", Referred_By="")
    assert accept(bench)[1].headers.get("Replaces") == "a@b;to-tag=1;from-tag=2"


def test_a_transferor_who_wants_to_hear_nothing(bench: Bench) -> None:
    refer(bench, Refer_Sub="false", Supported="norefersub")
    sent, invite = accept(bench)
    answer = sent[0]
    assert isinstance(answer, Response)
    assert (answer.status, answer.headers.get("Refer-Sub")) == (202, "false")
    bench.reply(invite, 200, tag="carol", body=ANSWER)
    assert bench.methods() == ["ACK"]


def test_the_subscription_can_be_ended_by_the_transferor(bench: Bench) -> None:
    refer(bench)
    accept(bench)
    bench.in_dialog("SUBSCRIBE", bench.ack, cseq=3, Event="refer;id=2", Expires="0")  # type: ignore[attr-defined]
    assert bench.statuses() == [200]


def test_the_owner_may_refuse(bench: Bench) -> None:
    refer(bench)
    bench.agent.refuse_transfer(bench.event(TransferRequested).transfer_id, 603, bench.now)
    assert bench.statuses() == [603]
    with pytest.raises(SipStateError, match="transfer-1"):
        bench.agent.refuse_transfer("transfer-1", 603, bench.now)


@pytest.mark.parametrize(
    ("target", "status"),
    [("", 400), ("<http://x/>", 416), ("<sip:a@b>, <sip:c@d>", 400), ("<sip:a@b;method=BYE>", 501)],
)
def test_what_cannot_be_referred_to(bench: Bench, target: str, status: int) -> None:
    refer(bench, target)
    assert bench.statuses() == [status]
    assert bench.events() == []


def test_undecided_transfers_are_bounded(bench: Bench) -> None:
    for number in range(MAX_UNDECIDED + 1):
        refer(bench, cseq=2 + number)
    assert bench.statuses() == [503]


def test_a_call_that_is_over_takes_no_transfer(bench: Bench) -> None:
    bench.agent.hang_up(CALL, bench.now)
    bench.sent()
    refer(bench)
    assert bench.statuses() == [481]


@pytest.mark.parametrize(("policy", "statuses"), [("off", [403]), ("in-call", []), ("servers", [])])
def test_transfers_within_a_call_by_the_setting(policy: str, statuses: list[int]) -> None:
    bench, ack = in_call(policy)
    bench.in_dialog("REFER", ack, cseq=2, Refer_To=TARGET, Contact="<sip:bob@192.0.2.2>")
    assert bench.statuses() == statuses


@pytest.mark.parametrize(
    ("policy", "stranger", "asked"),
    [("off", False, False), ("in-call", False, False), ("servers", True, False), ("servers", False, True)],
)
def test_transfers_outside_calls_by_the_setting(policy: str, stranger: bool, asked: bool) -> None:
    bench = Bench(UserAgentSettings(accept_refer=policy), account=office())
    more: dict[str, object] = {"source": STRANGER} if stranger else {}
    bench.request(
        "REFER",
        "sip:1001@192.0.2.1",
        Record_Route="<sip:p1.example.org;lr>",
        Refer_To=TARGET,
        Contact="<sip:pbx@192.0.2.2>",
        **more,  # type: ignore[arg-type]
    )
    assert bench.statuses() == ([] if asked else [403])
    if not asked:
        return
    request = bench.event(TransferRequested)
    assert (request.call_id, request.account_id) == (None, "office")
    bench.agent.accept_transfer(request.transfer_id, NEW, OFFER, bench.now)
    answer = next(one for one in bench.sent() if isinstance(one, Response))
    assert (answer.status, bool(answer.to.tag), len(answer.record_routes)) == (202, True, 1)
