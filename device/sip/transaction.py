"""What the four transactions of RFC 3261 section 17 share: keys, events, states, inputs and the table-driven base."""

from collections.abc import Callable, Mapping
from enum import Enum, auto

from device import plain_logging as logging
from device.annotations import Any, ClassVar, Final, NamedTuple
from device.records import dataclass
from device.sip.errors import SipStateError
from device.sip.hop import Hop, NextHop, Transmission
from device.sip.message import Request, Response
from device.sip.timers import SipTimers
from device.timing import TimerSet

_log = logging.getLogger(__name__)


class ClientKey(NamedTuple):
    """Names a request that we sent: branch and method (RFC 3261 section 17.1.3).

    A tuple rather than a record because every message that comes is looked up by it, and tuples hash in C.
    """

    branch: str
    method: str


class ServerKey(NamedTuple):
    """Names a request that came: branch, sent-by and method (section 17.2.3)."""

    branch: str
    sent_by: str
    method: str


TransactionKey = ClientKey | ServerKey


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A new request other than ACK and CANCEL; the TU answers through `send_response(key, ...)`."""

    key: ServerKey
    request: Request
    source: Hop


@dataclass(frozen=True, slots=True)
class AckReceived:
    """An ACK that no transaction consumed: it belongs to a 2xx, so the TU matches it to a dialog or forwards it."""

    request: Request
    source: Hop


@dataclass(frozen=True, slots=True)
class CancelReceived:
    """A CANCEL, and the INVITE transaction that it means, None when there is none (RFC 3261 section 9.2).

    The layer answers nothing: the TU answers `key` with 200 or 481, and the INVITE with 487 if it is unanswered.
    """

    key: ServerKey
    invite_key: ServerKey | None
    request: Request
    source: Hop


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """A response to a request that we sent, our own Via still on top.

    After a 2xx to INVITE further ones come under the same key for 64*T1: retransmissions and other branches of a
    fork, told apart by their To tag; each wants its ACK (RFC 6026 section 7.2).
    """

    key: ClientKey
    response: Response
    source: Hop


@dataclass(frozen=True, slots=True)
class StrayResponse:
    """A 2xx to an INVITE of ours that no transaction awaits any more (RFC 3261 section 13.2.2.4)."""

    response: Response
    source: Hop


@dataclass(frozen=True, slots=True)
class TransactionTimedOut:
    """No final response came (client: Timer B or F, or 64*T1 after CANCEL), or no ACK (server: Timer H)."""

    key: TransactionKey


@dataclass(frozen=True, slots=True)
class TransportFailed:
    """What was to be sent could not be; for a client key no further hop is left to try."""

    key: TransactionKey
    reason: str


@dataclass(frozen=True, slots=True)
class TransactionTerminated:
    """The last event of every key: nothing more will come under it."""

    key: TransactionKey


@dataclass(frozen=True, slots=True)
class LookupWanted:
    """`next_hop` names no address: resolve it (RFC 3263) and answer through `receive_lookup(next_hop, hops, now)`."""

    next_hop: NextHop


@dataclass(frozen=True, slots=True)
class KeepAliveAnswered:
    """The other end of a flow answered our keep-alive (RFC 5626 section 4.4).

    Over UDP `mapped` is our address as it sees us; `moved` says that it was another at the keep-alive before, which
    ends the flow (section 4.4.2): register again.
    """

    hop: Hop
    round_trip_s: float
    mapped: tuple[str, int] | None = None
    moved: bool = False


@dataclass(frozen=True, slots=True)
class KeepAliveLost:
    """A keep-alive was not answered: the flow may be dead."""

    hop: Hop
    reason: str


@dataclass(frozen=True, slots=True)
class HopFailed:
    """A request has gone on to another server: what lives at this one, such as a registration, had better move."""

    hop: Hop


TransactionEvent = (
    RequestReceived
    | AckReceived
    | CancelReceived
    | ResponseReceived
    | StrayResponse
    | TransactionTimedOut
    | TransportFailed
    | TransactionTerminated
    | LookupWanted
    | HopFailed
    | KeepAliveAnswered
    | KeepAliveLost
)

Output = Transmission | TransactionEvent
"""What a transaction hands to the layer."""


class State(Enum):
    """The states of figures 5 to 8 of RFC 3261 as RFC 6026 amends them."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class Input(Enum):
    """What moves a transaction: messages by class, faults, and timers by the letter of table 4."""

    REQUEST = auto()
    """The request again (server)."""
    ACK = auto()
    PROVISIONAL = auto()
    """1xx: received by a client, given by the TU to a server."""
    SUCCESS = auto()
    """2xx."""
    FAILURE = auto()
    """3xx to 6xx."""
    CANCELLED = auto()
    """We sent CANCEL for this INVITE (client)."""
    TRANSPORT_ERROR = auto()
    TIMER_A = auto()
    TIMER_B = auto()
    TIMER_D = auto()
    TIMER_E = auto()
    TIMER_F = auto()
    TIMER_G = auto()
    TIMER_H = auto()
    TIMER_I = auto()
    TIMER_J = auto()
    TIMER_K = auto()
    TIMER_L = auto()
    TIMER_M = auto()
    TIMER_CANCEL = auto()
    """64*T1 after our CANCEL: the cancelled INVITE is considered ended (section 9.1)."""
    TIMER_TRYING = auto()
    """The TU has had its time; answer 100 (section 17.2.1, RFC 4320 section 4.1)."""
    TIMER_ANSWER = auto()
    """The client of this non-INVITE has given up: an answer would come too late (RFC 4320 section 4.2)."""


