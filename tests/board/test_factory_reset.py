"""The button that is held while the power comes brings back the state of delivery, and nothing less than that."""

import time
from collections.abc import Iterator

import pytest

from device.control.errors import ControlError
from tests.board.agent_client import AgentError
from tests.board.board_phone import DOOR_BUTTON
from tests.board.house import DOMAIN, HERE, PASSWORDS, House
from tests.support.processes import PATIENCE_S, wait_until

pytestmark = pytest.mark.board

HOLD_S = 4.0


@pytest.fixture
def reset_house(running_house: House) -> Iterator[House]:
    """The house, whose board erases everything by its door button; the account comes back in the end."""
    running_house.use("gpiod")
    running_house.rewire(settings={"daemon.reset_button": "door", "daemon.reset_hold_s": f"{HOLD_S:g}"})
    yield running_house
    running_house.phone.rest_lines()
    if not accounts(running_house):
        account = running_house.kamailio.address, HERE, PASSWORDS[HERE]
        running_house.phone.add_account(*account, domain=DOMAIN)
    running_house.rewire(settings={"daemon.reset_button": "", "daemon.reset_hold_s": "10"})
    running_house.rest()


def accounts(house: House) -> list[object]:
    found = house.phone.call("account.list")["accounts"]
    assert isinstance(found, list)
    return found


def start_with_button(house: House) -> None:
    """Start the phone anew while somebody holds the button."""
    house.phone.move([(0.0, DOOR_BUTTON, False)])
    house.phone.start()


def test_held_from_power_up_on_it_erases_everything_but_what_belongs_to_the_hardware(reset_house: House) -> None:
    phone = reset_house.phone
    phone.set(phone__hotline="1002")
    board = phone.call("settings.get", key="hardware.board")["value"]
    begun = time.monotonic()
    start_with_button(reset_house)
    wait_until("everything to be erased", lambda: was_erased(reset_house), PATIENCE_S * reset_house.rig.patience)
    reset_house.figures.note("reset button: start of the phone to erased", time.monotonic() - begun, "s")
    assert phone.call("settings.get", key="phone.hotline")["value"] == ""
    assert phone.call("settings.get", key="hardware.board")["value"] == board
    assert phone.call("calllog.list")["calls"] == []
    held = reset_house.rig.agent.run(["sh", "-c", f"grep -l {PASSWORDS[HERE]} /var/lib/offhook/* || true"]).out
    assert held == "", f"the secret is still in {held}"


def test_let_go_before_its_time_it_erases_nothing(reset_house: House) -> None:
    start_with_button(reset_house)
    time.sleep(HOLD_S / 4)  # as long as somebody leans on it by mistake
    reset_house.phone.move([(0.0, DOOR_BUTTON, True)])
    time.sleep(1.5 * HOLD_S)  # past the time at which everything would be gone
    assert len(accounts(reset_house)) == 1
    wait_until("the board to be registered", reset_house.registered, PATIENCE_S * reset_house.rig.patience)


def was_erased(house: House) -> bool:
    """Whether the phone has begun anew without an account; it goes away in between."""
    house.phone.client.close()
    try:
        return not accounts(house)
    except (ControlError, AgentError):
        return False
