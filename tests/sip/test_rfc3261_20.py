"""RFC 3261 sections 19.2 to 20 and 22 on the messages that a peer gets from us and gives to us."""

import pytest

from device.sip.core import EXTENSIONS, METHODS_SERVED
from device.sip.events import CallEstablished
from device.sip.message import Request, Response
from tests.support.sip_bench import ANSWER, CALL, OFFER, OFFICE, Bench, office

STANDARDS_TRACK = {
    "100rel", "early-session", "eventlist", "from-change", "gruu", "histinfo", "join", "multiple-refer", "norefersub",
    "outbound", "path", "precondition", "pref", "privacy", "replaces", "resource-priority", "sdp-anat", "sec-agree",
    "tdialog", "timer", "answermode", "199", "explicitsub", "nosub", "policy", "recipient-list-invite",
}  # fmt: skip
"""Option tags with an RFC of the standards track (section 19.2), of those that a telephone could have."""


@pytest.fixture
def bench() -> Bench:
    return Bench()


def everything_sent(bench: Bench) -> list[Request | Response]:
    """What a registration and a call in each direction put on the wire."""
    bench.agent.start_registration(OFFICE, bench.now)
    found: list[Request | Response] = [bench.sent_request("REGISTER")]
    bench.reply(found[0], 200, Contact="<sip:1001@192.0.2.1:5060>;expires=60")  # type: ignore[arg-type]
    invite = bench.call("sip:bob@192.0.2.2;x=1", account=OFFICE)
    bench.reply(invite, 180)
    bench.reply(invite, 200, body=ANSWER)
    bench.agent.reoffer(CALL, OFFER, bench.now)
    found += [invite, *bench.sent()]
    bench.request("INVITE", body=OFFER)
    bench.request("OPTIONS", call_id="other")
    bench.agent.ring("in-1", bench.now)  # type: ignore[arg-type]
    bench.agent.answer("in-1", ANSWER, bench.now)  # type: ignore[arg-type]
    bench.advance(1)
    bench.agent.hang_up(CALL, bench.now)
    return [*found, *bench.sent()]


def test_we_name_only_extensions_that_have_an_rfc() -> None:
    assert set(EXTENSIONS) <= STANDARDS_TRACK
    for message in everything_sent(Bench(account=office())):
        for name in ("Supported", "Require", "Proxy-Require"):
            assert set(message.tokens(name)) <= STANDARDS_TRACK


def test_allow_names_every_method_that_is_understood() -> None:
    allows = [one.tokens("Allow") for one in everything_sent(Bench(account=office())) if "Allow" in one.headers]
    assert allows
    assert all(allow == list(METHODS_SERVED) for allow in allows)
    assert {"ACK", "CANCEL"} <= set(METHODS_SERVED)


def test_addresses_always_stand_in_angle_brackets() -> None:
    for message in everything_sent(Bench(account=office())):
        for name in ("From", "To", "Contact", "Route"):
            for value in message.headers.get_all(name):
                assert "<sip:" in value, f"{name}: {value}"


def test_every_message_says_how_long_its_body_is_and_of_which_type() -> None:
    for message in everything_sent(Bench(account=office())):
        assert message.headers.get_all("Content-Length") == [str(len(message.body))]
        assert (message.content_type is not None) == bool(message.body)


def test_every_via_of_ours_names_protocol_version_branch_and_a_port() -> None:
    for message in everything_sent(Bench(account=office())):
        if isinstance(message, Request):
            (via,) = message.vias
            assert str(via).startswith("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK")


def test_an_answer_requires_nothing_of_a_caller_who_supports_nothing(bench: Bench) -> None:
    bench.called()
    bench.agent.ring("in-1", bench.now)  # type: ignore[arg-type]
    bench.agent.answer("in-1", ANSWER, bench.now)  # type: ignore[arg-type]
    answers = [one for one in bench.sent() if isinstance(one, Response)]
    assert [one.status for one in answers] == [180, 200]
    assert not any(name in one.headers for one in answers for name in ("Require", "RSeq", "Session-Expires"))


