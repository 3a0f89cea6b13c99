"""Who is let in at the door: rate limits for strangers, and bans for scanners and for those who guess passwords.

What is good for a house is known without any list of addresses: users prove who they are, and who fails to, again and
again, is none.
"""

from collections.abc import Callable

from device.annotations import Final
from device.exchange.house_network import is_of_house
from device.records import dataclass
from device.sip.uri import host_key

SCANNERS: Final = (
    b"friendly-scanner",
    b"friendly-request",
    b"sipvicious",
    b"sipcli",
    b"sip-scan",
    b"sundayddr",
    b"pplsip",
    b"siparmyknife",
    b"sivus",
    b"vaxsipuseragent",
    b"smap",
)
"""What the User-Agent of programs begins with, in lower case, that look for telephone systems to break into."""

WRONG_PASSWORD: Final = 5.0
UNKNOWN_NUMBER: Final = 3.0
NOT_ALLOWED: Final = 2.0
CHALLENGED: Final = 0.1
"""Points for what a sender does; a phone that registers is challenged first, and then proves who it is."""

FORGIVEN_PER_S: Final = 0.2
"""Points that time takes away: a phone with a wrong password that tries twice a minute is never banned for it."""

PROOF: Final = 3.0
"""Points that a proof takes away: those of its own challenge, and some for others behind the same address."""

BURST_S: Final = 4.0
"""Seconds' worth of requests that a stranger may send at once."""

KNOWN_FOR_S: Final = 3600.0
"""A sender who has proved to be a user is not counted for so long."""

LONGEST_BAN_S: Final = 86_400.0
MAX_SENDERS: Final = 2000
"""Senders that are remembered; the one heard of longest ago makes room, but never one that is banned for another."""

MAX_BANNED: Final = 500


@dataclass(frozen=True, slots=True)
class Ban:
    """An address that gets no answer until then, in monotonic seconds."""

    sender: str
    until: float
    reason: str


class _Sender:
    """What is known of one sender."""

    __slots__ = ("bans", "known_until", "points", "seen_at", "tokens")

    def __init__(self, now: float, tokens: float) -> None:
        self.points = 0.0
        self.tokens = tokens
        self.seen_at = now
        self.known_until = float("-inf")
        self.bans = 0


class Admission:
    """Counts what senders do; bans those of more than `limit` points for `ban_s` seconds, longer each time.

    With `limit` 0 nobody is banned. Strangers may send `requests_per_s`; 0 is as many as they like.
    """

    def __init__(self, limit: float, ban_s: float, requests_per_s: float) -> None:
        self._limit = limit
        self._ban_s = ban_s
        self._per_s = requests_per_s
        self._senders: dict[str, _Sender] = {}
        self._bans: dict[str, Ban] = {}
        self.is_excepted: Callable[[bytes, str], bool] = lambda _data, _sender: False
        """Whether a message of that sender is to be let in whatever was before, as a call for help."""
        self.dropped = 0
        """Messages that were not looked at."""
        self.news: list[Ban] = []
        """Bans that nobody has been told of yet."""

    # At the door: nothing has been read yet.

    def admits(self, data: bytes, sender: str, now: float) -> bool:
        """Whether a message is to be looked at."""
        if sender in self._bans:
            if self._bans[sender].until > now and not self._pardons(data, sender, now):
                self.dropped += 1
                return False
            self._bans.pop(sender, None)
        if data.startswith(b"SIP/2.0 "):
            return True
        if self._limit and _is_of_scanner(data):
            if not self._is_known(sender, now):
                self._ban(sender, "a scanner by its own name", now)
        elif not (self._takes_token(sender, now) or self._pardons(data, sender, now)):
            pass
        else:
            return True
        self.dropped += 1
        return False

    def _pardons(self, data: bytes, sender: str, now: float) -> bool:
        """Let in who is excepted: for all that belongs to this call, too."""
        if not self.is_excepted(data, sender):
            return False
        self.pardon(sender)
        self.note_proof(sender, now)
        return True

    def _takes_token(self, sender: str, now: float) -> bool:
        if not self._per_s:
            return True
        one = self._sender(sender, now)
        if one.known_until > now:
            return True
        if one.tokens < 1.0:
            return False
        one.tokens -= 1.0
        return True

    # What came of it.

    def note(self, sender: str, points: float, reason: str, now: float, is_certain: bool = False) -> None:
        """A sender did something that users seldom do.

        Where it is not certain that it was the sender, since anybody can write any address on a datagram, it counts
        for nothing against one who has proved to be a user: nobody shall get others banned.
        """
        if not is_certain and self._is_known(sender, now):
            return
        one = self._sender(sender, now)
        one.points += points
        if self._limit and one.points > self._limit:
            self._ban(sender, reason, now)

    def note_proof(self, sender: str, now: float) -> None:
        """A sender has proved to be a user."""
        one = self._sender(sender, now)
        one.points = max(0.0, one.points - PROOF)
        one.known_until = now + KNOWN_FOR_S

    # For who runs the exchange.

    def bans(self, now: float) -> list[Ban]:
        """Who is banned, those first who are soon free."""
        self._bans = {sender: ban for sender, ban in self._bans.items() if ban.until > now}
        return sorted(self._bans.values(), key=lambda ban: ban.until)

    def pardon(self, sender: str) -> bool:
        """Let somebody in again; answers whether there was a ban."""
        self._senders.pop(sender, None)
        return self._bans.pop(sender, None) is not None

    def _is_known(self, sender: str, now: float) -> bool:
        one = self._senders.get(sender)
        return one is not None and one.known_until > now

    def _ban(self, sender: str, reason: str, now: float) -> None:
        one = self._sender(sender, now)
        lasts_s = min(self._ban_s * 4**one.bans, LONGEST_BAN_S)
        one.bans = min(one.bans + 1, 10)
        one.points = 0.0
        if len(self._bans) >= MAX_BANNED:
            del self._bans[next(iter(self._bans))]
        self._bans[sender] = ban = Ban(sender, now + lasts_s, reason)
        if len(self.news) < MAX_BANNED:
            self.news.append(ban)

    def _sender(self, sender: str, now: float) -> _Sender:
        """What is known of a sender, brought up to the present."""
        one = self._senders.pop(sender, None)
        if one is None:
            if len(self._senders) >= MAX_SENDERS:
                del self._senders[next(iter(self._senders))]
            one = _Sender(now, BURST_S * self._per_s)
        passed = max(0.0, now - one.seen_at)
        one.points = max(0.0, one.points - passed * FORGIVEN_PER_S)
        one.tokens = min(BURST_S * self._per_s, one.tokens + passed * self._per_s)
        one.seen_at = now
        self._senders[sender] = one
        return one


def sender_of(host: str, port: int) -> str:
    """Whom a source address means: a machine, and on this machine itself one program of several.

    Whoever has one address of an IPv6 network from outside has all of it, 64 bits wide: it counts as one.
    """
    host = host.lower().removeprefix("::ffff:")
    if host.startswith("127.") or host == "::1":
        return f"{host}:{port}"
    return f"{_network(host)}::/64" if ":" in host and not is_of_house(host) else host


def _network(host: str) -> str:
    """The first four groups of an IPv6 address, written out."""
    return ":".join(host_key(host.partition("%")[0]).split(":")[:4])


def _is_of_scanner(data: bytes) -> bool:
    """Whether a message says that a scanner sent it; looked for without reading the rest."""
    start = data.find(b"\r\nUser-Agent:")
    if start < 0:
        return False
    name = data[start + 13 : start + 60].strip().lower()
    return name.startswith(SCANNERS)
