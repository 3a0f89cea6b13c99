"""One phone of the fleet: the product's own user agent and endpoint, its wire and its clock simulated."""

import hashlib
from collections.abc import Callable

from device.daemon.instance import power_up_delay
from device.ids import CountingIds
from device.model import Account, AccountId, Credential
from device.sip.endpoint import SipEndpoint
from device.sip.events import RegistrationChanged, RegistrationState
from device.sip.hop import Hop
from device.sip.instance import Instance
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.user_agent import UserAgent
from tests.fleet.agenda import Agenda
from tests.fleet.journal import Journal

SERVER = Hop("UDP", "192.0.2.2", 5060)
DOMAIN = SERVER.host
ACCOUNT = AccountId("office")
BOOTED_S = 20.0
"""Seconds on the board's own clock when its phone starts after a power failure."""

Carry = Callable[[bytes, "FleetPhone"], None]


def user_of(number: int) -> str:
    """The user name of a phone."""
    return f"u{number:06d}"


def password_of(number: int) -> str:
    """Its password."""
    return f"p{number}"


def instance_of(number: int, seed: int) -> Instance:
    """As `device_instance` makes it of a board's serial number: evenly spread, the same at each start."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()
    return Instance(f"urn:uuid:{digest[:32]}", int(digest[32:40], 16) / 2**32)


class FleetPhone:
    """A phone on the wire of `carry`; what it tells goes to the journal."""

    def __init__(
        self,
        number: int,
        agenda: Agenda,
        journal: Journal,
        carry: Carry,
        settings: UserAgentSettings,
        instance: Instance,
        account: Account,
    ) -> None:
        self.number = number
        self.instance = instance
        self.settings = settings
        self.latency_s = 0.0
        self.address = Hop("UDP", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 5060)
        self._agenda, self._journal, self._carry = agenda, journal, carry
        self._account = account
        self._armed: float | None = None
        self._last = b""
        self._boot()

    def _boot(self) -> None:
        # Whatever is drawn by chance differs from one start to the next.
        ids = CountingIds(f"{self.number}-{self._agenda.now:.0f}-")
        at = (self.address.host, self.address.port)
        timers = SipTimers()
        self.agent = UserAgent(self.settings, timers, ids, lambda _transport, _host: at, self.instance)
        self.endpoint = SipEndpoint(self.agent, timers, ids, lambda _hop: at)
        self.agent.add_account(self._account, Credential(user_of(self.number), password=password_of(self.number)))

    def start(self, *, after_power_cut: bool = False) -> None:
        """Boot, remember nothing, register."""
        now = self._agenda.now
        self._journal.note_lost(self.number, now)
        self._boot()
        delay_s = power_up_delay(self.instance, self.settings.power_up_spread_s, after_power_cut, BOOTED_S)
        self.agent.start_registration(ACCOUNT, now, delay_s)
        self._flush()

    def change_network(self) -> None:
        """The link was away and came back."""
        self.agent.network_changed(self._agenda.now)
        self._flush()

    def receive(self, data: bytes) -> None:
        """Let a datagram of the server's arrive."""
        self.endpoint.receive_datagram(data, SERVER, self._agenda.now)
        self._flush()

    def fail(self) -> None:
        """The network says that nobody listens at the server's port."""
        self.endpoint.receive_transport_error(SERVER, self._agenda.now, "connection refused")
        self._flush()

    def _wake(self, armed: float) -> None:
        if self._armed != armed:
            return
        self._armed = None
        self.endpoint.handle_timeout(self._agenda.now)
        self._flush()

    def _flush(self) -> None:
        now = self._agenda.now
        for one in self.endpoint.transmissions_to_send():
            if one.data[:1].isalpha():
                if one.data == self._last:
                    self._journal.note_copy(now)
                self._last = one.data
            self._carry(one.data, self)
        while (event := self.endpoint.next_event()) is not None:
            if isinstance(event, RegistrationChanged):
                self._take(event, now)
        at = self.endpoint.next_timeout()
        if at is not None and (self._armed is None or at < self._armed):
            self._armed = at
            self._agenda.at(at, lambda: self._wake(at))

    def _take(self, event: RegistrationChanged, now: float) -> None:
        if event.state is RegistrationState.REGISTERED:
            self._journal.note_registered(self.number, now)
        elif event.state is RegistrationState.FAILED:
            self._journal.note_lost(self.number, now)
            self._journal.note_failure(event.status, now)
