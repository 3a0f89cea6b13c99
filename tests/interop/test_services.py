"""Foreign telephones at the services of the exchange: baresip is heard and hears, and presses keys; SIPp calls."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.demo.measure import RATE_HZ, read_wav
from device.media import pcm
from tests.support.baresip import Baresip
from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, CALLER_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.linphone import Linphone
from tests.support.processes import HOST, wait_until
from tests.support.sipp import Sipp
from tests.support.sound import GOOD_CORRELATION, TALK_S, search, write_repeated

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first-{CANARY}", "1002": f"second-{CANARY}", "1003": f"third-{CANARY}"}
SPEECH = read_wav(CALLEE_WAV, 0.0).pcm


class House:
    """An exchange with services, an offhook phone 1001, and baresip 1002."""

    def __init__(self, folder: Path) -> None:
        self.exchange = ExchangeDaemon(folder, PASSWORDS)
        self.exchange.manage("service", "on")
        self.phone = PhoneDaemon("1001", folder)
        speech = write_repeated(CALLEE_WAV, folder / "long.wav", 12)
        self.baresip = Baresip("1002", PASSWORDS["1002"], self.exchange.address, folder, speech)

    def start(self) -> None:
        self.phone.add_account(self.exchange.address, "1001", PASSWORDS["1001"])
        self.phone.expect_registration("registered")
        self.baresip.start()

    def call(self, number: str) -> None:
        """Let baresip call a service."""
        self.baresip.command("dial", f"sip:{number}@{HOST}")
        self.baresip.expect("CALL_ESTABLISHED")

    def press(self, keys: str) -> None:
        for key in keys:
            self.baresip.command("sndcode", key)
            self.baresip.command("sndcode", "\x04")

    def wait(self, seconds: float) -> None:
        """Let sound go on for so long, by the clock of our phone's sound, which is in a room of its own."""
        self.phone.listen(seconds)

    def messages(self) -> list[str]:
        said = self.exchange.manage("voicemail", "list").splitlines()
        return [line for line in said if line != "there is no message"]

    def nobody_calls(self) -> bool:
        return "nobody" in self.exchange.manage("service", "calls")


