"""Re-INVITEs in both directions."""

import pytest

from device.model import CallId
from device.sip.events import CallEnded, EndCause, OfferAnswered, OfferReceived, OfferRefused
from device.sip.message import Request, Response
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import ANSWER, CALL, Bench

IN = CallId("in-1")
NEW = b"v=0 another offer\r\n"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def reoffer(bench: Bench, sdp: bytes = NEW) -> Request:
    """Our re-INVITE in a call that we made."""
    bench.established()
    bench.agent.reoffer(CALL, sdp, bench.now)
    return bench.sent_request("INVITE")


def offered(bench: Bench, body: bytes = NEW) -> Request:
    """Their re-INVITE in a call that we made; gives the ACK that names the dialog."""
    ack = bench.established()
    bench.in_dialog("INVITE", ack, body=body)
    return ack


# Ours.


def test_a_new_offer_is_answered(bench: Bench) -> None:
    invite = reoffer(bench)
    assert str(invite.uri) == "sip:bob@192.0.2.2:5060"
    assert (invite.body, invite.to.tag, invite.cseq.number) == (NEW, "peer", 2)
    assert invite.contacts
    bench.reply(invite, 200, body=ANSWER, Contact="<sip:bob@192.0.2.2:5099>")
    assert bench.events() == [OfferAnswered(CALL, ANSWER)]
    ack = bench.sent_request("ACK")
    assert (ack.cseq.number, ack.uri.port) == (2, 5099)
    bench.reply(invite, 200, body=ANSWER)
    assert bench.methods() == ["ACK"]
    assert bench.events() == []


@pytest.mark.parametrize("status", [488, 403, 500, 503])
def test_a_refused_offer_leaves_the_session_as_it_was(bench: Bench, status: int) -> None:
    bench.reply(reoffer(bench), status)
    assert bench.events() == [OfferRefused(CALL, status)]
    bench.agent.reoffer(CALL, NEW, bench.now)
    assert bench.methods() == ["ACK", "INVITE"]


@pytest.mark.parametrize("status", [481, 408])
def test_a_peer_that_has_lost_the_call_ends_it(bench: Bench, status: int) -> None:
    bench.reply(reoffer(bench), status)
    assert bench.methods() == ["ACK", "BYE"]
    assert bench.event(CallEnded).cause == EndCause(status, "the other side does not know this call any more", False)


def test_silence_ends_the_call(bench: Bench) -> None:
    reoffer(bench)
    bench.advance(32)
    assert bench.methods()[-1] == "BYE"
    assert bench.event(CallEnded).cause == EndCause(408, "the other side does not answer any more", False)


def test_a_broken_transport_refuses_the_offer_only(bench: Bench) -> None:
    reoffer(bench)
    bench.endpoint.receive_transport_error(bench.hops[0], bench.now, "no route")
    assert bench.events() == [OfferRefused(CALL, 503)]


def test_the_newest_offer_waits_for_its_turn(bench: Bench) -> None:
    invite = reoffer(bench)
    bench.agent.reoffer(CALL, b"one", bench.now)
    bench.agent.reoffer(CALL, b"two", bench.now)
    assert bench.methods() == []
    bench.reply(invite, 200, body=ANSWER)
    again = bench.sent_request("INVITE")
    assert (again.body, again.cseq.number) == (b"two", 3)
    bench.reply(invite, 200, body=ANSWER)
    assert bench.methods() == ["ACK"], "the older answer is acknowledged as well"


def test_an_answer_without_description_refuses_the_offer(bench: Bench) -> None:
    bench.reply(reoffer(bench), 200)
    assert bench.methods() == ["ACK"]
    assert bench.events() == [OfferRefused(CALL, 488)]


def test_an_empty_offer_asks_for_theirs(bench: Bench) -> None:
    invite = reoffer(bench, b"")
    assert invite.body == b""
    for _ in range(2):
        bench.reply(invite, 200, body=NEW)
    assert bench.events() == [OfferReceived(CALL, NEW)]
    assert bench.sent() == []
    bench.agent.reoffer(CALL, b"next", bench.now)
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    ack, following = bench.sent()
    assert ack.body == ANSWER
    assert following.body == b"next"


def test_an_offer_in_a_2xx_can_only_be_refused_by_hanging_up(bench: Bench) -> None:
    bench.reply(reoffer(bench, b""), 200, body=NEW)
    bench.agent.refuse_offer(CALL, 488, bench.now)
    assert bench.methods() == ["ACK", "BYE"]
    assert bench.event(CallEnded).cause == EndCause(488, "no common codec", local=True)


def test_their_invite_while_their_offer_awaits_our_answer_is_glare(bench: Bench) -> None:
    invite = reoffer(bench, b"")
    bench.reply(invite, 200, body=NEW)
    bench.in_dialog("INVITE", invite, body=NEW)
    assert bench.statuses() == [491]


# Glare.


