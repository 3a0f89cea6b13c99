"""Challenges and checks digest credentials for the exchange (RFC 3261 section 22, RFC 7616, RFC 8760)."""

from collections.abc import Callable
from enum import Enum, auto

from device.ids import IdSource
from device.model import Credential
from device.records import dataclass
from device.sip.auth_headers import AuthCredentials, make_challenge, parse_credentials
from device.sip.digest import verify
from device.sip.errors import SipParseError
from device.sip.message import Request
from device.sip.uri import parse_uri

ALGORITHMS = ("SHA-256", "MD5")
"""Strongest first, as RFC 8760 section 2.2 wants."""

ALGORITHMS_FOR_STRANGERS = ("MD5",)
"""For phones of other makers: baresip 1.0, of Debian 12, gives up on any algorithm it does not know, in whatever order,
and nobody would guess why it does not register."""

OWN_PRODUCT = "offhook"
"""What the User-Agent of phones begins with that are known to choose among challenges."""

MAX_NONCES = 2000
"""Nonces remembered at once; the oldest makes room, and its holder is told that it is stale."""

Lookup = Callable[[str], Credential | None]
"""From user name to the user's credential for our realm."""


class Verdict(Enum):
    """What a request's credentials are worth."""

    ACCEPTED = auto()
    CHALLENGE = auto()
    """There were none for our realm."""
    STALE = auto()
    """They are right, but for a nonce that is over or was used before."""
    REFUSED = auto()
    """They are wrong. Whether the user exists is not told."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """The outcome of a check; `user` is only to be believed when accepted."""

    verdict: Verdict
    user: str = ""


class _Nonce:
    """A nonce of ours: when it ends, and the highest count seen by user, so that nothing is replayed."""

    __slots__ = ("counts", "ends_at")

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.counts: dict[str, int] = {}


class Authenticator:
    """Checks requests against the users of one realm; remembers the nonces it gave out."""

    def __init__(self, realm: str, lookup: Lookup, ids: IdSource, nonce_lifetime_s: float) -> None:
        self.realm = realm
        self._lookup = lookup
        self._ids = ids
        self._lifetime_s = nonce_lifetime_s
        self._nonces: dict[str, _Nonce] = {}

    def challenges(self, now: float, user_agent: str, stale: bool = False) -> list[str]:
        """Values for WWW-Authenticate or Proxy-Authenticate, one an algorithm, with a fresh nonce.

        `user_agent` is what the sender calls itself.
        """
        nonce = self._ids.nonce()
        self._forget_nonces(now)
        self._nonces[nonce] = _Nonce(now + self._lifetime_s)
        algorithms = ALGORITHMS if user_agent.startswith(OWN_PRODUCT) else ALGORITHMS_FOR_STRANGERS
        return [make_challenge(self.realm, nonce, algorithm, stale=stale, qop=("auth",)) for algorithm in algorithms]

    def check(self, request: Request, header: str, now: float) -> Authentication:
        """Check the credentials for our realm in `header`, Authorization or Proxy-Authorization."""
        credentials = self._find(request, header)
        if credentials is None:
            return Authentication(Verdict.CHALLENGE)
        nonce = self._nonces.get(credentials.nonce)
        known = nonce is not None and nonce.ends_at > now
        if not self._names_target(credentials, request) or not verify(
            credentials, request.method, self._stored_ha1, request.body
        ):
            # A wrong password for a nonce of a former life of ours is more likely an old nonce: say so first.
            return Authentication(Verdict.REFUSED if known else Verdict.STALE)
        if nonce is None or not known or not _is_fresh(nonce, credentials):
            return Authentication(Verdict.STALE)
        nonce.counts[credentials.username] = credentials.count
        return Authentication(Verdict.ACCEPTED, credentials.username)

    def remove(self, request: Request, header: str) -> None:
        """Take the credentials for our realm out of `header`; those for others are none of our business."""
        kept = []
        for value in request.headers.get_all(header):
            credentials = parse_credentials(value)
            if credentials is None or credentials.realm != self.realm:
                kept.append(value)
        request.headers.remove(header)
        for value in kept:
            request.headers.add(header, value)

    def _forget_nonces(self, now: float) -> None:
        """Drop what is over, which stands first since all nonces live equally long, and make room for one more."""
        while self._nonces:
            oldest = next(iter(self._nonces))
            if len(self._nonces) < MAX_NONCES and self._nonces[oldest].ends_at > now:
                return
            del self._nonces[oldest]

    def _find(self, request: Request, header: str) -> AuthCredentials | None:
        for value in request.headers.get_all(header):
            credentials = parse_credentials(value)
            if credentials is not None and credentials.realm == self.realm:
                return credentials
        return None

    def _names_target(self, credentials: AuthCredentials, request: Request) -> bool:
        """Whether the credentials were made for this Request-URI; phones differ in its parameters."""
        try:
            named = parse_uri(credentials.uri)
        except SipParseError:
            return False
        return (named.user, named.host) == (request.uri.user, request.uri.host)

    def _stored_ha1(self, username: str, _realm: str, algorithm: str) -> str | None:
        credential = self._lookup(username)
        return dict(credential.ha1).get(algorithm) if credential is not None else None


def _is_fresh(nonce: _Nonce, credentials: AuthCredentials) -> bool:
    """Whether the nonce count has grown; without qop there is no count, and a nonce serves once."""
    before = nonce.counts.get(credentials.username, 0)
    if not credentials.qop:
        return credentials.username not in nonce.counts
    return credentials.count > before
