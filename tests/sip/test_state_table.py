"""Every pair of state and input of each table: what can happen is provided for, all else is an error."""

from collections.abc import Iterable
from enum import Enum
from itertools import product
from typing import Any, get_args

import pytest

from device.sip import dialog_exchange, offer_inputs, registration_inputs, session_inputs, update_inputs
from device.sip.callee_session import CalleeSession
from device.sip.caller_session import CallerSession
from device.sip.dialog import Dialog
from device.sip.dialog_exchange import (
    AnswerSent,
    AnswerTaken,
    DialogExchange,
    ExchangeInput,
    ExchangeState,
    OfferSent,
    OfferTaken,
    OfferVoided,
)
from device.sip.errors import SipStateError
from device.sip.events import EndCause
from device.sip.hop import Hop
from device.sip.invite_session import REQUESTS, CallInput, InviteSession, SessionState
from device.sip.offer_inputs import EarlyOfferReceived, PrackReceived, RefreshRequested, UpdateReceived
from device.sip.registration import Phase, Registration
from device.sip.registration_grant import Grant
from device.sip.registration_inputs import RegistrationInput
from device.sip.registration_rules import Manner
from device.sip.session_inputs import (
    AcceptRequested,
    AckReceived,
    AckTimedOut,
    AnswerMissed,
    AnswerReceived,
    AnswerRequested,
    BackOffOver,
    ByeFinished,
    ByeReceived,
    CancelReceived,
    DialogLost,
    GlareReceived,
    HangUpRequested,
    InviteExpired,
    InviteFailed,
    InviteReceived,
    OfferReturned,
    ProvisionalDue,
    ProvisionalReceived,
    Redirected,
    RefuseRequested,
    RejectRequested,
    ReofferRequested,
    RingRequested,
    RingTimedOut,
    SessionConfirmed,
    SessionLost,
    SessionOver,
)
from device.sip.session_modification import Input as ModificationInput
from device.sip.session_modification import ModificationState, SessionModification
from device.sip.state_table import StateTable
from device.sip.transaction_layer import ServerKey
from device.sip.update_client import UpdateClient, UpdateClientInput, UpdateClientState
from device.sip.update_inputs import (
    AnswerOverdue,
    PostponementReceived,
    UpdateFailed,
    UpdateRequested,
    UpdateSucceeded,
    UpdateUnknown,
)
from device.sip.update_server import UpdateServer, UpdateServerInput, UpdateServerState
from device.sip.uri import Uri
from tests.support.sip_bench import OFFICE, Bench, office
from tests.support.sip_messages import answer, request

S, M, P, X = SessionState, ModificationState, Phase, ExchangeState
UC, US = UpdateClientState, UpdateServerState
Places = dict[type, set[Any]]

WAITING_FOR_ANSWER = {S.CALLING, S.PROCEEDING, S.CANCELLING}

CALLER: Places = {
    ProvisionalReceived: set(S),
    AnswerReceived: WAITING_FOR_ANSWER | {S.ENDED},
    OfferReturned: WAITING_FOR_ANSWER | {S.ENDED},
    AnswerMissed: WAITING_FOR_ANSWER | {S.ENDED},
    InviteFailed: WAITING_FOR_ANSWER | {S.ENDED},
    Redirected: {S.CALLING, S.PROCEEDING},
    RingTimedOut: {S.CALLING, S.PROCEEDING},
    InviteReceived: {S.PROCEEDING, S.CANCELLING, S.ANSWERING, S.CONFIRMED, S.LEAVING},
    ByeReceived: {S.PROCEEDING, S.CANCELLING, S.ANSWERING, S.CONFIRMED, S.LEAVING},
    CancelReceived: set(S),
    ByeFinished: {S.LEAVING, S.ENDED},
    SessionLost: {S.PROCEEDING, S.CONFIRMED},
    HangUpRequested: {S.CALLING, S.PROCEEDING, S.ANSWERING, S.CONFIRMED},
    AcceptRequested: {S.PROCEEDING, S.ANSWERING, S.CONFIRMED},
    RefuseRequested: {S.PROCEEDING, S.ANSWERING, S.CONFIRMED},
    ReofferRequested: {S.CALLING, S.PROCEEDING, S.ANSWERING, S.CONFIRMED},
    PrackReceived: {S.PROCEEDING, S.CANCELLING, S.ANSWERING, S.CONFIRMED, S.LEAVING},
    UpdateReceived: {S.PROCEEDING, S.CANCELLING, S.ANSWERING, S.CONFIRMED, S.LEAVING},
    EarlyOfferReceived: set(S),
    RefreshRequested: {S.CONFIRMED},
}
"""Where each input may come at a caller; those that are not named come nowhere."""

