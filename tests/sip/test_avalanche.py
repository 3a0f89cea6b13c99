"""A thousand phones of one house in virtual time: what their registrar sees when all do the same at once."""

import hashlib
import heapq
import logging
from collections import Counter
from collections.abc import Iterator

import pytest

from device.daemon.instance import power_up_delay
from device.ids import CountingIds
from device.model import Credential
from device.sip.endpoint import SipEndpoint
from device.sip.events import RegistrationChanged, RegistrationState
from device.sip.hop import Hop
from device.sip.instance import Instance
from device.sip.message import Request
from device.sip.parser import parse_message
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.user_agent import UserAgent
from tests.support.sip_bench import OFFICE, PEER, PEER_STREAM, office

PHONES = 1000
LATENCY_S = 0.02
SETTINGS = UserAgentSettings()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A thousand warnings are as good as one."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def instance(number: int) -> Instance:
    """What `device_instance` makes of a thousand boards."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return Instance(f"urn:uuid:{digest[:32]}", int(digest[32:40], 16) / 2**32)


class OnePhone:
    """One of them."""

    def __init__(self, number: int, transport: str) -> None:
        self.instance = instance(number)
        ids = CountingIds(f"{number}-")
        address = (f"10.0.{number // 250}.{number % 250 + 1}", 5060)
        self.agent = UserAgent(SETTINGS, SipTimers(), ids, lambda _transport, _host: address, self.instance)
        self.endpoint = SipEndpoint(self.agent, SipTimers(), ids, lambda _hop: address)
        self.agent.add_account(office(transport=transport), Credential("1001", password="secret"))
        self.registered_at: float | None = None

    def take_events(self, now: float) -> None:
        while (event := self.endpoint.next_event()) is not None:
            if isinstance(event, RegistrationChanged):
                self.registered_at = now if event.state is RegistrationState.REGISTERED else None


class House:
    """All phones and their registrar, which answers from `opens_at` on and counts what reaches it in each second."""

    def __init__(self, transport: str = "udp", opens_at: float = 0.0, refuses: bool = False) -> None:
        self.phones = [OnePhone(number, transport) for number in range(PHONES)]
        self.source: Hop = PEER if transport == "udp" else PEER_STREAM
        self.opens_at = opens_at
        self.refuses = refuses
        """Whether nothing listens before: then each attempt fails at once."""
        self.load: Counter[int] = Counter()
        self._queue: list[tuple[float, int]] = []

    def wake(self, number: int, at: float) -> None:
        heapq.heappush(self._queue, (at, number))

    def run(self, until: float) -> None:
        while self._queue and self._queue[0][0] <= until:
            now, number = heapq.heappop(self._queue)
            phone = self.phones[number]
            phone.endpoint.handle_timeout(now)
            self.exchange(phone, now)
            at = phone.endpoint.next_timeout()
            if at is not None and not (self._queue and (at, number) in self._queue[:1]):
                self.wake(number, max(at, now + 1e-6))

    def exchange(self, phone: OnePhone, now: float) -> None:
        while transmissions := phone.endpoint.transmissions_to_send():
            for one in transmissions:
                if one.data[:1].isalpha():
                    self.receive(phone, one.data, now)
        phone.take_events(now)

    def receive(self, phone: OnePhone, data: bytes, now: float) -> None:
        if now < self.opens_at and self.refuses:
            phone.endpoint.receive_transport_error(self.source, now, "connection refused")
            return
        self.load[int(now)] += 1
        if now < self.opens_at:
            return
        request = parse_message(data)
        assert isinstance(request, Request)
        response = request.response(200 if "Authorization" in request.headers else 401, to_tag="r")
        if response.status == 401:
            response.headers.add("WWW-Authenticate", 'Digest realm="pbx", nonce="n1"')
        else:
            response.headers.add("Contact", f"{request.contacts[0]};expires=600")
        if self.source is PEER:
            phone.endpoint.receive_datagram(response.encode(), self.source, now + LATENCY_S)
        else:
            phone.endpoint.receive_stream(response.encode(), self.source, now + LATENCY_S)

    def start(self, delays: bool) -> None:
        """The power is back: all boards have booted to the same moment."""
        for number, phone in enumerate(self.phones):
            delay = power_up_delay(phone.instance, SETTINGS.power_up_spread_s, delays, 20.0)
            phone.agent.start_registration(OFFICE, 0.0, delay)
            self.wake(number, 0.0)

    @property
    def peak(self) -> int:
        """The most messages in any second."""
        return max(self.load.values())

    def registered(self) -> int:
        return sum(phone.registered_at is not None for phone in self.phones)

    def last_registered(self) -> float:
        return max(phone.registered_at or 0.0 for phone in self.phones)


def test_after_a_power_failure_the_registrar_sees_the_phones_one_after_the_other() -> None:
    house = House()
    house.start(delays=True)
    house.run(10.0)
    assert house.registered() == PHONES
    assert house.last_registered() < SETTINGS.power_up_spread_s + 1
    # A REGISTER and its answer to the challenge for a fifth of the phones each second; by chance a little more.
    assert house.peak < 2 * PHONES / SETTINGS.power_up_spread_s * 1.25


def test_without_a_power_failure_no_phone_waits() -> None:
    house = House()
    house.start(delays=False)
    house.run(1.0)
    assert house.registered() == PHONES
    assert house.peak == 2 * PHONES, "what the others are spared"


@pytest.mark.parametrize("refuses", [True, False])
def test_a_registrar_that_takes_longer_to_boot_than_its_phones_is_not_overrun(refuses: bool) -> None:
    house = House(opens_at=75.0, refuses=refuses)
    house.start(delays=True)
    house.run(180.0)
    assert house.registered() == PHONES
    # The longest pause is a minute, and most of a REGISTER that nobody heard another half.
    assert house.last_registered() < 75 + SETTINGS.retry_cap_s + 32
    after = [count for second, count in house.load.items() if second >= 75]
    # Where nobody heard them they repeat their REGISTER every four seconds (Timer E), each at its own moment, and a
    # few are at the beginning of an attempt, where copies follow each other quickly.
    assert max(after) < PHONES * (0.2 if refuses else 0.75)


def test_refreshes_of_phones_that_started_together_drift_apart() -> None:
    house = House()
    house.start(delays=False)
    house.run(700.0)
    refreshes = {second: count for second, count in house.load.items() if 400 < second < 600}
    assert sum(refreshes.values()) == PHONES
    assert max(refreshes.values()) < 50


def test_connections_that_a_server_s_end_broke_all_at_once_come_back_spread() -> None:
    house = House("tcp")
    house.start(delays=True)
    house.run(10.0)
    house.load.clear()
    for number, phone in enumerate(house.phones):
        phone.endpoint.connection_closed(PEER_STREAM, 20.0)
        phone.take_events(20.0)
        house.exchange(phone, 20.0)
        house.wake(number, phone.endpoint.next_timeout() or 20.0)
    house.run(25.0)
    assert sum(house.load.values()) == PHONES
    assert house.load[20] + house.load[21] == PHONES
    assert house.peak < PHONES * 0.6
