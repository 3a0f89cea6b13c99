"""The services of the exchange as telephones reach them: three of ours, the exchange, and what each of them hears."""

import socket
import struct
import wave
from array import array
from collections.abc import Iterator
from math import cos, hypot, pi, sin
from pathlib import Path

import pytest

from device.daemon.services.prompts import PromptBook
from device.demo.measure import RATE_HZ, read_wav
from device.media import pcm
from device.media.codecs.pcmu import PcmuCodec
from device.media.tones import Sine
from device.rtp.packet import parse_rtp
from tests.support.canary import CANARY
from tests.support.daemons import CALLER_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.processes import wait_until
from tests.support.sound import GOOD_CORRELATION, TALK_S, search

PASSWORDS = {"1001": f"first-{CANARY}", "1002": f"second-{CANARY}", "1003": f"third-{CANARY}", "1004": f"4th-{CANARY}"}
TONES = {"1002": 600, "1003": 950, "1004": 1400}
"""What these phones say, in Hz; 1001 speaks."""
FOUND = 0.7
"""Likeness of a prompt with what was heard of it, whose quiet sounds suffer from G.711."""
BEEP_HZ = 800
LOUD, SILENT = 1500, 60
"""Amplitudes of a tone that is heard, and of one that is not."""


def write_tone(path: Path, frequency_hz: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(Sine(frequency_hz, RATE_HZ).stretch(0, RATE_HZ, 0.15))
    return path


def amplitude_of(heard: bytes, frequency_hz: int) -> float:
    """Of one frequency in a sound."""
    samples = pcm.to_array(heard)
    step = 2 * pi * frequency_hz / RATE_HZ
    real = sum(sample * cos(step * at) for at, sample in enumerate(samples))
    imaginary = sum(sample * sin(step * at) for at, sample in enumerate(samples))
    return 2 * hypot(real, imaginary) / len(samples)


def voices(heard: bytes) -> set[str]:
    """Which phones are heard in half a second of sound; one that is neither heard nor silent is a fault."""
    levels = {user: amplitude_of(heard[:RATE_HZ], frequency) for user, frequency in TONES.items()}
    unclear = {user: level for user, level in levels.items() if SILENT < level < LOUD}
    assert not unclear, levels
    return {user for user, level in levels.items() if level >= LOUD}


class House:
    """An exchange with all services, and four phones."""

    def __init__(self, folder: Path) -> None:
        self.exchange = ExchangeDaemon(folder, PASSWORDS)
        self.exchange.manage("service", "on")
        self.exchange.manage("service", "set", f"music_file={CALLER_WAV}", "music=*68")
        self.phones = {
            user: PhoneDaemon(user, folder, {"phone.auto_answer": "header"}, self.microphone(folder, user))
            for user in PASSWORDS
        }

    @staticmethod
    def microphone(folder: Path, user: str) -> Path:
        return write_tone(folder / f"{user}.wav", TONES[user]) if user in TONES else CALLER_WAV

    def start(self) -> None:
        for user, phone in self.phones.items():
            phone.add_account(self.exchange.address, user, PASSWORDS[user], mwi=True)
            phone.expect_registration("registered")

    def call(self, user: str, number: str) -> PhoneDaemon:
        phone = self.phones[user]
        phone.place(number)
        phone.expect_state("connected")
        return phone

    def messages(self) -> list[str]:
        return [
            line for line in self.exchange.manage("voicemail", "list").splitlines() if line != "there is no message"
        ]


@pytest.fixture(scope="module")
def open_house(tmp_path_factory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    with running(house.exchange, *house.phones.values()):
        house.start()
        yield house


@pytest.fixture
def house(open_house: House) -> Iterator[House]:
    yield open_house
    for phone in open_house.phones.values():
        phone.rest()
    wait_until("all calls of services to end", lambda: "nobody" in open_house.exchange.manage("service", "calls"))


def hear_prompt(phone: PhoneDaemon, word: str, timeout_s: float = 10.0) -> None:
    """Wait until the end of a prompt has been heard."""
    (said,) = PromptBook().segments((word,))
    assert isinstance(said, bytes)
    end = said[-RATE_HZ:]
    before = max(0, len(phone.heard_pcm()) - 5 * RATE_HZ)

    def heard() -> bool:
        lately = phone.heard_pcm()[before:][-5 * RATE_HZ :]
        # Nothing fits into perfect silence, not even badly: audioop would divide by zero.
        lately = pcm.mix(lately, pcm.from_array(array("h", [1, -1] * (len(lately) // 4))))
        return len(lately) > len(end) and search(lately, end) > FOUND

    wait_until(f"{word} to be heard", heard, timeout_s)


def hear_beep(phone: PhoneDaemon, timeout_s: float = 10.0) -> None:
    """Wait until the tone has been heard, after which it is the caller's turn."""
    before = max(0, len(phone.heard_pcm()) - 5 * RATE_HZ)
    size = RATE_HZ // 5

    def heard() -> bool:
        lately = phone.heard_pcm()[before:][-5 * RATE_HZ :]
        pieces = [lately[at : at + size] for at in range(0, len(lately) - size, size)]
        return any(amplitude_of(piece, BEEP_HZ) > LOUD for piece in pieces)

    wait_until("the tone to be heard", heard, timeout_s)


def test_the_echo_test_gives_back_what_is_said(house: House) -> None:
    phone = house.call("1001", "*43")
    hear_prompt(phone, "echo-test")
    phone.listen(1.0)
    heard = phone.listen(TALK_S)
    assert search(read_wav(CALLER_WAV, 0.0).pcm, heard) > GOOD_CORRELATION


@pytest.mark.parametrize("way", ["rtp", "info-relay", "info", "inband"])
def test_a_key_is_understood_however_it_comes(house: House, way: str) -> None:
    phone = house.phones["1004"]
    phone.call("account.update", id="office", dtmf=way)
    house.call("1004", "*43")
    phone.listen(1.0)
    phone.call("call.digits", digits="#")
    phone.expect_message("in", "BYE")
    phone.call("account.update", id="office", dtmf="auto")


def test_music(house: House) -> None:
    phone = house.call("1002", "*68")
    phone.listen(0.5)
    assert search(read_wav(CALLER_WAV, 0.0).pcm, phone.listen(TALK_S)) > GOOD_CORRELATION


def test_the_time(house: House) -> None:
    phone = house.call("1002", "*60")
    hear_prompt(phone, "at-the-tone")
    hear_beep(phone, 25.0)


def test_a_conference_of_three_in_which_nobody_hears_itself(house: House) -> None:
    members = [house.call(user, "8123") for user in TONES]
    assert "conference 8123" in house.exchange.manage("service", "calls")
    for phone in members:
        phone.listen(2.5)
    for user, phone in zip(TONES, members, strict=True):
        assert voices(phone.listen(0.5)) == TONES.keys() - {user}
    members[0].rest()
    for phone in members[1:]:
        phone.listen(1.0)
    for user, phone in zip(("1003", "1004"), members[1:], strict=True):
        assert voices(phone.listen(0.5)) == {"1003", "1004"} - {user}


class TestVoicemail:
    def leave(self, house: House, number: str = "*981002") -> list[str]:
        """A message of 1001."""
        phone = house.call("1001", number)
        hear_prompt(phone, "leave-a-message", 15.0)
        hear_beep(phone)
        phone.listen(3.0)
        phone.rest()
        wait_until("the message to be kept", house.messages)
        return house.messages()

    def test_a_message_is_left_found_heard_and_deleted(self, house: House) -> None:
        (line,) = self.leave(house)
        house.phones["1002"].expect_message("in", "NOTIFY", "Voice-Message: 1/0", 5.0)
        box, state, *_, caller, path = line.split()
        assert (box, state, caller) == ("1002", "new", "1001")
        speech = read_wav(CALLER_WAV, 0.0).pcm
        kept = read_wav(Path(path), 0.0).pcm
        assert len(kept) > 2 * RATE_HZ * pcm.SAMPLE_BYTES
        assert search(speech, kept) > GOOD_CORRELATION
        owner = house.call("1002", "*98")
        hear_prompt(owner, "new-message")
        owner.listen(6.0)
        wait_until(
            "the message to be heard",
            lambda: search(owner.heard_pcm()[-8 * RATE_HZ :], kept[2 * RATE_HZ : 4 * RATE_HZ]) > FOUND,
        )
        wait_until("it to be old", lambda: " old " in house.messages()[0])
        owner.expect_message("in", "NOTIFY", "Voice-Message: 0/1", 5.0)
        owner.call("call.digits", digits="3")
        wait_until("it to be deleted", lambda: not house.messages())
        assert not Path(path).exists()
        owner.expect_message("in", "NOTIFY", "Voice-Message: 0/0", 5.0)
        hear_prompt(owner, "deleted")
        owner.call("call.digits", digits="#")
        hear_prompt(owner, "goodbye")
        wait_until("the service to hang up", lambda: "nobody" in house.exchange.manage("service", "calls"))

    def test_a_call_that_nobody_answers_goes_to_the_box(self, house: House) -> None:
        house.exchange.manage("forward", "set", "1002", "no-answer", "*98", "after=5")
        caller = house.phones["1001"]
        caller.place("1002")
        house.phones["1002"].expect_state("alerting")
        caller.expect_state("connected")
        hear_prompt(caller, "leave-a-message", 15.0)
        hear_beep(caller)
        caller.listen(2.0)
        caller.rest()
        wait_until("the message to be kept", house.messages)
        (line,) = house.messages()
        assert line.split()[0] == "1002"
        house.exchange.manage("voicemail", "delete", line.split()[-1])
        house.exchange.manage("forward", "remove", "1002")

    def test_a_box_with_a_pin(self, house: House) -> None:
        house.exchange.manage("voicemail", "pin", "1002", typed="4711\n")
        self.leave(house)
        owner = house.call("1002", "*98")
        hear_prompt(owner, "enter-pin")
        owner.call("call.digits", digits="4711#")
        hear_prompt(owner, "new-message")
        owner.call("call.digits", digits="3")
        wait_until("it to be deleted", lambda: not house.messages())
        assert "4711" not in house.exchange.log()
        house.exchange.manage("voicemail", "pin", "1002", "none")


def test_a_page_is_heard_at_two_phones_and_says_nothing_back(house: House) -> None:
    house.exchange.manage("page", "add", "7001", "members=1003,1004")
    speaker = house.call("1002", "7001")
    for user in ("1003", "1004"):
        house.phones[user].expect_state("connected")
    for user in ("1003", "1004"):
        house.phones[user].listen(3.0)
        assert voices(house.phones[user].listen(0.5)) == {"1002"}
    assert voices(speaker.listen(0.5)) == set()
    speaker.rest()
    for user in ("1003", "1004"):
        house.phones[user].expect_state("idle")
    house.exchange.manage("page", "remove", "7001")


def test_a_page_reaches_a_multicast_group(house: House) -> None:
    group = "239.255.42.8"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((group, 0))
        here = struct.pack("4s4s", *map(socket.inet_aton, (group, "127.0.0.1")))
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, here)
        listener.settimeout(5.0)
        house.exchange.manage("page", "add", "7002", f"multicast={group}:{listener.getsockname()[1]}")
        house.call("1003", "7002")
        packets = [parse_rtp(listener.recv(2048)) for _ in range(150)]
    house.exchange.manage("page", "remove", "7002")
    assert {packet.payload_type for packet in packets} == {0}
    assert {packet.sequence - packets[0].sequence & 0xFFFF for packet in packets} == set(range(150))
    assert voices(b"".join(PcmuCodec().decode(packet.payload) for packet in packets[-25:])) == {"1003"}


def test_a_service_without_a_number_is_off(house: House) -> None:
    house.exchange.manage("service", "set", "echo=")
    phone = house.phones["1001"]
    phone.place("*43")
    phone.expect("sip", "a refusal", lambda news: str(news["text"]).startswith("SIP/2.0 404"))
    house.exchange.manage("service", "set", "echo=*43")
    house.call("1001", "*43")


def test_a_caller_hears_an_announcement_before_the_phone_rings(house: House, tmp_path: Path) -> None:
    path = tmp_path / "announcement.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(Sine(TONES["1004"], RATE_HZ).stretch(0, 3 * RATE_HZ, 0.15))
    caller, called = house.phones["1003"], house.phones["1002"]
    called.call("settings.set", values={"phone.announcement": str(path)})
    caller.place("1002")
    caller.expect_message("in", "SIP/2.0 183", "a=sendrecv")
    called.expect_state("alerting")
    caller.listen(0.5)
    assert voices(caller.listen(0.5)) == {"1004"}
    assert not called.call("board.show")["ringing"]
    caller.expect_message("in", "SIP/2.0 180")
    assert called.call("board.show")["ringing"]
    caller.listen(0.7)
    assert voices(caller.listen(0.5)) == set()
    called.call("call.answer")
    caller.expect_state("connected")
    called.listen(1.0)
    assert voices(caller.listen(0.5)) == {"1002"}
    assert voices(called.listen(0.5)) == {"1003"}
    called.call("settings.set", values={"phone.announcement": ""})


def test_a_talk_of_three_at_one_phone(house: House) -> None:
    """No service: 1002 talks with 1003, then with 1004 as well, and all three hear the others and not themselves."""
    first, second, third = (house.phones[user] for user in TONES)
    first.place("1003")
    second.expect_state("alerting")
    second.call("call.answer")
    first.expect_state("connected")
    first.call("call.hold")
    first.expect_state("held")
    first.place("1004")
    third.expect_state("alerting")
    third.call("call.answer")
    first.expect_state("connected")
    first.call("call.conference")
    for phone in (first, second, third):
        phone.listen(1.5)
    for user, phone in zip(TONES, (first, second, third), strict=True):
        assert voices(phone.listen(0.5)) == TONES.keys() - {user}
    third.rest()
    first.listen(1.5)
    assert voices(first.listen(0.5)) == {"1003"}
    assert voices(second.listen(0.5)) == {"1002"}


def test_a_message_that_the_power_cut_in_two_is_there_after_the_start(tmp_path: Path) -> None:
    exchange = ExchangeDaemon(tmp_path, {user: PASSWORDS[user] for user in ("1001", "1002")})
    exchange.manage("service", "on")
    phone = PhoneDaemon("1001", tmp_path, {}, CALLER_WAV)
    with running(exchange, phone):
        phone.add_account(exchange.address, "1001", PASSWORDS["1001"])
        phone.expect_registration("registered")
        phone.place("*981002")
        phone.expect_state("connected")
        hear_prompt(phone, "leave-a-message", 15.0)
        hear_beep(phone)
        phone.listen(5.0)
        exchange.kill()
        exchange.start()
        (line,) = exchange.manage("voicemail", "list").splitlines()
    assert line.split()[:2] == ["1002", "new"]
    kept = read_wav(Path(line.split()[-1]), 0.0).pcm
    assert len(kept) >= 3 * RATE_HZ * pcm.SAMPLE_BYTES
    assert search(read_wav(CALLER_WAV, 0.0).pcm, kept) > GOOD_CORRELATION


def test_when_the_exchange_is_stopped_its_callers_are_told(tmp_path: Path) -> None:
    exchange = ExchangeDaemon(tmp_path, {"1001": PASSWORDS["1001"]})
    exchange.manage("service", "on")
    phone = PhoneDaemon("1001", tmp_path)
    with running(phone, exchange):
        phone.add_account(exchange.address, "1001", PASSWORDS["1001"])
        phone.expect_registration("registered")
        phone.place("8001")
        phone.expect_state("connected")
        phone.listen(0.5)
        exchange.stop()
        phone.expect_message("in", "BYE")
