"""A client's memory of digest authentication: the nonces of each realm, and when to stop (RFC 3261 section 22)."""

from device.ids import IdSource
from device.model import Credential
from device.records import replace
from device.sip.auth_headers import (
    AuthCredentials,
    AuthenticationInfo,
    Challenge,
    parse_authentication_info,
    parse_challenges,
    parse_credentials,
)
from device.sip.digest import authorize, rspauth_matches, seal, strongest
from device.sip.errors import SipParseError
from device.sip.headers import CSeq
from device.sip.message import Request, Response

MAX_REALMS = 4
"""So many realms one account answers; a server that names ever new ones is not followed further."""

MAX_STALE_RENEWALS = 2
"""So many nonces in a row a server may call stale at their first use."""

REUSE_TRIALS = 2
"""So often in a row a server may refuse the second use of a nonce; then each is used once and a challenge awaited.

It costs no more messages, and nothing that a server might count as a wrong password.
"""

_FIELDS = ((False, "WWW-Authenticate", "Authorization"), (True, "Proxy-Authenticate", "Proxy-Authorization"))

_INFO_FIELDS = (
    (False, "Authentication-Info", "Authorization"),
    (True, "Proxy-Authentication-Info", "Proxy-Authorization"),
)


class _ProtectionSpace:
    """One realm at one kind of server: the nonce in use and how often it was used."""

    __slots__ = ("challenge", "cnonce", "is_proven", "methods", "refused_reuses", "renewals", "uses")

    def __init__(self, challenge: Challenge, cnonce: str) -> None:
        self.challenge = challenge
        self.cnonce = cnonce
        self.uses = 0
        self.renewals = 0
        self.is_proven = False
        """Whether the server has ever taken the secret: then a refusal means rather that it has forgotten a nonce."""
        self.refused_reuses = 0
        """How often in a row the nonce was refused though it had been good before."""
        self.methods: set[str] = set()
        """What the server challenged; only such requests are sent pre-authorised."""

    def may_be_used(self, method: str) -> bool:
        """Whether a request of that method may be sent authorised before it is challenged."""
        return method in self.methods and (self.uses == 0 or self.refused_reuses < REUSE_TRIALS)

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

    __slots__ = ("_ids", "_missed", "_spaces", "credential", "fault", "lacks_nonce", "lacks_realm", "was_refused")

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
        self.lacks_nonce = False
        """Whether the fault is that the server calls each nonce stale: the secret is right, and may serve soon."""
        self.was_refused = False
        """Whether the fault is that the server took the secret for a wrong one."""

    def take_credential(self, credential: Credential) -> None:
        """Answer with another secret of the same user from now on; what the servers said stays known."""
        if credential != replace(self.credential, password=""):
            self.credential = credential
            self._forget_unanswerable()
            for space in self._spaces.values():
                space.is_proven = False

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
        if request.to.tag or not any(space.may_be_used(request.method) for space in self._spaces.values()):
            return request
        return self._signed(request.copy(), request.method, awaits_challenges=True)

    def challenge_received(self, response: Response, request: Request) -> Request | None:
        """The request again with credentials, after a 401 or 407; None when there is no use in trying.

        `request` is the one that was refused. The new one has no Via and a CSeq one higher, which a dialog must take
        note of.
        """
        self.fault = ""
        self.lacks_realm = self.lacks_nonce = self.was_refused = False
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
                    self.was_refused = not self.lacks_nonce
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
                space.refused_reuses += 1
            return True
        if space is None or not (choice.stale or space.is_proven):
            self.fault = f"realm {choice.realm!a} refused the user name or password"
            return False
        space.renewals += 1
        if choice.stale and space.renewals > MAX_STALE_RENEWALS:
            self.fault = f"realm {choice.realm!a} calls every nonce stale"
            self.lacks_nonce = True
            return False
        if not choice.stale and space.renewals > 1:
            self.fault = f"realm {choice.realm!a} refused the user name or password"
            return False
        return True

    def _signed(self, request: Request, method: str, awaits_challenges: bool = False) -> Request:
        for _, _, name in _FIELDS:
            request.headers.remove(name)
        for (proxy, _), space in self._spaces.items():
            if method not in space.methods or (awaits_challenges and not space.may_be_used(method)):
                continue
            space.uses += 1
            value = authorize(
                space.challenge, self.credential, method, request.uri_text, request.body, space.uses, space.cnonce
            )
            request.headers.add("Proxy-Authorization" if proxy else "Authorization", value)
        return request

    def accepted(self, response: Response, request: Request) -> bool:
        """Take note of what a 2xx to `request` says of its credentials: the nonces to use next.

        Authentication-Info speaks for the server, Proxy-Authentication-Info for the proxy (RFC 7615 section 4).
        False when a proof of the password is there and wrong; the nonce beside it is then not taken.
        """
        good = True
        for proxy, name, credentials_name in _INFO_FIELDS:
            info = _read_info(response.headers.get(name))
            for realm, used in _used(request, credentials_name).items():
                space = self._spaces.get((proxy, realm))
                if space is None or space.challenge.nonce != used.nonce:
                    continue
                space.is_proven = True
                space.renewals = 0
                if space.uses > 1:
                    space.refused_reuses = 0
                if info is not None:
                    good &= self._heed(info, used, space, response.body)
        return good

    def _heed(self, info: AuthenticationInfo, used: AuthCredentials, space: _ProtectionSpace, body: bytes) -> bool:
        if info.rspauth and not rspauth_matches(info, used, self.credential, body):
            return False
        # The session key of a -sess algorithm stays bound to its first nonce.
        if info.nextnonce and not space.challenge.algorithm.endswith("-sess"):
            space.renew(replace(space.challenge, nonce=info.nextnonce, stale=False), self._ids.nonce())
        return True


def _read_info(value: str | None) -> AuthenticationInfo | None:
    if value is None:
        return None
    try:
        return parse_authentication_info(value)
    except SipParseError:
        return None


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
