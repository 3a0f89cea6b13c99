"""Bells, tones, lamps and relays under test, on a whole phone."""

import pytest

from device.control.errors import INVALID_PARAMS, REFUSED
from device.daemon.device_tests import LONGEST_S
from device.phone.states import PhoneState
from tests.support.whole_phone import FarEnd, WholePhone


def board(phone: WholePhone) -> dict[str, object]:
    return dict(phone.control.call("board.show"))


def test_the_bell_rings_and_falls_silent_by_itself(phone: WholePhone) -> None:
    assert phone.control.call("test.ring", name="uk", seconds=1) == {"seconds": 1}
    assert board(phone)["ringing"] == "uk"
    phone.loop.turn_until(lambda: board(phone)["ringing"] == "", "silence")


def test_a_bell_can_be_stopped(phone: WholePhone) -> None:
    phone.control.call("test.ring")
    assert phone.control.call("test.stop") == {"stopped": ["ring"]}
    assert board(phone)["ringing"] == ""
    assert phone.control.call("test.stop") == {"stopped": []}


def test_a_call_takes_the_bell_over_and_keeps_it(phone: WholePhone, far_end: FarEnd) -> None:
    phone.control.call("test.ring", name="uk", seconds=1)
    far_end.call(phone.target)
    phone.wait(PhoneState.ALERTING)
    # The test is over now; the bell belongs to the call.
    assert phone.control.call("test.stop") == {"stopped": []}
    assert board(phone)["ringing"] not in ("", "uk")


def test_a_handset_that_is_lifted_silences_the_bell(phone: WholePhone) -> None:
    phone.control.call("test.ring", seconds=LONGEST_S)
    phone.control.call("board.lift")
    phone.loop.turn_until(lambda: board(phone)["hook"] == "off-hook", "the handset")
    phone.loop.turn_until(lambda: board(phone)["ringing"] == "", "silence")


def test_nothing_is_tested_while_the_phone_is_in_use(phone: WholePhone) -> None:
    phone.control.call("board.lift")
    phone.loop.turn_until(lambda: board(phone)["hook"] == "off-hook", "the handset")
    for method, params in (("ring", {}), ("tone", {}), ("relay", {"name": "door"}), ("lamp", {"name": "registered"})):
        error = phone.control.refusal(f"test.{method}", **params)
        assert error.code == REFUSED
        assert "in use" in error.message


def test_a_tone_is_played_and_ends(phone: WholePhone) -> None:
    phone.control.call("test.tone", name="busy", seconds=1)
    phone.loop.turn_until(lambda: phone.control.call("status")["audio"]["device_open"], "the sound device")
    phone.loop.turn_until(lambda: phone.control.call("test.stop") == {"stopped": []}, "the end of the tone")


def test_a_lamp_shows_again_what_the_phone_wants(phone: WholePhone) -> None:
    before = board(phone)["lamps"]
    assert isinstance(before, dict)
    phone.control.call("test.lamp", name="registered", mode="flutter", seconds=1)
    assert board(phone)["lamps"] == {**before, "registered": "flutter"}
    phone.loop.turn_until(lambda: board(phone)["lamps"] == before, "the lamp to be as it was")


def test_a_relay_is_pulled_for_a_moment(phone: WholePhone) -> None:
    phone.control.call("test.relay", name="door", seconds=1)
    assert board(phone)["relays"] == {"door": True}
    phone.loop.turn_until(lambda: board(phone)["relays"] == {"door": False}, "the relay to be at rest")


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("test.ring", {"name": "xx"}, "'xx' is no ring pattern"),
        ("test.ring", {"seconds": 0}, "from 1 to 60"),
        ("test.ring", {"seconds": 61}, "from 1 to 60"),
        ("test.tone", {"name": "xx"}, "'xx' is no tone; there are dial"),
        ("test.lamp", {"name": "xx"}, "no lamp 'xx'; there are"),
        ("test.lamp", {"name": "registered", "mode": "xx"}, "none of off, on"),
        ("test.relay", {"name": "xx"}, "no relay 'xx'; there are door"),
        ("test.relay", {"name": "door", "seconds": 11}, "from 1 to 10"),
    ],
)
def test_what_cannot_be_tested_is_told(phone: WholePhone, method: str, params: dict[str, object], said: str) -> None:
    error = phone.control.refusal(method, **params)
    assert error.code == INVALID_PARAMS
    assert said in error.message


def test_what_is_done_at_the_desk_can_be_followed(phone: WholePhone) -> None:
    phone.control.call("subscribe", topics=["desk"])
    phone.control.call("board.lift")
    phone.control.call("board.press", digits="7")
    phone.loop.turn_until(lambda: len(phone.control.topic("desk")) >= 2, "handset and key")
    told = [(event["event"], event["name"]) for event in phone.control.topic("desk")]
    assert told[:2] == [("HookLifted", ""), ("DigitDialled", "7")]
