"""RFC 3261 sections 9.1 and 12 to 15 as the other side of a call sees us, where no other test shows a clause."""

import pytest

from device.model import CallId
from device.sip.events import CallEnded, CallEstablished, IncomingCall, OfferReceived
from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.support.sip_bench import ANSWER, CALL, OFFER, OFFICE, PEER, Bench, office

CALLED = CallId("in-1")
ROUTES = "<sip:p1.example;lr;x=1>;y=2, <sip:p2.example;lr>"


@pytest.fixture
def bench() -> Bench:
    return Bench()


# 9.1: the CANCEL of a request.


def test_a_cancel_repeats_what_names_the_request_and_requires_nothing() -> None:
    bench = Bench(account=office(outbound_proxy="192.0.2.2"))
    invite = bench.call("1002", account=OFFICE)
    hop = bench.hops[-1]
    bench.reply(invite, 180)
    bench.agent.hang_up(CALL, bench.now)
    cancel = bench.sent_request("CANCEL")
    assert bench.hops == [hop]
    assert cancel.uri_text == invite.uri_text
    for name in ("Call-ID", "To", "From", "Route"):
        assert cancel.headers.get_all(name) == invite.headers.get_all(name) != []
    assert cancel.headers.get_all("Via") == [invite.headers.get("Via")]
    assert (cancel.cseq.number, cancel.cseq.method) == (invite.cseq.number, "CANCEL")
    assert cancel.max_forwards == 70
    assert not any(name in cancel.headers for name in ("Require", "Proxy-Require", "Contact"))


@pytest.mark.parametrize("status", [200, 486])
def test_nothing_is_cancelled_after_a_final_response(bench: Bench, status: int) -> None:
    bench.reply(bench.call(), status, body=ANSWER)
    bench.sent()
    bench.agent.hang_up(CALL, bench.now)
    assert bench.methods() == (["BYE"] if status == 200 else [])


# 12.1: how a dialog begins.


@pytest.mark.parametrize("status", [180, 200])
def test_what_makes_a_dialog_has_the_routes_in_order_and_a_contact(bench: Bench, status: int) -> None:
    bench.called(Record_Route=ROUTES)
    if status == 180:
        bench.agent.ring(CALLED, bench.now)
    else:
        bench.agent.answer(CALLED, ANSWER, bench.now)
    response = bench.sent_response()
    assert response.headers.get_all("Record-Route") == ROUTES.split(", ")
    assert [contact.uri.scheme for contact in response.contacts] == ["sip"]
    assert response.to.tag