CALLEE: Places = {
    ProvisionalReceived: set(S),
    InviteFailed: {S.ENDED},
    AckReceived: {S.ACCEPTED, S.CLOSING},
    AnswerMissed: {S.ACCEPTED, S.CLOSING},
    AckTimedOut: {S.ACCEPTED, S.CLOSING},
    RingTimedOut: {S.OFFERED},
    InviteExpired: {S.OFFERED},
    ProvisionalDue: {S.OFFERED},
    InviteReceived: {S.OFFERED, S.ACCEPTED, S.CLOSING, S.CONFIRMED, S.LEAVING},
    ByeReceived: {S.OFFERED, S.ACCEPTED, S.CLOSING, S.CONFIRMED, S.LEAVING},
    CancelReceived: set(S),
    ByeFinished: {S.LEAVING, S.ENDED},
    SessionLost: {S.OFFERED, S.ACCEPTED, S.CONFIRMED},
    RingRequested: {S.OFFERED},
    AnswerRequested: {S.OFFERED},
    RejectRequested: {S.OFFERED},
    HangUpRequested: {S.OFFERED, S.ACCEPTED, S.CONFIRMED},
    ReofferRequested: {S.OFFERED, S.ACCEPTED, S.CONFIRMED},
    AcceptRequested: {S.OFFERED, S.ACCEPTED, S.CONFIRMED},
    RefuseRequested: {S.OFFERED, S.ACCEPTED, S.CONFIRMED},
    PrackReceived: {S.OFFERED, S.ACCEPTED, S.CLOSING, S.CONFIRMED, S.LEAVING},
    UpdateReceived: {S.OFFERED, S.ACCEPTED, S.CLOSING, S.CONFIRMED, S.LEAVING},
    RefreshRequested: {S.CONFIRMED},
}

MODIFICATION: Places = {
    SessionConfirmed: {M.DORMANT},
    SessionOver: set(M),
    AnswerReceived: {M.OFFERING, M.CLOSED},
    OfferReturned: {M.OFFERING, M.CLOSED},
    AnswerMissed: {M.OFFERING, M.ACCEPTED, M.CLOSED},
    InviteFailed: {M.OFFERING, M.CLOSED},
    GlareReceived: {M.OFFERING, M.CLOSED},
    DialogLost: {M.OFFERING, M.CLOSED},
    InviteReceived: set(M) - {M.DORMANT, M.CLOSED},
    AckReceived: {M.ACCEPTED},
    AckTimedOut: {M.ACCEPTED},
    CancelReceived: set(M),
    BackOffOver: {M.BACKING_OFF},
    ReofferRequested: set(M),
    AcceptRequested: set(M),
    RefuseRequested: set(M),
    RefreshRequested: set(M),
}

EXCHANGE: Places = {
    OfferSent: {X.UNUSED, X.AGREED},
    OfferTaken: {X.UNUSED, X.AGREED},
    AnswerSent: {X.FIRST_TAKEN, X.NEXT_TAKEN},
    AnswerTaken: {X.FIRST_SENT, X.NEXT_SENT},
    OfferVoided: set(X),
}
"""One offer at a time in a dialog, and an answer only to it (RFC 6337 section 2.2)."""

UPDATE_CLIENT: Places = {
    UpdateRequested: set(UC),
    UpdateSucceeded: {UC.SENT, UC.CLOSED},
    UpdateFailed: {UC.SENT, UC.CLOSED},
    UpdateUnknown: {UC.SENT, UC.CLOSED},
    GlareReceived: {UC.SENT, UC.CLOSED},
    PostponementReceived: {UC.SENT, UC.CLOSED},
    DialogLost: {UC.SENT, UC.CLOSED},
    BackOffOver: {UC.BACKING_OFF},
    SessionOver: set(UC),
}

UPDATE_SERVER: Places = {
    UpdateReceived: {US.IDLE},
    PrackReceived: {US.IDLE},
    AcceptRequested: set(US),
    RefuseRequested: set(US),
    AnswerOverdue: set(US),
    SessionOver: set(US),
}

REGISTERED = {P.REGISTERED}
OPEN = {P.REGISTERING, P.REFRESHING, P.STOPPING, P.UNREGISTERING}
REGISTRATION: Places = {
    registration_inputs.StartRequested: set(P),
    registration_inputs.StartHeldBack: {P.IDLE},
    registration_inputs.StopRequested: set(P),
    registration_inputs.ForgetRequested: {P.WAITING},
    registration_inputs.NetworkChanged: set(P),
    registration_inputs.Accepted: OPEN,
    registration_inputs.TooBrief: OPEN,
    registration_inputs.Redirected: OPEN,
    registration_inputs.PlainWanted: OPEN,
    registration_inputs.Failed: OPEN,
    registration_inputs.AnswerOverdue: {P.REGISTERING, P.REFRESHING},
    registration_inputs.RefreshDue: REGISTERED,
    registration_inputs.RetryDue: {P.WAITING},
    registration_inputs.StopTimedOut: {P.STOPPING, P.UNREGISTERING},
}

INVITE = request("INVITE", via="SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK-9")
INVITE_WITH_CONTACT = request("INVITE", extra="Contact: <sip:alice@192.0.2.1>")
KEY = ServerKey("z9hG4bK-9", "192.0.2.2:5060", "INVITE")
ARGUMENTS: dict[str, object] = {
    "response": answer(INVITE.encode(), 180),
    "request": INVITE,
    "key": KEY,
    "source": Hop("UDP", "192.0.2.2", 5060),
    "sdp": b"v=0",
    "status": 486,
    "text": "",
    "cause": EndCause(408, "", local=False),
    "reasons": (),
    "retry_after_s": None,
    "seconds": 1.0,
    "exchange": DialogExchange(Dialog.of_request(INVITE_WITH_CONTACT, "ours")),
    "expires_s": 60,
    "grant": Grant(60),
    "note": "",
    "delay_s": 1.0,
    "manner": Manner.SOON,
    "min_expires_s": 60,
    "target": Uri("sip", host="192.0.2.3"),
}


