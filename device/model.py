"""The nouns that several subpackages share; values without behaviour."""

from typing import NewType

from device.records import dataclass

CallId = NewType("CallId", str)
"""Our own name for one call at this phone, e.g. "c7"; not the Call-ID header, which two phones share."""

AccountId = NewType("AccountId", str)
"""The name of an account in the store and in the settings, e.g. "office"."""


@dataclass(frozen=True, slots=True)
class Aor:
    """An address of record (RFC 3261 section 6): the public address of a user, `sip:user@domain`."""

    user: str
    domain: str

    def __str__(self) -> str:
        return f"sip:{self.user}@{self.domain}" if self.user else f"sip:{self.domain}"


@dataclass(frozen=True, slots=True)
class Credential:
    """What answers a digest challenge (RFC 7616 section 3.4.2).

    Either `ha1` values, lower-case hex by algorithm ("MD5", "SHA-256", "SHA-512-256") for `realm`,
    or, until the realm is known, the clear-text `password`, which `repr` never shows.
    """

    username: str
    realm: str = ""
    ha1: tuple[tuple[str, str], ...] = ()
    password: str = ""

    def __repr__(self) -> str:
        return f"Credential(username={self.username!r}, realm={self.realm!r}, secret=***)"


@dataclass(frozen=True, slots=True)
class Account:
    """One identity at one SIP server, or a stand-alone one for calls by IP when `registrar` is off."""

    id: AccountId
    user: str
    domain: str
    display_name: str = ""
    registrar: str = ""
    """Host or `host:port` of the registrar where it is not the domain itself."""
    outbound_proxy: str = ""
    """`host[:port]` that every request goes to first, as a loose route; empty for none."""
    transport: str = "udp"
    """"udp" or "tcp"."""
    auth_user: str = ""
    """User name for digest where it is not `user`."""
    expires_s: int = 600
    """Registration lifetime that we ask for, in seconds."""
    register: bool = True
    """Whether this account registers at all; off for calls straight by IP."""
    enabled: bool = True

    @property
    def aor(self) -> Aor:
        return Aor(self.user, self.domain)


@dataclass(frozen=True, slots=True)
class Binding:
    """One contact of an address of record at the registrar (RFC 3261 section 10)."""

    aor: str
    contact: str
    expires_at: float
    """Unix time in seconds."""
    call_id: str
    cseq: int
    q: float = 1.0
    received: str = ""
    """Where the REGISTER came from, `transport:ip:port`, for contacts behind address translation."""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class PhonebookEntry:
    """A name and short code for a target that the phone can call."""

    name: str
    target: str
    short_code: str = ""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One finished call as the call log keeps it. Times are Unix seconds; 0.0 means it did not happen."""

    direction: str
    """"in" or "out"."""
    remote: str
    remote_name: str
    account: str
    started_at: float
    answered_at: float
    ended_at: float
    cause: str
    """Why it ended, in words: "answered", "busy", "cancelled", "no answer", "rejected 403" ..."""
    id: int = 0