@pytest.mark.parametrize("name", ["call-id", "CALL-ID"])
def test_a_call_id_is_compared_as_it_stands_and_its_name_is_not(bench: Bench, name: str) -> None:
    ours = bench.answered()
    bench.request("BYE", to=str(ours.to), from_=str(ours.from_), call_id=ours.call_id.upper(), cseq=2)
    assert bench.statuses() == [481]
    bye = bench.request("BYE", to=str(ours.to), from_=str(ours.from_), call_id="x", cseq=3).encode()
    bench.statuses()
    changed = bye.replace(b"Call-ID: x", f"{name}: {ours.call_id}".encode()).replace(b"z9hG4bK-", b"z9hG4bK-2")
    bench.endpoint.receive_datagram(changed, bench.hops[-1], bench.now)
    assert bench.statuses() == [200]


def test_a_warning_and_an_absent_allow_change_nothing(bench: Bench) -> None:
    bench.reply(bench.call(), 200, body=ANSWER, Warning='399 peer "self-destruction imminent"')
    bench.event(CallEstablished)
    bench.sent()
    bench.agent.reoffer(CALL, OFFER, bench.now)
    assert bench.methods() == ["INVITE"]


# Section 22: who proves what to whom.


def test_basic_authentication_is_not_answered() -> None:
    bench = Bench(account=office())
    bench.reply(bench.call("1002", account=OFFICE), 401, WWW_Authenticate='Basic realm="pbx"')
    assert bench.methods() == ["ACK"]
    assert bench.end().status == 401


def test_credentials_that_were_refused_are_not_sent_again() -> None:
    bench = Bench(account=office())
    challenge = 'Digest realm="pbx", nonce="{}", qop="auth"'
    bench.reply(bench.call("1002", account=OFFICE), 401, WWW_Authenticate=challenge.format("n1"))
    bench.reply(bench.sent_request("INVITE"), 401, WWW_Authenticate=challenge.format("n2"))
    assert bench.methods() == ["ACK"]
    assert bench.end().status == 401


def test_the_ack_of_a_2xx_and_of_a_failure_carry_the_credentials() -> None:
    for status in (200, 486):
        bench = Bench(account=office())
        bench.reply(
            bench.call("1002", account=OFFICE), 407, Proxy_Authenticate='Digest realm="pbx", nonce="n", qop="auth"'
        )
        invite = bench.sent_request("INVITE")
        bench.reply(invite, status, body=ANSWER if status == 200 else b"")
        ack = bench.sent_request("ACK")
        assert ack.headers.get_all("Proxy-Authorization") == invite.headers.get_all("Proxy-Authorization") != []


def test_later_requests_outside_dialogs_carry_credentials_at_once() -> None:
    bench = Bench(account=office())
    challenge = 'Digest realm="pbx", nonce="n", qop="auth", opaque="o"'
    bench.reply(bench.call("1002", account=OFFICE), 407, Proxy_Authenticate=challenge)
    bench.reply(bench.sent_request("INVITE"), 486)
    bench.sent()
    bench.agent.invite(CALL, "1003", OFFER, OFFICE, bench.now)
    value = bench.sent_request("INVITE").headers.get("Proxy-Authorization") or ""
    assert "nc=00000002" in value
    assert all(f'{name}="' in value for name in ("uri", "cnonce", "opaque", "realm", "nonce"))


def test_without_qop_there_is_no_cnonce() -> None:
    bench = Bench(account=office())
    bench.reply(bench.call("1002", account=OFFICE), 401, WWW_Authenticate='Digest realm="pbx", nonce="n"')
    value = bench.sent_request("INVITE").headers.get("Authorization") or ""
    assert 'response="' in value
    assert not any(name in value for name in ("cnonce", "qop", "nc="))
