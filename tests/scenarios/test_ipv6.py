"""Whole daemons over IPv6, and between the families: registration, calls with sound, link-local neighbours."""

import re
import time
from collections.abc import Iterator

import pytest

from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.namespaces import Cable
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}
DOMAIN = "127.0.0.1"
"""The domain of the exchange's users: a name like any other; nothing is sent there."""

EVERYWHERE = {"sip.bind_address": ""}


class EverywhereExchange(ExchangeDaemon):
    """An exchange at every address of both families."""

    def command(self) -> list[str]:
        words = super().command()
        words[words.index("--listen") + 1] = f"[::]:{self.port}"
        return words


@pytest.fixture
def exchange(tmp_path) -> EverywhereExchange:
    return EverywhereExchange(tmp_path, PASSWORDS)


@pytest.fixture
def phones(tmp_path) -> tuple[PhoneDaemon, PhoneDaemon]:
    first = PhoneDaemon("1001", tmp_path, EVERYWHERE)
    return first, PhoneDaemon("1002", tmp_path, EVERYWHERE, microphone=CALLEE_WAV)


def talk(caller: PhoneDaemon, callee: PhoneDaemon, target: str) -> None:
    """Call hands-free, and see that each hears the other."""
    caller.place(target)
    callee.expect_state("alerting")
    callee.lift()
    callee.expect_state("connected")
    caller.expect_state("connected")
    since = time.monotonic()
    caller.listen(TALK_S)
    (said_caller, heard_caller), (said_callee, heard_callee) = caller.recordings(), callee.recordings()
    assert judge(said_caller, heard_callee, since).correlation > GOOD_CORRELATION
    assert judge(said_callee, heard_caller, since).correlation > GOOD_CORRELATION
    callee.rest()
    caller.expect_state("idle")


def connection(message: str) -> list[str]:
    """The c= lines of a message."""
    return re.findall(r"^c=(.*?)\r?$", message, re.M)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_registration_and_a_call_over_ipv6(exchange, phones, transport: str) -> None:
    with running(exchange, *phones):
        for phone in phones:
            phone.add_account(
                f"[::1]:{exchange.port}", phone.name, PASSWORDS[phone.name], domain=DOMAIN, transport=transport
            )
            phone.expect_registration("registered")
            register = phone.messages("out", "REGISTER")[-1]
            assert f"Via: SIP/2.0/{transport.upper()} [::1]:{phone.port};" in register
            assert f"@[::1]:{phone.port}" in register
        talk(*phones, "1002")
        invite, answer = phones[0].messages("out", "INVITE")[-1], phones[1].messages("out", "SIP/2.0 200")[-1]
        assert connection(invite) == ["IN IP6 ::1"]
        assert "o=- " in invite
        assert " IN IP6 ::1" in answer or not connection(answer)


def test_phones_of_both_families_talk_to_each_other(exchange, phones) -> None:
    first, second = phones
    with running(exchange, *phones):
        first.add_account(f"127.0.0.1:{exchange.port}", "1001", PASSWORDS["1001"], domain=DOMAIN)
        second.add_account(f"[::1]:{exchange.port}", "1002", PASSWORDS["1002"], domain=DOMAIN)
        for phone in phones:
            phone.expect_registration("registered")
        talk(first, second, "1002")
        offer = second.messages("in", "INVITE")[-1]
        assert connection(offer) == ["IN IP4 127.0.0.1"]
        answers = [text for text in second.messages("out", "SIP/2.0 200") if connection(text)]
        assert connection(answers[-1]) == ["IN IP4 127.0.0.1"]
        talk(second, first, "1001")
        answers = [text for text in first.messages("out", "SIP/2.0 200") if connection(text)]
        assert connection(answers[-1]) == ["IN IP6 ::1"]


def test_a_call_straight_to_an_address(phones) -> None:
    with running(*phones):
        talk(*phones, f"sip:offhook@[::1]:{phones[1].port}")


@pytest.fixture
def neighbours(tmp_path) -> Iterator[tuple[PhoneDaemon, PhoneDaemon]]:
    """Two phones at the ends of a cable with nothing but link-local addresses of IPv6."""
    with Cable() as cable:
        first, second = PhoneDaemon("1001", tmp_path, EVERYWHERE), PhoneDaemon("1002", tmp_path, EVERYWHERE, CALLEE_WAV)
        for phone, room, address in ((first, cable.near, "fe80::a"), (second, cable.far, "fe80::b")):
            room.ip("link", "set", "cable", "addrgenmode", "none")
            room.ip("address", "flush", "dev", "cable")
            room.ip("address", "add", f"{address}/64", "dev", "cable", "nodad")
            phone.prefix = room.prefix
        with running(first, second):
            yield first, second


@pytest.mark.interop  # network namespaces with a cable between them are for root alone
def test_neighbours_without_any_configured_address_talk(neighbours) -> None:
    first, second = neighbours
    talk(first, second, f"sip:offhook@[fe80::b]:{second.port}")
    invite = second.messages("in", "INVITE")[-1]
    assert connection(invite) == ["IN IP6 fe80::a"]
    assert f"Contact: <sip:offhook@[fe80::a]:{first.port}>" in invite
    assert "%" not in "".join(second.messages("out"))
