"""Boards that look for each other: announcements in, an election, and an exchange here or an account there."""

import selectors
import time
from collections.abc import Callable, Sequence
from secrets import randbits

from device import plain_logging as logging
from device.annotations import Any
from device.control.errors import ControlError
from device.discovery.agreement import EXPONENT_BITS, public_key, shared_password
from device.discovery.announcement import Announcement
from device.discovery.avahi import Avahi, Lost, Seen
from device.discovery.election import Election, Role
from device.discovery.enrolment_port import EnrolmentPort, ask
from device.discovery.errors import DiscoveryError, RefusedError
from device.discovery.exchange_child import ExchangeChild
from device.discovery.house import House, proof_of
from device.discovery.notebook import Notebook
from device.discovery.phone_link import PhoneLink
from device.discovery.rule import why_not
from device.discovery.surroundings import network_facts
from device.errors import DeviceError

logger = logging.getLogger(__name__)

PROBE_S = 10.0
"""How often a member asks whether its exchange is there."""
RETRY_S = 2.0
"""How long after a failure the next attempt to enrol is made."""
POLL_S = 0.3
"""How long after its start an exchange is asked whether it is ready."""
PATIENCE = 3
"""After so many failures in a row an exchange is taken for dead."""
LOOK_S = 10.0
"""How often the surroundings are looked at again: a cable, an account, another network."""


