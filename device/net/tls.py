"""SIP over TLS (RFC 3261 section 26.2, RFC 5922): the streams of `stream_sockets` with a handshake before them.

Only a phone that needs TLS imports this module: `ssl` costs several megabytes.
"""

import os
import re
import socket
import ssl

from device import plain_logging as logging
from device.annotations import ClassVar
from device.net.addresses import DSCP_CS3, NetError
from device.net.certificates import identities, name_fault, proves
from device.net.interfaces import MessageReceiver, Reactor
from device.net.stream_sockets import READ_SIZE, Connection, StreamSockets
from device.net.tls_faults import explain_file_fault, explain_handshake
from device.net.tls_options import TlsOptions
from device.records import replace
from device.sip.hop import TLS, Hop, ip_literal

logger = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT_S = 10.0
"""Time for the handshake of TLS once the connection stands; slow boards need a second or two for it."""

MAX_PROVEN = 64
"""Servers of which it is remembered under which name they proved to be what they are."""

_HASH_LINK = re.compile(r"[0-9a-f]{8}\.[0-9]+")

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class TlsConnection(Connection):
    """One connection whose bytes are encrypted."""

    __slots__ = ("closed", "secured")

    def __init__(self, sock: socket.socket, hop: Hop, is_ours: bool) -> None:
        super().__init__(sock, hop, is_ours)
        self.secured: ssl.SSLSocket | None = None
        """The same descriptor as `sock`, which is empty from then on."""
        self.closed = False

    def secure(self, context: ssl.SSLContext) -> None:
        """Begin the handshake, as a client with a name for SNI where there is one. Raises OSError."""
        server_name = next((name for name in self.hop.names if ip_literal(name) is None), None)
        self.secured = context.wrap_socket(
            self.sock,
            server_side=not self.is_ours,
            do_handshake_on_connect=False,
            server_hostname=server_name if self.is_ours else None,
        )
        self.sock = self.secured

    def advance(self) -> bool:
        self.wants_write = False
        assert self.secured is not None
        try:
            self.secured.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLWantWriteError:
            self.wants_write = True
            return False
        return True

    def send(self) -> None:
        try:
            super().send()
        except ssl.SSLWantWriteError:
            self.wants_write = True
        except ssl.SSLWantReadError:
            # The handshake of TLS 1.3 goes on: what is to be sent leaves when its answer has been read.
            self.wants_write = False

    def receive(self) -> bytes | None:
        assert self.secured is not None
        try:
            return self.secured.recv(READ_SIZE)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLWantWriteError:
            self.wants_write = True
            return None
        except ssl.SSLZeroReturnError:
            return b""

    def has_more(self) -> bool:
        return self.secured is not None and self.secured.pending() > 0

    def say_goodbye(self) -> None:
        if self.secured is None or self.connecting:
            return
        try:
            self.secured.unwrap()
        except (OSError, ValueError):
            # Our part has been said; nobody waits for the other side's (RFC 8446 section 6.1).
            return

    def explain(self, error: OSError) -> str:
        return explain_handshake(error, self.secured, self.connecting)


