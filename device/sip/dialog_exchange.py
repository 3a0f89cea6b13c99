"""Offers and answers of one dialog (RFC 3264, RFC 6337): the table that lets no message bring one out of turn.

An offer may stand in INVITE, 2xx, ACK, a reliable 1xx, PRACK or UPDATE; all of them step through this one machine.
"""

from __future__ import annotations

from enum import Enum, auto

from device.annotations import TYPE_CHECKING, ClassVar, Final
from device.records import dataclass
from device.sip.dialog import Dialog
from device.sip.message import Request, Response
from device.sip.session_inputs import SessionOver
from device.sip.state_table import StateTable, Table

if TYPE_CHECKING:
    from device.sip.update_client import UpdateClient
    from device.sip.update_server import UpdateServer

REQUEST_PENDING: Final = 491
OVERLAP: Final = 500


@dataclass(frozen=True, slots=True)
class _Step:
    """One description on its way."""

    sdp: bytes = b""


class OfferSent(_Step):
    """We sent an offer."""

    __slots__ = ()


class OfferTaken(_Step):
    """Their offer came."""

    __slots__ = ()


class AnswerSent(_Step):
    """We answered their offer."""

    __slots__ = ()


class AnswerTaken(_Step):
    """They answered our offer."""

    __slots__ = ()


class OfferVoided(_Step):
    """The offer under way was refused or taken back."""

    __slots__ = ()


ExchangeInput = OfferSent | OfferTaken | AnswerSent | AnswerTaken | OfferVoided


class ExchangeState(Enum):
    """Whose offer is under way, before and after the first agreement."""

    UNUSED = auto()
    """Nobody has offered anything yet."""
    FIRST_SENT = auto()
    FIRST_TAKEN = auto()
    AGREED = auto()
    """An offer has met its answer; the next may come from either side."""
    NEXT_SENT = auto()
    NEXT_TAKEN = auto()


_S = ExchangeState


class DialogExchange(StateTable[ExchangeState, ExchangeInput]):
    """The offer/answer state of a dialog, with the descriptions in force and what the peer said that it can do.

    An offer or answer out of turn raises SipStateError: whoever takes one from the peer asks `refusal` first.
    """

    __slots__ = (
        "allow",
        "contact",
        "dialog",
        "early",
        "local",
        "offer",
        "remote",
        "remote_answered",
        "reserved",
        "rseq",
        "update_client",
        "update_server",
    )

    def __init__(self, dialog: Dialog) -> None:
        super().__init__(_S.UNUSED)
        self.dialog = dialog
        self.offer = b""
        """The offer under way or the last one."""
        self.local = b""
        """Our description in force, b"" before there is one."""
        self.remote = b""
        """Theirs."""
        self.remote_answered = False
        """Whether theirs was an answer to an offer of ours."""
        self.reserved = 0
        """What refuses an offer of theirs while a re-INVITE without offer waits for the one that it asks for: 491 where
        it is ours, 500 where it is theirs; 0 for none."""
        self.early = b""
        """The description of an unreliable 1xx: a foretaste of the answer, no answer yet (RFC 3261 section 13.2.1)."""
        self.rseq = 0
        """The RSeq of the last reliable 1xx that was taken, 0 before the first (RFC 3262 section 4)."""
        self.allow: frozenset[str] = frozenset()
        """The methods that the peer takes, as far as it told."""
        self.contact = ""
        """The Contact that we sent last."""
        self.update_client: UpdateClient | None = None
        self.update_server: UpdateServer | None = None

    @property
    def name(self) -> str:
        return f"dialog {self.dialog.call_id}: offers"

    @property
    def is_settled(self) -> bool:
        """Whether there is a session and no offer under way or asked for."""
        return self.state is _S.AGREED and not self.reserved

    @property
    def has_session(self) -> bool:
        """Whether any offer has met its answer."""
        return self.state in (_S.AGREED, _S.NEXT_SENT, _S.NEXT_TAKEN)

    @property
    def is_unused(self) -> bool:
        """Whether nobody has offered anything yet."""
        return self.state is _S.UNUSED

    @property
    def has_offer(self) -> bool:
        """Whether an offer of theirs awaits our answer."""
        return self.state in (_S.FIRST_TAKEN, _S.NEXT_TAKEN)

    @property
    def awaits_first_answer(self) -> bool:
        """Whether our offer in a 2xx or in a reliable 1xx is under way, which ACK or PRACK must answer."""
        return self.state is _S.FIRST_SENT

    @property
    def awaits_answer(self) -> bool:
        """Whether an offer of ours is under way."""
        return self.state in (_S.FIRST_SENT, _S.NEXT_SENT)

    @property
    def refusal(self) -> int:
        """The status that refuses an offer of theirs now: 491 while ours is under way, 500 before ours is answered.

        0 when they may offer (RFC 3261 section 14.2, RFC 3311 section 5.2).
        """
        if self.awaits_answer:
            return REQUEST_PENDING
        return self.reserved or (0 if self.is_settled else OVERLAP)

    def note(self, message: Request | Response) -> None:
        """Read from a message of the peer which methods it takes (RFC 3261 section 20.5)."""
        if "Allow" in message.headers.index:
            self.allow = frozenset(message.tokens("Allow"))

    def close(self, now: float) -> None:
        """The dialog is over, or of no more use: nothing comes of UPDATEs that are under way in it."""
        for updates in (self.update_client, self.update_server):
            if updates is not None:
                updates.receive(SessionOver(), now)

    # What the table does.

    def _begin(self, happened: OfferSent | OfferTaken, _now: float) -> None:
        self.offer = happened.sdp

    def _sent_answer(self, happened: AnswerSent, _now: float) -> None:
        self.local, self.remote, self.remote_answered = happened.sdp, self.offer, False

    def _took_answer(self, happened: AnswerTaken, _now: float) -> None:
        self.local, self.remote, self.remote_answered = self.offer, happened.sdp, True

    def _void(self, _happened: OfferVoided, _now: float) -> None:
        self.offer = b""

    TABLE: ClassVar[Table] = {
        (_S.UNUSED, OfferSent): (_S.FIRST_SENT, _begin),
        (_S.UNUSED, OfferTaken): (_S.FIRST_TAKEN, _begin),
        (_S.FIRST_SENT, AnswerTaken): (_S.AGREED, _took_answer),
        (_S.FIRST_SENT, OfferVoided): (_S.UNUSED, _void),
        (_S.FIRST_TAKEN, AnswerSent): (_S.AGREED, _sent_answer),
        (_S.FIRST_TAKEN, OfferVoided): (_S.UNUSED, _void),
        (_S.AGREED, OfferSent): (_S.NEXT_SENT, _begin),
        (_S.AGREED, OfferTaken): (_S.NEXT_TAKEN, _begin),
        (_S.NEXT_SENT, AnswerTaken): (_S.AGREED, _took_answer),
        (_S.NEXT_SENT, OfferVoided): (_S.AGREED, _void),
        (_S.NEXT_TAKEN, AnswerSent): (_S.AGREED, _sent_answer),
        (_S.NEXT_TAKEN, OfferVoided): (_S.AGREED, _void),
    }

    # Voiding what is not under way changes nothing: a failed request need not know whether it carried an offer.
    IGNORED: ClassVar[frozenset[tuple[Enum, type]]] = frozenset({(_S.UNUSED, OfferVoided), (_S.AGREED, OfferVoided)})