class Discovery:
    """One board of a house that is still to be agreed upon; `look` answers its addresses and the network's names."""

    def __init__(
        self,
        notebook: Notebook,
        phone: PhoneLink,
        avahi: Avahi,
        rank: int,
        exchange_port: int,
        look: Callable[[], tuple[Sequence[str], Sequence[str]]] = network_facts,
    ) -> None:
        self._notebook = notebook
        self._phone = phone
        self._avahi = avahi
        self._rank, self._exchange_port = rank, exchange_port
        self._look = look
        self._port = EnrolmentPort(self._answer)
        self._election: Election | None = None
        """None while this board keeps to itself, for the reason in `_reason`."""
        self._reason = ""
        self._house: House | None = None
        self._exchange: ExchangeChild | None = None
        self._enrolled: tuple[str, str, int] | None = None
        """The host that we have an account at, with its address."""
        self._number = ""
        self._failures = 0
        self._own_host = ""
        self._next_step = self._next_look = 0.0
        self._told: dict[str, Any] = {}
        self.running = True

    def run(self, wake_fd: int) -> None:
        """Until `running` is false, which whoever makes it so tells by a byte at `wake_fd`.

        Raises DiscoveryError where this can lead to nothing.
        """
        self._avahi.open()
        self._port.open()
        with selectors.DefaultSelector() as selector:
            selector.register(wake_fd, selectors.EVENT_READ)
            selector.register(self._port.fileno(), selectors.EVENT_READ)
            while self.running:
                self.turn(selector)

    def turn(self, selector: selectors.BaseSelector) -> None:
        """Wait for something to happen, and do what is due."""
        listened = self._avahi.fileno()
        if listened is not None and listened not in selector.get_map():
            selector.register(listened, selectors.EVENT_READ)
        timeout = max(0.0, min(self._deadlines()) - time.monotonic())
        ready = {key.fd for key, _ in selector.select(timeout)}
        if self._port.fileno() in ready:
            self._port.serve()
        self._pump(time.monotonic())
        if listened is not None and listened != self._avahi.fileno():
            selector.unregister(listened)

    def _deadlines(self) -> list[float]:
        times = [self._next_look, self._avahi.next_timeout()]
        if self._election is not None:
            times += [self._next_step, self._election.next_timeout()]
        return [at for at in times if at is not None]

    def close(self) -> None:
        """Say good-bye and end the exchange; the account stays for the next time."""
        self._avahi.close()
        self._port.close()
        if self._exchange is not None:
            self._exchange.stop()
        self._phone.close()

    def _pump(self, now: float) -> None:
        if now >= self._next_look:
            self._next_look = now + LOOK_S
            self._look_around(now)
        for news in self._avahi.receive(now):
            self._hear(news, now)
        election = self._election
        if election is None:
            return
        election.handle_timeout(now)
        if now >= self._next_step:
            self._next_step = now + PROBE_S
            self._step(election, now)
        self._avahi.publish(election.own, self._port.port, now)

    # Whether to take part.

    def _look_around(self, now: float) -> None:
        try:
            # `mode` and `forget` write there.
            self._notebook.load()
            facts = self._phone.facts()
            reason = why_not(self._notebook.mode, *self._look(), facts.accounts)
        except DeviceError as error:
            reason, facts = str(error), None
        if self._house is not None:
            self._house.members = self._notebook.members
        if reason != self._reason:
            logger.info("%s", f"keeping to itself: {reason}" if reason else "looking for other boards")
        self._reason = reason
        if reason:
            self._step_back(forget=facts is not None and self._notebook.mode == "off")
        elif self._election is None and facts is not None:
            own = Announcement(facts.id, port=self._port.port, rank=self._rank)
            self._election = Election(own)
            self._house = House(facts.id, self._notebook.members)
            self._next_step = now
            self._avahi.browse.tell_again()
        self._tell()

    def _step_back(self, *, forget: bool) -> None:
        if self._election is not None:
            self._election = None
            self._avahi.withdraw()
            self._end_exchange()
            self._enrolled = None
        if forget:
            try:
                self._phone.leave()
            except ControlError as error:
                logger.warning("the account at the house stays: %s", error)

    # What others say.

    def _hear(self, news: Seen | Lost, now: float) -> None:
        election = self._election
        if election is None:
            return
        before = election.role, election.host
        if isinstance(news, Lost):
            election.lose(news.id, now)
        elif news.board.id == election.own.id:
            self._own_host = news.board.host
        else:
            election.see(news.board, now)
        if (election.role, election.host) != before:
            self._failures = 0
            self._next_step = now

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """What a board that has connected is told."""
        election, house, exchange = self._election, self._house, self._exchange
        if election is None or election.role is not Role.HOST or house is None:
            return {"refusal": "this board is not the exchange of a house"}
        if "id" not in question:
            return {"hosts": election.own.id}
        if exchange is None or not exchange.is_ready():
            return {"refusal": "the exchange is starting; ask again"}
        enrolment = house.enrol(
            str(question["id"]),
            str(question.get("key", "")),
            str(question.get("proof", "")),
            randbits(EXPONENT_BITS),
        )
        if enrolment.refusal:
            return {"refusal": enrolment.refusal}
        try:
            self._take_in(house, exchange, str(question["id"]))
        except DeviceError as error:
            logger.warning("board %s cannot enrol: %s", question["id"], error)
            return {"refusal": "the exchange does not answer; ask again"}
        return {
            "number": enrolment.number,
            "key": enrolment.key,
            "domain": exchange.domain,
            "port": exchange.port,
        }

    def _take_in(self, house: House, exchange: ExchangeChild, board_id: str) -> None:
        member = house.members[board_id]
        exchange.admit(member)
        exchange.ring_together(sorted(house.members[one].number for one in house.present))
        self._notebook.members = house.members
        self._notebook.save()
        logger.info("board %s has number %s", board_id, member.number)
        assert self._election is not None
        self._election.set_served(len(house.present), time.monotonic())
        self._tell()

    # What follows from the election.

    def _step(self, election: Election, now: float) -> None:
        if election.role is Role.HOST:
            self._be_host(election, now)
            return
        self._end_exchange()
        if election.role is Role.MEMBER and election.host is not None:
            self._be_member(election, election.host, now)
        self._ask_suspects(election, now)
        self._tell()

    def _ask_suspects(self, election: Election, now: float) -> None:
        """One of them, since each may keep us waiting for a second."""
        suspects = election.suspects
        if not suspects:
            return
        board = suspects[int(now / PROBE_S) % len(suspects)]
        try:
            ask(board.host, board.port, {"probe": 1})
        except DiscoveryError:
            return
        election.trust(board.id, now)

    def _be_host(self, election: Election, now: float) -> None:
        assert self._house is not None
        if self._exchange is None:
            self._exchange = ExchangeChild(self._notebook.folder, election.own.id, self._exchange_port)
            self._house.present.clear()
            self._enrolled = None
        if self._exchange.has_failed():
            logger.error("the exchange has ended by itself: another board's turn")
            self._end_exchange()
            election.resign(now)
            return
        self._exchange.start()
        if not self._exchange.is_ready():
            self._next_step = now + POLL_S
            return
        if self._enrolled is None and self._own_host:
            self._enrol_ourselves(election)
        self._ask_suspects(election, now)

    def _enrol_ourselves(self, election: Election) -> None:
        assert self._house is not None
        assert self._exchange is not None
        own_id, secret = election.own.id, randbits(EXPONENT_BITS)
        key = public_key(secret)
        known = self._house.members.get(own_id)
        proof = proof_of(known.password, key) if known is not None else ""
        enrolment = self._house.enrol(own_id, key, proof, randbits(EXPONENT_BITS))
        try:
            self._take_in(self._house, self._exchange, own_id)
            password = self._house.members[own_id].password
            where = f"{self._own_host}:{self._exchange.port}"
            self._phone.join(enrolment.number, self._exchange.domain, where, password)
        except DeviceError as error:
            logger.warning("this board's own phone cannot register: %s", error)
            return
        self._number = enrolment.number
        self._enrolled = (own_id, self._own_host, self._exchange.port)
        self._tell()

    def _be_member(self, election: Election, host: Announcement, now: float) -> None:
        place = (host.id, host.host, host.port)
        try:
            if self._enrolled == place:
                answer = ask(host.host, host.port, {"probe": 1})
                if answer.get("hosts") != host.id:
                    raise DiscoveryError(f"the board at {host.host} is no exchange any more")
            else:
                self._enrol_at(election.own.id, host)
                self._enrolled = place
        except RefusedError as error:
            # It is there, and has its reasons: nobody becomes an exchange for that.
            logger.warning("%s", error)
            self._next_step = now + RETRY_S
            self._failures = 0
            return
        except DeviceError as error:
            self._failures += 1
            self._next_step = now + RETRY_S
            logger.info("attempt %d: %s", self._failures, error)
            if self._failures >= PATIENCE:
                self._failures = 0
                self._enrolled = None
                election.suspect(host.id, now)
            return
        self._failures = 0

    def _enrol_at(self, own_id: str, host: Announcement) -> None:
        secret = randbits(EXPONENT_BITS)
        key = public_key(secret)
        known = self._notebook.passwords.get(host.id)
        proof = {"proof": proof_of(known, key)} if known is not None else {}
        answer = ask(host.host, host.port, {"id": own_id, "key": key, **proof})
        password = shared_password(secret, str(answer.get("key", "")), host.id, own_id)
        port = answer.get("port")
        if password is None or not isinstance(port, int) or "refusal" in answer:
            raise RefusedError(f"the board at {host.host} does not take us in: {answer.get('refusal', 'no key')}")
        # Kept first: a board that loses its power now must still be able to prove itself.
        self._notebook.passwords[host.id] = password
        self._notebook.save()
        number, domain = str(answer.get("number", "")), str(answer.get("domain", ""))
        self._phone.join(number, domain, f"{host.host}:{port}", password)
        self._number = number
        logger.info("this board is number %s at the exchange of %s", number, host.host)

    def _end_exchange(self) -> None:
        if self._exchange is not None:
            self._exchange.stop()
            self._exchange = None

    def _is_enrolled(self, election: Election) -> bool:
        """Whether we have an account at the exchange that there is now."""
        host = election.host if election.host is not None else election.own
        return self._enrolled is not None and self._enrolled[0] == host.id

    def _tell(self) -> None:
        """For `offhook discovery status`."""
        election = self._election
        status: dict[str, Any] = {"mode": self._notebook.mode, "reason": self._reason}
        if election is not None:
            boards = election.boards()
            status |= {
                "id": election.own.id,
                "role": election.role.name.lower(),
                "host": election.host.host if election.host is not None else "",
                "number": self._number if self._is_enrolled(election) else "",
                "boards": [{"id": board.id, "host": board.host, "exchange": board.hosts} for board in boards],
            }
        if status == self._told:
            return
        self._told = status
        try:
            self._notebook.write_status(status)
        except DiscoveryError as error:
            logger.warning("%s", error)
