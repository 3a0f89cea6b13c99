"""The client transactions: INVITE (RFC 3261 17.1.1 with RFC 6026) and non-INVITE (17.1.2), their ACK and CANCEL."""

from device.annotations import ClassVar
from device.sip.headers import Headers
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.timers import SipTimers
from device.sip.transaction import (
    ClientKey,
    Input,
    Output,
    ResponseReceived,
    State,
    StrayResponse,
    Table,
    Timers,
    Transaction,
    do_nothing,
    report_timeout,
    report_transport_failure,
    status_input,
)

_MAX_FORWARDS = "70"
"""Section 8.1.1.6."""


def build_ack(invite: Request, response: Response) -> Request:
    """The ACK for a 3xx to 6xx (section 17.1.1.3): same branch, To of the response, the credentials of the INVITE."""
    ack = _follow_up(invite, "ACK", response.headers.get("To") or "")
    for name in ("Authorization", "Proxy-Authorization"):
        # Section 22.1 wants the credentials in the ACK, since nobody can challenge it.
        for value in invite.headers.get_all(name):
            ack.headers.add(name, value)
    return ack


def build_cancel(invite: Request) -> Request:
    """The CANCEL of a request (section 9.1): same branch, same To, no credentials and no Require."""
    return _follow_up(invite, "CANCEL", invite.headers.get("To") or "")


def _follow_up(invite: Request, method: str, to: str) -> Request:
    """A request of the same hop and branch as `invite`, which must be as it was sent, our Via alone on its line."""
    headers = Headers()
    headers.add("Via", invite.headers.get("Via") or "")
    headers.add("Max-Forwards", _MAX_FORWARDS)
    for route in invite.headers.get_all("Route"):
        headers.add("Route", route)
    headers.add("From", invite.headers.get("From") or "")
    headers.add("To", to)
    headers.add("Call-ID", invite.headers.get("Call-ID") or "")
    headers.add("CSeq", f"{invite.cseq.number} {method}")
    return Request(method, invite.uri, headers, b"")


class _ClientTransaction(Transaction):
    """What both client transactions do: send, send again, hand responses up."""

    __slots__ = ("_data", "_interval", "branch", "request")

    key: ClientKey

    def __init__(self, key: ClientKey, request: Request, data: bytes, hop: Hop, timers: SipTimers) -> None:
        super().__init__(key, hop, timers, State.CALLING if request.method == "INVITE" else State.TRYING)
        self.request = request
        """The request as sent; its branch differs from the key's when an earlier hop failed."""
        self.branch = request.top_via.branch or ""
        self._data = data
        self._interval = timers.t1

    def stop_retransmitting(self) -> None:
        """Send the request no more, but know its answer when it comes."""
        self._timer_set.cancel(Input.TIMER_A)
        self._timer_set.cancel(Input.TIMER_E)

    def receive_response(self, response: Response, source: Hop, now: float) -> list[Output]:
        """A response whose branch and CSeq method are those of this transaction (section 17.1.3)."""
        return self._step(status_input(response.status), ResponseReceived(self.key, response, source), now)


def _pass(_transaction: _ClientTransaction, event: ResponseReceived, _now: float) -> list[Output]:
    return [event]


