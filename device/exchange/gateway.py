"""Where the house meets the telephone network: what goes out by trunks, what comes in, and calls for help."""

from collections.abc import Callable

from device.exchange.house_network import is_of_house
from device.exchange.numbers import dialled_number
from device.exchange.proxy import Received
from device.exchange.response_context import Target
from device.exchange.route_set import OwnNames
from device.exchange.trunks import Refusal, TrunkLine, Trunks
from device.records import replace
from device.sip.errors import SipParseError
from device.sip.hop import Hop
from device.sip.message import Request
from device.sip.uri import Uri, parse_uri

INVITE_LINE = b"INVITE "


class Gateway:
    """The rules of what passes between the users of `domain` and `trunks`."""

    def __init__(self, domain: str, own: OwnNames, trunks: Trunks) -> None:
        self._domain = domain
        self._own = own
        self._trunks = trunks

    # Calls for help.

    def emergency_number(self, request: Request) -> str | None:
        """The number that a call for help asks for; None for other requests, and where no trunk leads out."""
        is_ours = self._own.include(request.uri) or not request.uri.is_sip
        if request.method != "INVITE" or request.to.tag or not is_ours or not self._trunks.lines:
            return None
        return self._trunks.emergency_number(request.uri)

    def is_call_for_help(self, data: bytes, host: str) -> bool:
        """Whether bytes that nobody has read yet begin such a call from the house's own network."""
        if not data.startswith(INVITE_LINE) or not self._trunks.lines or not is_of_house(host):
            return False
        text = data[len(INVITE_LINE) : 200].partition(b" ")[0].decode("utf-8", "replace")
        try:
            uri = parse_uri(text)
        except SipParseError:
            return False
        return (self._own.include(uri) or not uri.is_sip) and self._trunks.emergency_number(uri) is not None

    # Out.

    def ways_out(self, received: Received, is_known: Callable[[str], bool], now: float) -> list[Target] | Refusal:
        """Where a number that nobody here has goes, and calls for help; for our own users alone."""
        request = received.request
        user = request.uri.user
        is_ours = self._own.include(request.uri) and request.to.tag is None
        if not is_ours or received.leg is not None or not self._trunks.lines:
            return []
        is_emergency = self._trunks.plan.emergency_number(user) is not None
        if not self._own.include(request.from_.uri) and not (is_emergency and is_of_house(received.source.host)):
            return []
        if not is_emergency and is_known(user):
            return []
        return self._trunks.targets(user, request.from_.uri.user, request, now)

    def may_be_in_dns(self, received: Received, is_known: Callable[[str], bool]) -> bool:
        """Whether a request calls a number outside, as its caller may, that has not been looked up (RFC 6116)."""
        request, plan = received.request, self._trunks.plan
        user = request.uri.user
        is_call = request.method == "INVITE" and request.to.tag is None and received.in_dns is None
        if not plan.enum_root or not is_call or received.leg is not None or not self._own.include(request.uri):
            return False
        if not self._own.include(request.from_.uri) or plan.emergency_number(user) or is_known(user):
            return False
        number = dialled_number(user)
        return bool(number) and plan.class_of(number) in self._trunks.permitted(request.from_.uri.user)

    def forwarded(self, number: str, caller: str, request: Request, now: float) -> list[Target]:
        """Where a number goes that a user sends calls on to."""
        targets = self._trunks.targets(number, caller, request, now) if self._trunks.lines else []
        return [] if isinstance(targets, Refusal) else targets

    # In.

    def arrival(self, request: Request, source: Hop) -> TrunkLine | None:
        """The trunk that a request has come by, which may call our users; None where its sender has to prove something.

        Its Request-URI is one of ours afterwards, without user where it asks for the exchange itself.
        """
        line = self._trunks.line_of(source, request.uri.user)
        if line is None or request.method == "REGISTER" or self._own.include(request.from_.uri):
            return None
        if not self._own.include(request.uri):
            if request.uri.user != line.identity.user:
                return None
            # Our contact as the provider sees it: the address of a translator between us.
            request.uri = self.address_of(request.uri.user)
        if request.method == "OPTIONS" and request.uri.user == line.identity.user:
            request.uri = replace(request.uri, user="")
        # Whatever way it came, it ends here; some providers leave the Route in with which their own user sent it.
        request.headers.remove("Route")
        return line

    def account_of(self, request: Request, is_known: Callable[[str], bool]) -> Uri | None:
        """Who rings for a trunk whose account is called from an address that we do not know of its provider.

        Large providers call from other machines than they register phones at. Such a caller is a stranger like others.
        """
        user = request.uri.user
        rings = [line.trunk.ring for line in self._trunks.lines if line.identity.user == user and line.trunk.ring]
        if not user or not rings or not self._own.include(request.uri) or self._own.include(request.from_.uri):
            return None
        return None if is_known(user) else self.address_of(rings[0])

    def called_here(self, number: str, is_known: Callable[[str], bool]) -> str:
        """Who is meant by a number that came in, which providers write in this way or that; "" for nobody here."""
        plain, plan = dialled_number(number), self._trunks.plan
        full = (plan.e164(plain) or "") if plain else ""
        # Many leave the + of an international number out.
        without_plus = plan.canonical(f"+{plain}") if plain.isdigit() else ""
        spellings = (number, plan.canonical(plain) if plain else "", full, full[1:], without_plus)
        return next((spelling for spelling in spellings if spelling and is_known(spelling)), "")

    def address_of(self, user: str) -> Uri:
        """The address of record of a user or number here."""
        return Uri("sip", user=user, host=self._domain)
