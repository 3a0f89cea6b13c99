"""Digits by INFO and as tones: which way is taken, their order, and what a refusal leads to."""

import logging
from pathlib import Path

import pytest

from device.audio.commands import SendDigit
from device.daemon.digit_sender import MAX_WAITING, DigitSender, ways_to_send
from device.model import DTMF_WAYS, Account, AccountId, CallId
from device.phone.states import PhoneState
from device.sip.errors import SipStateError
from device.sip.feature_events import DigitReceived
from tests.support.turning import HandLoop
from tests.support.whole_phone import HOST, FarEnd, WholePhone, sdp, whole_phone

CALL = CallId("c1")
NO_EVENTS = sdp(formats="8 0")
S = PhoneState


class _Wire:
    """Takes INFOs and tones, in one list."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | str]] = []
        self.established = True

    def send_info(self, call_id: CallId, content_type: str, body: bytes, now: float) -> None:
        if not self.established:
            raise SipStateError("not established")
        self.sent.append((content_type, body))

    def submit(self, command: SendDigit) -> None:
        assert command.in_band
        self.sent.append(("tone", command.digit))


def sender(wire: _Wire, *ways: str) -> DigitSender:
    return DigitSender(CALL, ways, wire, wire, 120)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "allowed", "ways"),
    [
        ("auto", True, ("info-relay", "info", "inband")),
        ("auto", False, ("inband",)),
        ("rtp", True, ("inband",)),
        ("info-relay", False, ("info-relay",)),
        ("info", True, ("info",)),
        ("inband", True, ("inband",)),
    ],
)
def test_which_ways_are_tried(wanted: str, allowed: bool, ways: tuple[str, ...]) -> None:
    assert wanted in DTMF_WAYS
    assert ways_to_send(wanted, allowed) == ways


def test_each_info_waits_for_the_answer_before() -> None:
    wire = _Wire()
    digits = sender(wire, "info-relay")
    for digit in "1a#":
        digits.send(digit, 0.0)
    assert wire.sent == [("application/dtmf-relay", b"Signal=1\r\nDuration=120\r\n")]
    digits.receive_answer(200, 0.1)
    digits.receive_answer(200, 0.2)
    assert [body for _, body in wire.sent[1:]] == [b"Signal=A\r\nDuration=120\r\n", b"Signal=#\r\nDuration=120\r\n"]
    digits.receive_answer(200, 0.3)
    assert len(wire.sent) == 3


def test_the_plain_body() -> None:
    wire = _Wire()
    sender(wire, "info").send("*", 0.0)
    assert wire.sent == [("application/dtmf", b"*")]


def test_a_refused_body_is_followed_by_the_other_and_then_by_tones() -> None:
    wire = _Wire()
    digits = sender(wire, "info-relay", "info", "inband")
    digits.send("1", 0.0)
    digits.send("2", 0.0)
    digits.receive_answer(415, 0.1)
    assert wire.sent[1:] == [("application/dtmf", b"1")]
    digits.receive_answer(415, 0.2)
    assert wire.sent[2:] == [("tone", "1"), ("tone", "2")]
    digits.send("3", 0.3)
    assert wire.sent[4:] == [("tone", "3")]


@pytest.mark.parametrize("status", [405, 501, 408, 403])
def test_a_refused_method_leads_to_tones_at_once(status: int) -> None:
    wire = _Wire()
    digits = sender(wire, "info-relay", "info", "inband")
    digits.send("1", 0.0)
    digits.receive_answer(status, 0.1)
    assert wire.sent[1:] == [("tone", "1")]


def test_a_way_that_was_set_is_kept_and_its_refusal_told_without_the_digit(caplog: pytest.LogCaptureFixture) -> None:
    wire = _Wire()
    digits = sender(wire, "info")
    digits.send("7", 0.0)
    digits.send("8", 0.0)
    with caplog.at_level(logging.WARNING):
        digits.receive_answer(415, 0.1)
    assert wire.sent == [("application/dtmf", b"7"), ("application/dtmf", b"8")]
    assert "with 415; set media.dtmf" in caplog.text
    assert "7" not in caplog.text


def test_before_the_call_is_established_digits_go_as_tones() -> None:
    wire = _Wire()
    digits = sender(wire, "info-relay", "info", "inband")
    wire.established = False
    digits.send("1", 0.0)
    wire.established = True
    digits.send("2", 0.0)
    assert [kind for kind, _ in wire.sent] == ["tone", "application/dtmf-relay"]


def test_what_waits_is_bounded() -> None:
    wire = _Wire()
    digits = sender(wire, "info-relay", "inband")
    for _ in range(MAX_WAITING + 10):
        digits.send("1", 0.0)
    assert len(digits._waiting) == MAX_WAITING


# In a whole phone.


def _calling(phone: WholePhone, far_end: FarEnd, answer: bytes) -> None:
    phone.place(far_end.target)
    far_end.answer(answer)
    phone.wait(S.CONNECTED)


def _digits_by_info(far_end: FarEnd) -> str:
    return "".join(event.digit for event in far_end.told(DigitReceived))


def test_without_events_in_rtp_digits_go_by_info(phone: WholePhone, far_end: FarEnd) -> None:
    _calling(phone, far_end, NO_EVENTS)
    phone.control.call("call.digits", digits="12#")
    phone.loop.turn_until(lambda: _digits_by_info(far_end) == "12#", "three digits by INFO")
    assert {event.duration_s for event in far_end.told(DigitReceived)} == {0.1}


def test_with_events_in_rtp_nothing_goes_by_info(phone: WholePhone, far_end: FarEnd) -> None:
    _calling(phone, far_end, sdp())
    phone.control.call("call.digits", digits="12#")
    phone.loop.settle()
    assert not far_end.told(DigitReceived)
    assert not phone.parts.line._digits


@pytest.mark.parametrize(("way", "duration_s"), [("info-relay", 0.1), ("info", 0.0)])
def test_by_the_setting_digits_go_by_info_all_the_same(
    loop: HandLoop, tmp_path: Path, far_end: FarEnd, way: str, duration_s: float
) -> None:
    with whole_phone(loop, tmp_path, {"media.dtmf": way}) as phone:
        _calling(phone, far_end, sdp())
        phone.control.call("call.digits", digits="5")
        loop.turn_until(lambda: _digits_by_info(far_end) == "5", "a digit by INFO")
        assert far_end.told(DigitReceived)[0].duration_s == duration_s


def test_tones_by_the_setting_offer_no_events(loop: HandLoop, tmp_path: Path, far_end: FarEnd) -> None:
    with whole_phone(loop, tmp_path, {"media.dtmf": "inband"}) as phone:
        phone.place(far_end.target)
        assert b"telephone-event" not in far_end.incoming().offer
        far_end.answer(sdp())
        phone.wait(S.CONNECTED)
        (sound,) = phone.parts.line._calls.values()
        assert sound.session.parameters is not None
        assert sound.session.parameters.telephone_event_pt is None
        phone.control.call("call.digits", digits="5")
        loop.settle()
        assert not far_end.told(DigitReceived)


def test_an_account_says_otherwise(loop: HandLoop, tmp_path: Path, far_end: FarEnd) -> None:
    phone = WholePhone(loop, tmp_path)
    phone.keep_account(Account(AccountId("door"), "door", HOST, register=False, dtmf="info"))
    phone.start()
    try:
        phone.control.call("call.place", target=far_end.target, account="door")
        far_end.answer(sdp())
        phone.wait(S.CONNECTED)
        phone.control.call("call.digits", digits="9")
        loop.turn_until(lambda: _digits_by_info(far_end) == "9", "a digit by INFO")
    finally:
        phone.close()


# Digits of the far end as tones.


@pytest.mark.parametrize(
    ("settings", "offer", "listening"),
    [
        ({}, NO_EVENTS, False),
        ({"phone.door_code": "42"}, NO_EVENTS, True),
        ({"phone.door_code": "42"}, sdp(), False),
        ({"phone.door_code": "42", "media.dtmf_detector": "off"}, NO_EVENTS, False),
        ({"media.dtmf_detector": "on"}, sdp(), True),
    ],
)
def test_tones_are_listened_for_where_they_matter(
    loop: HandLoop, tmp_path: Path, far_end: FarEnd, settings: dict[str, str], offer: bytes, listening: bool
) -> None:
    with whole_phone(loop, tmp_path, settings) as phone:
        _calling(phone, far_end, offer)
        (sound,) = phone.parts.line._calls.values()
        assert sound.session.parameters is not None
        assert sound.session.parameters.detect_digits is listening
