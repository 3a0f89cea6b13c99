"""The user agent as a whole: accounts and calls together, and storms of messages in any order."""

import random

import pytest

from device.model import CallId
from device.sip.errors import SipStateError
from device.sip.events import CallEnded
from device.sip.message import Request
from tests.support.sip_bench import ANSWER, CALL, OFFER, OFFICE, Bench, office

CHALLENGE = 'Digest realm="pbx", nonce="n1", algorithm=MD5, qop="auth"'


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_removing_an_account_hangs_up_its_calls() -> None:
    bench = Bench(account=office())
    bench.reply(bench.call("1002", account=OFFICE), 200, body=ANSWER)
    bench.agent.invite(CallId("other"), "192.0.2.2", OFFER, None, bench.now)
    bench.sent()
    bench.agent.remove_account(OFFICE, bench.now)
    assert bench.methods() == ["BYE"]
    assert [event.call_id for event in bench.events() if isinstance(event, CallEnded)] == [CALL]


# Whatever comes, and in whatever order.


def test_a_storm_of_requests_in_a_call_raises_nothing() -> None:
    dice = random.Random(7)
    for _ in range(150):
        bench = Bench(account=office())
        ours = bench.answered() if dice.random() < 0.5 else bench.established()
        call_id = CALL if isinstance(ours, Request) else CallId("in-1")
        for _ in range(25):
            method = dice.choice(["INVITE", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE"])
            branch = dice.choice(["", "z9hG4bK-peer1", "z9hG4bK-a", "z9hG4bK-b"])
            body = dice.choice([b"", OFFER])
            if dice.random() < 0.1:
                method = "BYE" if dice.random() < 0.1 else "INVITE"
            bench.in_dialog(method, ours, cseq=dice.randrange(1, 6), branch=branch, body=body)
            match dice.randrange(5):
                case 0:
                    bench.agent.reoffer(call_id, dice.choice([OFFER, b""]), bench.now)
                case 1:
                    bench.agent.accept_offer(call_id, ANSWER, bench.now)
                case 2:
                    bench.agent.refuse_offer(call_id, 488, bench.now)
                case 3:
                    bench.advance(dice.choice([0.1, 1, 5, 33]))
            for sent in bench.sent():
                if isinstance(sent, Request) and sent.method != "ACK" and dice.random() < 0.7:
                    status = dice.choice([100, 180, 200, 200, 200, 408, 481, 488, 491, 500])
                    bench.reply(sent, status, tag="" if status == 100 else "peer", body=dice.choice([b"", OFFER]))
        bench.agent.hang_up(call_id, bench.now)
        bench.advance(200)
        assert bench.agent.is_idle
        ends = [event for event in bench.events() if isinstance(event, CallEnded) and event.call_id == call_id]
        assert len(ends) == 1


def test_a_storm_of_responses_to_a_call_raises_nothing() -> None:
    dice = random.Random(11)
    for _ in range(300):
        bench = Bench(account=office())
        offer = dice.choice([OFFER, b""])
        requests: list[Request] = [bench.call("1002", offer, OFFICE)]
        for _ in range(12):
            request = dice.choice(requests)
            status = dice.choice([100, 180, 183, 199, 200, 200, 302, 401, 407, 486, 603, 487])
            headers = {"Contact": dice.choice(["", "<sip:x@192.0.2.2>"])} if status < 400 else {}
            if status in (401, 407):
                headers = {dice.choice(["WWW_Authenticate", "Proxy_Authenticate"]): CHALLENGE}
            bench.reply(request, status, tag=dice.choice(["a", "b", "c"]), body=dice.choice([b"", OFFER]), **headers)
            match dice.randrange(4):
                case 0:
                    bench.agent.hang_up(CALL, bench.now)
                case 1:
                    bench.advance(dice.choice([0.1, 1, 33]))
            requests += [one for one in bench.sent() if isinstance(one, Request) and one.method != "ACK"]
        bench.agent.hang_up(CALL, bench.now)
        bench.advance(200)
        assert bench.agent.is_idle
        assert len([event for event in bench.events() if isinstance(event, CallEnded)]) == 1


def test_only_a_failure_refuses(bench: Bench) -> None:
    bench.called()
    for refuse in (bench.agent.reject, bench.agent.refuse_offer):
        with pytest.raises(SipStateError, match="200 refuses nothing"):
            refuse(CallId("in-1"), 200, bench.now)
