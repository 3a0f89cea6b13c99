"""SIPp as caller and as called party of the offhook phone, straight by IP address and with digest."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.canary import ACCOUNT_PASSWORD
from tests.support.daemons import PhoneDaemon, running
from tests.support.processes import HOST
from tests.support.sipp import Sipp

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def one_phone(tmp_path_factory) -> Iterator[PhoneDaemon]:
    phone = PhoneDaemon("phone", tmp_path_factory.mktemp("phone"), {"phone.direct_calls": "on"})
    with running(phone):
        yield phone


@pytest.fixture
def phone(one_phone) -> Iterator[PhoneDaemon]:
    """The phone at rest, before and after."""
    yield one_phone
    one_phone.rest()


@pytest.fixture
def call(play, phone) -> Callable[..., Sipp]:
    """SIPp calls the phone."""
    return lambda scenario, **more: play(scenario, f"{HOST}:{phone.port}", target=phone.target, **more)


# SIPp calls the phone.


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sipp_calls_and_hangs_up(phone, transport, call) -> None:
    sipp = call("call", transport=transport, pause_ms=100)
    phone.expect_state("alerting")
    phone.lift()
    phone.expect_state("connected")
    phone.expect_state("busy-tone")
    sipp.succeed()
    entry = phone.call_log()[0]
    assert (entry["direction"], entry["remote_name"], entry["cause"]) == ("in", "SIPp", "answered")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sipp_calls_and_the_phone_hangs_up(phone, transport, call) -> None:
    sipp = call("call-until-bye", transport=transport)
    phone.expect_state("alerting")
    phone.lift()
    phone.expect_state("connected")
    phone.expect_message("in", "ACK")
    phone.rest()
    sipp.succeed()


def test_sipp_gives_up(phone, call) -> None:
    sipp = call("call-and-cancel")
    phone.expect_state("alerting")
    phone.expect_state("idle")
    sipp.succeed()
    assert phone.call_log()[0]["cause"] == "missed"


def test_a_lifted_phone_is_busy(phone, call) -> None:
    phone.lift()
    phone.expect_state("dial-tone")
    call("call-refused", status=486).succeed()


def test_a_second_caller_is_told_busy_and_the_first_goes_on(phone, call) -> None:
    first = call("call-until-bye")
    phone.expect_state("alerting")
    call("call-refused", status=486).succeed()
    phone.lift()
    phone.expect_state("connected")
    call("call-refused", status=486).succeed()
    phone.expect_message("in", "ACK")
    phone.rest()
    first.succeed()


def test_the_phone_declines(phone, call) -> None:
    sipp = call("call-refused", status=486)
    phone.expect_state("alerting")
    phone.call("call.hangup")
    sipp.succeed()
    assert phone.call_log()[0]["cause"] == "declined"


def test_nobody_lifts(start_phone, play) -> None:
    phone = start_phone({"phone.ring_timeout_s": "1"})
    play("call-refused", f"{HOST}:{phone.port}", target=phone.target, status=480).succeed()


def test_a_phone_answers_by_itself_when_the_caller_asks(start_phone, play) -> None:
    phone = start_phone({"phone.auto_answer": "header", "phone.direct_calls": "on"})
    header = f"Call-Info: <sip:{HOST}>;answer-after=0"
    play("call", f"{HOST}:{phone.port}", target=phone.target, pause_ms=100, extra=header).succeed()
    phone.expect_state("connected")
    phone.expect_state("idle")


@pytest.mark.parametrize(
    ("status", "values"),
    [
        (404, {"target": "sip:nobody@{where}"}),
        (415, {"content_type": "application/cpim-pidf+xml"}),
        (420, {"extra": "Require: 100rel, nothing"}),
        (488, {"codecs": "18"}),
    ],
)
def test_a_call_that_cannot_be_taken(phone, status, values, play) -> None:
    where = f"{HOST}:{phone.port}"
    values = {"target": phone.target, **values}
    values["target"] = values["target"].replace("{where}", where)
    answer = play("call-refused", where, status=status, **values).succeed()
    assert phone.status()["phone"]["state"] == "idle"
    if status == 420:
        assert "Unsupported: nothing" in answer
    if status == 415:
        assert "Accept: application/sdp" in answer


def test_an_invite_that_comes_again_and_again_rings_once(phone, call) -> None:
    before = len(phone.call_log())
    sipp = call("call-thrice-sent", pause_ms=50, options=("-nr",))
    phone.expect_state("alerting")
    for _ in range(3):
        phone.expect_message("out", "SIP/2.0 180")
    phone.lift()
    phone.expect_state("busy-tone")
    sipp.succeed()
    assert len(phone.call_log()) == before + 1


def test_a_200_is_repeated_until_it_is_acknowledged(phone, call) -> None:
    sipp = call("call-late-ack", pause_ms=1300)
    phone.expect_state("alerting")
    before = len(phone.messages("out", "SIP/2.0 200"))
    phone.lift()
    phone.expect_state("connected")
    phone.expect_message("in", "ACK")
    assert len(phone.messages("out", "SIP/2.0 200")) - before >= 2
    phone.rest()
    sipp.succeed()


def test_a_call_without_offer(phone, call) -> None:
    sipp = call("call-late-offer", pause_ms=100)
    phone.expect_state("alerting")
    phone.lift()
    phone.expect_state("busy-tone")
    sipp.succeed()


def test_hold_and_resume_by_the_other_side(phone, call) -> None:
    sipp = call("call-and-hold", pause_ms=100)
    phone.expect_state("alerting")
    phone.lift()
    phone.expect_state("busy-tone")
    sipp.succeed()


def test_other_requests_within_a_call(phone, call) -> None:
    sipp = call("call-with-requests")
    phone.expect_state("alerting")
    phone.lift()
    phone.expect_state("busy-tone")
    sipp.succeed()


@pytest.mark.parametrize(
    ("method", "status", "header"),
    [
        ("OPTIONS", 200, "Allow: INVITE, ACK, CANCEL, BYE"),
        ("OPTIONS", 200, "Accept: application/sdp"),
        ("OPTIONS", 200, "m=audio 0 RTP/AVP"),
        ("OPTIONS", 200, "Allow-Events: refer"),
        ("REGISTER", 405, "Allow: INVITE"),
        ("PUBLISH", 405, "Allow: INVITE"),
        ("SUBSCRIBE", 400, ""),
        ("REFER", 403, ""),
        ("NONSENSE", 501, "Allow: INVITE"),
        ("BYE", 481, ""),
        ("CANCEL", 481, ""),
        ("INFO", 481, ""),
    ],
)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_request_outside_a_call(phone, method, status, header, transport, call) -> None:
    answer = call("request", transport=transport, method=method, status=status).succeed()
    assert header in answer


@pytest.mark.parametrize(
    ("status", "values"),
    [
        (404, {"target": "sip:nobody@127.0.0.1"}),
        (416, {"target": "weird:thing", "to": "sip:thing@127.0.0.1"}),
        (404, {"target": "tel:+15550100", "to": "sip:thing@127.0.0.1"}),
        (420, {"extra": "Require: nothing"}),
        (400, {"extra": "Max-Forwards: many"}),
        (505, {"version": "SIP/7.0"}),
    ],
)
def test_a_request_that_cannot_be_understood(phone, status, values, play) -> None:
    values = {"target": phone.target, **values}
    play("request", f"{HOST}:{phone.port}", method="OPTIONS", status=status, **values).succeed()


def test_an_invite_by_two_ways_is_one_call(phone, call) -> None:
    sipp = call("invite-merged")
    phone.expect_state("alerting")
    phone.expect_state("idle")
    sipp.succeed()


def test_a_large_datagram_is_taken(phone, call) -> None:
    sipp = call("call", pause_ms=50, extra="X-Padding: " + "x" * 4000)
    phone.expect_state("alerting")
    phone.lift()
    phone.expect_state("busy-tone")
    sipp.succeed()


def test_an_offer_among_other_parts(phone, call) -> None:
    sipp = call("call", pause_ms=50, content_type="multipart/mixed;boundary=border", sdp="{multipart}")
    phone.expect_state("alerting")
    phone.lift()
    phone.expect_state("busy-tone")
    sipp.succeed()


# The phone calls SIPp.


def test_the_phone_calls_and_hangs_up(phone, play) -> None:
    sipp = play("answer")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("connected")
    phone.rest()
    sipp.succeed()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_phone_calls_and_sipp_hangs_up(phone, transport, play) -> None:
    sipp = play("answer-and-bye", transport=transport, pause_ms=100)
    phone.lift()
    phone.expect_state("dial-tone")
    phone.place(f"sip:bob@{sipp.address};transport={transport}")
    phone.expect_state("ringback")
    phone.expect_state("connected")
    phone.expect_state("busy-tone")
    sipp.succeed()


@pytest.mark.parametrize(
    ("status", "state", "cause"),
    [
        (486, "busy-tone", "busy"),
        (600, "busy-tone", "busy"),
        (480, "reorder", "unavailable"),
        (404, "reorder", "404"),
        (403, "reorder", "403"),
        (500, "reorder", "500"),
    ],
)
def test_a_refused_call_is_heard(phone, status, state, cause, play) -> None:
    sipp = play("refuse", status=status)
    phone.lift()
    phone.expect_state("dial-tone")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state(state)
    sipp.succeed()
    assert cause in phone.call_log()[0]["cause"]


def test_a_moved_party_is_followed(phone, play) -> None:
    there = play("answer-and-bye")
    here = play("refuse", status=302, extra=f"Contact: <sip:bob@{there.address}>")
    phone.place(f"sip:bob@{here.address}")
    phone.expect_state("connected")
    here.succeed()
    there.succeed()


def test_the_phone_gives_up_while_it_rings(phone, play) -> None:
    sipp = play("ring-until-cancelled")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("ringback")
    phone.rest()
    sipp.succeed()


def test_the_phone_gives_up_before_anything_came_back(phone, play) -> None:
    sipp = play("ring-until-cancelled", pause_ms=300)
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_message("out", "INVITE")
    phone.rest()
    # A CANCEL must not leave before a provisional response came (RFC 3261 section 9.1).
    assert not phone.messages("out", f"CANCEL sip:bob@{sipp.address}")
    sipp.succeed()


def test_the_phone_gives_up_by_itself(start_phone, play) -> None:
    phone = start_phone({"phone.direct_calls": "on", "phone.no_answer_s": "1"})
    sipp = play("ring-until-cancelled")
    phone.lift()
    phone.expect_state("dial-tone")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("ringback")
    phone.expect_state("reorder")
    sipp.succeed()
    assert phone.call_log()[0]["cause"] == "no answer"


def test_lost_messages_are_repeated(phone, play) -> None:
    sipp = play("answer-slowly", pause_ms=1200)
    target = f"sip:bob@{sipp.address}"
    phone.place(target)
    phone.expect_state("connected")
    assert len(phone.messages("out", f"INVITE {target}")) >= 2
    phone.expect_message("out", "ACK")
    phone.expect_message("out", "ACK")
    phone.rest()
    sipp.succeed()


def test_a_peer_that_rings_before_it_answers_is_heard(phone, play) -> None:
    sipp = play("answer-early-media", pause_ms=200)
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("ringback")
    assert phone.status()["phone"]["tone"] == ""
    phone.expect_state("connected")
    phone.rest()
    sipp.succeed()


def test_of_two_that_answer_one_is_kept(phone, play) -> None:
    to = "sip:bob@{where}"
    sipp = play("answer-forked", to="sip:bob@[local_ip]:[local_port]")
    phone.place(to.replace("{where}", sipp.address))
    phone.expect_state("connected")
    phone.expect_message("out", "BYE")
    assert phone.status()["phone"]["state"] == "connected"
    phone.rest()
    sipp.succeed()


def test_a_hook_flash_holds_and_takes_back(start_phone, play) -> None:
    phone = start_phone({"phone.direct_calls": "on", "hardware.flash": "on"})
    sipp = play("answer-held")
    phone.lift()
    phone.expect_state("dial-tone")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("connected")
    phone.replace()
    phone.lift()
    phone.expect_state("held")
    phone.expect_message("out", "ACK")
    phone.replace()
    phone.lift()
    phone.expect_state("connected")
    phone.expect_message("in", "SIP/2.0 491")
    phone.expect_message("in", "SIP/2.0 200")
    phone.rest()
    sipp.succeed()


def test_a_large_request_goes_by_tcp(start_phone, play) -> None:
    phone = start_phone({"phone.direct_calls": "on", "sip.user_agent": "offhook " + "x" * 1200})
    sipp = play("answer", transport="tcp")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("connected")
    assert "SIP/2.0/TCP" in phone.expect_message("out", "ACK")
    phone.rest()
    sipp.succeed()


def test_a_large_request_goes_by_udp_where_nobody_takes_tcp(start_phone, play) -> None:
    phone = start_phone({"phone.direct_calls": "on", "sip.user_agent": "offhook " + "x" * 1200})
    sipp = play("answer")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("connected")
    phone.rest()
    sipp.succeed()


# Digest.


VERIFY = '<verifyauth assign_to="valid" username="alice" password="{password}"/>'
PRESENT = '<ereg regexp="response=" search_in="hdr" header="Proxy-Authorization:" assign_to="valid"/>'


@pytest.mark.parametrize(
    ("status", "header", "check"), [(401, "WWW-Authenticate", VERIFY), (407, "Proxy-Authenticate", PRESENT)]
)
def test_sipp_wants_a_password_for_the_call(start_phone, play, status, header, check) -> None:
    phone = start_phone()
    sipp = play("answer-challenged", status=status, challenge_header=header, check=check, password=ACCOUNT_PASSWORD)
    phone.add_account(sipp.address, "alice", ACCOUNT_PASSWORD, register=False)
    phone.expect_state("idle")
    phone.place("1002")
    phone.expect_state("connected")
    phone.rest()
    sipp.succeed()
    assert phone.account()["password"] == "sealed"


def test_sipp_knows_a_wrong_password(start_phone, play) -> None:
    phone = start_phone()
    sipp = play("answer-challenged", status=401, challenge_header="WWW-Authenticate", check=VERIFY, password="another")
    phone.add_account(sipp.address, "alice", ACCOUNT_PASSWORD, register=False)
    phone.expect_state("idle")
    phone.place("1002")
    with pytest.raises(AssertionError, match="the digest is wrong"):
        sipp.succeed()


def test_a_registration_against_all_obstacles(start_phone, play) -> None:
    phone = start_phone()
    sipp = play("registrar", user="alice", password=ACCOUNT_PASSWORD, granted=2)
    phone.add_account(sipp.address, "alice", ACCOUNT_PASSWORD)
    news = phone.expect_registration("failed")
    assert news["status"] == 503
    news = phone.expect_registration("registered")
    assert news["expires_s"] == 2
    news = phone.expect_registration("registered")
    assert news["expires_s"] == 600
    phone.call("account.remove", id="office")
    sipp.succeed()


def test_a_proxy_and_a_registrar_want_a_password_each(start_phone, play) -> None:
    phone = start_phone()
    sipp = play("registrar-behind-proxy", user="alice", password=ACCOUNT_PASSWORD)
    phone.add_account(sipp.address, "alice", ACCOUNT_PASSWORD)
    phone.expect_registration("registered")
    sipp.succeed()
    assert phone.account()["password"] == "sealed"