def test_a_caller_without_tag_is_a_dialog_of_its_own(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, from_="<sip:bob@192.0.2.2>")
    bench.agent.answer(CALLED, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("ACK", ours, cseq=1)
    bench.event(CallEstablished)
    bench.agent.hang_up(CALLED, bench.now)
    bye = bench.sent_request("BYE")
    assert (bye.headers.get("To"), bye.from_.tag) == ("<sip:bob@192.0.2.2>", ours.to.tag)


def test_a_callee_without_tag_is_a_dialog_of_its_own(bench: Bench) -> None:
    bench.reply(bench.call(), 200, tag="", body=ANSWER)
    assert bench.sent_request("ACK").to.tag is None
    bench.event(CallEstablished)


# 12.2.1.1: requests within a dialog.


def test_requests_in_a_dialog_that_we_began(bench: Bench) -> None:
    invite = bench.call()
    answer = bench.reply(invite, 200, body=ANSWER, Record_Route=ROUTES, Contact="<sip:bob@192.0.2.2:5062;z=1>")
    ack = bench.sent_request("ACK")
    bench.agent.reoffer(CALL, OFFER, bench.now)
    again = bench.sent_request("INVITE")
    bench.reply(again, 200, body=ANSWER)
    bench.sent()
    bench.agent.hang_up(CALL, bench.now)
    bye = bench.sent_request("BYE")
    assert [one.cseq.number - invite.cseq.number for one in (ack, again, bye)] == [0, 1, 2]
    assert [one.cseq.method for one in (ack, again, bye)] == ["ACK", "INVITE", "BYE"]
    for request in (ack, again, bye):
        assert (request.from_, request.call_id) == (invite.from_, invite.call_id)
        assert (request.to.uri, request.to.tag) == (invite.to.uri, answer.to.tag)
        assert request.headers.get_all("Route") == ["<sip:p2.example;lr>", "<sip:p1.example;lr;x=1>;y=2"]
        assert request.max_forwards == 70
    assert not any(name in ack.headers for name in ("Require", "Proxy-Require"))
    assert str(ack.uri) == str(again.uri) == "sip:bob@192.0.2.2:5062;z=1"
    assert again.contacts == invite.contacts
    # The 2xx of the re-INVITE named another target (section 12.2.1.2).
    assert str(bye.uri) == "sip:bob@192.0.2.2:5060"


def test_requests_in_a_dialog_that_they_began(bench: Bench) -> None:
    bench.called(Record_Route=ROUTES)
    bench.agent.answer(CALLED, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("ACK", ours, cseq=1)
    bench.agent.hang_up(CALLED, bench.now)
    bye = bench.sent_request("BYE")
    assert bye.headers.get_all("Route") == ROUTES.split(", ")
    assert (bye.to.tag, bye.from_.tag, bye.call_id) == (ours.from_.tag, ours.to.tag, ours.call_id)
    assert bye.cseq.number < 2**31


def test_without_routes_there_is_no_route(bench: Bench) -> None:
    bench.established()
    bench.agent.hang_up(CALL, bench.now)
    assert "Route" not in bench.sent_request("BYE").headers


def test_a_strict_router_gets_what_it_knows(bench: Bench) -> None:
    bench.reply(bench.call(), 200, body=ANSWER, Record_Route="<sip:p2.example;lr>, <sip:192.0.2.2;method=X?Subject=y>")
    ack = bench.sent_request("ACK")
    assert str(ack.uri) == "sip:192.0.2.2"
    assert ack.headers.get_all("Route") == ["<sip:p2.example;lr>", "<sip:bob@192.0.2.2:5060>"]


# 12.2.2: requests that come within a dialog.


def test_sequence_numbers_may_have_gaps(bench: Bench) -> None:
    ours = bench.answered()
    bench.in_dialog("OPTIONS", ours, cseq=1000)
    bench.in_dialog("OPTIONS", ours, cseq=999)
    bench.in_dialog("OPTIONS", ours, cseq=1001)
    assert bench.statuses() == [200, 500, 200]


@pytest.mark.parametrize(("status", "target"), [(200, "198.51.100.9"), (488, "192.0.2.2")])
def test_the_target_moves_with_a_re_invite_that_is_accepted(bench: Bench, status: int, target: str) -> None:
    ours = bench.answered()
    moved = bench.in_dialog("INVITE", ours, body=OFFER, Contact="<sip:bob@198.51.100.9:5070>")
    bench.event(OfferReceived)
    if status == 200:
        bench.agent.accept_offer(CALLED, ANSWER, bench.now)
        bench.sent()
        bench.in_dialog("ACK", ours, cseq=moved.cseq.number)
    else:
        bench.agent.refuse_offer(CALLED, status, bench.now)
        refusal = bench.sent_response()
        assert refusal.headers.get("Warning") == '305 offhook "Incompatible media format"'
    bench.agent.hang_up(CALLED, bench.now)
    assert bench.sent_request("BYE").uri.host == target


# 13: what an INVITE and its answers say of us.


def test_an_invite_and_a_2xx_say_what_we_can(bench: Bench) -> None:
    invite = bench.call()
    bench.called()
    bench.agent.answer(CALLED, ANSWER, bench.now)
    for message in (invite, bench.sent_response()):
        assert {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"} <= set(message.tokens("Allow"))
        assert "Supported" in message.headers
        assert len(message.contacts) == 1


@pytest.mark.parametrize("status", [300, 404, 486, 503, 603])
def test_a_final_failure_ends_all_early_dialogs(bench: Bench, status: int) -> None:
    invite = bench.call()
    early = bench.reply(invite, 180, tag="one")
    bench.reply(invite, 183, tag="two")
    bench.reply(invite, status, tag="three")
    bench.end()
    bench.sent()
    bench.request("BYE", from_=str(early.to), to=str(early.from_), call_id=early.call_id)
    assert bench.statuses() == [481]


def test_further_final_responses_are_ignored(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 486)
    bench.end()
    bench.reply(invite, 603)
    assert (bench.events(), bench.methods()) == ([], ["ACK", "ACK"])


def test_every_branch_that_answers_is_acknowledged_and_but_one_hung_up(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 200, tag="one", body=ANSWER)
    bench.reply(invite, 200, tag="two", body=ANSWER)
    bench.reply(invite, 200, tag="three", body=ANSWER)
    sent = [(one.method, one.to.tag) for one in bench.sent() if isinstance(one, Request)]
    assert sent == [("ACK", "one"), ("ACK", "two"), ("BYE", "two"), ("ACK", "three"), ("BYE", "three")]


def test_every_copy_of_a_2xx_is_acknowledged(bench: Bench) -> None:
    invite = bench.call()
    for _ in range(4):
        bench.reply(invite, 200, body=ANSWER)
    acks = [one for one in bench.sent() if isinstance(one, Request)]
    assert [one.method for one in acks] == ["ACK"] * 4
    assert len({(one.cseq.number, one.to.tag, one.body) for one in acks}) == 1


def test_provisional_responses_of_a_call_name_one_dialog(bench: Bench) -> None:
    bench.called()
    bench.agent.ring(CALLED, bench.now)
    bench.advance(119)
    tags = {one.to.tag for one in bench.sent() if isinstance(one, Response) and one.status > 100}
    assert len(tags) == 1


def test_who_is_busy_says_486_and_who_declines_603(bench: Bench) -> None:
    bench.called()
    bench.agent.reject(CALLED, 486, bench.now)
    assert bench.sent_response().status == 486
    bench.request("INVITE", body=OFFER, call_id="second")
    bench.event(CallEnded)
    bench.agent.hang_up(CallId("in-2"), bench.now)
    assert bench.sent_response().status == 603


# 15: the end.


def test_the_callee_sends_no_bye_before_the_ack_or_its_time_is_over(bench: Bench) -> None:
    bench.called()
    bench.agent.answer(CALLED, ANSWER, bench.now)
    bench.agent.hang_up(CALLED, bench.now)
    bench.advance(31)
    assert bench.methods() == []
    bench.advance(2)
    assert "BYE" in bench.methods()


def test_the_callee_refuses_rather_than_hang_up_an_early_dialog(bench: Bench) -> None:
    bench.called()
    bench.agent.ring(CALLED, bench.now)
    bench.agent.hang_up(CALLED, bench.now)
    assert [one.status for one in bench.sent() if isinstance(one, Response)] == [180, 603]


def test_a_bye_is_answered_and_with_it_what_was_pending(bench: Bench) -> None:
    ours = bench.answered()
    bench.in_dialog("INVITE", ours, body=OFFER)
    bench.in_dialog("BYE", ours, cseq=3)
    answers = [(one.cseq.method, one.status) for one in bench.sent() if isinstance(one, Response)]
    assert sorted(answers) == [("BYE", 200), ("INVITE", 487)]


def test_a_bye_of_no_dialog_is_answered_481(bench: Bench) -> None:
    bench.request("BYE", to="<sip:offhook@192.0.2.1>;tag=x", source=Hop("UDP", PEER.host, PEER.port))
    assert bench.statuses() == [481]
    assert not any(isinstance(event, IncomingCall) for event in bench.events())


# 12.2.1.2: what the answer to any request in a dialog says about the dialog.


@pytest.mark.parametrize(("status", "is_over"), [(481, True), (405, False), (408, False), (500, False)])
def test_a_call_that_the_other_side_does_not_know_any_more_is_over(bench: Bench, status: int, is_over: bool) -> None:
    bench.established()
    bench.agent.send_info(CALL, "application/dtmf-relay", b"Signal=1\r\n", bench.now)
    bench.reply(bench.sent_request("INFO"), status)
    assert [event.cause.status for event in bench.events() if isinstance(event, CallEnded)] == [status] * is_over
    assert bench.methods() == ["BYE"] * is_over


def test_a_transfer_that_meets_no_call_ends_it_too(bench: Bench) -> None:
    bench.established()
    bench.agent.transfer(CALL, "sip:carol@192.0.2.9", bench.now)
    bench.reply(bench.sent_request("REFER"), 481)
    assert [event.cause.status for event in bench.events() if isinstance(event, CallEnded)] == [481]
    assert bench.methods() == ["BYE"]


def test_a_481_after_the_end_means_nothing(bench: Bench) -> None:
    bench.established()
    bench.agent.send_info(CALL, "application/dtmf-relay", b"Signal=1\r\n", bench.now)
    info = bench.sent_request("INFO")
    bench.agent.hang_up(CALL, bench.now)
    bench.reply(info, 481)
    assert bench.end().status == 0
    assert bench.methods() == ["BYE"]