class InviteClientTransaction(_ClientTransaction):
    """Figure 5 of RFC 3261 with the state Accepted of RFC 6026 section 7.2."""

    __slots__ = ("_ack",)

    def start(self, now: float) -> list[Output]:
        """Send the INVITE; Timer A resends it, over UDP only, and Timer B bounds the wait for any response."""
        self._ack = b""
        if not self.hop.is_reliable:
            self._timer_set.set(Input.TIMER_A, now + self.timers.timer_a)
        self._timer_set.set(Input.TIMER_B, now + self.timers.timer_b)
        return [self._send(self._data)]

    def cancelled(self, now: float) -> list[Output]:
        """CANCEL was sent: without a final response the INVITE is over after 64*T1 (section 9.1)."""
        return self._step(Input.CANCELLED, None, now)

    def _resend(self, _argument: None, now: float) -> list[Output]:
        self._interval *= 2
        self._timer_set.set(Input.TIMER_A, now + self._interval)
        return [self._send(self._data)]

    def _limit(self, _argument: None, now: float) -> list[Output]:
        self._timer_set.set(Input.TIMER_CANCEL, now + self.timers.transaction_timeout)
        return []

    def _accept(self, event: ResponseReceived, now: float) -> list[Output]:
        self._data = b""
        self._timer_set.set(Input.TIMER_M, now + self.timers.timer_m)
        return [event]

    def _fail(self, event: ResponseReceived, now: float) -> list[Output]:
        self._data = b""
        self._ack = build_ack(self.request, event.response).encode()
        self._timer_set.set(Input.TIMER_D, now + self.timers.timer_d(self.hop.is_reliable))
        return [self._send(self._ack), event]

    def _resend_ack(self, _event: ResponseReceived, _now: float) -> list[Output]:
        return [self._send(self._ack)]

    def _stray(self, event: ResponseReceived, _now: float) -> list[Output]:
        # A proxy forwards a 2xx of a fork even after a failure (section 16.7 step 5): whoever answered is waiting.
        return [StrayResponse(event.response, event.source)]

    TABLE: ClassVar[Table] = {
        (State.CALLING, Input.PROVISIONAL): (State.PROCEEDING, _pass),
        (State.CALLING, Input.SUCCESS): (State.ACCEPTED, _accept),
        (State.CALLING, Input.FAILURE): (State.COMPLETED, _fail),
        (State.CALLING, Input.TIMER_A): (State.CALLING, _resend),
        (State.CALLING, Input.TIMER_B): (State.TERMINATED, report_timeout),
        (State.CALLING, Input.TRANSPORT_ERROR): (State.TERMINATED, report_transport_failure),
        (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, _pass),
        (State.PROCEEDING, Input.SUCCESS): (State.ACCEPTED, _accept),
        (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, _fail),
        (State.PROCEEDING, Input.CANCELLED): (State.PROCEEDING, _limit),
        (State.PROCEEDING, Input.TIMER_CANCEL): (State.TERMINATED, report_timeout),
        (State.COMPLETED, Input.FAILURE): (State.COMPLETED, _resend_ack),
        (State.COMPLETED, Input.SUCCESS): (State.COMPLETED, _stray),
        (State.COMPLETED, Input.TIMER_D): (State.TERMINATED, do_nothing),
        (State.COMPLETED, Input.TRANSPORT_ERROR): (State.TERMINATED, report_transport_failure),
        (State.ACCEPTED, Input.SUCCESS): (State.ACCEPTED, _pass),
        (State.ACCEPTED, Input.TIMER_M): (State.TERMINATED, do_nothing),
    }
    IGNORED = frozenset(
        {
            (State.CALLING, Input.CANCELLED),
            # Nothing of ours is under way in these two states, so the fault is another one's.
            (State.PROCEEDING, Input.TRANSPORT_ERROR),
            (State.ACCEPTED, Input.TRANSPORT_ERROR),
            (State.COMPLETED, Input.PROVISIONAL),
            (State.COMPLETED, Input.CANCELLED),
            (State.ACCEPTED, Input.PROVISIONAL),
            (State.ACCEPTED, Input.FAILURE),
            (State.ACCEPTED, Input.CANCELLED),
            (State.TERMINATED, Input.PROVISIONAL),
            (State.TERMINATED, Input.SUCCESS),
            (State.TERMINATED, Input.FAILURE),
            (State.TERMINATED, Input.CANCELLED),
            (State.TERMINATED, Input.TRANSPORT_ERROR),
        }
    )
    TIMERS: ClassVar[Timers] = {
        State.CALLING: frozenset({Input.TIMER_A, Input.TIMER_B}),
        State.PROCEEDING: frozenset({Input.TIMER_CANCEL}),
        State.COMPLETED: frozenset({Input.TIMER_D}),
        State.ACCEPTED: frozenset({Input.TIMER_M}),
    }


class NonInviteClientTransaction(_ClientTransaction):
    """Figure 6 of RFC 3261."""

    __slots__ = ()

    def start(self, now: float) -> list[Output]:
        """Send the request; Timer E resends it, over UDP only, and Timer F bounds the wait for the final response."""
        if not self.hop.is_reliable:
            self._timer_set.set(Input.TIMER_E, now + self.timers.timer_e)
        self._timer_set.set(Input.TIMER_F, now + self.timers.timer_f)
        return [self._send(self._data)]

    def _resend(self, _argument: None, now: float) -> list[Output]:
        self._interval = min(2 * self._interval, self.timers.t2)
        self._timer_set.set(Input.TIMER_E, now + self._interval)
        return [self._send(self._data)]

    def _resend_slowly(self, _argument: None, now: float) -> list[Output]:
        self._interval = self.timers.t2
        self._timer_set.set(Input.TIMER_E, now + self._interval)
        return [self._send(self._data)]

    def _complete(self, event: ResponseReceived, now: float) -> list[Output]:
        self._data = b""
        self._timer_set.set(Input.TIMER_K, now + self.timers.timer_k(self.hop.is_reliable))
        return [event]

    TABLE: ClassVar[Table] = {
        (State.TRYING, Input.PROVISIONAL): (State.PROCEEDING, _pass),
        (State.TRYING, Input.SUCCESS): (State.COMPLETED, _complete),
        (State.TRYING, Input.FAILURE): (State.COMPLETED, _complete),
        (State.TRYING, Input.TIMER_E): (State.TRYING, _resend),
        (State.TRYING, Input.TIMER_F): (State.TERMINATED, report_timeout),
        (State.TRYING, Input.TRANSPORT_ERROR): (State.TERMINATED, report_transport_failure),
        (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, _pass),
        (State.PROCEEDING, Input.SUCCESS): (State.COMPLETED, _complete),
        (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, _complete),
        (State.PROCEEDING, Input.TIMER_E): (State.PROCEEDING, _resend_slowly),
        (State.PROCEEDING, Input.TIMER_F): (State.TERMINATED, report_timeout),
        (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.TERMINATED, report_transport_failure),
        (State.COMPLETED, Input.TIMER_K): (State.TERMINATED, do_nothing),
    }
    IGNORED = frozenset(
        (state, what)
        for state in (State.COMPLETED, State.TERMINATED)
        for what in (Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE, Input.TRANSPORT_ERROR)
    )
    TIMERS: ClassVar[Timers] = {
        State.TRYING: frozenset({Input.TIMER_E, Input.TIMER_F}),
        State.PROCEEDING: frozenset({Input.TIMER_E, Input.TIMER_F}),
        State.COMPLETED: frozenset({Input.TIMER_K}),
    }


ClientTransaction = InviteClientTransaction | NonInviteClientTransaction
