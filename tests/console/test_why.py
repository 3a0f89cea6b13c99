"""The chain from power to registration: each fault is found, and the first one is told."""

from typing import Any

import pytest

from device.console.why import examine, first_fault, lines_of
from device.control.errors import NOT_FOUND, ControlError, DaemonUnreachableError

ACCOUNT = {
    "id": "main",
    "user": "1001",
    "domain": "pbx.example.com",
    "state": "registered",
    "status": 200,
    "text": "",
    "enabled": True,
    "register": True,
}


class Healthy:
    """A phone with nothing wrong; a test breaks one thing."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "machine.show": {"power_faults": [], "temperature_c": 50.0},
            "status": {
                "uptime_s": 5.0,
                "notices": [],
                "board": {"profile": "handset", "missing": {}, "hook": "on-hook", "lines": [{"name": "ringer"}]},
                "accounts": [dict(ACCOUNT)],
                "phone": {"state": "idle", "call": None},
            },
            "setup.cards": {"cards": [{"name": "Device"}]},
            "network.show": {
                "interfaces": [{"name": "eth0", "state": "up", "addresses": ["192.0.2.7/24"]}],
                "gateways": [],
                "name_servers": ["192.0.2.1"],
            },
        }
        self.settings = {
            "audio.kind": "alsa",
            "audio.playback_device": "plughw:CARD=Device",
            "phone.direct_calls": "no",
        }

    def ask(self, method: str, /, **params: Any) -> dict[str, Any]:
        if method == "settings.get":
            return {"value": self.settings[params["key"]]}
        if method not in self.answers:
            raise ControlError(NOT_FOUND, method)
        found: dict[str, Any] = self.answers[method]
        return found

    @property
    def status(self) -> dict[str, Any]:
        return self.answers["status"]  # type: ignore[no-any-return]


def said(phone: Healthy) -> tuple[str, str, str]:
    fault = first_fault(list(examine(phone.ask)))
    assert fault is not None
    return fault.area, fault.text, fault.remedy


def test_a_healthy_phone_has_no_fault() -> None:
    links = list(examine(Healthy().ask))
    assert first_fault(links) is None
    assert [link.area for link in links] == [
        "power",
        "phone",
        "store",
        "GPIO",
        "card",
        "network",
        "DNS",
        "registration",
        "handset",
    ]
    assert lines_of(links)[-1].startswith("Nothing is wrong")


def break_power(phone: Healthy) -> None:
    phone.answers["machine.show"] = {"power_faults": ["too low a voltage right now"]}


def break_store(phone: Healthy) -> None:
    phone.status["notices"] = ["the store was damaged; the copy of 12:00 is used"]


def break_board(phone: Healthy) -> None:
    phone.status["board"]["fault"] = "no chip raspberry-pi"


def break_line(phone: Healthy) -> None:
    phone.status["board"]["missing"] = {"hook": "GPIO17 is held by ir-receiver"}


def break_card(phone: Healthy) -> None:
    phone.answers["setup.cards"] = {"cards": []}


def lose_card(phone: Healthy) -> None:
    phone.answers["setup.cards"] = {"cards": [{"name": "Other"}]}


def busy_card(phone: Healthy) -> None:
    phone.status["notices"] = ["sound card plughw:CARD=Device is busy"]


def break_cable(phone: Healthy) -> None:
    phone.answers["network.show"]["interfaces"][0].update(state="down", addresses=[])


def break_dhcp(phone: Healthy) -> None:
    phone.answers["network.show"]["interfaces"][0].update(addresses=[])


def account(**changes: Any):
    def change(phone: Healthy) -> None:
        phone.status["accounts"] = [{**ACCOUNT, "state": "failed", **changes}]

    return change


def lift(phone: Healthy) -> None:
    phone.status["board"]["hook"] = "off-hook"


@pytest.mark.parametrize(
    ("break_it", "area", "words"),
    [
        (break_power, "power", "too low a voltage"),
        (break_store, "store", "was damaged"),
        (break_board, "GPIO", "no chip raspberry-pi"),
        (break_line, "GPIO", "held by ir-receiver"),
        (break_card, "card", "there is no sound card"),
        (lose_card, "card", "there is Other"),
        (busy_card, "card", "is busy"),
        (break_cable, "network", "no cable"),
        (break_dhcp, "network", "a cable, but no address"),
        (account(status=0, text="no address for pbx.example.com"), "DNS", "no address for pbx"),
        (account(status=408, text=""), "server", "did not answer in time"),
        (account(status=403, text="Forbidden"), "credentials", "refuses this user (403 Forbidden)"),
        (account(status=404, text=""), "registration", "does not know this user"),
        (lift, "handset", "off the hook"),
    ],
)
def test_each_fault_is_the_first_that_is_told(break_it, area: str, words: str) -> None:
    phone = Healthy()
    break_it(phone)
    found, text, remedy = said(phone)
    assert found == area
    assert words in text
    assert remedy
    lines = lines_of(list(examine(phone.ask)))
    assert lines[-2] == f"First: {text}."
    assert lines[-1] == f"Do: {remedy}."


def test_the_fault_nearest_to_the_plug_comes_first() -> None:
    phone = Healthy()
    account(status=403)(phone)
    break_cable(phone)
    assert said(phone)[0] == "network"


def test_no_account_at_all() -> None:
    phone = Healthy()
    phone.status["accounts"] = []
    assert said(phone)[1] == "there is no account"
    phone.settings["phone.direct_calls"] = "yes"
    assert first_fault(list(examine(phone.ask))) is None


def test_a_phone_that_does_not_run() -> None:
    def ask(method: str, /, **_: Any) -> dict[str, Any]:
        raise DaemonUnreachableError("start it with systemctl start offhook")

    (link,) = examine(ask)
    assert (link.good, link.text) == (False, "the phone does not run")
