"""Digest authentication (RFC 7616, RFC 8760, RFC 3261 section 22): the arithmetic and the client's memory.

A server's nonces are the exchange's matter; the syntax of the header fields is in `auth_headers`.
"""

from _operator import _compare_digest
from collections.abc import Callable, Iterable

from device.annotations import Any
from device.ids import IdSource
from device.model import Credential
from device.records import replace
from device.sip.auth_headers import (
    AuthCredentials,
    AuthenticationInfo,
    Challenge,
    make_challenge,
    parse_authentication_info,
    parse_challenges,
    parse_credentials,
)
from device.sip.errors import SipParseError, SipStateError
from device.sip.header_syntax import quote
from device.sip.headers import CSeq
from device.sip.message import Request, Response

ALGORITHMS = ("SHA-512-256", "SHA-256", "MD5")
"""Those we can compute, strongest first; each also as a `-sess` variant."""

_SOURCES: dict[str, tuple[tuple[str, str], ...]] = {
    "MD5": (("_md5", "md5"),),
    "SHA-256": (("_sha256", "sha256"), ("_sha2", "sha256")),
    "SHA-512-256": (),
}
"""Modules of the interpreter that hash without OpenSSL, by algorithm: `hashlib` costs 3.7 MB more."""

_OPENSSL_NAMES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}

MAX_REALMS = 4
"""So many realms one account answers; a server that names ever new ones is not followed further."""

MAX_STALE_RENEWALS = 2
"""So many nonces in a row a server may call stale at their first use."""

_FIELDS = ((False, "WWW-Authenticate", "Authorization"), (True, "Proxy-Authenticate", "Proxy-Authorization"))

_constructors: dict[str, Callable[[bytes], Any] | None] = {}


def is_supported(algorithm: str) -> bool:
    """Whether this interpreter can compute the algorithm, `-sess` variants included."""
    return _constructor(algorithm.removesuffix("-sess")) is not None


def ha1(algorithm: str, username: str, realm: str, password: str) -> str:
    """H(username:realm:password) in lower-case hexadecimal (RFC 7616 section 3.4.2); `-sess` makes no difference.

    Raises SipStateError for an algorithm that is not in ALGORITHMS or that this system lacks.
    """
    return _hash(algorithm, f"{username}:{realm}:{password}")


def seal(username: str, realm: str, password: str) -> Credential:
    """The credential that answers `realm` without the password being kept.

    SHA-512-256 is included once a server has asked for it, since it needs OpenSSL (decision 0003).
    """
    algorithms = (name for name in reversed(ALGORITHMS) if _SOURCES[name] or _constructors.get(name))
    return Credential(username, realm, tuple((name, ha1(name, username, realm, password)) for name in algorithms))


def authorize(
    challenge: Challenge,
    credential: Credential,
    method: str,
    uri: str,
    body: bytes = b"",
    nonce_count: int = 1,
    cnonce: str = "",
) -> str:
    """The value of an Authorization or Proxy-Authorization that answers `challenge`.

    `uri` is the Request-URI as sent. qop is auth where offered, else auth-int, or none for servers of RFC 2069.
    Raises SipStateError when the credential is for another realm or the challenge cannot be answered.
    """
    base = _base_ha1(challenge, credential)
    qop = _chosen_qop(challenge)
    if base is None or qop is None:
        raise SipStateError(f"no answer to a {challenge.algorithm} challenge of realm {challenge.realm!a}")
    needs_cnonce = bool(qop) or challenge.algorithm.endswith("-sess")
    if needs_cnonce and not cnonce:
        raise SipStateError("an answer with qop or a -sess algorithm needs a cnonce")
    unsigned = AuthCredentials(
        credential.username,
        challenge.realm,
        challenge.nonce,
        uri,
        "",
        challenge.algorithm,
        qop,
        f"{nonce_count:08x}" if qop else "",
        cnonce if needs_cnonce else "",
        challenge.opaque,
    )
    return str(replace(unsigned, response=_response(unsigned, base, method, body)))


def verify(
    credentials: AuthCredentials,
    method: str,
    ha1_lookup: Callable[[str, str, str], str | None],
    body: bytes = b"",
) -> bool:
    """Whether the response in `credentials` proves the password.

    `ha1_lookup(username, realm, algorithm)` gives the stored HA1 for "MD5", "SHA-256" or "SHA-512-256", or None.
    Realm, nonce, nonce count and the URI are for the caller to check.
    """
    algorithm = credentials.algorithm.removesuffix("-sess")
    if algorithm not in ALGORITHMS or credentials.qop not in ("", "auth", "auth-int") or not is_supported(algorithm):
        return False
    stored = ha1_lookup(credentials.username, credentials.realm, algorithm)
    if not stored:
        return False
    expected = _response(credentials, stored, method, body)
    given = credentials.response.lower()
    return given.isascii() and _compare_digest(expected, given)


