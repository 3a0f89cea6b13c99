"""Two user agents on a bad network, each with a person who makes up his mind by the dice."""

from collections.abc import Callable
from random import Random

from device.ids import CountingIds
from device.model import CallId
from device.sip.endpoint import SipEndpoint
from device.sip.events import CallEnded, CallEstablished, CallRinging, IncomingCall, OfferReceived
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.user_agent import UserAgent
from tests.support.lossy_link import LEFT, RIGHT, Address, LossyLink, sent_by

OFFER = b"v=0 an offer"
ANSWER = b"v=0 an answer"

Plan = tuple[float, Callable[[float], None]]


class Phone:
    """A user agent with its endpoint, and what it told."""

    def __init__(self, address: Address, settings: UserAgentSettings | None = None) -> None:
        ids = CountingIds(f"{address[0]}-")
        self.agent = UserAgent(settings or UserAgentSettings(), SipTimers(), ids, lambda _transport, _host: address)
        self.endpoint = SipEndpoint(self.agent, SipTimers(), ids, sent_by(address))
        self.events: list[object] = []

    def receive_event(self, event: object, now: float) -> None:
        self.events.append(event)

    def told(self, kind: type) -> list[object]:
        return [event for event in self.events if isinstance(event, kind)]


class Person(Phone):
    """A phone whose owner answers, refuses, hangs up and changes sessions as the seed has it."""

    def __init__(self, address: Address, seed: int, settings: UserAgentSettings) -> None:
        super().__init__(address, settings)
        self._random = Random(seed)
        self._plans: list[Plan] = []
        self.call_id: CallId | None = None
        self.established = 0
        self.ended = 0
        self.faults: list[str] = []

    @property
    def is_connected(self) -> bool:
        return self.established == 1 and self.ended == 0

    def call(self, host: str, now: float) -> None:
        self.call_id = CallId("out-1")
        self.agent.invite(self.call_id, host, b"" if self._random.random() < 0.2 else OFFER, None, now)
        if self._random.random() < 0.5:
            self._plan(now, self._random.expovariate(1 / 8.0), self.hang_up)

    def hang_up(self, now: float) -> None:
        if self.call_id is not None:
            self.agent.hang_up(self.call_id, now)

    def act(self, now: float) -> None:
        """Do what was planned for this time or before."""
        due = [plan for plan in self._plans if plan[0] <= now]
        self._plans = [plan for plan in self._plans if plan[0] > now]
        for _, do in due:
            do(now)

    def receive_event(self, event: object, now: float) -> None:
        super().receive_event(event, now)
        if self.ended:
            self.faults.append(f"{event} after the end")
        match event:
            case IncomingCall():
                self._be_called(event, now)
            case OfferReceived(call_id, offer):
                self._consider(call_id, offer, now)
            case CallEstablished():
                self.established += 1
                self._talk(now)
            case CallEnded():
                self.ended += 1
            case CallRinging():
                pass

    def _plan(self, now: float, delay: float, do: Callable[[float], None]) -> None:
        self._plans.append((now + delay, do))

    def _be_called(self, event: IncomingCall, now: float) -> None:
        self.call_id = call_id = event.call_id
        if self._random.random() < 0.8:
            self.agent.ring(call_id, now)
        choice = self._random.random()
        delay = self._random.choice((0.0, 0.1, 2.0, 7.0))
        if choice < 0.75:
            self._plan(now, delay, lambda at: self.agent.answer(call_id, ANSWER if event.offer else OFFER, at))
        elif choice < 0.9:
            self._plan(now, delay, lambda at: self.agent.reject(call_id, 486, at))
        elif choice < 0.95:
            self._plan(now, delay, self.hang_up)

    def _consider(self, call_id: CallId, offer: bytes, now: float) -> None:
        if self._random.random() < 0.2 and offer:
            self._plan(now, 0.0, lambda at: self.agent.refuse_offer(call_id, 488, at))
        else:
            delay = self._random.choice((0.0, 0.0, 1.0))
            self._plan(now, delay, lambda at: self.agent.accept_offer(call_id, ANSWER if offer else OFFER, at))

    def _talk(self, now: float) -> None:
        for _ in range(self._random.randrange(3)):
            self._plan(now, self._random.uniform(0, 5), self._change)
        if self._random.random() < 0.4:
            self._plan(now, self._random.expovariate(1 / 5.0), self.hang_up)

    def _change(self, now: float) -> None:
        if self.call_id is not None and self.is_connected:
            self.agent.reoffer(self.call_id, b"" if self._random.random() < 0.2 else OFFER, now)


class TwoPeople:
    """A caller on the left and a callee on the right of a bad network, all of one seed."""

    def __init__(
        self,
        seed: int,
        loss: float,
        duplication: float,
        delay_s: tuple[float, float],
        kind: type[Person] = Person,
        **settings: object,
    ) -> None:
        chosen = UserAgentSettings(ring_timeout_s=30, answer_timeout_s=40, **settings)  # type: ignore[arg-type]
        self.caller = kind(LEFT, 2 * seed, chosen)
        self.callee = kind(RIGHT, 2 * seed + 1, chosen)
        self.link = LossyLink(
            self.caller.endpoint,
            self.callee.endpoint,
            seed=seed,
            loss=loss,
            duplication=duplication,
            delay_s=delay_s,
            on_left_event=self.caller.receive_event,
            on_right_event=self.callee.receive_event,
        )

    def run(self, until: float, step: float = 0.25) -> None:
        """Let time pass; the people act at most `step` seconds later than they planned."""
        while self.link.now < until:
            self.link.run(until=min(until, self.link.now + step))
            for person in (self.caller, self.callee):
                person.act(self.link.now)
