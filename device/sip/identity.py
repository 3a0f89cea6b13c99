"""Who we are at one server: an account's address of record, routes, Contact and credentials as requests need them."""

from collections.abc import Iterable

from device import plain_logging as logging
from device.annotations import Final
from device.model import Account, AccountId, Credential
from device.records import replace
from device.sip.auth_headers import parse_challenges
from device.sip.client_auth import ClientAuth
from device.sip.core import Core
from device.sip.errors import SipParseError, SipStateError
from device.sip.headers import NameAddr, Via
from device.sip.hop import DEFAULT_PORTS, TLS, UDP, Hop, NextHop, bracketed, ip_literal
from device.sip.message import Response
from device.sip.registration_grant import NOTHING_GRANTED
from device.sip.target import host_uri, next_hop_of
from device.sip.uri import Uri, host_key

_log = logging.getLogger(__name__)

MAX_SERVERS: Final = 32
"""How many addresses of one account's servers are remembered."""


class Identity:
    """An account in use, or with `account` None this phone itself, for calls straight from address to address.

    Raises SipStateError for an account whose server names cannot be read.
    """

    __slots__ = (
        "_core",
        "_home",
        "_learnt",
        "_registrar",
        "account",
        "auth",
        "grant",
        "home_hop",
        "is_translated",
        "proxy",
        "servers",
    )

    def __init__(self, core: Core, account: Account | None, credential: Credential | None) -> None:
        self._core = core
        self._learnt: tuple[str, str, int] | None = None
        """By which transport, and as which host and port, a server sees us."""
        self.is_translated = False
        """Whether the server saw our last REGISTER come from another address than ours (RFC 3581)."""
        self.grant = NOTHING_GRANTED
        """What the registrar gave us, as long as we are registered."""
        self.home_hop: Hop | None = None
        """The server that took our last REGISTER: as long as it serves, calls go where the registration lives."""
        self.servers: set[str] = set()
        """Addresses from which this account's servers have answered or are configured to be."""
        self.proxy: Uri | None = None
        self._home: Uri | None = None
        self._registrar: Uri | None = None
        self.auth: ClientAuth | None = None
        """What answers challenges; None without a password."""
        self.configure(account, credential)

    def configure(self, account: Account | None, credential: Credential | None) -> None:
        """Take the account's data, the first time or when they changed."""
        if account is not None:
            home = _server(account, "domain").without_param("transport")
            registrar = _server(account, "registrar") if account.registrar else home
            proxy = _server(account, "outbound_proxy").with_params(lr=None) if account.outbound_proxy else None
            if (home, registrar, proxy) != (self._home, self._registrar, self.proxy):
                self._home, self._registrar, self.proxy = home, registrar, proxy
                addresses = (ip_literal(uri.host) for uri in (registrar, proxy) if uri is not None)
                self.servers = {address for address in addresses if address is not None}
                self.auth = None
                self.grant = NOTHING_GRANTED
                self.home_hop = None
        self.account = account
        if credential is None:
            self.auth = None
        elif self.auth is not None and self.auth.credential.username == credential.username:
            self.auth.take_credential(credential)
        else:
            self.auth = ClientAuth(credential, self._core.ids)

    def add_server(self, host: str) -> None:
        """Note an address from which a server of this account answers."""
        if len(self.servers) < MAX_SERVERS:
            self.servers.add(host)

    def settle_at(self, hop: Hop | None, hops: Iterable[Hop]) -> None:
        """The server at `hop` has taken our REGISTER; the others of `hops` may stand in for it, and call us."""
        if self.home_hop is not None and hop is not None and hop != self.home_hop:
            _log.info("%s: the server is now %s, no longer %s", self.account_id, hop, self.home_hop)
        self.home_hop = hop
        for one in hops:
            self.add_server(one.host)

    @property
    def is_enabled(self) -> bool:
        """Whether this is an account that takes calls."""
        return self.account is not None and self.account.enabled

    @property
    def account_id(self) -> AccountId | None:
        """The account's id, None for calls without one."""
        return self.account.id if self.account is not None else None

    @property
    def transport(self) -> str | None:
        """ "UDP", "TCP" or "TLS"; None where DNS chooses (RFC 3263 section 4.1)."""
        return _transport(self.account) if self.account is not None else UDP

    @property
    def domain(self) -> str:
        """What completes a bare number; "" without an account."""
        return self.account.domain if self.account is not None else ""

    @property
    def user(self) -> str:
        """The user part of our address."""
        return self.account.user if self.account is not None else self._core.settings.ip_call_user

    @property
    def proxy_routes(self) -> list[NameAddr]:
        """The pre-loaded Route of a REGISTER: the outbound proxy (RFC 3261 section 8.1.2)."""
        return [NameAddr("", self.proxy)] if self.proxy is not None else []

    @property
    def routes(self) -> list[NameAddr]:
        """The pre-loaded Route of other requests outside dialogs: the outbound proxy, then the service route.

        RFC 3608 section 5. A proxy that puts itself into the service route is not gone through twice.
        """
        service = list(self.grant.service_route)
        if self.proxy is not None and not (service and service[0].uri.host_port == self.proxy.host_port):
            service.insert(0, NameAddr("", self.proxy))
        return service

    def next_hop(self, uri: Uri) -> NextHop:
        """Where a request outside a dialog goes: its first route, the account's registrar for its domain, the URI."""
        if self.proxy is None and self.grant.service_route:
            return self._way(self.grant.service_route[0].uri, uri, self.transport)
        return self.registrar_hop(uri)

    def registrar_hop(self, uri: Uri) -> NextHop:
        """Where a REGISTER for `uri` goes: no service route is for it (RFC 3608 section 5)."""
        if self.proxy is not None:
            return self._way(self.proxy, uri, self.transport)
        if self._registrar is not None and self.is_home(uri):
            return self._way(self._registrar, uri, self.transport)
        return self._way(uri, uri, self.transport if self.transport != UDP else None)

    def _way(self, by: Uri, uri: Uri, transport: str | None) -> NextHop:
        """The way by one URI to another: secure from here on where the other or the account asks for that (26.2.2)."""
        secure = uri.scheme == "sips" or self.transport == TLS
        return next_hop_of(replace(by, scheme="sips") if secure else by, transport)

    def vouched(self, next_hop: NextHop) -> NextHop:
        """The way with what the account adds: its domain where TLS may be spoken, and TLS where nothing is said.

        A server of ours may be certified for its domain alone, whatever name or address a route gives it. Where every
        request is to go to the outbound proxy the way is always there.
        """
        if self.proxy is not None and self.account is not None and self.account.proxy_mode == "always":
            next_hop = next_hop_of(self.proxy, self.transport)
        transport = next_hop.transport or (TLS if self.transport == TLS else None)
        if self._home is None or (transport or self.transport) not in (TLS, None):
            return next_hop
        return replace(next_hop, transport=transport, domain=ip_literal(self._home.host) or self._home.host)

    def stand_in(self, next_hop: NextHop) -> NextHop | None:
        """The name of our servers, when `next_hop` is an address that may be one of theirs: others may stand in."""
        if self._home is None or ip_literal(next_hop.host) is None:
            return None
        server = self.registrar_hop(self._home)
        return self.vouched(server) if ip_literal(server.host) is None else None

    def is_home(self, uri: Uri) -> bool:
        """Whether a URI is one of this account's own domain."""
        return self._home is not None and uri.host_port == self._home.host_port

    def registrar_uri(self) -> Uri:
        """The Request-URI of a REGISTER: the domain, without a user part (section 10.2)."""
        assert self._home is not None
        return self._home

    def address(self, next_hop: NextHop) -> NameAddr:
        """Our address of record, for From and for the To of a REGISTER; without an account our own IP address."""
        if self.account is not None and self._home is not None:
            return NameAddr(self.account.display_name, replace(self._home, user=self.account.user))
        host, _ = self._core.local_address(next_hop.transport or UDP, next_hop.host)
        return NameAddr(self._core.settings.display_name, Uri("sip", user=self.user, host=bracketed(host)))

    def contact(self, transport: str | None, destination: str, secure: bool = False) -> NameAddr:
        """Where the peer at `destination` reaches us in a dialog (section 8.1.1.8).

        That is our GRUU where the registrar gave us one (RFC 5627 section 4.4), of which the temporary one tells
        nothing of us; or our address, with `ob` where a proxy knows our flow (RFC 5626 section 4.3). A `secure` one is
        a `sips:` URI, as those want who used one themselves.
        """
        grant = self.grant
        gruu = grant.public_gruu
        if self.account is not None and self.account.privacy and grant.temporary_gruu is not None:
            gruu = grant.temporary_gruu
        if gruu is not None:
            return NameAddr("", replace(gruu, scheme="sips" if secure else gruu.scheme))
        contact = self.direct_contact(transport, destination, secure)
        return replace(contact, uri=contact.uri.with_params(ob=None)) if grant.outbound else contact

    def direct_contact(self, transport: str | None, destination: str, secure: bool = False) -> NameAddr:
        """Our own address as the peer at `destination` reaches it: what is registered."""
        home = self.home_hop
        if home is not None:
            # DNS has chosen: what it chose is what we speak and where we are seen from.
            transport = transport or (home.transport if self.transport is None else None)
            if self._home is not None and destination == self.registrar_hop(self._home).host:
                destination = home.host
        transport = TLS if secure else transport or UDP
        host, port = self._contact_address(transport, destination)
        uri = Uri("sips" if secure else "sip", user=self.user, host=bracketed(host), port=port or None)
        return NameAddr("", uri if transport == UDP or secure else uri.with_params(transport=transport.lower()))

    def is_reached_otherwise(self, contact: NameAddr) -> bool:
        """Whether the server that DNS led to sees us elsewhere than `contact` says, which was written before."""
        hop = self.home_hop
        if hop is None:
            return False
        own = self.direct_contact(self.transport or hop.transport, hop.host, contact.uri.scheme == "sips").uri
        return (own.host_port, own.transport) != (contact.uri.host_port, contact.uri.transport)

    def _contact_address(self, transport: str, destination: str) -> tuple[str, int]:
        host, port = self._core.local_address(transport, destination)
        settings = self._core.settings
        if settings.advertised_address:
            return settings.advertised_address, settings.advertised_port or port
        if self._learnt is not None and self._learnt[0] == transport:
            return self._learnt[1:]
        return host, port

    def learn_address(self, via: Via) -> bool:
        """Take our public address from the Via of a response, as the server saw it; true when Contact changes by it.

        The port that a server sees of a connection takes calls on that connection alone. So it counts only where
        nobody can connect to us: behind address translation, and where we do not listen (no port in our Via).
        """
        settings = self._core.settings
        host = ip_literal(via.host) or via.host
        sent = (host, via.port or DEFAULT_PORTS.get(via.transport, 5060))
        # A server may spell an IPv6 address in another way; it is the same one still.
        received = via.received if via.received and host_key(via.received) != host_key(host) else host
        seen = (received, via.rport or sent[1])
        # The port of a connection that we opened is never the one that we listen on.
        self.is_translated = seen != sent if via.transport == UDP else seen[0] != host
        if settings.advertised_address or not settings.learn_contact:
            return False
        listens = via.transport == UDP or via.port is not None
        learnt = (via.transport, *seen) if self.is_translated or (not listens and seen != sent) else None
        changed = learnt != self._learnt
        self._learnt = learnt
        return changed

    def forget_address(self) -> None:
        """The network changed: what servers saw of us before is no longer true."""
        self._learnt = None
        self.is_translated = False

    def owns(self, uri: Uri) -> bool:
        """Whether a Request-URI is a GRUU of ours; our domain's proxy may send us none of others (RFC 5627)."""
        if not uri.has_param("gr") or self.account is None:
            return False
        plain = replace(uri, scheme="sip")
        given = (self.grant.public_gruu, self.grant.temporary_gruu)
        return any(one is not None and one.matches(plain) for one in given)

    @property
    def instance_urn(self) -> str:
        """The instance id of this device, "urn:uuid:..."."""
        return self._core.instance.urn

    @property
    def shows_instance(self) -> bool:
        """Whether our instance id goes into a REGISTER, and with it what RFC 5626 and 5627 build on it."""
        return bool(self._core.instance.urn) and self.account is not None and self.account.outbound

    def refusal_text(self, response: Response) -> str:
        """What to say when the challenge of `response` could not be answered (section 22.1: with the realm)."""
        auth = self.auth
        if auth is None:
            realm = _realm(response)
            return f"the server asks for a password{realm}, but user {self.user} has none here; set one"
        if auth.lacks_realm:
            return f"{auth.fault}: enter it again with `offhook account set {self.account_id} --password`"
        if auth.lacks_nonce:
            return f"the server forgets its challenges before they are answered ({auth.fault}); it may be overloaded"
        if auth.fault and not auth.was_refused:
            return f"the server asks for a password in a way that cannot be answered here ({auth.fault})"
        text = f"the server refused user {auth.credential.username}'s password; check user name and password"
        return f"{text} ({auth.fault})" if auth.fault else text


def _realm(response: Response) -> str:
    """ " for realm 'pbx'", as the first challenge names it; "" when none can be read."""
    headers = response.headers
    challenges = parse_challenges(headers.get_all("WWW-Authenticate") + headers.get_all("Proxy-Authenticate"))
    return f" for realm {challenges[0].realm[:60]!a}" if challenges and challenges[0].realm else ""


def _transport(account: Account) -> str | None:
    return None if account.transport == "auto" else account.transport.upper()


def _server(account: Account, field: str) -> Uri:
    """The URI of the server that a field of the account names."""
    text: str = getattr(account, field)
    try:
        return host_uri(text, _transport(account))
    except SipParseError as error:
        raise SipStateError(f"account {account.id}: {field}: {error}; write host or host:port") from None
