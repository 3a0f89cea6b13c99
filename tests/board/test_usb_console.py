"""The console on a serial adapter in a USB port: plugged in, pulled out in the middle of a session, and back."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.board.house import House
from tests.board.qemu_rig import START_S, QemuRig
from tests.board.terminal import PROMPT, Terminal, log_in
from tests.support.processes import wait_until

pytestmark = pytest.mark.qemu

LINE = "ttyUSB0"
UNIT = f"offhook-console@{LINE}.service"
DELAY = "phone.hotline_delay_s"


@pytest.fixture
def usb_house(running_house: House) -> Iterator[House]:
    """The house at rest, with nothing in the USB port of its board."""
    assert isinstance(running_house.rig, QemuRig)
    running_house.use("gpiod")
    yield running_house
    with contextlib.suppress(Exception):  # a test that failed may have left it out
        running_house.rig.board.pull_usb_serial()
    running_house.rest()


def plug(house: House) -> None:
    """Put the adapter in; comes back when the console runs on it."""
    house.rig.board.plug_usb_serial()
    wait_for(house, "a console at the adapter", lambda: house.rig.has_console(UNIT))


def pull(house: House) -> None:
    """Pull the adapter out; comes back when neither the line nor its console is there any more."""
    house.rig.board.pull_usb_serial()
    wait_for(house, "the console to end", lambda: state(house)["ActiveState"] == "inactive")
    assert not house.rig.agent.run(["sh", "-c", "ls /dev/ttyUSB* 2>/dev/null"], check=False).out


def plug_again(house: House) -> None:
    """Out and in at once; comes back when another console runs on it."""
    before = invocation(house)
    house.rig.board.pull_usb_serial()
    house.rig.board.plug_usb_serial()
    wait_for(house, "another console", lambda: invocation(house) != before and house.rig.has_console(UNIT))


def wait_for(house: House, what: str, check) -> None:
    wait_until(what, check, START_S * house.rig.patience)


def invocation(house: House) -> str:
    """Which start of the console this is."""
    return house.rig.agent.run(["systemctl", "show", "-P", "InvocationID", UNIT]).out.strip()


def state(house: House) -> dict[str, str]:
    """What systemd says of the console's unit."""
    names = "ActiveState,SubState,Result,NRestarts"
    said = house.rig.agent.run(["systemctl", "show", "-p", names, UNIT]).out
    return dict(line.split("=", 1) for line in said.splitlines())


def setting(house: House, key: str) -> object:
    return house.phone.call("settings.get", key=key)["value"]


def test_an_adapter_that_is_pulled_out_in_the_middle_of_a_session(usb_house: House) -> None:
    house = usb_house
    before = setting(house, DELAY), setting(house, "phone.hotline")
    assert state(house)["ActiveState"] == "inactive"
    plug(house)
    with contextlib.closing(Terminal(house, house.rig.board.usb_serial)) as terminal:
        log_in(terminal)
        terminal.answer(f"set {DELAY} 7")
        assert "commit" in terminal.answer("commit through an adapter")
        terminal.answer("set phone.hotline 1002")
        # In the middle of a line, and with a candidate that nobody has committed.
        terminal.type("set phone.hotline_", end="")
        terminal.wait("set phone.hotline_")
        pull(house)
    assert state(house)["Result"] == "success"
    assert setting(house, DELAY) == "7"
    assert setting(house, "phone.hotline") == before[1]

    plug(house)
    with contextlib.closing(Terminal(house, house.rig.board.usb_serial)) as terminal:
        terminal.type("")
        assert terminal.wait("login:", PROMPT) == 0, "nobody is logged in any more"
        log_in(terminal)
        assert "no changes" in terminal.answer("show changes")
        assert "through an adapter" in terminal.answer("show history")
        terminal.answer(f"delete {DELAY}")
        terminal.answer("commit")
    assert setting(house, DELAY) == before[0]
    pull(house)


def test_an_adapter_with_a_loose_contact(usb_house: House) -> None:
    """Out and in at once, while the console writes: the line keeps its name, and each time the console is back."""
    house = usb_house
    plug(house)
    for _ in range(3):
        with contextlib.closing(Terminal(house, house.rig.board.usb_serial)) as terminal:
            log_in(terminal)
            terminal.type("monitor")
            house.phone.lift()
            house.phone.expect_state("dial-tone")
            plug_again(house)
            house.phone.rest_lines()
            house.phone.rest()
    assert house.rig.agent.run(["sh", "-c", "ls /dev/ttyUSB*"]).out.split() == [f"/dev/{LINE}"]
    with contextlib.closing(Terminal(house, house.rig.board.usb_serial)) as terminal:
        log_in(terminal)
        assert "registered" in terminal.answer("show status")
    pull(house)
    assert house.rig.agent.run(["systemctl", "--failed", "--plain", "--no-legend", "--no-pager"]).out.strip() == ""
