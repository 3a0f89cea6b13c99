"""Contacts that bounce, spikes from 10 microseconds to 5 milliseconds, all kinds of dials, coils beside the lines."""

import time
from random import Random

import pytest

from tests.board.board_phone import COLUMNS, DOOR_BUTTON, DOOR_RELAY, HOOK, OFF_NORMAL, PULSE, RINGER
from tests.board.hands import burst, in_order, spike, turn_dial
from tests.board.house import FAR

pytestmark = pytest.mark.board

SPIKES_S = (0.00001, 0.0001, 0.0005, 0.001, 0.002, 0.005)
RESTING = {HOOK: True, OFF_NORMAL: True, DOOR_BUTTON: True, PULSE: False, **dict.fromkeys(COLUMNS, True)}
SEED = 1892
"""The year of Strowger's first exchange; every run bounces alike."""


IN_CALL = {**RESTING, HOOK: False}


def spikes(levels: dict[int, bool], apart_s: float = 0.05):
    """Spikes of every length on each line, away from the level that it is at."""
    actions, at = [], 0.0
    for length in SPIKES_S:
        for line, level in levels.items():
            actions += spike(line, level, at, length)
            at += apart_s
    return actions


def test_contacts_that_bounce_dial_and_hang_up_as_clean_ones_do(house) -> None:
    phone = house.phone
    phone.chance = Random(SEED)
    house.lift_and_dial(lambda: phone.press(FAR + "#"), FAR)
    house.far.expect_state("alerting")
    house.far.lift()
    phone.expect_state("connected")
    since = time.monotonic()
    phone.press_cradle(0.3)
    house.wait_sip(r"INVITE (?s:.*)a=sendonly", since)
    phone.replace()
    house.wait_sip("BYE ", since)


@pytest.mark.parametrize("per_s", [7.0, 10.0, 13.0])
@pytest.mark.parametrize("open_part", [0.6, 0.5, 0.67])
def test_a_dial_that_bounces_dials(house, per_s, open_part) -> None:
    house.phone.chance = Random(SEED)
    house.lift_and_dial(lambda: house.phone.turn("702", per_s=per_s, open_part=open_part), "702")


def test_spikes_on_the_lines_of_a_resting_phone_do_nothing(house) -> None:
    phone = house.phone
    since = time.monotonic()
    phone.move(spikes(RESTING))
    assert phone.status()["phone"]["state"] == "idle"
    phone.collect()
    assert not [event for event in phone.events if event.topic == "phone" and event.params["at"] > since]
    # The board goes on to work: no line has died of it.
    phone.lift()
    phone.expect_state("dial-tone")


def test_spikes_within_a_call_neither_end_it_nor_dial(house) -> None:
    phone = house.phone
    house.connect()
    since = time.monotonic()
    phone.move(spikes(IN_CALL))
    assert phone.status()["phone"]["state"] == "connected"
    assert not [seen for seen in house.seen(since) if seen.text.startswith(("BYE", "INVITE", "INFO"))]


def test_spikes_while_dialling_add_no_pulse(house) -> None:
    """Between the pulses, while the contact is closed, and within each, while it is open."""
    chance = Random(SEED)
    actions = turn_dial(PULSE, OFF_NORMAL, [5, 10, 2])
    moves = [(at, state) for at, line, state in actions if line == PULSE]
    for at, is_open in moves:
        length = chance.choice(SPIKES_S)
        # In the middle of what lasts 40 ms or 60 ms.
        actions += spike(PULSE, is_open, at + 0.02, length)
    house.lift_and_dial(lambda: house.phone.move_exactly(in_order(actions), spikes=True), "502")


def test_the_coil_of_the_bell_disturbs_nothing(house) -> None:
    """Each time that the ringer switches, the lines beside it see its coil."""
    house.rewire(settings={"hardware.cadence": "uk"})
    try:
        house.steadily(lambda: _ring_beside_the_coil(house))
    finally:
        house.far.rest()
        house.rewire(settings={"hardware.cadence": ""})


def _ring_beside_the_coil(house) -> None:
    phone, chance = house.phone, Random(SEED)
    edge = house.rig.agent.inside(house.ring())
    for number in range(6):
        edge = phone.wait_output(RINGER, number % 2 == 0, edge)
        phone.move_exactly(bursts(chance, RESTING), spikes=True)
    assert phone.status()["phone"]["state"] == "alerting"
    phone.lift()
    phone.expect_state("connected")
    phone.move_exactly(bursts(chance, IN_CALL), spikes=True)
    assert phone.status()["phone"]["state"] == "connected"


def test_the_coil_of_a_relay_disturbs_no_call(house) -> None:
    phone = house.phone
    phone.set(phone__door_code="42", phone__door_open_s="0.5")
    try:
        house.steadily(lambda: _open_the_door_beside_the_coil(house))
    finally:
        phone.set(phone__door_code="", phone__door_open_s="3.0")


def _open_the_door_beside_the_coil(house) -> None:
    phone, chance = house.phone, Random(SEED)
    house.connect()
    since, edge = time.monotonic(), house.rig.agent.now()
    house.far.call("call.digits", digits="42")
    for high in (True, False):
        edge = phone.wait_output(DOOR_RELAY, high, edge)
        phone.move_exactly(bursts(chance, IN_CALL), spikes=True)
    assert phone.status()["phone"]["state"] == "connected"
    assert not [seen for seen in house.seen(since) if seen.text.startswith(("BYE", "INVITE"))]


def bursts(chance: Random, levels: dict[int, bool]):
    """What the coil does to every input, whatever level that is at."""
    actions = []
    for high in (True, False):
        actions += burst([line for line, level in levels.items() if level is high], high, 0.0, chance)
    return in_order(actions)


def test_a_pulse_contact_alone_is_enough(house) -> None:
    house.rewire(off_normal=False)
    try:
        for per_s in (7.0, 10.0, 13.0):
            house.phone.chance = Random(SEED)
            house.lift_and_dial(lambda speed=per_s: house.phone.turn(FAR, per_s=speed, off_normal=False), FAR)
            house.rest()
    finally:
        house.rewire()


@pytest.mark.parametrize("plan", ["sweden", "new-zealand"])
def test_dials_of_sweden_and_new_zealand(house, plan) -> None:
    house.rewire(plan=plan)
    try:
        house.lift_and_dial(lambda: house.phone.turn("1029", plan=plan), "1029")
    finally:
        house.rewire()
