"""WWW-Authenticate, Authorization and Authentication-Info as values (RFC 7616 section 3, RFC 3261 section 20)."""

from collections.abc import Iterable

from device.annotations import Final
from device.records import dataclass
from device.sip.errors import SipParseError
from device.sip.header_syntax import quote, split_commas, unquote
from device.sip.uri import unescape

MAX_CHALLENGES_READ: Final = 32
"""Challenges of one kind in a response; each is compared with the others, and servers send one for each algorithm."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One WWW-Authenticate or Proxy-Authenticate challenge (RFC 7616 section 3.3), its values without quotes."""

    scheme: str
    realm: str
    nonce: str = ""
    opaque: str | None = None
    algorithm: str = "MD5"
    qop: tuple[str, ...] = ()
    stale: bool = False
    domain: str = ""
    userhash: bool = False


@dataclass(frozen=True, slots=True)
class AuthCredentials:
    """One Authorization or Proxy-Authorization (RFC 7616 section 3.4), its values without quotes."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "MD5"
    qop: str = ""
    nonce_count: str = ""
    """Eight hexadecimal digits as sent, "" without qop."""
    cnonce: str = ""
    opaque: str | None = None
    userhash: bool = False

    @property
    def count(self) -> int:
        """The nonce count as a number; 0 without one."""
        return int(self.nonce_count, 16) if self.nonce_count else 0

    def __str__(self) -> str:
        parts = [
            f"Digest username={quote(self.username)}",
            f"realm={quote(self.realm)}",
            f"nonce={quote(self.nonce)}",
            f"uri={quote(self.uri)}",
            f'response="{self.response}"',
            f"algorithm={self.algorithm}",
        ]
        if self.cnonce:
            parts.append(f"cnonce={quote(self.cnonce)}")
        if self.opaque is not None:
            parts.append(f"opaque={quote(self.opaque)}")
        if self.qop:
            parts += [f"qop={self.qop}", f"nc={self.nonce_count}"]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class AuthenticationInfo:
    """What a server says after accepting (RFC 7616 section 3.5); "" for what it left out."""

    nextnonce: str = ""
    qop: str = ""
    rspauth: str = ""
    cnonce: str = ""
    nonce_count: str = ""


def parse_challenges(values: str | Iterable[str]) -> list[Challenge]:
    """Read all lines of WWW-Authenticate or Proxy-Authenticate, each with one or several challenges.

    Other schemes than Digest come with their realm alone. Malformed challenges are passed over, so that a good one
    beside them can still be answered; so are those beyond MAX_CHALLENGES_READ.
    """
    challenges: list[Challenge] = []
    for value in (values,) if isinstance(values, str) else values:
        try:
            read = _auth_parameters(value)
        except SipParseError:
            continue
        for scheme, params in read:
            if scheme.lower() != "digest":
                challenges.append(Challenge(scheme, params.get("realm", "")))
            elif "realm" in params and "nonce" in params:
                challenges.append(_challenge(params))
    return challenges[:MAX_CHALLENGES_READ]


def _challenge(params: dict[str, str]) -> Challenge:
    return Challenge(
        "Digest",
        params["realm"],
        params["nonce"],
        params.get("opaque"),
        _algorithm_name(params.get("algorithm", "")),
        tuple(option for option in params.get("qop", "").replace(",", " ").lower().split()),
        params.get("stale", "").lower() == "true",
        params.get("domain", ""),
        params.get("userhash", "").lower() == "true",
    )


def parse_credentials(text: str) -> AuthCredentials | None:
    """Read one Authorization or Proxy-Authorization value; None for a scheme other than Digest.

    Raises SipParseError (400) for Digest credentials that lack what RFC 7616 section 3.4 requires.
    """
    scheme, params = _auth_parameters(text)[0]
    if scheme.lower() != "digest":
        return None
    if "username*" in params:
        params["username"] = unescape(params["username*"].partition("''")[2])
    missing = [name for name in ("username", "realm", "nonce", "uri", "response") if name not in params]
    if missing:
        raise SipParseError(f"credentials without {', '.join(missing)}")
    qop, count, cnonce = params.get("qop", "").lower(), params.get("nc", ""), params.get("cnonce", "")
    if qop and not (cnonce and len(count) <= 8 and _is_hex(count)):
        raise SipParseError("credentials with qop need cnonce and an nc of eight hexadecimal digits")
    return AuthCredentials(
        params["username"],
        params["realm"],
        params["nonce"],
        params["uri"],
        params["response"],
        _algorithm_name(params.get("algorithm", "")),
        qop,
        count if qop else "",
        cnonce,
        params.get("opaque"),
        params.get("userhash", "").lower() == "true",
    )


def parse_authentication_info(text: str) -> AuthenticationInfo:
    """Read an Authentication-Info value. Raises SipParseError."""
    params = _auth_parameters("Digest " + text)[0][1]
    names = ("nextnonce", "qop", "rspauth", "cnonce", "nc")
    return AuthenticationInfo(*(params.get(name, "") for name in names))


def _auth_parameters(text: str) -> list[tuple[str, dict[str, str]]]:
    """Every scheme of a value with its parameters: names in lower case, values unquoted, the first of each name."""
    found: list[tuple[str, dict[str, str]]] = []
    for piece in split_commas(text, skip_empty=True):
        left, equals, value = piece.partition("=")
        words = left.split()
        if len(words) == 2 or (words and not equals):
            found.append((words[0], {}))
        if not found or not words:
            raise SipParseError(f"no authentication scheme: {text[:60]!a}")
        if equals:
            found[-1][1].setdefault(words[-1].lower(), unquote(value.strip(" \t")))
    if not found:
        raise SipParseError("an empty authentication header field")
    return found


def _algorithm_name(text: str) -> str:
    """The usual spelling: upper case, `-sess` in lower case; MD5 when there is none."""
    name = text.upper() or "MD5"
    return name[:-5] + "-sess" if name.endswith("-SESS") else name


def make_challenge(
    realm: str,
    nonce: str,
    algorithm: str = "MD5",
    stale: bool = False,
    qop: Iterable[str] = ("auth",),
    opaque: str | None = None,
) -> str:
    """The value of a WWW-Authenticate or Proxy-Authenticate; one header field for each algorithm (RFC 8760)."""
    parts = [f"Digest realm={quote(realm)}", f"nonce={quote(nonce)}"]
    if opaque is not None:
        parts.append(f"opaque={quote(opaque)}")
    if stale:
        parts.append("stale=true")
    parts.append(f"algorithm={algorithm}")
    options = ",".join(qop)
    if options:
        parts.append(f'qop="{options}"')
    return ", ".join(parts)


def _is_hex(text: str) -> bool:
    return bool(text) and not text.strip("0123456789abcdefABCDEF")
