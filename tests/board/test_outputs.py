"""Lamps, relays and buttons of the board, and what is left of them when the phone is killed."""

import time

import pytest

from device.control.errors import ControlError
from tests.board.agent_client import AgentError
from tests.board.board_phone import DOOR_BUTTON, DOOR_RELAY, IN_CALL_LAMP, OUTPUTS, REGISTERED_LAMP, RINGER
from tests.board.house import DOMAIN, FAR, HERE, PASSWORDS
from tests.support.processes import PATIENCE_S, wait_until

pytestmark = pytest.mark.board

OPEN_S = 1.0
LATE_S = 0.15


def test_the_lamp_tells_of_the_registration(house) -> None:
    since = house.rig.agent.now()
    house.kamailio.stop()
    house.phone.call("registration.refresh")
    dark = house.phone.wait_output(REGISTERED_LAMP, False, since)
    house.kamailio.start()
    for phone in (house.far, house.phone):
        phone.call("registration.refresh")
    house.phone.wait_output(REGISTERED_LAMP, True, dark)
    wait_until("both telephones to be registered", lambda: len(house.kamailio.contacts()) == 2)


def test_the_door_code_pulls_the_relay_for_its_time(house) -> None:
    house.phone.set(phone__door_code="42", phone__door_open_s=str(OPEN_S))
    try:
        house.connect()
        since = house.rig.agent.now()
        house.far.call("call.digits", digits="41")
        house.far.call("call.digits", digits="42")
        pulled = house.phone.wait_output(DOOR_RELAY, True, since)
        released = house.phone.wait_output(DOOR_RELAY, False, pulled)
        assert released - pulled == pytest.approx(OPEN_S, abs=LATE_S * house.rig.patience)
        assert house.rig.agent.edges([DOOR_RELAY], since) == [(pulled, DOOR_RELAY, True), (released, DOOR_RELAY, False)]
        assert house.phone.levels()[IN_CALL_LAMP]
    finally:
        house.phone.set(phone__door_code="", phone__door_open_s="3.0")


def test_the_door_button_calls_and_ends_the_call(house) -> None:
    house.phone.set(phone__button_targets=f"door={FAR}", phone__button_guard_s="0")
    try:
        since = time.monotonic()
        pressed = house.phone.move([(0.0, DOOR_BUTTON, False), (0.2, DOOR_BUTTON, True)])
        invite = house.wait_sip(f"INVITE sip:{FAR}@", since)
        took_s = invite.at - house.rig.agent.on_host(pressed[0])
        house.figures.note("button to INVITE on the wire", took_s * 1000, "ms")
        house.far.expect_state("alerting")
        house.far.lift()
        house.phone.expect_state("connected")
        since = time.monotonic()
        house.phone.move([(0.0, DOOR_BUTTON, False), (0.2, DOOR_BUTTON, True)])
        house.wait_sip("BYE ", since)
    finally:
        house.phone.set(phone__button_targets="", phone__button_guard_s="2.0")


def test_a_button_held_at_power_up_brings_back_the_state_of_delivery(house) -> None:
    phone = house.phone
    phone.call("settings.set", values={"daemon.reset_button": "door", "daemon.reset_hold_s": "3"})
    phone.client.close()
    phone.move([(0.0, DOOR_BUTTON, False)])
    try:
        house.rig.start_phone()
        # gpio-sim takes the bias that the phone asks for as what is wired, so that the finger presses once more.
        phone.move([(0.0, DOOR_BUTTON, False)])
        wait_until("the accounts to be gone", lambda: not accounts_of(house), PATIENCE_S * house.rig.patience)
    finally:
        phone.move([(0.0, DOOR_BUTTON, True)])
        phone.client.close()
        phone.begin_to_listen()
        phone.call("settings.set", values={"daemon.reset_button": None, "daemon.reset_hold_s": None})
        phone.add_account(house.kamailio.address, HERE, PASSWORDS[HERE], domain=DOMAIN)
        house.rewire()


def accounts_of(house) -> list[object]:
    """The accounts of the board, which may just be starting anew."""
    house.phone.client.close()
    try:
        return house.phone.call("account.list")["accounts"]
    except (AgentError, ControlError):
        return [None]


def test_no_output_stays_on_when_the_phone_is_killed(house) -> None:
    since = house.ring()
    house.phone.wait_output(RINGER, True, house.rig.agent.inside(since))
    house.phone.client.close()
    house.rig.kill_phone()
    assert not any(house.rig.agent.levels(OUTPUTS))
    house.phone.start()
    house.far.rest()
    house.rewire()
    assert house.kamailio.contacts()
    assert house.phone.account()["user"] == HERE
