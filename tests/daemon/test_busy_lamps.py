"""Lamps for other extensions: what documents say, and a phone whose server tells them."""

import pytest

from device.daemon.busy_lamps import MAX_DIALOGS, BusyLamps, WatchedExtension
from device.model import Account, AccountId
from device.phone.settings import PhoneSettings
from device.sip.feature_events import NotifyReceived, SubscriptionChanged

OFFICE = Account(AccountId("office"), "1001", "pbx")


def info(*dialogs: str, version: int = 1, state: str = "full", prefix: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?><{prefix}dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}"'
        f' state="{state}" entity="sip:1002@pbx">{"".join(dialogs)}</{prefix}dialog-info>'
    ).encode()


def dialog(state: str, direction: str = "recipient", name: str = "a", prefix: str = "") -> str:
    text = f' direction="{direction}"' if direction else ""
    return f'<{prefix}dialog id="{name}"{text}><{prefix}state event="x">{state}</{prefix}state></{prefix}dialog>'


@pytest.mark.parametrize(
    ("dialogs", "mode"),
    [
        ((), "off"),
        ((dialog("early"),), "blink"),
        ((dialog("trying", "initiator"),), "on"),
        ((dialog("confirmed"),), "on"),
        ((dialog("early"), dialog("confirmed", name="b")), "on"),
        ((dialog("terminated"),), "off"),
        ((dialog("early", ""),), "on"),
    ],
)
def test_what_the_lamp_shows(dialogs: tuple[str, ...], mode: str) -> None:
    extension = WatchedExtension()
    extension.receive(info(*dialogs))
    assert extension.mode == mode


def test_prefixes_parts_and_versions() -> None:
    extension = WatchedExtension()
    extension.receive(info(dialog("confirmed", prefix="d:"), prefix="d:"))
    assert extension.mode == "on"
    extension.receive(info(dialog("early", name="b"), version=2, state="partial"))
    assert extension.mode == "on"
    extension.receive(info(dialog("terminated"), version=3, state="partial"))
    assert extension.mode == "blink"
    extension.receive(info(version=1))
    assert extension.mode == "blink"
    extension.receive(info(version=4))
    assert extension.mode == "off"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<dialog-info", info(dialog("confirmed"))[:90], b"x" * 100_000])
def test_what_says_nothing(body: bytes) -> None:
    extension = WatchedExtension()
    extension.receive(body)
    assert extension.mode == "off"


def test_the_memory_is_bounded() -> None:
    extension = WatchedExtension()
    extension.receive(info(*(dialog("early", name=str(number)) for number in range(MAX_DIALOGS + 50))))
    assert len(extension._dialogs) == MAX_DIALOGS


def test_settings_that_cannot_be_read() -> None:
    assert PhoneSettings(busy_lamps="neighbour=1002,x=1003").faults() == []
    (fault,) = PhoneSettings(busy_lamps="1002").faults()
    assert fault == "phone.busy_lamps: '1002' is not written name=target"


class Agent:
    """A user agent that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.renewed: list[str] = []
        self.left: list[str] = []

    def subscribe(self, name: str, target: str, *_: object) -> None:
        self.asked.append((name, target))

    def renew_subscription(self, name: str, _now: float) -> None:
        self.renewed.append(name)

    def unsubscribe(self, name: str, _now: float) -> None:
        self.left.append(name)


class Accounts:
    """An account table with one account or none."""

    def __init__(self) -> None:
        self.account: Account | None = None

    def choose(self) -> Account | None:
        return self.account


class TestSubscriptions:
    @pytest.fixture
    def bench(self) -> tuple[BusyLamps, Agent, Accounts, list[tuple[str, str]]]:
        agent, accounts = Agent(), Accounts()
        shown: list[tuple[str, str]] = []
        lamps = BusyLamps(agent, accounts, lambda lamp, mode, _now: shown.append((lamp, mode)))  # type: ignore[arg-type]
        return lamps, agent, accounts, shown

    def test_with_the_first_account_that_is_registered(self, bench) -> None:
        lamps, agent, accounts, _ = bench
        lamps.configure({"neighbour": "1002"}, 0.0)
        lamps.follow(OFFICE.id, 1.0)
        assert agent.asked == []
        accounts.account = OFFICE
        lamps.follow(OFFICE.id, 2.0)
        assert agent.asked == [("lamp-neighbour", "1002")]
        lamps.follow(OFFICE.id, 3.0)
        assert agent.renewed == ["lamp-neighbour"]
        lamps.follow(AccountId("other"), 4.0)
        assert agent.renewed == ["lamp-neighbour"]

    def test_other_lamps_while_it_runs(self, bench) -> None:
        lamps, agent, accounts, shown = bench
        accounts.account = OFFICE
        lamps.configure({"a": "1002", "b": "1003"}, 0.0)
        lamps.configure({"a": "1002", "b": "1004"}, 1.0)
        assert agent.left == ["lamp-b"]
        assert agent.asked == [("lamp-a", "1002"), ("lamp-b", "1003"), ("lamp-b", "1004")]
        assert shown == [("b", "off")]

    def test_news_and_silence(self, bench) -> None:
        lamps, _, accounts, shown = bench
        accounts.account = OFFICE
        lamps.configure({"a": "1002"}, 0.0)
        lamps.receive(NotifyReceived("lamp-a", OFFICE.id, "dialog", "x", info(dialog("confirmed"))), 1.0)
        lamps.receive(NotifyReceived("mwi-office", OFFICE.id, "dialog", "x", info(dialog("confirmed"))), 1.0)
        lamps.follow_subscription(SubscriptionChanged("lamp-a", OFFICE.id, "dialog", "active", 200, ""), 2.0)
        lamps.follow_subscription(SubscriptionChanged("lamp-a", OFFICE.id, "dialog", "waiting", 408, ""), 3.0)
        assert shown == [("a", "on"), ("a", "off")]
