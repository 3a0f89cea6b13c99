"""Requests of ours through challenges to their owners."""

import pytest

from device.model import Credential
from device.sip.events import CallEstablished
from tests.support.sip_bench import ANSWER, CALL, OFFER, OFFICE, Bench, office

CHALLENGE = 'Digest realm="pbx", nonce="n1", algorithm=MD5, qop="auth"'


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_invite_and_its_bye_answer_challenges() -> None:
    bench = Bench(account=office())
    invite = bench.call("1002", account=OFFICE)
    bench.reply(invite, 407, Proxy_Authenticate=CHALLENGE)
    again = bench.sent_request("INVITE")
    assert (again.call_id, again.from_.tag) == (invite.call_id, invite.from_.tag)
    assert again.cseq.number == invite.cseq.number + 1
    assert "Proxy-Authorization" in again.headers
    bench.reply(again, 200, body=ANSWER)
    ack = bench.sent_request("ACK")
    assert ack.cseq.number == again.cseq.number
    assert ack.headers.get("Proxy-Authorization") == again.headers.get("Proxy-Authorization")
    bench.agent.hang_up(CALL, bench.now)
    bye = bench.sent_request("BYE")
    bench.reply(bye, 407, Proxy_Authenticate=CHALLENGE)
    signed = bench.sent_request("BYE")
    assert signed.cseq.number == bye.cseq.number + 1
    assert 'realm="pbx"' in (signed.headers.get("Proxy-Authorization") or "")
    bench.reply(signed, 200)
    assert any(isinstance(event, CallEstablished) for event in bench.events())


def test_a_re_invite_answers_its_challenge() -> None:
    bench = Bench(account=office())
    bench.reply(bench.call("1002", account=OFFICE), 200, body=ANSWER)
    bench.agent.reoffer(CALL, OFFER, bench.now)
    bench.sent()
    bench.agent.network_changed(bench.now)
    bench.agent.reoffer(CALL, OFFER, bench.now)
    bench.advance(0.5)
    invite = bench.sent_request("INVITE")
    bench.reply(invite, 401, WWW_Authenticate=CHALLENGE)
    again = bench.sent_request("INVITE")
    assert again.cseq.number == invite.cseq.number + 1


def test_a_wrong_password_ends_the_call() -> None:
    bench = Bench(account=office())
    bench.reply(bench.call("1002", account=OFFICE), 401, WWW_Authenticate=CHALLENGE)
    bench.reply(bench.sent_request("INVITE"), 401, WWW_Authenticate=CHALLENGE)
    assert bench.end().text.startswith("the server refused user 1001's password")


def test_a_challenge_after_the_cancel_is_not_answered() -> None:
    bench = Bench(account=office())
    invite = bench.call("1002", account=OFFICE)
    bench.agent.hang_up(CALL, bench.now)
    bench.reply(invite, 401, WWW_Authenticate=CHALLENGE)
    assert bench.methods() == ["ACK"]
    bench.advance(40)
    assert bench.agent.is_idle


def test_a_credential_that_is_replaced_is_used(bench: Bench) -> None:
    bench.agent.add_account(office(), Credential("1001", password="old"))
    bench.agent.add_account(office(), Credential("2002", password="new"))
    bench.reply(bench.call("1002", account=OFFICE), 401, WWW_Authenticate=CHALLENGE)
    assert 'username="2002"' in (bench.sent_request("INVITE").headers.get("Authorization") or "")
