"""PRACK, UPDATE and session timers on a network that loses, doubles and reorders: both ends agree about the session."""

import pytest

from device.model import CallId
from device.sip.dialog_exchange import DialogExchange
from device.sip.events import CallEnded, CallRinging, IncomingCall
from device.sip.settings import UserAgentSettings
from tests.support.lossy_link import Address
from tests.support.sip_phones import Person, TwoPeople

CALLS = 300
BATCH = 60
LOSS = 0.25
DUPLICATION = 0.15
DELAY_S = (0.01, 0.6)

SETTLED_S = 140.0
"""By then every ring has timed out and every offer has been answered or given up."""
LONG_AFTERWARDS_S = 1400.0
"""A call that stands has been refreshed a dozen times by then."""
GONE_S = 1600.0


class SessionPerson(Person):
    """Sends sound before answering, changes early sessions, and never describes a session in the same words twice."""

    def __init__(self, address: Address, seed: int, settings: UserAgentSettings) -> None:
        super().__init__(address, seed, settings)
        self._name = address[0]
        self._described = 0

    def describe(self) -> bytes:
        self._described += 1
        return f"v=0 description {self._described} of {self._name}".encode()

    def call(self, host: str, now: float) -> None:
        self.call_id = CallId("out-1")
        self.agent.invite(self.call_id, host, b"" if self._random.random() < 0.3 else self.describe(), None, now)

    def receive_event(self, event: object, now: float) -> None:
        super().receive_event(event, now)
        if isinstance(event, CallRinging) and self._random.random() < 0.4:
            self._plan(now, 0.5, self._change_early)

    def _change_early(self, now: float) -> None:
        if not (self.established or self.ended) and self.call_id is not None:
            self.agent.reoffer(self.call_id, self.describe(), now)

    def _be_called(self, event: IncomingCall, now: float) -> None:
        self.call_id = call_id = event.call_id
        early = self.describe()
        if event.offer and self._random.random() < 0.6:
            self.agent.progress(call_id, early, now)
            self._plan(now, 0.7, self._change_early)
        else:
            self.agent.ring(call_id, now)
        self._plan(now, self._random.choice((0.0, 1.0, 5.0)), lambda at: self.agent.answer(call_id, early, at))

    def _consider(self, call_id: CallId, offer: bytes, now: float) -> None:
        if offer and self._random.random() < 0.2:
            self.agent.refuse_offer(call_id, 488, now)
        else:
            self.agent.accept_offer(call_id, self.describe(), now)

    def _talk(self, now: float) -> None:
        for _ in range(self._random.randrange(4)):
            self._plan(now, self._random.uniform(0, 20), self._change)

    def _change(self, now: float) -> None:
        if self.call_id is not None and self.is_connected:
            self.agent.reoffer(self.call_id, self.describe(), now)

    @property
    def exchange(self) -> DialogExchange:
        """The offers of the call that stands."""
        return next(iter(self.agent._calls))._usage.confirmed_exchange


def check_call(seed: int) -> tuple[int, int, int]:
    people = TwoPeople(
        seed,
        LOSS,
        DUPLICATION,
        DELAY_S,
        SessionPerson,
        reliable_ringing=True,
        session_expires_s=180,
    )
    caller, callee = people.caller, people.callee
    caller.call("192.0.2.2", 0.0)
    people.run(SETTLED_S)
    people.run(LONG_AFTERWARDS_S, step=20.0)
    assert caller.is_connected == callee.is_connected, "one side talks, the other does not"
    connected = caller.is_connected
    if connected:
        assert caller.exchange.is_settled
        assert callee.exchange.is_settled
        assert (caller.exchange.local, caller.exchange.remote) == (callee.exchange.remote, callee.exchange.local)
    ends = caller.told(CallEnded) + callee.told(CallEnded)
    assert not any("did not refresh" in event.cause.text for event in ends)  # type: ignore[attr-defined]
    caller.hang_up(people.link.now)
    callee.hang_up(people.link.now)
    people.run(GONE_S, step=40.0)
    assert not caller.faults
    assert not callee.faults
    assert people.link.is_idle(), "a timer is still running"
    assert caller.agent.is_idle
    assert callee.agent.is_idle
    starts = [sent.data.partition(b" ")[0] for _, _, sent in people.link.wire]
    return connected, starts.count(b"UPDATE"), starts.count(b"PRACK")


@pytest.mark.parametrize("first", range(0, CALLS, BATCH))
def test_both_ends_agree_about_the_session(first: int) -> None:
    connected = updates = pracks = 0
    for seed in range(first, first + BATCH):
        try:
            result = check_call(seed)
        except AssertionError as error:
            raise AssertionError(f"call with seed {seed}: {error}") from error
        connected += result[0]
        updates += result[1]
        pracks += result[2]
    assert connected > BATCH // 2
    assert updates > connected
    assert pracks > BATCH // 2
