"""The whole phone on a virtual board: contacts move, and what must happen is seen at lines, sound card and wire."""

import time

import pytest

from tests.board.board_phone import IN_CALL_LAMP, REGISTERED_LAMP, RINGER, RINGING_LAMP
from tests.board.house import FAR, HERE
from tests.board.tone_meter import find_tone
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge

pytestmark = pytest.mark.board

TONE_S = 1.0


@pytest.mark.smoke
def test_it_registers_by_itself(house) -> None:
    assert house.registered()
    assert house.phone.levels()[REGISTERED_LAMP]
    house.figures.note("memory of the phone, registered and idle", house.phone.memory_kib() / 1024, "MiB")


@pytest.mark.smoke
def test_the_dial_tone_is_heard(house) -> None:
    phone = house.phone
    phone.begin_to_hear()
    phone.lift()
    phone.expect_state("dial-tone")
    # A slow board takes its time to open the card, too.
    phone.rig.agent.ask("sleep", seconds=max(TONE_S, TONE_S * phone.rig.patience / 2))
    tone = find_tone(phone.heard().pcm, 300, 700)
    assert tone.frequency_hz == pytest.approx(425, abs=1.0)
    assert tone.level_db == pytest.approx(-16.0, abs=1.5)
    assert tone.purity > 0.98
    house.figures.note("dial tone", tone.frequency_hz, "Hz")
    house.figures.note("dial tone level", tone.level_db, "dBFS")


@pytest.mark.smoke
def test_the_keypad_dials(house) -> None:
    pressed: list[float] = []
    invite = house.lift_and_dial(lambda: pressed.extend(house.phone.press(FAR + "#")), FAR)
    took_s = invite.at - house.rig.agent.on_host(pressed[-2])
    house.figures.note("key pressed to INVITE on the wire", took_s * 1000, "ms")
    house.far.expect_state("alerting")
    house.phone.expect_state("ringback")


def test_every_key_is_told_apart(house) -> None:
    house.lift_and_dial(lambda: house.phone.press("0123456789*#"), "0123456789*")


@pytest.mark.parametrize("per_s", [7.0, pytest.param(10.0, marks=pytest.mark.smoke), 13.0])
def test_the_rotary_dial_dials(house, per_s) -> None:
    house.lift_and_dial(lambda: house.phone.turn(FAR, per_s=per_s), FAR)


@pytest.mark.smoke
def test_the_ringer_rings_and_lifting_answers(house) -> None:
    phone = house.phone
    since = house.ring()
    rang = phone.wait_output(RINGER, True, house.rig.agent.inside(since))
    invite = house.wait_sip(f"INVITE sip:{HERE}@", since, to_board=True)
    house.figures.note("INVITE on the wire to ringer", (house.rig.agent.on_host(rang) - invite.at) * 1000, "ms")
    phone.wait_output(RINGING_LAMP, True, house.rig.agent.inside(since))
    phone.lift()
    quiet = phone.wait_output(RINGER, False, phone.lifted_at)
    house.figures.note("lifting to ringer off", (quiet - phone.lifted_at) * 1000, "ms")
    phone.expect_state("connected")
    phone.wait_output(IN_CALL_LAMP, True, phone.lifted_at)
    answer = house.wait_sip("SIP/2.0 200 .*(?s:.*)CSeq: \\d+ INVITE", since)
    house.figures.note(
        "lifting to 200 on the wire", (answer.at - house.rig.agent.on_host(phone.lifted_at)) * 1000, "ms"
    )


@pytest.mark.smoke
def test_speech_passes_both_ways(house) -> None:
    phone = house.phone
    phone.begin_to_speak()
    phone.begin_to_hear()
    since = house.connect()
    begun, used = time.monotonic(), phone.processor_s()
    house.far.listen(TALK_S)
    share = (phone.processor_s() - used) / (time.monotonic() - begun)
    house.figures.note("processor in a call", 100 * share, "%")
    house.figures.note("memory of the phone, in a call", phone.memory_kib() / 1024, "MiB")
    said_far, heard_far = house.far.recordings()
    heard, said = phone.heard(), phone.said()
    for name, likeness in (
        ("far to board", judge(said_far, heard, since)),
        ("board to far", judge(said, heard_far, since)),
    ):
        house.figures.note(f"speech {name}: correlation", likeness.correlation, "")
        house.figures.note(f"speech {name}: delay", likeness.delay_s * 1000, "ms")
        assert likeness.correlation > GOOD_CORRELATION, name


@pytest.mark.smoke
def test_putting_the_handset_down_ends_the_call(house) -> None:
    house.connect()
    since = time.monotonic()
    house.phone.replace()
    house.wait_sip("BYE ", since)
    house.far.expect_state("idle")


def test_a_hook_flash_holds_and_a_longer_press_hangs_up(house) -> None:
    phone = house.phone
    house.connect()
    since = time.monotonic()
    phone.press_cradle(0.3)
    house.wait_sip(r"INVITE (?s:.*)a=sendonly", since)
    phone.expect_state("held")
    phone.press_cradle(0.3)
    phone.expect_state("connected")
    phone.press_cradle(0.03)
    since = time.monotonic()
    phone.press_cradle(1.2)
    house.wait_sip("BYE ", since)
    assert not [seen for seen in house.seen(since) if seen.text.startswith("INVITE")]


def test_the_hotline_is_called_at_once(house) -> None:
    house.phone.set(phone__hotline=FAR)
    try:
        since = time.monotonic()
        house.phone.lift()
        invite = house.wait_sip(f"INVITE sip:{FAR}@", since)
        lifted = house.rig.agent.on_host(house.phone.lifted_at)
        house.figures.note("hook edge to INVITE on the wire (hotline)", (invite.at - lifted) * 1000, "ms")
        house.far.expect_state("alerting")
    finally:
        house.phone.set(phone__hotline="")
