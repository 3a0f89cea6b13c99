"""The inbox: order, fairness, faults that stop nothing, and what is told to those who listen."""

import logging
import socket
from pathlib import Path

import pytest

from device.audio.reports import DeviceFound, DeviceLost, StreamEnded, StreamProgressed
from device.media.stream_parameters import StreamReport
from device.model import AccountId, CallId
from device.phone.events import DialRequested, HangupRequested, PhoneEvent, RegistrationUpdated
from device.phone.states import PhoneState
from device.sip.events import CallEnded, FlowDoubted, TransportDoubted
from device.sip.hop import Hop, Transmission
from tests.support.turning import HandLoop
from tests.support.whole_phone import CALL, HOST, FarEnd, WholePhone, sdp, whole_phone

S = PhoneState


def test_the_steps_of_a_call_are_told_in_order(phone: WholePhone, far_end: FarEnd) -> None:
    phone.control.call("subscribe", topics=["call", "phone"])
    call = phone.place(far_end.target)
    far_end.agent.ring(far_end.incoming().call_id, phone.loop.now())
    phone.wait(S.RINGBACK)
    far_end.answer()
    phone.wait(S.CONNECTED)
    phone.control.call("call.hangup")
    far_end.ended()
    phone.loop.turn_until(lambda: phone.control.topic("call")[-1]["event"] == "ended")
    steps = phone.control.topic("call")
    assert [step["event"] for step in steps] == ["ringing", "established", "ended"]
    assert {step["call"] for step in steps} == {call}
    assert {step["direction"] for step in steps} == {"out"}
    assert (steps[0]["status"], steps[0]["text"]) == (180, "Ringing")
    assert steps[1]["remote"].startswith("sip:")
    states = [event["state"] for event in phone.control.topic("phone")]
    assert states == ["calling", "ringback", "connected", "idle"]
    previous = [event["previous"] for event in phone.control.topic("phone")]
    assert previous == ["idle", *states[:-1]]


def test_a_call_that_comes_is_told_with_its_caller(phone: WholePhone, far_end: FarEnd) -> None:
    phone.control.call("subscribe", topics=["call"])
    far_end.call(phone.target)
    phone.wait(S.ALERTING)
    (step,) = phone.control.topic("call")
    assert (step["event"], step["direction"]) == ("incoming", "in")
    assert step["remote"].startswith("sip:")
    far_end.agent.hang_up(CALL, phone.loop.now())
    phone.wait(S.IDLE)
    assert phone.control.topic("call")[-1]["status"] == 487


def test_figures_of_the_sound_are_told(phone: WholePhone, far_end: FarEnd) -> None:
    phone.control.call("subscribe", topics=["audio"])
    report = StreamReport(codec="PCMU", remote=(HOST, 40_000), packets_sent=50)
    phone.parts.engine._report(StreamProgressed(CallId("c1"), report))
    phone.parts.engine._report(StreamEnded(CallId("c1"), report))
    phone.parts.engine._report(StreamEnded(CallId("c2"), None))
    phone.parts.engine._report(DeviceLost("the card is gone"))
    phone.parts.engine._report(DeviceFound("USB phone"))
    phone.loop.settle()
    told = phone.control.topic("audio")
    assert [(event.get("call"), event.get("ended")) for event in told[:3]] == [
        ("c1", False),
        ("c1", True),
        ("c2", True),
    ]
    assert told[0]["report"]["packets_sent"] == 50
    assert told[2]["report"] is None
    assert told[3:] == [
        {"device": "lost", "text": "the card is gone"},
        {"device": "found", "text": "USB phone"},
    ]


def test_a_card_in_trouble_is_in_the_log_and_the_status(phone: WholePhone, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "device")
    phone.parts.engine._report(DeviceLost("card8 is not there; correct audio.capture_device"))
    phone.loop.settle()
    assert "card8 is not there" in caplog.text
    assert "card8 is not there; correct audio.capture_device" in phone.control.call("status")["notices"]
    phone.parts.engine._report(DeviceFound("card8"))
    phone.loop.settle()
    assert "card8 works again" in caplog.text
    assert phone.control.call("status")["notices"] == []


def test_a_request_is_answered_at_once(phone: WholePhone) -> None:
    runtime = phone.parts.runtime
    assert runtime.request(HangupRequested(), phone.loop.now()) is not None
    assert runtime.request(HangupRequested(CallId("none")), phone.loop.now()) is not None