def example(kind: type) -> Any:
    """An input of that type."""
    names = kind.__match_args__  # type: ignore[attr-defined]
    return kind(**{name: ARGUMENTS[name] for name in names})


def caller() -> StateTable[Any, Any]:
    bench = Bench()
    bench.call()
    return next(iter(bench.agent._calls))


def callee() -> StateTable[Any, Any]:
    bench = Bench()
    bench.called()
    return next(iter(bench.agent._calls))


def standing() -> InviteSession:
    bench = Bench()
    bench.established()
    return next(iter(bench.agent._calls))


def modification() -> StateTable[Any, Any]:
    return standing().modification


def exchange() -> StateTable[Any, Any]:
    return standing()._usage.confirmed_exchange


def update_client() -> StateTable[Any, Any]:
    session = standing()
    return session.update_client(session._usage.confirmed_exchange)


def update_server() -> StateTable[Any, Any]:
    session = standing()
    return session.update_server(session._usage.confirmed_exchange)


def registration() -> StateTable[Any, Any]:
    bench = Bench(account=office())
    bench.agent.start_registration(OFFICE, 0.0)
    return bench.agent._registrations[OFFICE]


MACHINES = [
    (caller, CallerSession, CallInput, S, CALLER),
    (callee, CalleeSession, CallInput, S, CALLEE),
    (modification, SessionModification, ModificationInput, M, MODIFICATION),
    (exchange, DialogExchange, ExchangeInput, X, EXCHANGE),
    (update_client, UpdateClient, UpdateClientInput, UC, UPDATE_CLIENT),
    (update_server, UpdateServer, UpdateServerInput, US, UPDATE_SERVER),
    (registration, Registration, RegistrationInput, P, REGISTRATION),
]


@pytest.mark.parametrize(("make", "machine", "inputs", "states", "places"), MACHINES)
def test_each_pair_is_provided_for_exactly_where_it_can_happen(
    make: Any, machine: type[StateTable[Any, Any]], inputs: Any, states: Iterable[Enum], places: Places
) -> None:
    del make
    for state, kind in product(states, get_args(inputs)):
        provided = (state, kind) in machine.TABLE or (state, kind) in machine.IGNORED
        assert provided == (state in places.get(kind, ())), f"{state.name} and {kind.__name__}"


@pytest.mark.parametrize(("make", "machine", "inputs", "states", "places"), MACHINES)
def test_each_row_leads_to_a_state_of_the_machine(
    make: Any, machine: type[StateTable[Any, Any]], inputs: Any, states: type[Enum], places: Places
) -> None:
    del make, places
    for (state, kind), (following, handler) in machine.TABLE.items():
        assert isinstance(state, states)
        assert kind in get_args(inputs)
        assert isinstance(following, states)
        assert callable(handler)


@pytest.mark.parametrize(("make", "machine", "inputs", "states", "places"), MACHINES)
def test_what_cannot_happen_raises_and_what_is_ignored_changes_nothing(
    make: Any, machine: type[StateTable[Any, Any]], inputs: Any, states: Iterable[Enum], places: Places
) -> None:
    del places
    subject = make()
    for state, kind in product(states, get_args(inputs)):
        if (state, kind) in machine.TABLE:
            continue
        subject.state = state
        if (state, kind) in machine.IGNORED:
            subject.receive(example(kind), 0.0)
        else:
            with pytest.raises(SipStateError, match=f"{kind.__name__} is out of place while"):
                subject.receive(example(kind), 0.0)
        assert subject.state is state


@pytest.mark.parametrize("make", [caller, callee])
def test_after_the_end_the_owner_may_ask_what_he_likes(make: Any) -> None:
    session = make()
    session.receive(HangUpRequested(), 0.0)
    for state, kind in product(S, REQUESTS):
        session.state = state
        session.receive(example(kind), 0.0)
        assert session.state is state


@pytest.mark.parametrize("rooms", [(session_inputs, offer_inputs), (update_inputs,), (dialog_exchange,)])
def test_every_input_is_in_a_union(rooms: Any) -> None:
    unions = {
        kind
        for union in (CallInput, ModificationInput, ExchangeInput, UpdateClientInput, UpdateServerInput)
        for kind in get_args(union)
    }
    for room in rooms:
        named = {
            item
            for item in vars(room).values()
            if isinstance(item, type) and item.__module__ == room.__name__ and not item.__name__.startswith("_")
        }
        named = {item for item in named if hasattr(item, "__match_args__")}
        assert named <= unions
        assert named


def test_a_machine_must_have_a_name() -> None:
    with pytest.raises(NotImplementedError):
        _ = StateTable(S.CALLING).name
