"""Challenges and checks digest credentials for the exchange (RFC 3261 section 22, RFC 7616, RFC 8760)."""

from _operator import _compare_digest as compare_digest
from collections.abc import Callable
from enum import Enum, auto

from device.exchange.algorithm_choice import ALGORITHMS, AUTOMATIC, AlgorithmChoice
from device.exchange.seal import Seal
from device.exchange.used_nonces import UsedNonces
from device.ids import IdSource
from device.model import Credential
from device.records import dataclass
from device.sip.auth_headers import AuthCredentials, make_challenge, parse_credentials
from device.sip.digest import ha1, verify
from device.sip.errors import SipParseError
from device.sip.message import Request
from device.sip.uri import parse_uri

MAX_CREDENTIALS = 3
"""Credentials of our realm that are looked at: Linphone 5 answers a nonce once for each algorithm."""

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


class Authenticator:
    """Checks requests against the users of one realm.

    A nonce carries the time at which it was given out and a seal of ours, so that nothing is remembered of those that
    nobody answers: strangers who ask for many take nothing away from the users. Those of a former life are stale.
    """

    def __init__(
        self, realm: str, lookup: Lookup, ids: IdSource, nonce_lifetime_s: float, digest: str = AUTOMATIC
    ) -> None:
        self.realm = realm
        self._lookup = lookup
        self._ids = ids
        self._lifetime_s = nonce_lifetime_s
        self._choice = AlgorithmChoice(digest)
        self._seal = Seal(ids.nonce())
        self._used = UsedNonces(nonce_lifetime_s)
        self._of_nobody = {name: ha1(name, ids.nonce(), realm, ids.nonce()) for name in ALGORITHMS}
        """Stand for the secret of users who do not exist, so that their answers take the same work to refuse."""

    def challenges(self, now: float, user_agent: str, host: str = "", stale: bool = False) -> list[str]:
        """Values for WWW-Authenticate or Proxy-Authenticate, one an algorithm, with a fresh nonce.

        `user_agent` is what the sender calls itself, `host` its address.
        """
        nonce = self._new_nonce(now, host)
        algorithms = self._choice.offered(host, user_agent, now)
        return [make_challenge(self.realm, nonce, algorithm, stale=stale, qop=("auth",)) for algorithm in algorithms]

    def check(self, request: Request, header: str, now: float, host: str = "") -> Authentication:
        """Check the credentials for our realm in `header`, Authorization or Proxy-Authorization, sent by `host`."""
        found = [one for one in map(parse_credentials, request.headers.get_all(header)) if one is not None]
        ours = [one for one in found if one.realm == self.realm][:MAX_CREDENTIALS]
        outcome = Authentication(Verdict.CHALLENGE)
        for credentials in ours:
            self._choice.answered(host, request.headers.get("User-Agent") or "", credentials.algorithm)
            outcome = self._judge(credentials, request, now, host)
            if outcome.verdict is Verdict.ACCEPTED:
                break
        return outcome

    def _judge(self, credentials: AuthCredentials, request: Request, now: float, host: str) -> Authentication:
        given_at = self._given_at(credentials.nonce, now, host)
        is_right = verify(credentials, request.method, self._stored_ha1, request.body)
        if not is_right or not self._names_target(credentials, request):
            # A wrong password for a nonce of a former life of ours is more likely an old nonce: say so first.
            return Authentication(Verdict.STALE if given_at is None else Verdict.REFUSED)
        count = credentials.count if credentials.qop else 0
        if given_at is None or not self._used.take(credentials.username, credentials.nonce, count, given_at, now):
            return Authentication(Verdict.STALE)
        return Authentication(Verdict.ACCEPTED, credentials.username)

    def remove(self, request: Request, header: str) -> None:
        """Take the credentials for our realm out of `header`; those for others are none of our business."""
        kept = [value for value in request.headers.get_all(header) if not self._are_ours(value)]
        request.headers.remove(header)
        for value in kept:
            request.headers.add(header, value)

    def _are_ours(self, value: str) -> bool:
        try:
            credentials = parse_credentials(value)
        except SipParseError:
            return False
        return credentials is not None and credentials.realm == self.realm

    # Nonces.

    def _new_nonce(self, now: float, host: str) -> str:
        text = f"{int(now * 1000):x}.{self._ids.nonce()}"
        return f"{text}.{self._seal.of('nonce', text, host)}"

    def _given_at(self, nonce: str, now: float, host: str) -> float | None:
        """When we gave a nonce out to that address; None when that is too long ago, or it is none of ours.

        It holds for that address alone: nobody else can use up what it is good for, or fail in its name.
        """
        text, _, seal = nonce.rpartition(".")
        if not nonce.isascii() or not compare_digest(self._seal.of("nonce", text, host), seal):
            return None
        given_at = int(text.partition(".")[0], 16) / 1000
        return given_at if given_at + self._lifetime_s > now else None

    # Credentials.

    def _names_target(self, credentials: AuthCredentials, request: Request) -> bool:
        """Whether the credentials were made for this Request-URI; phones differ in its parameters."""
        try:
            named = parse_uri(credentials.uri)
        except SipParseError:
            return False
        return (named.user, named.host) == (request.uri.user, request.uri.host)

    def _stored_ha1(self, username: str, _realm: str, algorithm: str) -> str | None:
        credential = self._lookup(username)
        values = credential.ha1 if credential is not None else ()
        return dict(values).get(algorithm, self._of_nobody.get(algorithm))
