"""Calls that do not tell who we are: RFC 3323 section 4.1 by ourselves, RFC 3325 with the help of our server."""

from device.annotations import Final
from device.records import replace
from device.sip.asserted_identity import ANONYMOUS, ANONYMOUS_URI
from device.sip.core import Core
from device.sip.headers import NameAddr
from device.sip.hop import NextHop
from device.sip.identity import Identity
from device.sip.uri import Uri

PRIVACY: Final = "id"
"""What we ask of our server: to keep the identity that it asserts to itself (RFC 3325 section 9.3)."""


class AnonymousIdentity(Identity):
    """The same account, whose From is anonymous and whose Contact names no user."""

    __slots__ = ("_base",)

    def __init__(self, base: Identity, core: Core) -> None:
        super().__init__(core, None, None)
        for name in Identity.__slots__:
            setattr(self, name, getattr(base, name))
        self._base = base

    def address(self, next_hop: NextHop) -> NameAddr:
        """Who we are: nobody."""
        return NameAddr(ANONYMOUS, ANONYMOUS_URI)

    def contact(self, transport: str | None, destination: str, secure: bool = False) -> NameAddr:
        """Where the peer reaches us, without our name: a temporary GRUU (RFC 5627 section 3.1.2), or our address."""
        grant = self._base.grant
        if grant.temporary_gruu is not None:
            return NameAddr("", replace(grant.temporary_gruu, scheme="sips" if secure else "sip"))
        uri = replace(self._base.direct_contact(transport, destination, secure).uri, user=ANONYMOUS_URI.user)
        return NameAddr("", uri.with_params(ob=None) if grant.outbound else uri)


def privacy_headers(identity: Identity, target: Uri) -> tuple[tuple[str, str], ...]:
    """What such a call adds: the wish for privacy, and for our own server who we are (RFC 3325 section 9.2)."""
    privacy = ("Privacy", PRIVACY)
    if identity.account is None:
        return (privacy,)
    return (privacy, ("P-Preferred-Identity", str(identity.address(identity.next_hop(target)))))
