"""A kernel's sound card that fails in a call: taken out and put back in, and late by more than it has queued."""

import time

import pytest

from tests.board.house import House
from tests.support.processes import PATIENCE_S, wait_until
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge

pytestmark = pytest.mark.board

DRIVER = "/sys/bus/platform/drivers/snd_aloop"
CARD = "snd_aloop.0"
HELD_UP_S = 0.4
"""Longer than a phone has queued in either direction."""


def audio(house: House) -> dict[str, object]:
    status = house.phone.call("status")
    assert isinstance(status, dict)
    return dict(status["audio"])


def shell(house: House, text: str) -> None:
    house.rig.agent.run(["sh", "-c", text], within_s=60.0)


def far_hears_the_board(house: House) -> float:
    """How much of what is said into the board's microphone arrives."""
    house.phone.begin_to_speak()
    house.far.listen(TALK_S + 1.0)
    _, heard = house.far.recordings()
    said = house.phone.said()
    return judge(said, heard, time.monotonic() - TALK_S - 0.5).correlation


def test_a_card_that_is_pulled_out_in_a_call_and_put_back(house: House) -> None:
    house.connect()
    wait_until("the card to be in use", lambda: audio(house)["device_open"], PATIENCE_S)
    lost = audio(house)["devices_lost"]
    shell(house, f"echo {CARD} > {DRIVER}/unbind")
    pulled_at = time.monotonic()
    try:
        wait_until("the phone to say that its card is gone", lambda: audio(house)["devices_lost"] != lost, PATIENCE_S)
        assert not audio(house)["device_open"]
        house.phone.expect_state("connected")
        house.far.expect_state("connected")
    finally:
        shell(house, f"echo {CARD} > {DRIVER}/bind")
    back_at = time.monotonic()
    wait_until("the card to be taken again", lambda: audio(house)["device_open"], 3 * PATIENCE_S)
    house.figures.note("sound card out: back in use after it was put in", time.monotonic() - back_at, "s")
    assert back_at - pulled_at < 60.0
    assert far_hears_the_board(house) > GOOD_CORRELATION


def test_a_phone_that_was_held_up_counts_it_and_is_heard_again(house: House) -> None:
    house.connect()
    wait_until("the card to be in use", lambda: audio(house)["device_open"], PATIENCE_S)
    before = audio(house)
    process = house.rig.phone_process()
    shell(house, f"kill -STOP {process}; sleep {HELD_UP_S}; kill -CONT {process}")
    after = wait_until(
        "both directions to be counted as late",
        lambda: (
            (now := audio(house))["capture_xruns"] > before["capture_xruns"]  # type: ignore[operator]
            and now["playback_xruns"] > before["playback_xruns"]  # type: ignore[operator]
            and now
        ),
        PATIENCE_S,
    )
    assert after["devices_lost"] == before["devices_lost"]
    house.phone.expect_state("connected")
    assert far_hears_the_board(house) > GOOD_CORRELATION
