"""The settings of the embedded exchange."""

from device import __version__
from device.annotations import ClassVar
from device.exchange.algorithm_choice import AUTOMATIC, DIGEST_CHOICES
from device.records import dataclass
from device.sip.errors import SipParseError
from device.sip.header_syntax import is_digits
from device.sip.uri import parse_host_port

MAX_SLOTS = 100
"""Parking slots of a house."""

STRANGERS = ("call", "house", "challenge", "silence")
"""What senders may do who are no users; see HELP."""


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """How the exchange treats its users and strangers."""

    SECTION: ClassVar[str] = "exchange"
    HELP: ClassVar[dict[str, str]] = {
        "domain": "the SIP domain that the exchange answers for: a host name or an IP address",
        "min_expires_s": "shortest registration lifetime in seconds; a shorter wish is answered with 423",
        "max_expires_s": "longest registration lifetime in seconds; a longer wish is shortened",
        "default_expires_s": "registration lifetime in seconds where the phone names none",
        "max_contacts": "contacts that one user may have registered at once",
        "nonce_lifetime_s": "seconds for which a digest nonce is taken; afterwards it is stale",
        "digest": "what phones are challenged with: auto is both SHA-256 and MD5 in the order that suits the phone, "
        "and MD5 alone where it gives up on the other; both is SHA-256 before MD5 for all; sha-256 or md5 stand alone",
        "ring_timeout_s": "seconds that a call may ring before it is given up (Timer C, at least 180 by the RFC)",
        "serial_ring_s": "seconds that the phones of a user ring before those with a lower q have their turn",
        "follow_redirects": "whether the exchange itself calls where a 3xx sends a call; if not, the caller is told",
        "strangers": "who is none of our users: call may call them; house may call them from a private address, and is "
        "challenged from elsewhere; challenge is challenged always; silence gets no answer at all",
        "ban_after": "points for wrong passwords (5), unknown numbers (3) and the like that get an address banned; "
        "time takes 12 a minute away; 0 bans nobody",
        "ban_s": "seconds for which an address is banned at first, four times as long each further time, a day at most",
        "requests_per_s": "requests a second that an address may send which has not proved to be a user; 0 is no limit",
        "message_days": "days for which texts for users who are away are kept; 0 keeps none",
        "pickup_code": "what is dialled, alone or before a number, to take a call that rings elsewhere; empty for none",
        "pickup_groups": "users who take each other's calls, by blanks; groups of them by commas; empty: all do",
        "park_slots": "numbers that calls are parked at, such as 701-709; needs the music service; empty for none",
        "server": "text of the Server header; empty sends none",
    }

    domain: str = ""
    min_expires_s: int = 30
    max_expires_s: int = 3600
    default_expires_s: int = 600
    max_contacts: int = 10
    nonce_lifetime_s: int = 300
    digest: str = AUTOMATIC
    ring_timeout_s: int = 185
    serial_ring_s: int = 20
    follow_redirects: bool = True
    strangers: str = "call"
    ban_after: int = 30
    ban_s: int = 300
    requests_per_s: int = 200
    message_days: int = 7
    pickup_code: str = "*8"
    pickup_groups: str = ""
    park_slots: str = ""
    server: str = f"offhook-exchange/{__version__}"

    def faults(self) -> list[str]:
        """Everything wrong with these settings, in words."""
        found = []
        if not _is_host(self.domain):
            found.append(
                f"exchange.domain: {self.domain!r} is not the host name or address that phones register at, without "
                "port, an IPv6 address in brackets"
            )
        if not 1 <= self.min_expires_s <= self.default_expires_s <= self.max_expires_s:
            found.append("exchange.min_expires_s, default_expires_s, max_expires_s: must not fall, and be at least 1")
        for name, lowest, highest in (
            # A call may have 60 branches in all the network (RFC 5393 section 5.3.3).
            ("max_contacts", 1, 60),
            ("nonce_lifetime_s", 10, 86_400),
            ("ring_timeout_s", 181, 3600),
            ("serial_ring_s", 5, 600),
            ("ban_after", 0, 1000),
            ("ban_s", 10, 86_400),
            ("requests_per_s", 0, 10_000),
            ("message_days", 0, 365),
        ):
            if not lowest <= getattr(self, name) <= highest:
                found.append(f"exchange.{name}: {getattr(self, name)} is not between {lowest} and {highest}")
        if self.digest not in DIGEST_CHOICES:
            found.append(f"exchange.digest: {self.digest!r} is none of {', '.join(DIGEST_CHOICES)}")
        if self.strangers not in STRANGERS:
            found.append(f"exchange.strangers: {self.strangers!r} is none of {', '.join(STRANGERS)}")
        if not set(self.pickup_code) <= set("0123456789*"):
            found.append(f"exchange.pickup_code: {self.pickup_code!r} is not made of digits and *")
        try:
            parse_slots(self.park_slots)
        except ValueError as error:
            found.append(f"exchange.park_slots: {error.args[0]!r} is no number and no row of numbers such as 701-709")
        if not self.server.isprintable():
            found.append("exchange.server: contains a line break or another control character")
        return found


def _is_host(text: str) -> bool:
    try:
        return parse_host_port(text)[1] is None
    except SipParseError:
        return False


def parse_slots(text: str) -> tuple[str, ...]:
    """Read "701-709" or "701, 702"; raises ValueError with what cannot be read."""
    slots: list[str] = []
    for part in text.replace(",", " ").split():
        first, dash, last = part.partition("-")
        numbers = [first, last] if dash else [first]
        if not all(is_digits(number) and len(number) <= 8 for number in numbers):
            raise ValueError(part)
        low, high = int(first), int(numbers[-1])
        if high < low or high - low >= MAX_SLOTS or len(first) != len(numbers[-1]):
            raise ValueError(part)
        slots += [str(number).zfill(len(first)) for number in range(low, high + 1)]
    if len(slots) > MAX_SLOTS:
        raise ValueError(text)
    return tuple(dict.fromkeys(slots))
