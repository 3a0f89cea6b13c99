"""The wizard from an empty phone to a registered one and a test call, as a technician types it."""

from pathlib import Path

from tests.support.canary import CANARY
from tests.support.consoles import ADMIN, terminal_console
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.wizard import CountingPerson, answers, walk

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}


def test_from_an_empty_phone_to_a_test_call(tmp_path: Path) -> None:
    exchange = ExchangeDaemon(tmp_path, PASSWORDS)
    fresh = PhoneDaemon("fresh", tmp_path)
    other = PhoneDaemon("1002", tmp_path, microphone=CALLEE_WAV)
    with running(exchange, fresh, other), terminal_console(fresh.socket_path, fresh.store_path) as person:
        other.add_account(exchange.address, "1002", PASSWORDS["1002"])
        other.expect_registration("registered")
        wanted = answers("offhook", exchange.address, "1001", PASSWORDS["1001"], "1002")
        seconds, keys = walk(person, wanted, other)
        assert PASSWORDS["1001"] not in person.seen
        fresh.expect_registration("registered")
        values = {item["key"]: item["value"] for item in fresh.call("settings.list")["settings"]}  # type: ignore[index]
        assert (values["media.tones"], values["hardware.cadence"]) == ("uk", "uk")
        assert values["daemon.time_zone"] == "Europe/London"
        assert values["console.setup_done"] == "board,sound,network,account,country,off-hook,volume,call"
        print(f"\nthe wizard: {seconds:.1f} s, {keys} keys")  # noqa: T201  # the figure that the issue asks for
        person.run("show history")


def test_a_wrong_password_is_explained_and_asked_again(tmp_path: Path) -> None:
    exchange = ExchangeDaemon(tmp_path, PASSWORDS)
    fresh = PhoneDaemon("fresh", tmp_path)
    with running(exchange, fresh), terminal_console(fresh.socket_path, fresh.store_path) as person:
        person.choose_password()
        hand = CountingPerson(person)
        person.type("setup account\r")
        hand.answer("what kind of server", "offhook")
        hand.answer("server", exchange.address)
        hand.answer("user", "1001")
        hand.answer("password", "wrong")
        person.expect("Not registered: ", "wrong password")
        hand.answer("change something and try again", "yes")
        hand.answer("what kind of server", "offhook")
        hand.answer("server")
        hand.answer("user")
        hand.answer("password", PASSWORDS["1001"])
        person.expect("Registered as 1001@", ADMIN)
        assert "registered" in person.run("account test main").lower()
