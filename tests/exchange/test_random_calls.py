"""Calls by the dice: any routing, any answers at any time, callers who give up, ways that break; and the rules hold."""

from random import Random

import pytest

from device.exchange_model import DomainRoute, Forwarding, RingGroup, RoutingTable
from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.exchange.proxy_rules import ProxyRules
from tests.exchange.switchboard import PASSWORDS, Message, Phone, Switchboard, settings

SEEDS = 300
BATCH = 75
LONG_S = 900.0
"""Longer than Timer C of one stage after the other, a CANCEL and all that lingers."""
ELSEWHERE = ("203.0.113.7", "203.0.113.8")
NAMES = (*PASSWORDS, "600", "601", "7", "1999", *(f"x@{host}" for host in ELSEWHERE))
STATUSES = (180, 180, 183, 200, 202, 300, 302, 404, 408, 480, 486, 486, 487, 500, 503, 600, 603)


class Table:
    """A house that is configured by the dice, with up to three phones a user."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        follow = self.dice.random() < 0.8
        self.board = Switchboard(
            settings(
                min_expires_s=3600,
                default_expires_s=3600,
                follow_redirects=follow,
                serial_ring_s=self.dice.choice((5, 20)),
                ban_after=0,
            )
        )
        self.rules = ProxyRules(self.board.endpoint)
        self.alice = self.board.phone("1001", "192.0.2.1")
        self.alice.register()
        self.phones: list[Phone] = []
        for user in ("1002", "1003"):
            for number in range(self.dice.randrange(4)):
                phone = self.board.phone(user, f"192.0.2.{user[-1]}{number}")
                q = self.dice.choice(("1.0", "1.0", "0.5", "0.1"))
                phone.register(Call_ID=f"reg-{user}-{number}", Contact=f"{phone.contact};q={q}")
                self.phones.append(phone)
        self.board.exchange.router.configure(self.table())
        self.open: list[tuple[Phone, Request]] = []
        self.cancelled: set[str] = set()
        self.has_given_up = False
        self.board.sent.clear()

    def table(self) -> RoutingTable:
        some = lambda: self.dice.choice(NAMES)  # noqa: E731
        forwardings = [
            Forwarding(
                user,
                some() if self.dice.random() < 0.2 else "",
                some() if self.dice.random() < 0.5 else "",
                some() if self.dice.random() < 0.5 else "",
                self.dice.randrange(5, 40),
                self.dice.random() < 0.05,
            )
            for user in ("1002", "1003")
        ]
        groups = [
            RingGroup(
                name,
                tuple(some() for _ in range(self.dice.randrange(1, 5))),
                self.dice.random() < 0.5,
                self.dice.choice((0, 5, 20)),
                self.dice.choice(("", "door")),
                some() if self.dice.random() < 0.3 else "",
            )
            for name in ("600", "601")
        ]
        routes = (DomainRoute("*", f"sip:{ELSEWHERE[0]}"),) if self.dice.random() < 0.2 else ()
        return RoutingTable((("7", some()),), tuple(groups), tuple(forwardings), routes)

    # What may happen.

    def play(self) -> None:
        """Call, and let things happen until everybody has had enough."""
        target = self.dice.choice(NAMES)
        uri = f"sip:{target}" if "@" in target else f"sip:{target}@pbx.lan"
        self.invite, _ = self.alice.authorized("INVITE", uri)
        for _ in range(self.dice.randrange(40)):
            self.look()
            self.dice.choice((self.answer, self.answer, self.answer, self.wait, self.wait, self.give_up, self.fail))()
        self.look()
        self.board.advance(LONG_S)

    def wait(self) -> None:
        self.board.advance(self.dice.choice((0.1, 0.6, 3.0, 12.0, 40.0, 190.0)))

    def look(self) -> None:
        """Phones take what came to them, and answer CANCEL at once, mostly."""
        for message in self.alice.received():
            if isinstance(message, Response) and message.status >= 300 and message.cseq.method == "INVITE":
                self.alice.acknowledge_failure(self.invite, message)
        for phone in self.phones:
            self.take(phone, phone.received())
        for host in ELSEWHERE:
            self.take(self.board.phone("x", host), self.board.take(Hop("UDP", host, 5060)))

    def take(self, phone: Phone, came: list[Message]) -> None:
        for message in came:
            if not isinstance(message, Request):
                continue
            known = {invite.top_via.branch for _, invite in self.open}
            if message.method == "INVITE" and message.top_via.branch not in known:
                self.open.append((phone, message))
            elif message.method == "CANCEL" and self.dice.random() < 0.8:
                phone.reply(message, 200)
                self.cancelled.add(message.top_via.branch or "")

    def answer(self) -> None:
        """Some phone says something to an INVITE, however late."""
        if not self.open:
            return
        phone, invite = self.dice.choice(self.open)
        status = self.dice.choice(STATUSES)
        if invite.top_via.branch in self.cancelled and self.dice.random() < 0.8:
            status = 487
        more = {"To": f"{invite.headers.get('To')};tag={phone.hop.host}"}
        if status in (300, 302):
            contacts = [self.contact() for _ in range(self.dice.randrange(4))]
            if contacts:
                more["Contact"] = ", ".join(contacts)
        phone.reply(invite, status, **more)

    def contact(self) -> str:
        target = self.dice.choice(NAMES)
        uri = f"sip:{target}" if "@" in target else f"sip:{target}@pbx.lan"
        return f"<{uri}>;q={self.dice.choice(('1', '0.5'))}"

    def give_up(self) -> None:
        if self.dice.random() < 0.3 and not self.has_given_up:
            self.has_given_up = True
            self.alice.cancel(self.invite)

    def fail(self) -> None:
        """A way breaks."""
        if self.open and self.dice.random() < 0.3:
            self.board.endpoint.receive_transport_error(
                self.dice.choice(self.open)[0].hop, self.board.now, "unreachable"
            )
            self.board.flush()

    # What must hold.

    def check(self) -> int:
        """Gives the status that the caller was left with."""
        assert self.rules.faults == []
        assert self.board.exchange.under_way == 0, "a request is remembered"
        assert len(self.board.endpoint.layer) == 0, "a transaction is left"
        branch = self.invite.top_via.branch
        finals = [
            message.status
            for hop, message in self.board.sent
            if isinstance(message, Response)
            and hop.host == self.alice.hop.host
            and message.status >= 200
            and (message.top_via.branch, message.cseq.method) == (branch, "INVITE")
        ]
        assert finals, "the caller was told nothing"
        failures = {status for status in finals if status >= 300}
        assert len(failures) <= 1, f"two failures: {failures}"
        # A failure that went back may be repeated until its ACK comes, and who answers later is heard all the same.
        assert not failures or finals[0] >= 300, "a failure after an answer"
        tried = [str(invite.uri) for _, invite in self.open]
        assert len(tried) <= 60, "more branches than Max-Breadth has"
        return finals[-1]


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_calls_by_the_dice(first: int) -> None:
    statuses = set()
    for seed in range(first, first + BATCH):
        table = Table(seed)
        try:
            table.play()
            statuses.add(table.check())
        except AssertionError as error:
            raise AssertionError(f"call with seed {seed}: {error}") from error
    assert {200, 486} <= statuses, "the dice must give calls of every kind"
