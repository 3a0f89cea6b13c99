"""The nouns of the exchange that its cores and its store share; values without behaviour, not loaded by the phone."""

from device.annotations import Final
from device.model import Account, Credential
from device.records import dataclass, replace

CALLER_CHOICES: Final = ("account", "number", "own")
"""Who calls out through a trunk by its From: the trunk's account, the caller's number at the trunk's domain, or the
caller's own address, unchanged."""

FORMAT_CHOICES: Final = ("dialled", "e164", "plain", "national")
"""How a number is written for a trunk: as it was dialled, +4930123, 4930123, or 030123 (with the national prefix)."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A way out of the house: an account at a provider, or another exchange.

    `credential` answers its challenges. `ring` is the user of ours that its calls go to where they name nobody here.
    """

    account: Account
    credential: Credential | None = None
    caller: str = "account"
    number_format: str = "dialled"
    ring: str = ""

    @property
    def name(self) -> str:
        """The name by which it is configured."""
        return str(self.account.id)


@dataclass(frozen=True, slots=True)
class TrunkRoute:
    """Numbers that begin with `prefix` go out by `trunk`, without their first `strip` digits, `prepend` before them.

    Of several routes with one prefix the lower `position` comes first; the others stand in for it.
    """

    prefix: str
    trunk: str
    position: int = 0
    strip: int = 0
    prepend: str = ""


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """Numbers that `pattern` matches are of the class `kind`, such as "premium"; see `device.exchange.numbers`."""

    pattern: str
    kind: str


NO_ANSWER_RING_S: Final = 20
"""Seconds that a user's phones ring before the call is sent on, where the user has not said how long."""


@dataclass(frozen=True, slots=True)
class RingGroup:
    """A name under which several phones ring: all at once, or in order, each for `ring_s` seconds.

    `members` and `otherwise`, which is called when nobody answers, are users, other names of ours, or SIP URIs. `bell`
    asks the phones for another ringing, such as "door"; empty leaves it to them.
    """

    name: str
    members: tuple[str, ...]
    in_order: bool = False
    ring_s: int = 0
    bell: str = ""
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Where the calls of a user go instead; empty where they do not. `redirect`: callers are told where to call."""

    user: str
    always: str = ""
    busy: str = ""
    no_answer: str = ""
    no_answer_s: int = NO_ANSWER_RING_S
    redirect: bool = False


@dataclass(frozen=True, slots=True)
class DomainRoute:
    """Which proxy requests for a foreign domain go to; "*" stands for all domains that no other route names.

    `redirect`: the caller is told to go there. Without `next_hop` it is told to go to the domain itself.
    """

    domain: str
    next_hop: str = ""
    redirect: bool = False


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """All that is configured of where calls go. `aliases` are pairs of another name and whom it means."""

    aliases: tuple[tuple[str, str], ...] = ()
    groups: tuple[RingGroup, ...] = ()
    forwardings: tuple[Forwarding, ...] = ()
    routes: tuple[DomainRoute, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountingRecord:
    """One accounted transaction, with the columns of OpenSIPS' table `acc`: a registration, or an end of a call."""

    method: str
    from_tag: str
    to_tag: str
    callid: str
    sip_code: str
    sip_reason: str
    time: int
    """Unix time in seconds at which it was answered or refused."""
    ms_duration: int = 0
    """Of a BYE, how long the call stood."""
    setuptime: int = 0
    """Seconds from INVITE to final response."""
    src_user: str = ""
    dst_user: str = ""
    src_ip: str = ""


@dataclass(frozen=True, slots=True)
class CallDetail:
    """One call as its record tells it. Times are Unix seconds; 0.0 means that it did not happen, or not yet."""

    call_id: str
    from_tag: str
    to_tag: str
    caller: str
    called: str
    set_up_at: float
    answered_by: str = ""
    """The contact of the phone that took it."""
    answered_at: float = 0.0
    ended_at: float = 0.0
    sip_code: int = 0
    """The status of its final response."""
    cause: str = ""
    """Why it ended, in words."""
    ended_by: str = ""
    """"caller" or "callee" of a call that stood; empty for others."""

    @property
    def duration_s(self) -> float:
        """How long people could talk."""
        return max(0.0, self.ended_at - self.answered_at) if self.answered_at and self.ended_at else 0.0


@dataclass(frozen=True, slots=True)
class StoredText:
    """A text that waits for its user; times are Unix seconds. `sender` is a From without tag."""

    user: str
    sender: str
    content_type: str
    body: bytes
    stored_at: float
    expires_at: float
    number: int = 0

    def numbered(self, number: int) -> "StoredText":
        """The text under the number by which it is kept."""
        return replace(self, number=number)
