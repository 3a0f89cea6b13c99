"""Phones, registrar and network of one run, all in the time of one agenda."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from device.model import Account
from device.sip.settings import UserAgentSettings
from tests.fleet.agenda import Agenda
from tests.fleet.journal import Journal
from tests.fleet.phone import ACCOUNT, DOMAIN, FleetPhone, instance_of, user_of
from tests.fleet.server import Capacity, FleetServer

LATENCY_S = (0.001, 0.02)
"""Bounds of a phone's distance from the server, one way."""
STEP_S = 1.0
"""How much is lived between two looks at whether it is enough."""

Watch = Callable[[float, int], None]
"""Told the time of the story and how many phones are registered, now and then."""


@dataclass(frozen=True)
class Terms:
    """What the runs of a comparison differ in."""

    phones: int = 10_000
    seed: int = 1
    capacity: Capacity = field(default_factory=Capacity)
    settings: UserAgentSettings = field(default_factory=UserAgentSettings)
    expires_s: int = 600
    """What the accounts ask for; 600 is the phone's own value."""
    keepalive: str = "auto"
    """The accounts' setting; "off" lets a day of ten thousand phones be lived in minutes, see docs/scaling.md."""
    loss: float = 0.0
    """The part of the datagrams that the network loses, each way."""
    hours: float | None = None
    """How long the story lasts, where not as long as usual."""


def account_of(number: int, terms: Terms) -> Account:
    """The account of a phone."""
    return Account(
        id=ACCOUNT, user=user_of(number), domain=DOMAIN, expires_s=terms.expires_s, keepalive=terms.keepalive
    )


class Fleet:
    """`phones` at different distances from one `server`."""

    def __init__(self, terms: Terms, step_s: float = 1.0, watch: Watch | None = None) -> None:
        self.terms = terms
        self.random = Random(terms.seed)
        self.agenda = Agenda()
        self.journal = Journal(terms.phones, step_s)
        self.server = FleetServer(self.agenda, self.journal, self._to_phone, terms.capacity, terms.phones)
        self.phones = [
            FleetPhone(
                number,
                self.agenda,
                self.journal,
                self._to_server,
                terms.settings,
                instance_of(number, terms.seed),
                account_of(number, terms),
            )
            for number in range(terms.phones)
        ]
        for phone in self.phones:
            phone.latency_s = self.random.uniform(*LATENCY_S)
        self._watch = watch

    def _to_server(self, data: bytes, phone: FleetPhone) -> None:
        if not self._is_lost():
            self.agenda.at(self.agenda.now + phone.latency_s, lambda: self.server.receive(data, phone))

    def _to_phone(self, data: bytes, phone: FleetPhone) -> None:
        if not self._is_lost():
            self.agenda.at(self.agenda.now + phone.latency_s, lambda: phone.receive(data))

    def _is_lost(self) -> bool:
        return bool(self.terms.loss) and self.random.random() < self.terms.loss

    def live(self, until: float, *, or_all_back: bool = False) -> None:
        """Let time pass up to `until`, or till every phone is registered."""
        while self.agenda.now < until and not (or_all_back and self.journal.registered == self.terms.phones):
            self.agenda.run(min(until, self.agenda.now + STEP_S))
            if self._watch is not None:
                self._watch(self.agenda.now, self.journal.registered)

    def settle(self) -> None:
        """An ordinary day has begun: all are registered, and their refreshes fall anywhere in their lifetime.

        They begin at another moment each within the first lifetime; afterwards the journal is empty.
        """
        lifetime_s = float(self.terms.expires_s)
        for phone in self.phones:
            self.agenda.at(self.random.uniform(0.0, lifetime_s), phone.start)
        self.live(2 * lifetime_s)
        self.journal.forget_counts()

    def restart(self, phones: Sequence[FleetPhone]) -> None:
        """These phones lose their power and come back at once."""
        for phone in phones:
            phone.start(after_power_cut=True)

    def change_network(self, phones: Sequence[FleetPhone]) -> None:
        """The switch that these hang on was away for a moment."""
        for phone in phones:
            phone.change_network()

    def unreachable(self) -> list[int]:
        """The phones that could not be called now: the server holds no contact of theirs."""
        return [phone.number for phone in self.phones if not self.server.holds(phone.number)]
