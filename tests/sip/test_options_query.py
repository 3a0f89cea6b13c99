"""OPTIONS as a question of ours: any answer is one, silence is told, and what the other side can do."""

import pytest

from device.sip.errors import SipStateError
from device.sip.feature_events import OptionsFinished
from tests.support.sip_bench import OFFICE, Bench, office


@pytest.fixture
def bench() -> Bench:
    return Bench(account=office())


def test_an_answer_tells_time_software_and_abilities(bench: Bench) -> None:
    name = bench.agent.send_options("sip:1002@192.0.2.2", OFFICE, bench.now)
    request = bench.sent_request("OPTIONS")
    assert (str(request.uri), request.headers.get("Accept")) == ("sip:1002@192.0.2.2", "application/sdp")
    assert request.headers.get("Contact")
    bench.now += 0.25
    bench.reply(request, 200, Server="pbx 1.0", Allow="INVITE, ACK", Supported="100rel")
    answer = bench.event(OptionsFinished)
    assert (answer.name, answer.status, answer.software) == (name, 200, "pbx 1.0")
    assert answer.seconds == pytest.approx(0.25)
    assert answer.abilities == (("Allow", "INVITE, ACK"), ("Supported", "100rel"))


@pytest.mark.parametrize("status", [404, 405, 486, 503])
def test_a_refusal_is_an_answer_as_well(bench: Bench, status: int) -> None:
    bench.agent.send_options("1002", OFFICE, bench.now)
    bench.reply(bench.sent_request("OPTIONS"), status)
    assert bench.event(OptionsFinished).status == status


def test_a_challenge_is_met_first(bench: Bench) -> None:
    bench.agent.send_options("1002", OFFICE, bench.now)
    challenge = 'Digest realm="r", nonce="n", qop="auth"'
    bench.reply(bench.sent_request("OPTIONS"), 401, WWW_Authenticate=challenge)
    again = bench.sent_request("OPTIONS")
    assert again.headers.get("Authorization")
    bench.reply(again, 200)
    assert bench.event(OptionsFinished).status == 200


def test_silence_is_told(bench: Bench) -> None:
    bench.agent.send_options("1002", OFFICE, bench.now)
    bench.advance(33)
    answer = bench.event(OptionsFinished)
    assert answer.status == 0
    assert answer.text


def test_what_is_no_address_is_refused(bench: Bench) -> None:
    with pytest.raises(SipStateError):
        bench.agent.send_options("sip:", OFFICE, bench.now)