def make_authentication_info(
    credentials: AuthCredentials, base_ha1: str, body: bytes = b"", nextnonce: str = ""
) -> str:
    """The Authentication-Info value for accepted credentials that had a qop: proves that we know the HA1, too."""
    parts = [f"nextnonce={quote(nextnonce)}"] if nextnonce else []
    if credentials.qop:
        rspauth = _response(credentials, base_ha1, "", body)
        parts.append(f'qop={credentials.qop}, rspauth="{rspauth}", cnonce={quote(credentials.cnonce)}')
        parts.append(f"nc={credentials.nonce_count}")
    return ", ".join(parts)


def rspauth_matches(info: AuthenticationInfo, used: AuthCredentials, credential: Credential, body: bytes) -> bool:
    """Whether a server's rspauth proves that it knows the secret, too; `used` are the credentials it answers."""
    base = _base_ha1(Challenge("Digest", used.realm, used.nonce, algorithm=used.algorithm), credential)
    if base is None or (info.qop and info.qop.lower() != used.qop):
        return False
    given = info.rspauth.lower()
    return given.isascii() and _compare_digest(_response(used, base, "", body), given)


def _response(credentials: AuthCredentials, base_ha1: str, method: str, body: bytes) -> str:
    """request-digest of RFC 7616 section 3.4.1; with an empty method rspauth of section 3.5."""
    algorithm, nonce, cnonce, qop = credentials.algorithm, credentials.nonce, credentials.cnonce, credentials.qop
    a1 = base_ha1.lower()
    if algorithm.endswith("-sess"):
        a1 = _hash(algorithm, f"{a1}:{nonce}:{cnonce}")
    a2 = f"{method}:{credentials.uri}"
    if qop == "auth-int":
        a2 += ":" + _hash(algorithm, body)
    a2 = _hash(algorithm, a2)
    if qop:
        return _hash(algorithm, f"{a1}:{nonce}:{credentials.nonce_count}:{cnonce}:{qop}:{a2}")
    return _hash(algorithm, f"{a1}:{nonce}:{a2}")


