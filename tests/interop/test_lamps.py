"""Lamps, presence and waiting messages at the exchange: our phone's lamp, baresip that watches and publishes, SIPp."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.baresip import Baresip
from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.processes import HOST, wait_until
from tests.support.sipp import Sipp

pytestmark = pytest.mark.interop

PASSWORDS = {user: f"{user}-{CANARY}" for user in ("1001", "1002", "1003")}


def lamp(phone: PhoneDaemon, name: str = "neighbour") -> str:
    return str(phone.status()["board"]["lamps"][name])  # type: ignore[index]


class House:
    """A phone with a lamp for 1002, and the phones 1002 and 1003."""

    def __init__(self, folder: Path) -> None:
        self.exchange = ExchangeDaemon(folder, PASSWORDS)
        self.watching = PhoneDaemon("1001", folder, {"phone.busy_lamps": "neighbour=1002"})
        self.watched = PhoneDaemon("1002", folder, microphone=CALLEE_WAV)
        self.other = PhoneDaemon("1003", folder)
        self.phones = (self.watching, self.watched, self.other)


@pytest.fixture(scope="module")
def one_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("lamps"))
    with running(house.exchange, *house.phones):
        for phone in house.phones:
            phone.add_account(house.exchange.address, phone.name, PASSWORDS[phone.name])
            phone.expect_registration("registered")
        house.watching.expect_message("in", "NOTIFY", "dialog-info")
        yield house


@pytest.fixture
def house(one_house: House) -> Iterator[House]:
    yield one_house
    for phone in one_house.phones:
        phone.rest()


def shows(house: House, mode: str) -> None:
    wait_until(f"the lamp to be {mode}", lambda: lamp(house.watching) == mode)


def test_a_lamp_blinks_shines_and_goes_out(house: House) -> None:
    shows(house, "off")
    house.other.place("1002")
    house.watched.expect_state("alerting")
    shows(house, "slow-blink")
    house.watched.lift()
    house.other.expect_state("connected")
    shows(house, "on")
    house.other.call("call.hangup")
    shows(house, "off")


def test_a_call_that_nobody_answers(house: House) -> None:
    house.other.place("1002")
    house.watched.expect_state("alerting")
    shows(house, "slow-blink")
    house.other.call("call.hangup")
    shows(house, "off")


def test_one_who_calls_is_busy(house: House) -> None:
    house.watched.place("1003")
    house.other.expect_state("alerting")
    shows(house, "on")
    house.watched.call("call.hangup")
    shows(house, "off")


def test_a_lamp_may_be_set_while_the_phone_runs(house: House) -> None:
    house.watching.call("settings.set", values={"phone.busy_lamps": "neighbour=1003"})
    house.watching.expect_message("in", "NOTIFY", "sip:1003@")
    house.other.place("1001")
    shows(house, "on")
    house.other.call("call.hangup")
    house.watching.rest()
    house.watching.call("settings.set", values={"phone.busy_lamps": "neighbour=1002"})
    house.watching.expect_message("in", "NOTIFY", "sip:1002@")


Peers = Callable[..., Baresip]


@pytest.fixture
def baresip(house: House, tmp_path: Path) -> Iterator[Peers]:
    """Starts baresip as some user with further modules and contacts that it watches."""
    started: list[Baresip] = []

    def start(user: str, *modules: str, contacts: str = "", **account: str) -> Baresip:
        peer = Baresip(user, PASSWORDS[user], house.exchange.address, tmp_path, CALLEE_WAV, **account)
        config = peer.folder / "config"
        config.write_text(config.read_text() + "".join(f"module_app {module}.so\n" for module in modules))
        (peer.folder / "contacts").write_text(contacts + "\n")
        started.append(peer)
        peer.start()
        return peer

    yield start
    for peer in started:
        peer.stop()


def watched_by(peer: Baresip, status: str) -> None:
    """Wait until baresip sees its one contact so."""
    wait_until(f"baresip to see it {status}", lambda: status in str(peer.command("contacts")["data"]))


def contact(user: str) -> str:
    return f'"{user}" <sip:{user}@{HOST}>;presence=p2p'


def test_baresip_sees_who_is_there_and_who_talks(house: House, baresip: Peers) -> None:
    peer = baresip("1003", "contact", "presence", contacts=contact("1002"))
    watched_by(peer, "Online")
    house.watching.place("1002")
    house.watched.expect_state("alerting")
    house.watched.lift()
    watched_by(peer, "Busy")
    house.watching.call("call.hangup")
    watched_by(peer, "Online")


def test_what_one_baresip_publishes_the_other_sees(baresip: Peers) -> None:
    """It is registered and not on the telephone, but says that it is away."""
    watcher = baresip("1001", "contact", "presence", contacts=contact("1003"))
    publisher = baresip("1003", "contact", "presence", pubint="60")
    watched_by(watcher, "Online")
    publisher.command("presence_offline")
    watched_by(watcher, "Offline")
    publisher.command("presence_online")
    watched_by(watcher, "Online")


def test_sipp_watches_a_call_from_its_beginning_to_its_end(house: House, play: Callable[..., Sipp]) -> None:
    target = f"sip:1002@{HOST}"
    who = {"user": "1001", "password": PASSWORDS["1001"], "from": f"sip:1001@{HOST}", "to": target}
    watching = play("watch", house.exchange.address, target=target, **who)
    wait_until("the subscription to stand", lambda: "Subscription-State: active" in watching.messages())
    house.other.place("1002")
    house.watched.expect_state("alerting")
    wait_until("it to ring there", lambda: "<state>early</state>" in watching.messages())
    house.watched.lift()
    wait_until("it to be answered there", lambda: "<state>confirmed</state>" in watching.messages())
    house.other.call("call.hangup")
    trace = watching.succeed()
    assert PASSWORDS["1001"] not in trace