@pytest.fixture(scope="module")
def open_house(tmp_path_factory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    with running(house.exchange, house.phone):
        try:
            house.start()
            yield house
        finally:
            house.baresip.stop()


@pytest.fixture
def house(open_house: House) -> Iterator[House]:
    yield open_house
    open_house.phone.rest()
    open_house.baresip.rest()
    wait_until("all calls of services to end", open_house.nobody_calls)


@pytest.fixture
def clock(house: House) -> Callable[[float], None]:
    """Our phone hears a room in which it is alone, and so tells how time goes by."""
    house.phone.place("8999")
    house.phone.expect_state("connected")
    return house.wait


def test_baresip_hears_itself(house: House, clock: Callable[[float], None]) -> None:
    house.call("*43")
    clock(9.0)
    house.press("#")
    house.baresip.expect("CALL_CLOSED")
    heard = house.baresip.heard()[-4 * RATE_HZ :]
    assert search(SPEECH, heard) > GOOD_CORRELATION


def test_a_message_of_baresip_is_found_and_told(house: House, clock: Callable[[float], None]) -> None:
    house.call("*981001")
    clock(0.5)
    house.press("#")
    clock(4.5)
    house.baresip.command("hangup")
    wait_until("the message to be kept", house.messages)
    (line,) = house.messages()
    assert line.split()[:2] == ["1001", "new"]
    kept = read_wav(Path(line.split()[-1]), 0.0).pcm
    assert len(kept) > TALK_S * RATE_HZ * pcm.SAMPLE_BYTES
    assert search(SPEECH, kept) > GOOD_CORRELATION
    house.exchange.manage("voicemail", "delete", line.split()[-1])


def test_baresip_records_its_greeting_by_keys_and_pin(house: House, clock: Callable[[float], None]) -> None:
    house.exchange.manage("voicemail", "pin", "1002", typed="4711\n")
    house.call("*98")
    clock(0.5)
    house.press("4711#")
    clock(0.5)
    house.press("0")
    clock(7.0)
    house.press("#")
    clock(1.0)
    house.press("#")
    house.baresip.expect("CALL_CLOSED")
    (greeting,) = Path(house.exchange.store_path).parent.glob("voicemail/box-1002/greeting.wav")
    assert search(SPEECH, read_wav(greeting, 0.0).pcm) > GOOD_CORRELATION


def test_baresip_and_offhook_in_one_room(house: House) -> None:
    phone = house.phone
    house.call("8001")
    phone.place("8001")
    phone.expect_state("connected")
    phone.listen(1.0)
    heard = phone.listen(TALK_S)
    assert search(SPEECH, heard) > GOOD_CORRELATION
    house.baresip.command("hangup")
    house.baresip.expect("CALL_CLOSED")
    assert search(read_wav(CALLER_WAV, 0.0).pcm, house.baresip.heard()[-5 * RATE_HZ :]) > GOOD_CORRELATION


@pytest.mark.parametrize(("codecs", "transport"), [("0 101", "udp"), ("8 101", "udp"), ("0 101", "tcp")])
def test_sipp_calls(house: House, play: Callable[..., Sipp], codecs: str, transport: str) -> None:
    caller = play(
        "call-authenticated",
        house.exchange.address,
        target=f"sip:*43@{HOST}",
        pause_ms=500,
        codecs=codecs,
        transport=transport,
        **{"user": "1003", "password": PASSWORDS["1003"], "from": f"sip:1003@{HOST}"},
    )
    assert "Record-Route: <sip:" in caller.succeed()


@pytest.mark.parametrize(
    "scenario",
    [
        "call",
        "call-late-offer",
        "call-and-hold",
        "call-and-dial-by-info",
        "call-session-timer",
    ],
)
def test_strangers_where_they_are_let_in(house: House, play: Callable[..., Sipp], scenario: str) -> None:
    """SIPp as somebody from elsewhere, in the ways that real phones have seldom and services must bear."""
    house.exchange.manage("service", "set", "strangers=on")
    play(scenario, house.exchange.address, target=f"sip:*43@{HOST}", pause_ms=200).succeed()
    house.exchange.manage("service", "set", "strangers=off")
    wait_until("the call to end", house.nobody_calls)


def test_linphone_hears_itself(house: House, clock: Callable[[float], None], tmp_path: Path) -> None:
    linphone = Linphone("1003", PASSWORDS["1003"], house.exchange.address, tmp_path)
    linphone.start()
    try:
        wait_until("linphonec to be registered", lambda: house.exchange.contacts("1003"))
        speech, heard = write_repeated(CALLEE_WAV, tmp_path / "long.wav", 12), tmp_path / "heard.wav"
        linphone.type("soundcard use files", f"play {speech}", f"record {heard}", "call *43")
        clock(11.0)
        linphone.type("terminate")
        wait_until("the call to end", lambda: "echo" not in house.exchange.manage("service", "calls"))
        pcm_heard = read_wav(heard, 0.0).pcm
        # On a busy machine its own clock of files stumbles now and then: two good seconds tell enough.
        windows = [
            pcm_heard[-at : len(pcm_heard) - at + 4 * RATE_HZ] for at in range(4 * RATE_HZ, 11 * RATE_HZ, RATE_HZ)
        ]
        assert max(search(SPEECH, window) for window in windows) > GOOD_CORRELATION
    finally:
        linphone.stop()


def test_a_stranger_may_leave_a_message_where_calls_are_sent_on(house: House, play: Callable[..., Sipp]) -> None:
    house.exchange.manage("forward", "set", "1003", "always", "*98")
    play("call", house.exchange.address, target=f"sip:1003@{HOST}", pause_ms=200).succeed()
    house.exchange.manage("forward", "remove", "1003")


def test_strangers_are_not_let_in_by_default(house: House, play: Callable[..., Sipp]) -> None:
    house.exchange.manage("service", "set", "strangers=")
    play("call-refused", house.exchange.address, target=f"sip:*43@{HOST}", status=403).succeed()
