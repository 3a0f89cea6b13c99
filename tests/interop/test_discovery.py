"""Fresh boards in namespaces, an avahi in each: they find each other, agree on one exchange, and a button rings."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from device.discovery.notebook import Notebook
from tests.support.avahi_rooms import AvahiRoom, Switch
from tests.support.daemons import PhoneDaemon, own_command
from tests.support.processes import Program, wait_until

pytestmark = [pytest.mark.interop, pytest.mark.slow]

AGREED_WITHIN_S = 60.0
"""Answers of mDNS, five quiet seconds, the start of an exchange and a REGISTER; the machine may be busy."""
PORT = 5060


class FreshBoard:
    """A phone as it comes out of its box, and the discovery beside it, in a room of its own."""

    def __init__(self, name: str, room: AvahiRoom, folder: Path) -> None:
        self.name, self.room = name, room
        settings = {"sip.bind_address": "", "sip.port": str(PORT), "phone.button_guard_s": "0.2"}
        self.phone = PhoneDaemon(name, folder, settings)
        self.phone.prefix = room.prefix
        self._state = folder / f"{name}-discovery"
        self._notebook = Notebook(str(self._state))
        self._folder = folder
        self._program: Program | None = None

    def start(self) -> None:
        self.phone.start()
        self.start_discovery()

    def start_discovery(self) -> None:
        command = own_command("discovery", "run", "--socket", str(self.phone.socket_path), "--state", str(self._state))
        self._program = Program(f"discovery-{self.name}", [*self.room.prefix, *command], self._folder, own_group=True)

    def stop(self) -> None:
        if self._program is not None:
            self._program.stop()
        self.phone.stop()

    def lose_power(self) -> None:
        """Everything of it ends at once, and nobody is told."""
        assert self._program is not None
        self._program.kill()
        self.phone.kill()
        self.room.stop()

    def mode(self, mode: str) -> None:
        self._notebook.load()
        self._notebook.mode = mode
        self._notebook.save()

    @property
    def status(self) -> dict[str, object]:
        assert self._program is not None
        self._program.check()
        return self._notebook.read_status()

    def state(self) -> str:
        """Where its account at the house stands."""
        accounts: list[dict[str, object]] = self.phone.call("account.list")["accounts"]  # type: ignore[assignment]
        return next((str(one["state"]) for one in accounts if one["id"] == "house"), "none")

    def press(self) -> None:
        """Hold the button beside the door until the phone does something about it."""
        self.phone.call("board.drive", line="button.door", active=True)
        wait_until(f"{self.name} to call", lambda: self.phone.status()["calls"])
        self.phone.call("board.drive", line="button.door", active=False)


class Street:
    """Boards on one switch."""

    def __init__(self, switch: Switch, folder: Path, stack: ExitStack) -> None:
        self.switch, self._folder, self._stack = switch, folder, stack
        self.boards: dict[str, FreshBoard] = {}

    def power(self, names: str) -> None:
        """Switch boards on."""
        for name in names:
            board = self.boards[name] = FreshBoard(name, self.switch.rooms[name], self._folder)
            board.start()
            self._stack.callback(board.stop)

    def agree(self, names: str) -> str:
        """Wait until these have one exchange among them and are registered there; answers whose it is."""

        def agreed() -> str:
            roles = {name: self.boards[name].status.get("role") for name in names}
            hosts = [name for name, role in roles.items() if role == "host"]
            if len(hosts) != 1 or sorted(map(str, roles.values())) != ["host", *["member"] * (len(names) - 1)]:
                return ""
            place = self.switch.rooms[hosts[0]].address
            told = [self.boards[name].status.get("host") for name in names if name != hosts[0]]
            is_registered = all(
                self.boards[name].status.get("number") and self.boards[name].state() == "registered" for name in names
            )
            return hosts[0] if is_registered and set(told) <= {place} else ""

        return wait_until(f"{names} to agree on one exchange", agreed, AGREED_WITHIN_S)

    def numbers(self, names: str) -> list[str]:
        return sorted(str(self.boards[name].status.get("number")) for name in names)


Build = Callable[[str], Street]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    with ExitStack() as stack:

        def made(names: str) -> Street:
            return Street(stack.enter_context(Switch(tmp_path, names)), tmp_path, stack)

        yield made


def talk(caller: FreshBoard, called: FreshBoard, *further: FreshBoard) -> None:
    """Press the caller's button: all others ring. Lift at the first of them, and hang up."""
    caller.press()
    for board in (called, *further):
        board.phone.expect_state("alerting")
    called.phone.lift()
    caller.phone.expect_state("connected")
    for board in further:
        board.phone.expect_state("idle")
    called.phone.replace()
    called.phone.expect_state("idle")
    caller.phone.expect_state("idle")


def test_two_fresh_boards_become_a_telephone_system(build: Build) -> None:
    street = build("ab")
    street.power("ab")
    street.agree("ab")
    assert street.numbers("ab") == ["11", "12"]
    talk(street.boards["a"], street.boards["b"])
    talk(street.boards["b"], street.boards["a"])


def test_who_joins_leaves_the_exchange_where_it_is_and_rings_with_the_others(build: Build) -> None:
    street = build("abc")
    street.power("ab")
    host = street.agree("ab")
    street.power("c")
    assert street.agree("abc") == host
    assert street.numbers("abc") == ["11", "12", "13"]
    talk(*(street.boards[name] for name in "cba"))


def test_when_the_exchange_loses_its_power_another_takes_over(build: Build) -> None:
    street = build("abc")
    street.power("abc")
    host = street.agree("abc")
    left = "abc".replace(host, "")
    street.boards[host].lose_power()
    assert street.agree(left) in left
    talk(street.boards[left[0]], street.boards[left[1]])


def test_networks_that_become_one_have_one_exchange(build: Build) -> None:
    street = build("abcd")
    street.switch.plug("c", "d", bridge="other")
    street.power("abcd")
    street.agree("ab")
    street.agree("cd")
    street.switch.plug("c", "d")
    street.agree("abcd")
    talk(street.boards["d"], street.boards["a"], street.boards["b"], street.boards["c"])


def test_a_phone_with_an_account_of_its_own_keeps_to_itself(build: Build) -> None:
    street = build("ab")
    street.power("a")
    board = street.boards["a"]
    board.phone.call("account.add", id="office", user="1001", domain="pbx.example.com", register=False)
    street.power("b")
    wait_until("a to keep to itself", lambda: "account of its own" in str(board.status.get("reason")), 40.0)
    assert street.boards["b"].state() == "none"


def test_what_is_switched_off_is_left_and_comes_back(build: Build) -> None:
    street = build("ab")
    street.power("ab")
    street.agree("ab")
    board = street.boards["b"]
    board.mode("off")
    wait_until("b to leave the house", lambda: board.state() == "none", 40.0)
    wait_until("b to say so", lambda: "switched off" in str(board.status.get("reason")))
    board.mode("auto")
    street.agree("ab")
    assert street.numbers("ab") == ["11", "12"], "the number is the same as before"