def test_events_are_handled_in_the_order_they_came(phone: WholePhone, monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[PhoneEvent] = []
    runtime = phone.parts.runtime
    handle = runtime._phone.handle

    def note(event: PhoneEvent, now: float) -> list[object]:
        handled.append(event)
        if len(handled) == 1:
            runtime.post(RegistrationUpdated(True))
        return handle(event, now)  # type: ignore[return-value]

    monkeypatch.setattr(runtime._phone, "handle", note)
    first, second = RegistrationUpdated(False), HangupRequested()
    runtime.post(first)
    runtime.post(second)
    phone.loop.turn(0.0)
    assert handled == [first, second, RegistrationUpdated(True)]


def test_an_event_that_cannot_be_handled_stops_neither_loop_nor_phone(
    phone: WholePhone, far_end: FarEnd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = phone.parts.runtime
    handle = runtime._phone.handle

    def fail(event: PhoneEvent, now: float) -> list[object]:
        if isinstance(event, DialRequested):
            raise RuntimeError("a bug in the phone")
        return handle(event, now)  # type: ignore[return-value]

    monkeypatch.setattr(runtime._phone, "handle", fail)
    runtime.post(DialRequested("1002"))
    phone.loop.turn(0.0)
    assert "a fault in Runtime; the daemon goes on" in caplog.text
    far_end.call(phone.target)
    phone.wait(S.ALERTING)


def test_what_keeps_happening_leaves_the_descriptors_their_turn(
    phone: WholePhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = phone.parts.runtime
    turns = 0

    def busy(now: float) -> bool:
        nonlocal turns
        turns += 1
        return True

    monkeypatch.setattr(runtime, "_turn", busy)
    assert runtime.pump(5.0) == 5.0
    assert turns == 64


def test_a_stream_that_makes_no_sense_is_answered_and_closed(phone: WholePhone) -> None:
    with socket.create_connection((HOST, phone.port), 2) as peer:
        peer.settimeout(2)
        lines = [
            f"OPTIONS {phone.target} SIP/2.0",
            "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1",
            "From: <sip:x@y>;tag=1",
            f"To: <{phone.target}>",
            "Call-ID: c1",
            "CSeq: 1 OPTIONS",
            "Content-Length: banana",
        ]
        peer.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        phone.loop.turn_until(lambda: phone.parts.sockets.tcp._by_id)
        phone.loop.turn_until(lambda: not phone.parts.sockets.tcp._by_id)
        answer = b""
        while piece := peer.recv(10_000):
            answer += piece
    assert answer.startswith(b"SIP/2.0 400 ")


def test_datagrams_that_make_no_sense_change_nothing(phone: WholePhone, far_end: FarEnd) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for data in (b"", b"\0" * 100, b"INVITE", b"\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n", b"\xff" * 1500):
            stranger.sendto(data, (HOST, phone.port))
    far_end.call(phone.target)
    phone.wait(S.ALERTING)


def test_a_flood_of_calls_leaves_the_phone_usable(loop: HandLoop, tmp_path: Path, far_end: FarEnd) -> None:
    with whole_phone(loop, tmp_path, {"sip.max_calls": "4"}) as phone:
        far_end.call(phone.target)
        phone.wait(S.ALERTING)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            flood.bind((HOST, 0))
            source = f"{HOST}:{flood.getsockname()[1]}"
            for number in range(300):
                flood.sendto(_invite(phone, number, source), (HOST, phone.port))
                if number % 30 == 0:
                    loop.turn(0.0)
            assert phone.parts.line.calls <= 4
            assert phone.state == "alerting"
            phone.control.call("call.answer")
            phone.wait(S.CONNECTED)
            phone.control.call("call.hangup")
            far_end.ended()
            assert len(far_end.told(CallEnded)) == 1
        loop.turn_until(lambda: phone.parts.line.calls == 0)


def _invite(phone: WholePhone, number: int, source: str) -> bytes:
    body = sdp()
    lines = [
        f"INVITE {phone.target} SIP/2.0",
        f"Via: SIP/2.0/UDP {source};branch=z9hG4bK-flood-{number}",
        "Max-Forwards: 70",
        f"From: <sip:flood@{source}>;tag=f{number}",
        f"To: <{phone.target}>",
        f"Call-ID: flood-{number}",
        "CSeq: 1 INVITE",
        f"Contact: <sip:flood@{source}>",
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


def test_sockets_that_bring_nothing_to_its_goal_are_made_anew(
    phone: WholePhone, caplog: pytest.LogCaptureFixture
) -> None:
    port, before = phone.port, phone.parts.sockets.udp._socket
    phone.parts.user_agent._core.emit(TransportDoubted(AccountId("office")))
    phone.loop.turn_until(lambda: phone.parts.sockets.udp._socket is not before)
    assert phone.port == port
    assert "account office: unregistered for long; making new sockets" in caplog.text


def test_a_connection_that_answers_no_more_is_closed(phone: WholePhone, far_end: FarEnd) -> None:
    hop = Hop("TCP", HOST, far_end.port)
    phone.parts.sockets.send(Transmission(b"\r\n\r\n", hop))
    (connection,) = phone.parts.sockets.tcp._by_id.values()
    phone.parts.user_agent._core.emit(FlowDoubted(hop))
    phone.parts.user_agent._core.emit(FlowDoubted(connection.hop))
    phone.loop.turn_until(lambda: not phone.parts.sockets.tcp._by_id)
