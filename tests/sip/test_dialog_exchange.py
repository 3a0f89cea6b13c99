"""Whose offer is under way in a dialog, whichever message brought it (RFC 3264, RFC 6337 section 2.2)."""

from itertools import product

import pytest

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
from tests.support.sip_messages import request

OURS, THEIRS = b"ours", b"theirs"
WAYS: list[tuple[ExchangeInput, ExchangeInput, bool]] = [
    (OfferSent(OURS), AnswerTaken(THEIRS), True),
    (OfferTaken(THEIRS), AnswerSent(OURS), False),
]


@pytest.fixture
def exchange() -> DialogExchange:
    return DialogExchange(Dialog.of_request(request("INVITE", extra="Contact: <sip:alice@192.0.2.1>"), "tag"))


@pytest.mark.parametrize(("first", "then"), list(product(WAYS, WAYS)))
def test_every_way_to_an_agreement(
    exchange: DialogExchange,
    first: tuple[ExchangeInput, ExchangeInput, bool],
    then: tuple[ExchangeInput, ExchangeInput, bool],
) -> None:
    """INVITE and 2xx, 2xx and ACK, 1xx and PRACK, UPDATE and 2xx are these two ways, one after the other."""
    for offer, answer, answered in (first, then):
        exchange.receive(offer, 0.0)
        assert not exchange.is_settled
        for doubled in (OfferSent(b"x"), OfferTaken(b"x")):
            with pytest.raises(SipStateError):
                exchange.receive(doubled, 0.0)
        exchange.receive(answer, 0.0)
        assert exchange.is_settled
        assert (exchange.local, exchange.remote, exchange.remote_answered) == (OURS, THEIRS, answered)
        for unasked in (AnswerSent(b"x"), AnswerTaken(b"x")):
            with pytest.raises(SipStateError):
                exchange.receive(unasked, 0.0)


@pytest.mark.parametrize("offer", [OfferSent(b"new"), OfferTaken(b"new")])
def test_an_offer_that_came_to_nothing_leaves_what_was_agreed(exchange: DialogExchange, offer: ExchangeInput) -> None:
    exchange.receive(offer, 0.0)
    exchange.receive(OfferVoided(), 0.0)
    assert exchange.is_unused
    exchange.receive(OfferSent(OURS), 0.0)
    exchange.receive(AnswerTaken(THEIRS), 0.0)
    exchange.receive(offer, 0.0)
    exchange.receive(OfferVoided(), 0.0)
    assert (exchange.is_settled, exchange.local, exchange.remote) == (True, OURS, THEIRS)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (ExchangeState.UNUSED, 500),
        (ExchangeState.FIRST_SENT, 491),
        (ExchangeState.FIRST_TAKEN, 500),
        (ExchangeState.AGREED, 0),
        (ExchangeState.NEXT_SENT, 491),
        (ExchangeState.NEXT_TAKEN, 500),
    ],
)
def test_what_refuses_an_offer(exchange: DialogExchange, state: ExchangeState, status: int) -> None:
    exchange.state = state
    assert exchange.refusal == status


def test_what_the_peer_takes_is_what_it_said_last(exchange: DialogExchange) -> None:
    assert "UPDATE" not in exchange.allow
    exchange.note(request("INVITE", extra="Allow: INVITE, UPDATE"))
    exchange.note(request("INFO"))
    assert "UPDATE" in exchange.allow
    exchange.note(request("INVITE", extra="Allow: INVITE"))
    assert exchange.allow == {"INVITE"}
