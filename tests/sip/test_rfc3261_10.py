"""RFC 3261 section 10.2 as the registrar sees it, where no other test of registrations shows a clause."""

from device.sip.message import Request
from tests.support.sip_bench import OFFICE, Bench, office

OWN = "<sip:1001@192.0.2.1:5060>;expires=60"


def test_a_record_route_in_the_answer_makes_no_route() -> None:
    bench = Bench(account=office())
    bench.agent.start_registration(OFFICE, bench.now)
    register = bench.sent_request("REGISTER")
    bench.reply(register, 200, Contact=OWN, Record_Route="<sip:192.0.2.77;lr>")
    bench.advance(50)
    again = bench.sent_request("REGISTER")
    assert ("Route" in again.headers, again.uri) == (False, register.uri)
    assert "Route" not in bench.call("1002", account=OFFICE).headers


def test_every_register_of_a_registration_is_the_next_in_one_series() -> None:
    bench = Bench(account=office())
    bench.agent.start_registration(OFFICE, bench.now)
    sent: list[Request] = [bench.sent_request("REGISTER")]
    bench.reply(sent[-1], 401, WWW_Authenticate='Digest realm="pbx", nonce="n", qop="auth"')
    sent.append(bench.sent_request("REGISTER"))
    bench.reply(sent[-1], 200, Contact=OWN)
    bench.advance(50)
    sent.append(bench.sent_request("REGISTER"))
    bench.reply(sent[-1], 503)
    bench.advance(10)
    sent.append(bench.sent_request("REGISTER"))
    first = sent[0].cseq.number
    assert [one.cseq.number for one in sent] == [first, first + 1, first + 2, first + 3]
    assert len({(one.call_id, str(one.uri), str(one.to)) for one in sent}) == 1