def test_both_offer_at_once(bench: Bench) -> None:
    invite = reoffer(bench)
    bench.in_dialog("INVITE", invite, body=NEW)
    assert bench.statuses() == [491]
    bench.reply(invite, 491)
    assert bench.methods() == ["ACK"]
    bench.advance(2.09)
    assert bench.methods() == []
    bench.advance(1.91)
    again = bench.sent_request("INVITE")
    assert again.body == NEW
    bench.reply(again, 200, body=ANSWER)
    assert bench.events() == [OfferAnswered(CALL, ANSWER)]


def test_the_side_that_did_not_make_the_call_id_waits_less(bench: Bench) -> None:
    bench.answered()
    bench.agent.reoffer(IN, NEW, bench.now)
    bench.reply(bench.sent_request("INVITE"), 491)
    bench.sent()
    bench.advance(2.0)
    assert bench.methods() == ["INVITE"]


def test_a_newer_offer_takes_the_place_of_the_one_that_backs_off(bench: Bench) -> None:
    bench.reply(reoffer(bench), 491)
    bench.agent.reoffer(CALL, b"newer", bench.now)
    bench.sent()
    bench.advance(4)
    assert bench.sent_request("INVITE").body == b"newer"


def test_their_offer_goes_first_while_ours_backs_off(bench: Bench) -> None:
    invite = reoffer(bench)
    bench.reply(invite, 491)
    bench.in_dialog("INVITE", invite, body=NEW)
    assert bench.events() == [OfferReceived(CALL, NEW)]
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    answer = bench.sent_response()
    bench.advance(0.1)
    assert bench.methods() == []
    bench.in_dialog("ACK", answer)
    assert bench.sent_request("INVITE").body == NEW
    bench.advance(4)
    assert "BYE" not in bench.methods()


def test_an_offer_is_given_up_after_many_glares(bench: Bench) -> None:
    invite = reoffer(bench)
    for _ in range(5):
        bench.reply(invite, 491)
        bench.sent()
        bench.advance(4)
        invite = bench.sent_request("INVITE")
    bench.reply(invite, 491)
    assert bench.events() == [OfferRefused(CALL, 491)]


# Theirs.


def test_their_offer_is_accepted(bench: Bench) -> None:
    ack = offered(bench)
    assert bench.events() == [OfferReceived(CALL, NEW)]
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    answer = bench.sent_response()
    assert (answer.status, answer.body, answer.to.tag) == (200, ANSWER, ack.from_.tag)
    assert answer.contacts
    bench.advance(0.5)
    assert bench.statuses() == [200]
    bench.in_dialog("ACK", answer)
    bench.advance(40)
    assert bench.statuses() == []
    assert bench.events() == []


def test_their_offer_is_refused(bench: Bench) -> None:
    ack = offered(bench)
    bench.agent.refuse_offer(CALL, 488, bench.now)
    refusal = bench.sent_response()
    assert (refusal.status, refusal.headers.get("Warning")) == (488, '305 offhook "Incompatible media format"')
    bench.in_dialog("INVITE", ack, cseq=3, body=NEW)
    assert len(bench.events()) == 2


