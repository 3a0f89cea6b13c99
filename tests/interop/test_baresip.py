"""Calls between offhook and baresip at the embedded exchange and straight by IP, what each end heard compared."""

from collections.abc import Callable, Iterator

import pytest

from device.demo.measure import read_wav
from tests.support.baresip import Baresip
from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, CALLER_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.processes import HOST, wait_until
from tests.support.sound import GOOD_CORRELATION, SETTLE_BYTES, TALK_S, search, write_repeated

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first-{CANARY}", "1002": f"second-{CANARY}"}
SETTINGS = {"phone.door_code": "42", "phone.direct_calls": "on"}


class Pair:
    """An offhook phone, 1001, and baresip, 1002."""

    def __init__(self, folder, transport: str = "udp", flash: str = "off", **account: str) -> None:
        self.exchange = ExchangeDaemon(folder, PASSWORDS)
        self.phone = PhoneDaemon("1001", folder, {**SETTINGS, "hardware.flash": flash})
        speech = write_repeated(CALLEE_WAV, folder / "long.wav", 12)
        server = self.exchange.address + ("" if transport == "udp" else f";transport={transport}")
        self.baresip = Baresip("1002", PASSWORDS["1002"], server, folder, speech, **account)
        self._transport = transport

    def start(self) -> None:
        self.phone.add_account(self.exchange.address, "1001", PASSWORDS["1001"], transport=self._transport)
        self.phone.expect_registration("registered")
        self.baresip.start()

    def talk(self, hang_up: Callable[[], object], recorded: bool = True) -> None:
        """Both ends of a call that stands hear the other; `hang_up` ends it.

        baresip 1.0 records no more after a re-INVITE, so that only our end can be looked at then.
        """
        heard = self.phone.listen(TALK_S)[SETTLE_BYTES:]
        hang_up()
        self.baresip.expect("CALL_CLOSED")
        assert search(read_wav(CALLEE_WAV, 0.0).pcm, heard) > GOOD_CORRELATION
        if recorded:
            assert search(read_wav(CALLER_WAV, 0.0).pcm, self.baresip.heard()) > GOOD_CORRELATION


def pair_of(folder, **more: str) -> Iterator[Pair]:
    pair = Pair(folder, **more)
    with running(pair.exchange, pair.phone):
        try:
            pair.start()
            yield pair
        finally:
            pair.baresip.stop()


