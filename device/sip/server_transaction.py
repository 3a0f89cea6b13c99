"""The server transactions: INVITE (RFC 3261 17.2.1 with RFC 6026) and non-INVITE (17.2.2 with RFC 4320)."""

from device import plain_logging as logging
from device.annotations import ClassVar
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.timers import TRYING_DELAY_S, SipTimers
from device.sip.transaction import (
    AckReceived,
    Input,
    Output,
    ServerKey,
    State,
    Table,
    Timers,
    Transaction,
    do_nothing,
    report_timeout,
    report_transport_failure,
    status_input,
)

_log = logging.getLogger(__name__)

_TU_RESPONSES = (Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE)


def trace_of(key: ServerKey, request: Request) -> int:
    """What all copies of one request have in common, also where a client gives every request the same branch.

    A hash, which is a tenth of the texts; Python seeds it so that nobody can make two alike.
    """
    return hash((key, request.call_id, request.cseq.number, request.from_.tag))


class _ServerTransaction(Transaction):
    """What both server transactions do: keep the last response and send it again for a repeated request."""

    __slots__ = ("_came_at", "_last", "_request", "trace")

    key: ServerKey
    _came_at: float
    WAITING: ClassVar[frozenset[State]] = frozenset()
    """The states in which nothing is awaited but retransmissions."""

    def __init__(self, key: ServerKey, request: Request, hop: Hop, timers: SipTimers) -> None:
        super().__init__(key, hop, timers, State.PROCEEDING if request.method == "INVITE" else State.TRYING)
        self._request: Request | None = request
        self._last = b""
        self.trace = trace_of(key, request)
        """By which copies of the request are known when this is over."""

    @property
    def may_give_way(self) -> bool:
        """Whether all is done but the wait for stragglers, so that a full table may drop it."""
        return self.state in self.WAITING

    def receive_request(self, now: float) -> list[Output]:
        """The request came again."""
        return self._step(Input.REQUEST, None, now)

    def send_response(self, response: Response, now: float) -> list[Output]:
        """The TU answers; what the state does not allow any more is dropped."""
        return self._step(status_input(response.status), response, now)

    def _reply(self, response: Response, _now: float) -> list[Output]:
        self._last = response.encode()
        return [self._send(self._last)]

    def repeat_last(self) -> list[Output]:
        """The last response once more, if there was one."""
        return [self._send(self._last)] if self._last else []

    def reply_trying(self, now: float) -> list[Output]:
        """100 Trying, which needs no tag; its Timestamp says how long we took (section 8.2.6.1)."""
        if self._request is None:
            return []
        response = self._request.response(100)
        sent_at = (response.headers.get("Timestamp") or "").split()
        if sent_at:
            response.headers.set("Timestamp", f"{sent_at[0]} {now - self._came_at:.3f}")
        return self._reply(response, now)


def _reply_again(transaction: _ServerTransaction, _argument: None, _now: float) -> list[Output]:
    return transaction.repeat_last()


def _reply_trying(transaction: _ServerTransaction, _argument: None, now: float) -> list[Output]:
    return transaction.reply_trying(now)


class InviteServerTransaction(_ServerTransaction):
    """Figure 7 of RFC 3261 as RFC 6026 section 7.1 redraws it: a transport error ends nothing."""

    __slots__ = ("_interval",)

    WAITING = frozenset({State.CONFIRMED, State.ACCEPTED})

    def start(self, now: float) -> list[Output]:
        """The INVITE has gone up; without an answer within 200 ms it is answered 100."""
        self._came_at = now
        self._interval = self.timers.timer_g
        self._timer_set.set(Input.TIMER_TRYING, now + TRYING_DELAY_S)
        return []

    def receive_ack(self, ack: Request, source: Hop, now: float) -> list[Output]:
        """An ACK of this branch: for a failure it ends here, after a 2xx it is the TU's."""
        return self._step(Input.ACK, AckReceived(ack, source), now)

    def _progress(self, response: Response, now: float) -> list[Output]:
        self._timer_set.cancel(Input.TIMER_TRYING)
        return self._reply(response, now)

    def _accept(self, response: Response, now: float) -> list[Output]:
        # A repeated INVITE is absorbed in Accepted, and the TU itself repeats the 2xx: nothing need be kept.
        self._request, self._last = None, b""
        self._timer_set.set(Input.TIMER_L, now + self.timers.timer_l)
        return [self._send(response.encode())]

    def _accept_again(self, response: Response, _now: float) -> list[Output]:
        return [self._send(response.encode())]

    def _refuse(self, response: Response, now: float) -> list[Output]:
        self._request = None
        self._timer_set.set(Input.TIMER_H, now + self.timers.timer_h)
        if not self.hop.is_reliable:
            self._timer_set.set(Input.TIMER_G, now + self._interval)
        return self._reply(response, now)

    def _refuse_again(self, _argument: None, now: float) -> list[Output]:
        self._interval = min(2 * self._interval, self.timers.t2)
        self._timer_set.set(Input.TIMER_G, now + self._interval)
        return [self._send(self._last)]

    def _confirm(self, _ack: AckReceived, now: float) -> list[Output]:
        self._last = b""
        self._timer_set.set(Input.TIMER_I, now + self.timers.timer_i(self.hop.is_reliable))
        return []

    def _pass_ack(self, ack: AckReceived, _now: float) -> list[Output]:
        return [ack]

    TABLE: ClassVar[Table] = {
        (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, _reply_again),
        (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, _progress),
        (State.PROCEEDING, Input.SUCCESS): (State.ACCEPTED, _accept),
        (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, _refuse),
        (State.PROCEEDING, Input.TIMER_TRYING): (State.PROCEEDING, _reply_trying),
        (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.PROCEEDING, report_transport_failure),
        (State.COMPLETED, Input.REQUEST): (State.COMPLETED, _reply_again),
        (State.COMPLETED, Input.ACK): (State.CONFIRMED, _confirm),
        (State.COMPLETED, Input.TIMER_G): (State.COMPLETED, _refuse_again),
        (State.COMPLETED, Input.TIMER_H): (State.TERMINATED, report_timeout),
        (State.COMPLETED, Input.TRANSPORT_ERROR): (State.COMPLETED, report_transport_failure),
        (State.CONFIRMED, Input.TIMER_I): (State.TERMINATED, do_nothing),
        (State.ACCEPTED, Input.ACK): (State.ACCEPTED, _pass_ack),
        (State.ACCEPTED, Input.SUCCESS): (State.ACCEPTED, _accept_again),
        (State.ACCEPTED, Input.TRANSPORT_ERROR): (State.ACCEPTED, report_transport_failure),
        (State.ACCEPTED, Input.TIMER_L): (State.TERMINATED, do_nothing),
    }
    IGNORED = frozenset(
        {
            (State.PROCEEDING, Input.ACK),
            (State.COMPLETED, Input.PROVISIONAL),
            (State.COMPLETED, Input.SUCCESS),
            (State.COMPLETED, Input.FAILURE),
            (State.CONFIRMED, Input.REQUEST),
            (State.CONFIRMED, Input.ACK),
            (State.CONFIRMED, Input.PROVISIONAL),
            (State.CONFIRMED, Input.SUCCESS),
            (State.CONFIRMED, Input.FAILURE),
            (State.CONFIRMED, Input.TRANSPORT_ERROR),
            (State.ACCEPTED, Input.REQUEST),
            (State.ACCEPTED, Input.PROVISIONAL),
            (State.ACCEPTED, Input.FAILURE),
            (State.TERMINATED, Input.REQUEST),
            (State.TERMINATED, Input.ACK),
            (State.TERMINATED, Input.PROVISIONAL),
            (State.TERMINATED, Input.SUCCESS),
            (State.TERMINATED, Input.FAILURE),
            (State.TERMINATED, Input.TRANSPORT_ERROR),
        }
    )
    TIMERS: ClassVar[Timers] = {
        State.PROCEEDING: frozenset({Input.TIMER_TRYING}),
        State.COMPLETED: frozenset({Input.TIMER_G, Input.TIMER_H}),
        State.CONFIRMED: frozenset({Input.TIMER_I}),
        State.ACCEPTED: frozenset({Input.TIMER_L}),
    }


