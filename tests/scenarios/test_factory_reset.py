"""A phone as it was delivered, by the console; the button is tried on the virtual board."""

from pathlib import Path

from device.control.errors import ControlError
from tests.support.consoles import ADMIN, terminal_console
from tests.support.daemons import PhoneDaemon, running
from tests.support.processes import wait_until


def is_empty(phone: PhoneDaemon) -> bool:
    try:
        accounts = phone.call("account.list")["accounts"]  # type: ignore[index]
        hotline = phone.call("settings.get", key="phone.hotline")["value"]  # type: ignore[index]
    except ControlError:
        return False
    return accounts == [] and hotline == ""


def fill(phone: PhoneDaemon) -> None:
    phone.call("account.add", id="office", user="1001", domain="192.0.2.1", register=False, password="canary-7")
    phone.call("settings.set", values={"phone.hotline": "1002"})


def test_by_the_console(tmp_path: Path) -> None:
    phone = PhoneDaemon("phone", tmp_path)
    with running(phone), terminal_console(phone.socket_path, phone.store_path) as person:
        person.choose_password()
        fill(phone)
        person.type("factory reset\r")
        person.expect("keep what is set of board", ": ")
        person.type("\r")
        person.expect("type erase to go on: ")
        person.type("no\r")
        person.expect("nothing was erased", ADMIN)
        assert not is_empty(phone)
        person.type("factory reset\r")
        person.expect("keep what is set of board", ": ")
        person.type("\r")
        person.expect("type erase to go on: ")
        person.type("erase\r")
        person.expect("Erased")
        wait_until("the phone to be empty", lambda: is_empty(phone))
        assert b"canary-7" not in b"".join(path.read_bytes() for path in tmp_path.glob("phone.db*"))
    with running(phone), terminal_console(phone.socket_path, phone.store_path) as person:
        person.expect("no password yet")
