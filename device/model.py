"""The nouns that several subpackages share; values without behaviour."""

from device.annotations import Final, NewType
from device.records import dataclass, replace

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


Ha1Values = tuple[tuple[str, str], ...]
"""H(user:realm:password) in lower-case hex by algorithm: "MD5", "SHA-256", "SHA-512-256"."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What answers a digest challenge (RFC 7616 section 3.4.2).

    `ha1` are the values for `realm`, and `further` those for other realms, since a registrar and the proxy before it
    may each have one. The clear-text `password` is there until the realms are known; it answers every realm, and
    `repr` never shows it.
    """

    username: str
    realm: str = ""
    ha1: Ha1Values = ()
    password: str = ""
    further: tuple[tuple[str, Ha1Values], ...] = ()

    def __repr__(self) -> str:
        return f"Credential(username={self.username!r}, realm={self.realm!r}, secret=***)"

    @property
    def secrets(self) -> tuple[tuple[str, Ha1Values], ...]:
        """Each realm that is known with its values."""
        first = ((self.realm, self.ha1),) if self.realm or self.ha1 else ()
        return first + self.further

    @property
    def realms(self) -> tuple[str, ...]:
        """The realms that are known."""
        return tuple(realm for realm, _ in self.secrets)

    def with_realm(self, realm: str, ha1: Ha1Values) -> "Credential":
        """The credential with one realm more, or with other values for that realm."""
        (first, values), *further = {**dict(self.secrets), realm: ha1}.items()
        return replace(self, realm=first, ha1=values, further=tuple(further))


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
    """"udp", "tcp", "tls", or "auto" for what the domain's DNS prefers (RFC 3263)."""
    auth_user: str = ""
    """User name for digest where it is not `user`."""
    expires_s: int = 600
    """Registration lifetime that we ask for, in seconds."""
    register: bool = True
    """Whether this account registers at all; off for calls straight by IP."""
    enabled: bool = True
    proxy_mode: str = "route"
    """"route": the outbound proxy stands in a Route and so comes first outside dialogs; "always": every request of this
    account goes to it, in dialogs too, whatever Record-Route and Contact say."""
    keepalive: str = "auto"
    """"crlf", "options" or "stun" for what keeps the way to the server open, "off" for nothing, "auto" for what the
    transport and the network want."""
    keepalive_s: int = 0
    """Seconds between keep-alives; 0 for what suits the transport."""
    outbound: bool = True
    """Whether RFC 5626 is offered, so that the server sends calls over the connection that we keep open."""
    privacy: str = ""
    """"id" to withhold our identity from those we call (RFC 3325), "full" for an anonymous From as well (RFC 3323)."""
    mwi: bool = False
    """Whether the message account is watched (RFC 3842). Off: the SUBSCRIBE would cost little, but some registrars
    answer it with errors or with an authentication failure that counts against the phone."""
    dtmf: str = ""
    """How digits are sent in calls through this account, one of DTMF_WAYS; empty for what `media.dtmf` says."""
    codecs: str = ""
    """What is offered and accepted in calls through this account, best first; empty for what `media.codecs` says."""

    @property
    def aor(self) -> Aor:
        return Aor(self.user, self.domain)


DTMF_WAYS: Final = ("auto", "rtp", "info-relay", "info", "inband")
"""How digits are sent within a call: as events in RTP (RFC 4733), in an INFO of `application/dtmf-relay` or
`application/dtmf`, as tones in the speech band, or by the best of these that the far end takes."""

ACCOUNT_CHOICES: Final = {
    "transport": ("udp", "tcp", "tls", "auto"),
    "proxy_mode": ("route", "always"),
    "keepalive": ("auto", "crlf", "options", "stun", "off"),
    "privacy": ("", "id", "full"),
    "dtmf": ("", *DTMF_WAYS),
}
"""The fields of an account that take one of a few words."""


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
    path: str = ""
    """Through which proxies the contact is reached: Route values separated by commas, in order (RFC 3327)."""
    instance: str = ""
    """The device, "urn:uuid:..." (RFC 5626); "" where the phone does not say."""
    reg_id: int = 0
    """Which of the device's flows this is; 0 for a binding that is told by its contact alone."""


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
    mos: float | None = None
    """How it was to listen to (ITU-T G.107), from 1 to 4.5; None where nothing was heard."""
    loss_percent: float | None = None
    """Of what should have been heard, lost or late."""