def _hash(algorithm: str, data: str | bytes) -> str:
    constructor = _constructor(algorithm.removesuffix("-sess"))
    if constructor is None:
        raise SipStateError(f"digest algorithm {algorithm!a} is not available; use {', '.join(ALGORITHMS)}")
    digest: str = constructor(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")).hexdigest()
    return digest


def _constructor(algorithm: str) -> Callable[[bytes], Any] | None:
    if algorithm not in _constructors and algorithm in _SOURCES:
        _constructors[algorithm] = _find_constructor(algorithm)
    return _constructors.get(algorithm)


def _find_constructor(algorithm: str) -> Callable[[bytes], Any] | None:
    for module, name in _SOURCES[algorithm]:
        try:
            found: Callable[[bytes], Any] = getattr(__import__(module), name)
        except ImportError:
            continue
        return found
    import hashlib  # noqa: PLC0415  Its 3.7 MB are paid only by who needs it.

    name = _OPENSSL_NAMES[algorithm]
    try:
        hashlib.new(name, b"", usedforsecurity=False)
    except ValueError:
        return None
    return lambda data: hashlib.new(name, data, usedforsecurity=False)


def _base_ha1(challenge: Challenge, credential: Credential) -> str | None:
    """The HA1 for the challenge; None for a foreign realm, another scheme or an algorithm without secret."""
    algorithm = challenge.algorithm.removesuffix("-sess")
    if challenge.scheme != "Digest" or algorithm not in ALGORITHMS:
        return None
    stored = dict(dict(credential.secrets).get(challenge.realm, ())).get(algorithm)
    if not (stored or credential.password) or not is_supported(algorithm):
        return None
    return stored or ha1(algorithm, credential.username, challenge.realm, credential.password)


def _chosen_qop(challenge: Challenge) -> str | None:
    """ "auth", "auth-int", "" for RFC 2069, None when the server offers only what we do not know."""
    for option in ("auth", "auth-int"):
        if option in challenge.qop:
            return option
    return None if challenge.qop else ""


def strongest(challenges: Iterable[Challenge], credential: Credential) -> Challenge | None:
    """The challenge with the strongest algorithm that the credential can answer; the first of equals, None of none."""
    answerable = [
        challenge
        for challenge in challenges
        if _chosen_qop(challenge) is not None and _base_ha1(challenge, credential) is not None
    ]
    return min(answerable, key=lambda item: ALGORITHMS.index(item.algorithm.removesuffix("-sess")), default=None)


class _ProtectionSpace:
    """One realm at one kind of server: the nonce in use and how often it was used."""

    __slots__ = ("challenge", "cnonce", "methods", "renewals", "uses")

    def __init__(self, challenge: Challenge, cnonce: str) -> None:
        self.challenge = challenge
        self.cnonce = cnonce
        self.uses = 0
        self.renewals = 0
        self.methods: set[str] = set()
        """What the server challenged; only such requests are sent pre-authorised."""

    def renew(self, challenge: Challenge, cnonce: str) -> None:
        """Take a new nonce."""
        self.challenge = challenge
        self.cnonce = cnonce
        self.uses = 0


class ClientAuth:
    """Answers challenges for one credential and sends later requests authorised at once.

    It gives up, and says why in `fault`, rather than try the same secret twice: it never loops.
    A clear-text password is hashed for each realm as that is learnt (`seal_realms`) and forgotten with the first
    success (`drop_password`): a request may meet several realms on its way, a proxy's and a registrar's.
    """

    __slots__ = ("_ids", "_missed", "_spaces", "credential", "fault", "lacks_realm", "was_refused")

    def __init__(self, credential: Credential, ids: IdSource) -> None:
        self.credential = credential
        self._ids = ids
        self._spaces: dict[tuple[bool, str], _ProtectionSpace] = {}
        self._missed: list[str] = []
        """Realms that could not be answered for want of the password; it will be hashed for them when it comes."""
        self.fault = ""
        """Why the last challenge was not answered; "" when it was."""
        self.lacks_realm = False
        """Whether the fault is a realm for which the password was never hashed."""
        self.was_refused = False
        """Whether the fault is that the server took the secret for a wrong one."""

    def take_credential(self, credential: Credential) -> None:
        """Answer with another secret of the same user from now on; what the servers said stays known."""
        if credential != replace(self.credential, password=""):
            self.credential = credential
            self._forget_unanswerable()

    def _forget_unanswerable(self) -> None:
        self._spaces = {
            key: space
            for key, space in self._spaces.items()
            if strongest((space.challenge,), self.credential) is not None
        }

    def seal_realms(self) -> list[Credential]:
        """Hash the clear text for each realm that has come up since the last time; those new ones alone."""
        old = self.credential
        if not old.password:
            return []
        seen = dict.fromkeys((*(realm for _, realm in self._spaces), *self._missed))
        fresh = [realm for realm in seen if realm not in old.realms][: max(0, MAX_REALMS - len(old.realms))]
        sealed = [seal(old.username, realm, old.password) for realm in fresh]
        for one in sealed:
            self.credential = self.credential.with_realm(one.realm, one.ha1)
        return sealed

    def drop_password(self, request: Request) -> None:
        """Forget the clear text when a request that has succeeded shows that the hashed values suffice."""
        used = {realm for _, _, name in _FIELDS for realm in _used(request, name)}
        if self.credential.password and used and used <= set(self.credential.realms):
            self.credential = replace(self.credential, password="")
            self._missed.clear()
            self._forget_unanswerable()

    def authorize(self, request: Request) -> Request:
        """The request with credentials for what the server challenged before; the same object when there is none.

        Only requests outside dialogs and of a method that was challenged: a request within a dialog may go straight
        to the peer, who shall not see what was made for the server.
        """
        if not any(request.method in space.methods for space in self._spaces.values()) or request.to.tag:
            return request
        return self._signed(request.copy(), request.method)

    def challenge_received(self, response: Response, request: Request) -> Request | None:
        """The request again with credentials, after a 401 or 407; None when there is no use in trying.

        `request` is the one that was refused. The new one has no Via and a CSeq one higher, which a dialog must take
        note of.
        """
        self.fault = ""
        self.lacks_realm = self.was_refused = False
        answered = False
        for proxy, challenge_name, credentials_name in _FIELDS:
            challenges = parse_challenges(response.headers.get_all(challenge_name))
            used = _used(request, credentials_name)
            for realm in dict.fromkeys(challenge.realm for challenge in challenges):
                choice = strongest((one for one in challenges if one.realm == realm), self.credential)
                if choice is None:
                    self.fault = self._why_unanswerable(realm, challenges)
                elif self._take(choice, (proxy, realm), used.get(realm), request.method):
                    answered = True
                else:
                    self._spaces.pop((proxy, realm), None)
                    self.was_refused = True
                    return None
        if not answered:
            self.fault = self.fault or "the server asked for credentials without a challenge that can be read"
            return None
        self.fault = ""
        self.lacks_realm = False
        repeated = request.copy()
        repeated.headers.remove("Via")
        cseq = request.cseq
        repeated.headers.set("CSeq", str(CSeq(cseq.number + 1, cseq.method)))
        return self._signed(repeated, request.method)

    def _why_unanswerable(self, realm: str, challenges: list[Challenge]) -> str:
        known = self.credential.realms
        if known and realm not in known and not self.credential.password:
            self.lacks_realm = True
            if realm not in self._missed:
                self._missed = [*self._missed, realm][-MAX_REALMS:]
            return f"no password for realm {realm[:60]!a}, only for {', '.join(ascii(one[:60]) for one in known)}"
        offered = ", ".join(
            one.algorithm if one.scheme == "Digest" else one.scheme for one in challenges if one.realm == realm
        )
        return f"no secret or no support for what realm {realm!a} asks: {offered}"

    def _take(self, choice: Challenge, key: tuple[bool, str], used: AuthCredentials | None, method: str) -> bool:
        """Adopt a challenge; False when the secret was refused."""
        space = self._spaces.get(key)
        if used is not None and not self._may_retry(choice, space, used):
            return False
        if space is None:
            if len(self._spaces) >= MAX_REALMS:
                self._spaces.clear()
                self.fault = f"the server named more than {MAX_REALMS} realms"
                return False
            space = self._spaces[key] = _ProtectionSpace(choice, self._ids.nonce())
        elif space.challenge.nonce != choice.nonce:
            space.renew(choice, self._ids.nonce())
        space.methods.add(method)
        return True

    def _may_retry(self, choice: Challenge, space: _ProtectionSpace | None, used: AuthCredentials) -> bool:
        """Whether a refusal of credentials may mean that only the nonce was too old."""
        if choice.nonce == used.nonce:
            self.fault = f"realm {choice.realm!a} refused the user name or password"
            return False
        if used.qop:
            first_use = used.count <= 1
        else:
            first_use = space is None or space.challenge.nonce != used.nonce or space.uses <= 1
        if not first_use:
            # The nonce had been good before. Many servers do not say stale when it has run out.
            if space is not None:
                space.renewals = 0
            return True
        if not choice.stale or space is None:
            self.fault = f"realm {choice.realm!a} refused the user name or password"
            return False
        space.renewals += 1
        if space.renewals > MAX_STALE_RENEWALS:
            self.fault = f"realm {choice.realm!a} calls every nonce stale"
            return False
        return True

    def _signed(self, request: Request, method: str) -> Request:
        for _, _, name in _FIELDS:
            request.headers.remove(name)
        for (proxy, _), space in self._spaces.items():
            if method not in space.methods:
                continue
            space.uses += 1
            value = authorize(
                space.challenge, self.credential, method, request.uri_text, request.body, space.uses, space.cnonce
            )
            request.headers.add("Proxy-Authorization" if proxy else "Authorization", value)
        return request

    def accepted(self, response: Response, request: Request) -> bool:
        """Take note of the Authentication-Info of a 2xx to `request`: the nonce to use next.

        False when the server's proof of the password is there and wrong; its nonce is then not taken.
        """
        value = response.headers.get("Authentication-Info")
        if value is None:
            return True
        try:
            info = parse_authentication_info(value)
        except SipParseError:
            return True
        for realm, used in _used(request, "Authorization").items():
            space = self._spaces.get((False, realm))
            if space is None or space.challenge.nonce != used.nonce:
                continue
            if info.rspauth and not rspauth_matches(info, used, self.credential, response.body):
                return False
            # The session key of a -sess algorithm stays bound to its first nonce.
            if info.nextnonce and not space.challenge.algorithm.endswith("-sess"):
                space.renew(replace(space.challenge, nonce=info.nextnonce, stale=False), self._ids.nonce())
        return True


def _used(request: Request, name: str) -> dict[str, AuthCredentials]:
    """The credentials that a request carried, by realm."""
    found: dict[str, AuthCredentials] = {}
    for value in request.headers.get_all(name):
        try:
            credentials = parse_credentials(value)
        except SipParseError:
            continue
        if credentials is not None:
            found[credentials.realm] = credentials
    return found


__all__ = [
    "ALGORITHMS",
    "AuthCredentials",
    "AuthenticationInfo",
    "Challenge",
    "ClientAuth",
    "authorize",
    "ha1",
    "is_supported",
    "make_authentication_info",
    "make_challenge",
    "parse_authentication_info",
    "parse_challenges",
    "parse_credentials",
    "rspauth_matches",
    "seal",
    "strongest",
    "verify",
]