_NO_TIMERS: Final[frozenset[Input]] = frozenset()

Row = tuple[State, Callable[..., list[Output]]]
Table = Mapping[tuple[State, Input], Row]
Timers = Mapping[State, frozenset[Input]]


def status_input(status: int) -> Input:
    """The input that a response of this status is."""
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.FAILURE


class Transaction:
    """One table-driven machine: `TABLE` says what each input does in each state.

    `TIMERS` names the timers that may run in a state; entering a state disarms all others. A pair that is in
    neither `TABLE` nor `IGNORED` cannot happen (a timer that does not run in that state) and raises SipStateError.
    """

    TABLE: ClassVar[Table] = {}
    IGNORED: ClassVar[frozenset[tuple[State, Input]]] = frozenset()
    """Pairs that may happen and change nothing, such as a late response."""
    TIMERS: ClassVar[Timers] = {}

    __slots__ = ("_timer_set", "hop", "key", "state", "timers")

    def __init__(self, key: TransactionKey, hop: Hop, timers: SipTimers, state: State) -> None:
        self.key = key
        self.hop = hop
        self.timers = timers
        self.state = state
        self._timer_set: TimerSet[Input] = TimerSet()

    def receive_transport_error(self, reason: str, now: float) -> list[Output]:
        """What this transaction sent last could not be sent."""
        return self._step(Input.TRANSPORT_ERROR, reason, now)

    def handle_timeout(self, now: float) -> list[Output]:
        """Act on every timer whose deadline is at or before `now`."""
        outputs: list[Output] = []
        for timer in self._timer_set.pop_due(now):
            # An earlier one of the same moment may have left the state in which this timer means something.
            if timer in self.TIMERS.get(self.state, _NO_TIMERS):
                outputs += self._step(timer, None, now)
        return outputs

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return self._timer_set.next_timeout()

    def _step(self, what: Input, argument: Any, now: float) -> list[Output]:
        """Look the pair up, enter the next state, run the handler; a terminated transaction says so at the end."""
        row = self.TABLE.get((self.state, what))
        if row is None:
            if (self.state, what) in self.IGNORED:
                return []
            raise SipStateError(f"{type(self).__name__} {self.key}: {what.name} cannot happen in {self.state.name}")
        self._enter(row[0])
        outputs = row[1](self, argument, now)
        if self.state is State.TERMINATED:
            outputs.append(TransactionTerminated(self.key))
        return outputs

    def _enter(self, state: State) -> None:
        """Change state and disarm the timers that mean nothing in the new one."""
        if state is self.state:
            return
        _log.debug("%s %s: %s to %s", type(self).__name__, self.key, self.state.name, state.name)
        for timer in self.TIMERS.get(self.state, _NO_TIMERS) - self.TIMERS.get(state, _NO_TIMERS):
            self._timer_set.cancel(timer)
        self.state = state

    def _send(self, data: bytes) -> Transmission:
        return Transmission(data, self.hop)


def do_nothing(_transaction: Transaction, _argument: object, _now: float) -> list[Output]:
    """The change of state is all."""
    return []


def report_timeout(transaction: Transaction, _argument: object, _now: float) -> list[Output]:
    """Tell the TU that what was awaited did not come."""
    return [TransactionTimedOut(transaction.key)]


def report_transport_failure(transaction: Transaction, reason: str, _now: float) -> list[Output]:
    """Tell the TU that what was sent did not go."""
    return [TransportFailed(transaction.key, reason)]