@pytest.fixture(scope="module")
def one_pair(tmp_path_factory) -> Iterator[Pair]:
    yield from pair_of(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def pair(one_pair) -> Iterator[Pair]:
    yield one_pair
    one_pair.phone.rest()
    one_pair.baresip.rest()


def test_offhook_calls_baresip(pair) -> None:
    phone, baresip = pair.phone, pair.baresip
    phone.lift()
    phone.expect_state("dial-tone")
    phone.dial("1002#")
    phone.expect_state("ringback")
    assert baresip.expect("CALL_INCOMING")["peeruri"] == f"sip:1001@{HOST}"
    baresip.command("accept")
    phone.expect_state("connected")
    baresip.expect("CALL_ESTABLISHED")
    pair.talk(phone.rest)


def test_baresip_calls_offhook(pair) -> None:
    phone, baresip = pair.phone, pair.baresip
    baresip.command("dial", f"sip:1001@{HOST}")
    phone.expect_state("alerting")
    baresip.expect("CALL_RINGING")
    phone.lift()
    phone.expect_state("connected")
    baresip.expect("CALL_ESTABLISHED")
    pair.talk(lambda: baresip.command("hangup"))
    phone.expect_state("busy-tone")
    entry = phone.call_log()[0]
    assert (entry["direction"], entry["remote"], entry["cause"]) == ("in", f"sip:1002@{HOST}", "answered")


def connect(pair: Pair) -> None:
    pair.phone.place("1002")
    pair.baresip.expect("CALL_INCOMING")
    pair.baresip.command("accept")
    pair.phone.expect_state("connected")
    pair.baresip.expect("CALL_ESTABLISHED")


def test_digits_from_offhook(pair) -> None:
    connect(pair)
    before = len(pair.baresip.program.log())
    pair.phone.call("call.digits", digits="15#*")

    def heard() -> list[str]:
        lines = pair.baresip.program.log()[before:].splitlines()
        return [line.split("'")[1] for line in lines if line.startswith("received event:") and "end=1" in line]

    wait_until("baresip to hear four digits", lambda: len(heard()) >= 4)
    assert heard() == ["1", "5", "#", "*"]


def test_digits_from_baresip_open_the_door(pair) -> None:
    connect(pair)
    for digit in "42":
        pair.baresip.command("sndcode", digit)
        pair.baresip.command("sndcode", "\x04")
    wait_until("the door to be opened", lambda: pair.phone.call("board.show")["relays"]["door"])


def test_baresip_holds_and_resumes(pair) -> None:
    phone, baresip = pair.phone, pair.baresip
    connect(pair)
    phone.listen(0.5)
    baresip.command("hold")
    phone.expect_message("in", "INVITE", "a=sendonly")
    phone.expect_message("out", "SIP/2.0 200", "a=recvonly")
    baresip.command("resume")
    phone.expect_message("in", "INVITE", "a=sendrecv")
    phone.expect_message("out", "SIP/2.0 200", "a=sendrecv")
    pair.talk(phone.rest, recorded=False)


def test_offhook_holds_and_resumes(tmp_path) -> None:
    for pair in pair_of(tmp_path, flash="on"):
        phone = pair.phone
        phone.lift()
        phone.expect_state("dial-tone")
        connect(pair)
        phone.expect_message("out", "ACK")
        for state, direction in (("held", "a=sendonly"), ("connected", "a=sendrecv")):
            phone.replace()
            phone.lift()
            phone.expect_state(state)
            phone.expect_message("out", "INVITE", direction)
            phone.expect_message("in", "SIP/2.0 200")
        pair.talk(phone.rest, recorded=False)


def test_offhook_gives_up(pair) -> None:
    pair.phone.place("1002")
    pair.baresip.expect("CALL_INCOMING")
    pair.phone.expect_state("ringback")
    pair.phone.call("call.hangup")
    pair.baresip.expect("CALL_CLOSED")


def test_baresip_gives_up(pair) -> None:
    pair.baresip.command("dial", f"sip:1001@{HOST}")
    pair.phone.expect_state("alerting")
    pair.baresip.expect("CALL_RINGING")
    pair.baresip.command("hangup")
    pair.phone.expect_state("idle")
    assert pair.phone.call_log()[0]["cause"] == "missed"


def test_baresip_declines(pair) -> None:
    pair.phone.place("1002")
    pair.baresip.expect("CALL_INCOMING")
    pair.baresip.command("hangup")
    pair.phone.expect_state("busy-tone")


def test_offhook_is_busy(pair) -> None:
    pair.phone.lift()
    pair.phone.expect_state("dial-tone")
    pair.baresip.command("dial", f"sip:1001@{HOST}")
    assert "486" in str(pair.baresip.expect("CALL_CLOSED")["param"])


def test_straight_by_ip(pair) -> None:
    pair.phone.place(f"sip:1002@{HOST}:{pair.baresip.port}")
    pair.baresip.expect("CALL_INCOMING")
    pair.baresip.command("accept")
    pair.phone.expect_state("connected")
    pair.talk(pair.phone.rest)


@pytest.mark.parametrize("more", [{"audio_codecs": "PCMU"}, {"transport": "tcp"}], ids=["PCMU only", "TCP"])
def test_with_other_settings(tmp_path, more) -> None:
    for pair in pair_of(tmp_path, **more):
        connect(pair)
        pair.talk(pair.phone.rest)
