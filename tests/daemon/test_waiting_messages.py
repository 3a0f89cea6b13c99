"""Waiting voice messages: asked for where an account wants it, told by lamp, tone and control socket."""

from collections.abc import Iterator

import pytest

from device.daemon.waiting_messages import Summary, read_summary
from device.sip.hop import NextHop
from device.sip.message import Request
from tests.support.sip_messages import whole_request
from tests.support.small_registrar import SmallRegistrar
from tests.support.turning import HandLoop
from tests.support.whole_phone import HOST, FarEnd, WholePhone

PASSWORD = "s3cret"


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        (b"Messages-Waiting: yes\r\nMessage-Account: sip:a@b\r\nVoice-Message: 2/8 (0/2)\r\n", Summary(True, 2, 8)),
        (b"messages-waiting : NO\n", Summary(False)),
        (b"Messages-Waiting: yes\r\nvoice-message: 1/0\r\n", Summary(True, 1, 0)),
        (b"Messages-Waiting: yes\r\nVoice-Message: many\r\n", Summary(True)),
        (b"Voice-Message: 2/8\r\n", None),
        (b"Messages-Waiting: perhaps\r\n", None),
        (b"\xff", None),
    ],
)
def test_summaries(body: bytes, summary: Summary | None) -> None:
    assert read_summary(body) == summary


@pytest.fixture
def registrar(loop: HandLoop) -> Iterator[SmallRegistrar]:
    registrar = SmallRegistrar(loop, {"1001": PASSWORD})
    registrar.summary = b"Messages-Waiting: yes\r\nVoice-Message: 2/8\r\n"
    yield registrar
    registrar.close()


def add(phone: WholePhone, registrar: SmallRegistrar, **changes: object) -> None:
    where = {"id": "office", "user": "1001", "domain": HOST, "registrar": f"{HOST}:{registrar.port}"}
    phone.control.call("account.add", **where, password=PASSWORD, **changes)


def registered(phone: WholePhone) -> None:
    phone.loop.turn_until(
        lambda: phone.control.call("account.show", id="office")["state"] == "registered", "registered"
    )


def lamp(phone: WholePhone) -> str:
    return str(phone.parts.runtime._phone.snapshot().messages_waiting)


def subscribes(registrar: SmallRegistrar) -> list[int | None]:
    return [one.expires for one in registrar.requests if one.method == "SUBSCRIBE"]


def test_an_account_that_wants_it_is_watched(phone: WholePhone, registrar: SmallRegistrar) -> None:
    phone.control.call("subscribe", topics=["notify"])
    add(phone, registrar, mwi=True)
    phone.loop.turn_until(lambda: lamp(phone) == "True", "the lamp")
    assert subscribes(registrar) == [3600]
    status = phone.control.call("status")
    assert status["waiting_messages"] == {"office": {"waiting": True, "new": 2, "old": 8}}
    assert status["phone"]["messages_waiting"]
    told = phone.control.topic("notify")
    assert [one["event"] for one in told] == ["subscription", "notification"]
    assert (told[1]["package"], told[1]["new"]) == ("message-summary", 2)
    phone.lift()
    phone.loop.turn_until(lambda: phone.state == "dial-tone", "a tone")
    assert phone.parts.runtime._phone.snapshot().tone == "MESSAGE_WAITING"
    phone.replace()
    registrar.summary = b"Messages-Waiting: no\r\n"
    registrar.tell("active", phone.loop.now())
    phone.loop.turn_until(lambda: lamp(phone) == "False", "the lamp to go out")


def test_an_account_that_does_not_is_not_asked_about(phone: WholePhone, registrar: SmallRegistrar) -> None:
    add(phone, registrar)
    registered(phone)
    phone.loop.settle()
    assert subscribes(registrar) == []
    assert not phone.parts.runtime.has_features


def test_watching_follows_a_new_registration(phone: WholePhone, registrar: SmallRegistrar) -> None:
    add(phone, registrar, mwi=True)
    phone.loop.turn_until(lambda: lamp(phone) == "True", "the lamp")
    phone.parts.user_agent.network_changed(phone.loop.now())
    phone.loop.turn_until(lambda: subscribes(registrar) == [3600, 3600], "another SUBSCRIBE")
    first, second = [one for one in registrar.requests if one.method == "SUBSCRIBE"]
    assert first.call_id == second.call_id


def test_watching_ends_when_the_account_wants_it_no_more(phone: WholePhone, registrar: SmallRegistrar) -> None:
    add(phone, registrar, mwi=True)
    phone.loop.turn_until(lambda: lamp(phone) == "True", "the lamp")
    phone.control.call("account.update", id="office", mwi=False)
    phone.loop.turn_until(lambda: lamp(phone) == "False", "the lamp to go out")
    phone.loop.turn_until(lambda: 0 in subscribes(registrar), "the end of the subscription")
    phone.control.call("account.update", id="office", mwi=True)
    phone.loop.turn_until(lambda: subscribes(registrar)[-1] == 3600, "another subscription")
    phone.control.call("account.remove", id="office")
    phone.loop.turn_until(lambda: subscribes(registrar)[-1] == 0, "the end of the subscription")


def test_a_server_may_tell_unasked(phone: WholePhone, registrar: SmallRegistrar, far_end: FarEnd) -> None:
    add(phone, registrar)
    registered(phone)
    far_end.be("1001")
    request = _notify(phone)
    far_end.endpoint.layer.send_request(request, _hop(phone), phone.loop.now())
    phone.loop.turn_until(lambda: lamp(phone) == "True", "the lamp")
    assert phone.control.call("status")["waiting_messages"]["office"]["new"] == 3


def _notify(phone: WholePhone) -> Request:
    return whole_request(
        f"""NOTIFY sip:1001@{HOST}:{phone.port} SIP/2.0
Max-Forwards: 70
From: <sip:mwi@{HOST}>;tag=server
To: <sip:1001@{HOST}>
Call-ID: unasked
CSeq: 1 NOTIFY
Event: message-summary
Subscription-State: active
Contact: <sip:mwi@{HOST}>
Content-Type: application/simple-message-summary

Messages-Waiting: yes
Voice-Message: 3/0
"""
    )


def _hop(phone: WholePhone) -> NextHop:
    return NextHop(HOST, phone.port, "UDP")
