"""Digest authentication (RFC 7616, RFC 8760, RFC 3261 section 22): the arithmetic.

The client's memory is in `client_auth`, the syntax of the header fields in `auth_headers`; a server's nonces are the
exchange's matter.
"""

from _operator import _compare_digest
from collections.abc import Callable, Iterable

from device.annotations import Any
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
from device.sip.errors import SipStateError
from device.sip.header_syntax import quote

ALGORITHMS = ("SHA-512-256", "SHA-256", "MD5")
"""Those we can compute, strongest first; each also as a `-sess` variant."""

_SOURCES: dict[str, tuple[tuple[str, str], ...]] = {
    "MD5": (("_md5", "md5"),),
    "SHA-256": (("_sha256", "sha256"), ("_sha2", "sha256")),
    "SHA-512-256": (),
}
"""Modules of the interpreter that hash without OpenSSL, by algorithm: `hashlib` costs 3.7 MB more."""

_OPENSSL_NAMES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}

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
    base = base_ha1(challenge, credential)
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
    base = base_ha1(Challenge("Digest", used.realm, used.nonce, algorithm=used.algorithm), credential)
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


def base_ha1(challenge: Challenge, credential: Credential) -> str | None:
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
        if _chosen_qop(challenge) is not None and base_ha1(challenge, credential) is not None
    ]
    return min(answerable, key=lambda item: ALGORITHMS.index(item.algorithm.removesuffix("-sess")), default=None)


__all__ = [
    "ALGORITHMS",
    "AuthCredentials",
    "AuthenticationInfo",
    "Challenge",
    "authorize",
    "base_ha1",
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