class NonInviteServerTransaction(_ServerTransaction):
    """Figure 8 of RFC 3261, with RFC 4320: no 1xx but a late 100, no 408, and no answer that nobody awaits."""

    __slots__ = ()

    WAITING = frozenset({State.COMPLETED})

    def start(self, now: float) -> list[Output]:
        """The request has gone up; 100 goes out, over UDP only, when the client has slowed down to T2."""
        self._came_at = now
        if not self.hop.is_reliable:
            self._timer_set.set(Input.TIMER_TRYING, now + self.timers.late_trying)
        self._timer_set.set(Input.TIMER_ANSWER, now + self.timers.timer_f)
        return []

    def send_response(self, response: Response, now: float) -> list[Output]:
        """The TU answers; a 408 is dropped, since the client has timed out by itself (RFC 4320 section 4.2)."""
        if response.status == 408:
            _log.debug("%s: 408 is not sent for %s", self.key, self.key.method)
            return []
        return super().send_response(response, now)

    def _complete(self, response: Response, now: float) -> list[Output]:
        self._request = None
        self._timer_set.set(Input.TIMER_J, now + self.timers.timer_j(self.hop.is_reliable))
        return self._reply(response, now)

    TABLE: ClassVar[Table] = {
        (State.TRYING, Input.SUCCESS): (State.COMPLETED, _complete),
        (State.TRYING, Input.FAILURE): (State.COMPLETED, _complete),
        (State.TRYING, Input.TIMER_TRYING): (State.PROCEEDING, _reply_trying),
        (State.TRYING, Input.TIMER_ANSWER): (State.TERMINATED, do_nothing),
        (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, _reply_again),
        (State.PROCEEDING, Input.SUCCESS): (State.COMPLETED, _complete),
        (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, _complete),
        (State.PROCEEDING, Input.TIMER_ANSWER): (State.TERMINATED, do_nothing),
        (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.TERMINATED, report_transport_failure),
        (State.COMPLETED, Input.REQUEST): (State.COMPLETED, _reply_again),
        (State.COMPLETED, Input.TIMER_J): (State.TERMINATED, do_nothing),
        (State.COMPLETED, Input.TRANSPORT_ERROR): (State.TERMINATED, report_transport_failure),
    }
    IGNORED = frozenset(
        {
            (State.TRYING, Input.REQUEST),
            (State.TRYING, Input.PROVISIONAL),
            # Nothing has been sent yet; the answer will try by itself.
            (State.TRYING, Input.TRANSPORT_ERROR),
            (State.PROCEEDING, Input.PROVISIONAL),
            (State.TERMINATED, Input.REQUEST),
            (State.TERMINATED, Input.TRANSPORT_ERROR),
        }
        | {(state, what) for state in (State.COMPLETED, State.TERMINATED) for what in _TU_RESPONSES}
    )
    TIMERS: ClassVar[Timers] = {
        State.TRYING: frozenset({Input.TIMER_TRYING, Input.TIMER_ANSWER}),
        State.PROCEEDING: frozenset({Input.TIMER_ANSWER}),
        State.COMPLETED: frozenset({Input.TIMER_J}),
    }


ServerTransaction = InviteServerTransaction | NonInviteServerTransaction
