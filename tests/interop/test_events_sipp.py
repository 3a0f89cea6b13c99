"""SIPp as the other side of transfers, replaced calls, texts, digits by INFO and waiting messages."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.support.daemons import PhoneDaemon, own_command, running
from tests.support.processes import HOST, Command, wait_until
from tests.support.sipp import Sipp

pytestmark = pytest.mark.interop

SETTINGS = {"phone.direct_calls": "on", "phone.door_code": "42"}


@pytest.fixture(scope="module")
def one_phone(tmp_path_factory) -> Iterator[PhoneDaemon]:
    phone = PhoneDaemon("phone", tmp_path_factory.mktemp("phone"), SETTINGS)
    with running(phone):
        phone.client.subscribe(["message"])
        yield phone


@pytest.fixture
def phone(one_phone) -> Iterator[PhoneDaemon]:
    """The phone at rest, before and after."""
    yield one_phone
    for _ in range(2):
        one_phone.rest()


@pytest.fixture
def call(play, phone) -> Callable[..., Sipp]:
    """SIPp calls the phone, or sends it something."""
    return lambda scenario, **more: play(scenario, f"{HOST}:{phone.port}", target=phone.target, **more)


def answer(phone: PhoneDaemon) -> None:
    """Take the call that SIPp makes."""
    phone.expect_state("alerting")
    phone.call("call.answer")
    phone.expect_state("connected")


def offhook(phone: PhoneDaemon, *words: str) -> Command:
    return Command(own_command(*words, "--socket", str(phone.socket_path)))


# SIPp sends the phone on.


def test_a_transfer(phone, call, play) -> None:
    target = play("answer-refer", header="Referred-By", value="sip:sipp@")
    first = call("call-and-refer", refer_to=f"<sip:carol@{target.address}>", outcome="200", pause_ms=100)
    answer(phone)
    phone.expect_state("calling")
    phone.expect_state("connected")
    first.succeed()
    assert [one["remote"] for one in phone.status()["calls"]] == [f"sip:carol@{target.address}"]
    phone.rest()
    target.succeed()


def test_a_transfer_with_replaces(phone, call, play) -> None:
    target = play("answer-refer", header="Replaces", value="abc;to-tag=1;from-tag=2")
    uri = f"<sip:carol@{target.address}?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2>"
    first = call("call-and-refer", refer_to=uri, outcome="200", pause_ms=100)
    answer(phone)
    first.succeed()
    phone.rest()
    target.succeed()


@pytest.mark.parametrize("status", [486, 404])
def test_a_transfer_that_fails_leaves_the_call(phone, call, play, status) -> None:
    target = play("refuse", status=status)
    first = call("call-and-refer", refer_to=f"<sip:carol@{target.address}>", outcome=str(status), pause_ms=500)
    answer(phone)
    phone.expect_state("calling")
    phone.expect_state("connected")
    assert len(phone.status()["calls"]) == 1
    first.succeed()
    target.succeed()
    phone.expect_state("idle")


def test_a_transfer_without_subscription(phone, call, play) -> None:
    """Nobody tells SIPp how it came out, which it would not bear; the phone hangs up the old call by itself."""
    target = play("answer")
    first = call("call-and-refer-quietly", refer_to=f"<sip:carol@{target.address}>")
    answer(phone)
    first.succeed()
    phone.rest()
    target.succeed()


@pytest.mark.parametrize(
    ("status", "refer"),
    [
        (400, ""),
        (400, "Refer-To: <sip:a@127.0.0.1>, <sip:b@127.0.0.1>"),
        (416, "Refer-To: <http://127.0.0.1/>"),
        (501, "Refer-To: <sip:a@127.0.0.1;method=BYE>"),
        (420, "Refer-To: <sip:a@127.0.0.1>\nRequire: multiple-refer"),
    ],
)
def test_what_cannot_be_referred_to(phone, call, status, refer) -> None:
    sipp = call("call-and-refer-refused", status=status, refer=refer)
    answer(phone)
    sipp.succeed()


# The phone sends SIPp on.


def test_the_phone_transfers(phone, call) -> None:
    sipp = call(
        "call-and-be-referred",
        refer_to="sip:carol@192.0.2.9",
        outcome="200 OK",
        next="BYE",
        last_answer="{ok-without-body}",
        end="",
    )
    answer(phone)
    transfer = offhook(phone, "transfer", "sip:carol@192.0.2.9")
    sipp.succeed()
    assert transfer.finish() == (0, "transferred\n", "")
    phone.expect_state("idle")
    assert phone.call_log()[0]["cause"] == "transferred"


def test_a_transfer_that_fails_comes_back(phone, call) -> None:
    sipp = call(
        "call-and-be-referred",
        refer_to="sip:carol@192.0.2.9",
        outcome="486 Busy Here",
        next="INVITE",
        last_answer="{ok-with-sdp}",
        end='<recv request="ACK"/><send retrans="500"><![CDATA[{bye}]]></send><recv response="200"/>',
    )
    answer(phone)
    transfer = offhook(phone, "transfer", "sip:carol@192.0.2.9")
    phone.expect_state("transferring")
    phone.expect_state("connected")
    status, _, complaint = transfer.finish()
    assert (status, "not transferred: busy" in complaint) == (1, True)
    sipp.succeed()


# Replaced calls.


def replaces(message: str, ours: str, theirs: str) -> str:
    """The Replaces header for the dialog of a message that the phone sent; the tags stand in these header fields."""
    call_id = re.search(r"^Call-ID: (.*?)\r?$", message, re.MULTILINE)
    tags = [re.search(rf"^{name}:.*tag=([^;\r\n]+)", message, re.MULTILINE) for name in (ours, theirs)]
    assert call_id is not None
    assert tags[0] is not None
    assert tags[1] is not None
    return f"Replaces: {call_id[1]};to-tag={tags[0][1]};from-tag={tags[1][1]}"


def test_a_call_takes_the_place_of_another(phone, call) -> None:
    first = call("call-until-bye")
    answer(phone)
    header = replaces(phone.expect_message("out", "SIP/2.0 200", "CSeq: 1 INVITE"), "To", "From")
    second = call("call", pause_ms=300, extra=f"{header}\nRequire: replaces")
    first.succeed()
    wait_until("one call", lambda: len(phone.status()["calls"]) == 1)
    assert phone.status()["phone"]["state"] == "connected"
    second.succeed()
    phone.expect_state("idle")


def test_a_call_of_the_phone_is_picked_up(phone, call, play) -> None:
    ringing = play("ring-until-cancelled", cseq="1")
    phone.place(f"sip:sipp@{ringing.address}")
    phone.expect_state("ringback")
    message = phone.expect_message("out", "INVITE")
    rung = phone.expect_message("in", "SIP/2.0 180")
    header = replaces(rung, "From", "To")
    assert "Call-ID" in message
    second = call("call", pause_ms=300, extra=f"{header};early-only")
    phone.expect_state("connected")
    ringing.succeed()
    second.succeed()


@pytest.mark.parametrize(
    ("status", "text"), [(481, "nothing;to-tag=1;from-tag=2"), (400, "nothing"), (400, "nothing;to-tag=1")]
)
def test_calls_that_cannot_be_replaced(phone, call, status, text) -> None:
    call("call-refused", status=status, extra=f"Replaces: {text}").succeed()
    assert phone.status()["calls"] == []


def test_only_a_ringing_call_was_meant(phone, call) -> None:
    first = call("call-until-bye")
    answer(phone)
    header = replaces(phone.expect_message("out", "SIP/2.0 200", "CSeq: 1 INVITE"), "To", "From")
    call("call-refused", status=486, extra=f"{header};early-only").succeed()
    phone.rest()
    first.succeed()


# Texts.


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_text_comes(phone, call, transport) -> None:
    call("message", transport=transport, status=200, content_type="text/plain;charset=utf-8").succeed()
    told = phone.expect("message", "a text", lambda news: news["event"] == "received")
    assert str(told["text"]).strip() == "The parcel is here."
    assert "parcel" not in phone.log()


def test_what_is_no_text(phone, call) -> None:
    answered = call("message", status=415, content_type="text/html").succeed()
    assert "Accept: text/plain" in answered


@pytest.mark.parametrize(
    ("status", "outcome", "said"), [(200, 0, "delivered"), (202, 0, "kept for later"), (480, 1, "not available now")]
)
def test_a_text_goes(phone, play, status, outcome, said) -> None:
    sipp = play("take-message", status=status)
    done, out, err = offhook(phone, "message", "send", f"sip:bob@{sipp.address}", "The parcel is here.").finish()
    assert (done, said in out + err) == (outcome, True)
    sipp.succeed()


# Digits by INFO.


def test_the_door_opens_by_info(phone, call) -> None:
    sipp = call("call-and-dial-by-info", pause_ms=100)
    answer(phone)
    wait_until("the door", lambda: "door opened by code" in phone.log())
    sipp.succeed()
    assert "Signal" not in phone.log()


# Subscriptions.


def test_waiting_messages(start_phone, play) -> None:
    server = play("waiting-messages", options=("-m", "2", "-l", "10"))
    phone = start_phone(name="mwi")
    phone.client.subscribe(["notify"])
    phone.add_account(server.address, "1001", "", mwi=True)
    told = phone.expect("notify", "waiting messages", lambda news: news["event"] == "notification")
    assert (told["waiting"], told["new"], told["old"]) == (True, 2, 8)
    assert phone.status()["phone"]["messages_waiting"]
    assert phone.call("board.show")["lamps"]["message"] == "on"
    phone.stop()
    server.succeed()


def test_strangers_tell_nothing_unasked(phone, call) -> None:
    call("notify", status=481, event="message-summary").succeed()
    assert not phone.status()["phone"]["messages_waiting"]


def test_a_subscription_to_what_is_not_served(phone, call) -> None:
    contact = f"Contact: <sip:x@{HOST}>"
    answered = call("request", method="SUBSCRIBE", status=489, extra=f"Event: presence\n{contact}").succeed()
    assert "Allow-Events: refer" in answered
