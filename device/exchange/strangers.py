"""How the exchange meets senders who are none of its users: what they may do, and what is noted of them."""

from device.exchange.admission import (
    CHALLENGED,
    NOT_ALLOWED,
    UNKNOWN_NUMBER,
    WRONG_PASSWORD,
    Admission,
    sender_of,
)
from device.exchange.house_network import is_of_house
from device.exchange.settings import ExchangeSettings
from device.sip.hop import Hop
from device.sip.message import Request
from device.sip.uri import host_key


class Strangers:
    """The setting `strangers` at work, and the deeds that count at the door."""

    def __init__(self, settings: ExchangeSettings) -> None:
        self.admission = Admission(settings.ban_after, settings.ban_s, settings.requests_per_s)
        self._policy = settings.strangers
        self._domain = host_key(settings.domain)

    def meets_silence(self, request: Request) -> bool:
        """Whether the sender of a request that begins something gets no answer at all: it names no user of ours.

        Our address is not enough: scanners write that. Whoever means us knows the name of our domain.
        """
        if self._policy != "silence" or request.to.tag is not None:
            return False
        names = (request.from_.uri, request.to.uri) if request.method == "REGISTER" else (request.from_.uri,)
        return any(host_key(uri.host) != self._domain for uri in names)

    def may_call(self, host: str) -> bool:
        """Whether somebody there may call our users without proving anything."""
        return self._policy == "call" or (self._policy == "house" and is_of_house(host))

    # What they did.

    def proved(self, source: Hop, now: float) -> None:
        """Somebody there has proved to be a user."""
        self.admission.note_proof(sender_of(source.host, source.port), now)

    def challenged(self, source: Hop, now: float) -> None:
        """Somebody there is asked who they are."""
        self._note(source, CHALLENGED, "asks for challenges and answers none", now)

    def wrong_password(self, source: Hop, now: float) -> None:
        """Somebody there has answered wrongly, with a nonce that only they were given."""
        self._note(source, WRONG_PASSWORD, "wrong passwords", now, is_certain=True)

    def unknown_number(self, source: Hop, now: float) -> None:
        """Somebody there has called a number that nobody has."""
        self._note(source, UNKNOWN_NUMBER, "calls numbers that nobody has", now)

    def not_allowed(self, source: Hop, now: float) -> None:
        """Somebody there wants us to carry calls to others."""
        self._note(source, NOT_ALLOWED, "calls through us to others", now)

    def _note(self, source: Hop, points: float, reason: str, now: float, is_certain: bool = False) -> None:
        self.admission.note(sender_of(source.host, source.port), points, reason, now, is_certain)