def test_a_refused_reinvite_moves_nobody(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("INVITE", ack, body=NEW, Contact="<sip:bob@192.0.2.2:5099>")
    bench.agent.refuse_offer(CALL, 488, bench.now)
    bench.sent()
    bench.agent.hang_up(CALL, bench.now)
    assert bench.sent_request("BYE").uri.port == 5060


def test_an_accepted_offer_moves_the_target(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("INVITE", ack, body=NEW, Contact="<sip:bob@192.0.2.2:5070>")
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.in_dialog("ACK", bench.sent_response())
    bench.agent.hang_up(CALL, bench.now)
    assert bench.sent_request("BYE").uri.port == 5070


def test_they_ask_for_our_offer(bench: Bench) -> None:
    offered(bench, b"")
    assert bench.events() == [OfferReceived(CALL, b"")]
    bench.agent.accept_offer(CALL, NEW, bench.now)
    answer = bench.sent_response()
    assert answer.body == NEW
    bench.in_dialog("ACK", answer, body=ANSWER)
    assert bench.events() == [OfferAnswered(CALL, ANSWER)]


def test_they_ask_for_our_offer_and_never_answer_it(bench: Bench) -> None:
    offered(bench, b"")
    bench.agent.accept_offer(CALL, NEW, bench.now)
    bench.events()
    bench.in_dialog("ACK", bench.sent_response())
    assert bench.events() == [OfferRefused(CALL, 488)]


def test_an_offer_without_ack_ends_the_call(bench: Bench) -> None:
    offered(bench)
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.advance(32)
    assert bench.methods() == ["BYE"]
    cause = next(event for event in bench.events() if isinstance(event, CallEnded)).cause
    assert cause == EndCause(408, "the other side did not confirm our answer", local=False)


def test_a_second_invite_before_our_answer_is_to_be_tried_again(bench: Bench) -> None:
    ack = offered(bench)
    bench.in_dialog("INVITE", ack, cseq=3, body=NEW)
    refusal = bench.sent_response()
    assert refusal.status == 500
    assert "Retry-After" in refusal.headers
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    assert bench.sent_response().cseq.number == 2


def test_an_invite_before_the_ack_of_the_last_one(bench: Bench) -> None:
    ack = offered(bench)
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.in_dialog("INVITE", ack, cseq=3, body=NEW)
    assert [type(event) for event in bench.events()] == [OfferReceived, OfferReceived]
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.in_dialog("ACK", ack, cseq=2)
    assert bench.sent_response().cseq.number == 3
    bench.advance(0.5)
    assert [one.cseq.number for one in bench.sent() if isinstance(one, Response)] == [3]


def test_an_invite_before_the_ack_that_owes_us_an_answer_is_glare(bench: Bench) -> None:
    ack = offered(bench, b"")
    bench.agent.accept_offer(CALL, NEW, bench.now)
    bench.sent()
    bench.in_dialog("INVITE", ack, cseq=3, body=NEW)
    assert bench.statuses() == [491]


def test_a_wish_of_ours_waits_for_theirs_to_be_settled(bench: Bench) -> None:
    offered(bench)
    bench.agent.reoffer(CALL, b"mine", bench.now)
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.agent.reoffer(CALL, b"mine at last", bench.now)
    answer = bench.sent_response()
    bench.in_dialog("ACK", answer)
    assert bench.sent_request("INVITE").body == b"mine at last"


def test_their_offer_is_taken_back(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("INVITE", ack, body=NEW, branch="z9hG4bK-re")
    bench.in_dialog("CANCEL", ack, branch="z9hG4bK-re")
    assert bench.statuses() == [200, 487]
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.agent.refuse_offer(CALL, 488, bench.now)
    assert bench.sent() == []
    assert not any(isinstance(event, CallEnded) for event in bench.events())


def test_an_offer_out_of_order_is_refused(bench: Bench) -> None:
    ack = offered(bench)
    bench.agent.refuse_offer(CALL, 488, bench.now)
    bench.sent()
    bench.in_dialog("INVITE", ack, cseq=1, body=NEW)
    assert bench.statuses() == [500]


# The end while an offer is under way.


def test_hanging_up_while_their_offer_waits(bench: Bench) -> None:
    offered(bench)
    bench.agent.hang_up(CALL, bench.now)
    sent = [str(one) for one in bench.sent()]
    assert sent == ["<Response 487 Request Terminated>", "<Request BYE sip:bob@192.0.2.2:5060>"]


def test_a_bye_while_their_offer_waits(bench: Bench) -> None:
    bench.in_dialog("BYE", offered(bench), cseq=3)
    assert bench.statuses() == [487, 200]


def test_a_bye_while_our_answer_awaits_its_ack(bench: Bench) -> None:
    ack = offered(bench)
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.in_dialog("BYE", ack, cseq=3)
    bench.sent()
    bench.advance(100)
    assert bench.sent() == []
    assert bench.agent.is_idle


def test_hanging_up_while_our_offer_is_under_way(bench: Bench) -> None:
    invite = reoffer(bench)
    bench.reply(invite, 100, tag="")
    bench.agent.hang_up(CALL, bench.now)
    assert bench.methods() == ["CANCEL", "BYE"]
    bench.reply(invite, 200, body=ANSWER)
    assert bench.methods() == ["ACK"]
    assert [type(event) for event in bench.events()] == [CallEnded]
    bench.advance(100)
    assert bench.agent.is_idle


def test_a_bye_while_our_offer_is_under_way_leaves_nothing_behind(bench: Bench) -> None:
    invite = reoffer(bench)
    bench.reply(invite, 100, tag="")
    bench.in_dialog("BYE", invite)
    bench.sent()
    bench.advance(100)
    assert bench.agent.is_idle


def test_hanging_up_while_their_offer_in_a_2xx_waits(bench: Bench) -> None:
    bench.reply(reoffer(bench, b""), 200, body=NEW)
    bench.agent.hang_up(CALL, bench.now)
    assert bench.methods() == ["ACK", "BYE"]


def test_hanging_up_while_our_offer_backs_off(bench: Bench) -> None:
    bench.reply(reoffer(bench), 491)
    bench.agent.hang_up(CALL, bench.now)
    bench.reply(bench.sent_request("BYE"), 200)
    bench.advance(100)
    assert bench.methods() == []


def test_a_re_invite_answers_a_challenge() -> None:
    bench = Bench(UserAgentSettings())
    bench.established()
    bench.agent.reoffer(CALL, NEW, bench.now)
    bench.reply(bench.sent_request("INVITE"), 407, Proxy_Authenticate='Digest realm="r", nonce="n"')
    assert bench.events() == [OfferRefused(CALL, 407)]