class TlsSockets(StreamSockets):
    """The TLS side of a SIP element: client always, server where a certificate is configured."""

    TRANSPORT: ClassVar[str] = TLS
    CONNECTION: ClassVar[type[Connection]] = TlsConnection

    __slots__ = ("_contexts", "_options", "_proven")

    def __init__(self, reactor: Reactor, receiver: MessageReceiver, options: TlsOptions, dscp: int = DSCP_CS3) -> None:
        super().__init__(reactor, receiver, dscp)
        self._options = options
        self._contexts: dict[bool, tuple[tuple[float, ...], ssl.SSLContext]] = {}
        self._proven: dict[tuple[str, int], tuple[str, ...]] = {}

    def listen(self, host: str, port: int) -> None:
        try:
            self._context(server=True)
        except (OSError, ValueError) as error:
            raise NetError(explain_file_fault(error, self._options)) from error
        super().listen(host, port)

    def _context(self, server: bool) -> ssl.SSLContext:
        """The settings of one side, made anew when a file of theirs has been replaced. Raises OSError, ValueError."""
        stamps = tuple(_stamp(path) for path in self._options.files)
        made_of, context = self._contexts.get(server, ((), None))
        if context is None or made_of != stamps:
            context = self._make_context(server)
            self._contexts[server] = stamps, context
        return context

    def _make_context(self, server: bool) -> ssl.SSLContext:
        options = self._options
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = VERSIONS[options.minimum]
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        if options.certificate:
            self._load_certificate(context, server)
        if server:
            return context
        # Names are compared by the rules of SIP, which are others than those of the web (RFC 5922 section 7.2).
        context.check_hostname = False
        if not options.verify:
            context.verify_mode = ssl.CERT_NONE
            return context
        # Whoever gives a server's own certificate trusts that, whoever may have signed it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if options.ca_file:
            context.load_verify_locations(options.ca_file)
        if options.system_cas:
            _trust_system(context)
        return context

    def _load_certificate(self, context: ssl.SSLContext, server: bool) -> None:
        """As a client we can do without our own: few servers ask for it, and those tell. Raises OSError, ValueError."""
        options = self._options
        try:
            # An empty passphrase, lest OpenSSL ask for one at a terminal and the phone stand still.
            context.load_cert_chain(options.certificate, options.key or None, password="")
        except (OSError, ValueError) as error:
            if server:
                raise
            logger.warning("TLS: going on without our certificate: %s", explain_file_fault(error, options))

    def _serves(self, connection: Connection, hop: Hop) -> bool:
        """One address may be the server of several domains, each of which it has to prove.

        Whoever connected to us has proved nothing: requests of ours go back to him only where that is wanted.
        """
        if not connection.is_ours:
            return self._options.calls_back and not hop.domains
        return not hop.domains or not frozenset(hop.names).isdisjoint(connection.hop.names)

    def _connect(self, hop: Hop) -> Connection | None:
        try:
            self._context(server=False)
        except (OSError, ValueError) as error:
            self._report(hop, explain_file_fault(error, self._options))
            return None
        if hop.domains:
            return super()._connect(hop)
        # A route or a contact names an address: that of a server which has proved there before who it is.
        names = (*self._proven.get((hop.host, hop.port), ()), *(hop.names or (hop.host,)))
        return super()._connect(replace(hop, names=tuple(dict.fromkeys(names))))

    def _begin(self, connection: Connection) -> None:
        assert isinstance(connection, TlsConnection)
        try:
            connection.secure(self._context(server=not connection.is_ours))
        except (OSError, ValueError) as error:
            self._fail(connection, explain_file_fault(error, self._options))
            return
        if connection.is_ours:
            self._timers.set(connection.number, self._reactor.now() + HANDSHAKE_TIMEOUT_S)
        self._advance(connection)

    def _accept_peer(self, connection: Connection) -> bool:
        assert isinstance(connection, TlsConnection)
        assert connection.secured is not None
        if not connection.is_ours:
            return True
        names, known = connection.hop.names, ""
        if self._options.verify:
            certified = identities(connection.secured.getpeercert() or {})
            proved = tuple(name for name in names if proves(certified, (name,), self._options.wildcards))
            if not proved:
                self._fail(connection, name_fault(certified, names))
                return False
            # Of several names that would do, the others are not to be believed of this server.
            connection.hop = replace(connection.hop, names=proved)
            known = f", certified for {certified}"
        self._remember(connection.hop)
        cipher = (connection.secured.cipher() or ("?",))[0]
        logger.info(
            "TLS to %s:%d: %s, %s%s",
            connection.hop.host,
            connection.hop.port,
            connection.secured.version(),
            cipher,
            known,
        )
        return True

    def _remember(self, hop: Hop) -> None:
        self._proven.pop((hop.host, hop.port), None)
        self._proven[hop.host, hop.port] = hop.names
        if len(self._proven) > MAX_PROVEN:
            del self._proven[next(iter(self._proven))]


def _stamp(path: str) -> float:
    """When a file was last changed, 0.0 for one that is not there."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _trust_system(context: ssl.SSLContext) -> None:
    """Trust the system's authorities, read from their folder when one is asked for.

    Their bundle, where it is not in that folder too, would be read whole: 1.3 MB of memory.
    """
    paths = ssl.get_default_verify_paths()
    folder = paths.capath if paths.capath and _is_hashed(paths.capath) else None
    in_folder = folder and paths.cafile and os.path.realpath(paths.cafile).startswith(os.path.realpath(folder) + "/")
    file = None if in_folder else paths.cafile
    if folder or file:
        context.load_verify_locations(cafile=file, capath=folder)


def _is_hashed(folder: str) -> bool:
    """Whether OpenSSL can find certificates in a folder: by links named for the hash of their owner (c_rehash(1))."""
    with os.scandir(folder) as entries:
        return any(_HASH_LINK.fullmatch(entry.name) for entry in entries)
