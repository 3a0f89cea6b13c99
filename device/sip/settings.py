"""The settings of the SIP user agent that hold for all accounts; what belongs to one account is in device.model."""

from device import __version__
from device.annotations import ClassVar
from device.records import dataclass
from device.sip.hop import ip_literal

HIGHEST_PORT = 65535
_DNS_PORT = 53
HIGHEST_DSCP = 63
TLS_VERSIONS = ("1.2", "1.3")

CHOICES = {"accept_refer": ("off", "in-call", "servers"), "dialog_state": ("off", "servers", "all")}
"""The settings that take one of a few words."""


def is_address(text: str) -> bool:
    """Whether `text` can be an IP address as a socket takes it, without brackets."""
    if ":" in text:
        groups = text.partition("%")[0].split(":")
        return 3 <= len(groups) <= 9 and all(set(group) <= set("0123456789abcdefABCDEF.") for group in groups)
    return ip_literal(text) is not None


def parse_dns_servers(text: str) -> tuple[tuple[str, int], ...]:
    """Address and port of each name server in "192.0.2.53, 127.0.0.1:5353 [2001:db8::53]:53".

    Raises ValueError with the one that cannot be read.
    """
    return tuple(map(_dns_server, text.replace(",", " ").split()))


def _dns_server(text: str) -> tuple[str, int]:
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        port = ":" + port
    number = port.removeprefix(":") or str(_DNS_PORT)
    is_port = number.isascii() and number.isdigit() and len(number) <= 5 and 0 < int(number) <= HIGHEST_PORT
    if not is_address(host) or not is_port or (port and not port.startswith(":")):
        raise ValueError(text)
    return host, int(number)


@dataclass(frozen=True, slots=True)
class UserAgentSettings:
    """How this phone speaks SIP."""

    SECTION: ClassVar[str] = "sip"
    HELP: ClassVar[dict[str, str]] = {
        "user_agent": "text of the User-Agent and Server headers; empty sends neither",
        "bind_address": "local IP address to listen on; empty for every address",
        "port": "local port for SIP over UDP and TCP; 0 takes a high one at random, anew with each start",
        "tcp": "listen for SIP over TCP as well",
        "advertised_address": "host to write into Contact instead of the local or learnt one; empty for automatic",
        "advertised_port": "port that goes with advertised_address; 0 for the local port",
        "ip_call_user": "user part of our address in calls that use no account",
        "display_name": "name shown to the other side in calls that use no account",
        "dns_servers": "name servers to ask, ADDRESS or ADDRESS:PORT with commas between; empty for the system's own",
        "failover_s": "seconds without any answer after which the next of several servers that DNS names is tried",
        "ring_timeout_s": "seconds that an outgoing call may ring before it is given up",
        "answer_timeout_s": "seconds that an incoming call may ring before it is refused with 480",
        "max_calls": "calls at once, ringing ones included; further ones hear busy",
        "accept_ip_calls": "accept calls to this machine's bare address that name no account",
        "accept_refer": "transfers that others ask for: off, in-call, or servers (also outside calls, by our servers)",
        "dialog_state": "who may watch whether this phone is in a call: off, servers (those of our accounts) or all",
        "connected_identity": "tell callers who meant another number which of ours has answered (RFC 4916)",
        "trusted_sources_only": "accept calls only from the servers of our accounts",
        "learn_contact": "put the public address that the registrar saw into Contact (for address translation)",
        "retry_cap_s": "longest pause in seconds between attempts to register while the server is unreachable",
        "slow_retry_s": "pause in seconds after the server refused the account or its password",
        "session_expires_s": "seconds after which a call without a sign of life is ended; 0 leaves that to the others",
        "session_min_se_s": "shortest such time in seconds that another side may ask for",
        "reliable_ringing": "have the caller confirm that it hears ringing, where it can (100rel)",
        "power_up_spread_s": "seconds over which phones spread their first registration after a power failure",
        "dscp": "mark of our SIP packets for routers, 0 to 63 (RFC 2474); 24 is CS3, 0 none",
        "tls_ca_file": "file with the certificates (PEM) of authorities that servers over TLS may be certified by",
        "tls_system_cas": "trust the authorities that this system trusts, too",
        "tls_verify": "check the certificates of servers; off lets anybody on the way read and change everything",
        "tls_wildcards": "let *.example.org in a certificate stand for pbx.example.org, which RFC 5922 forbids",
        "tls_minimum": "oldest version of TLS that is spoken: 1.2 or 1.3",
        "tls_certificate": "file with our own certificate (PEM): shown to servers that ask, and others may call by TLS",
        "tls_key": "file with its private key (PEM, no passphrase); empty where that is in the same file",
        "tls_port": "local port for SIP over TLS where there is a certificate; 0 takes any",
        "quality_collector": "SIP address that is told how each call sounded (RFC 6035); empty for nobody",
        "unregister_timeout_s": "seconds to wait for the server when the registration is taken back",
    }

    user_agent: str = f"offhook/{__version__}"
    bind_address: str = ""
    port: int = 5060
    tcp: bool = True
    advertised_address: str = ""
    advertised_port: int = 0
    ip_call_user: str = "offhook"
    display_name: str = ""
    dns_servers: str = ""
    failover_s: int = 4
    ring_timeout_s: int = 180
    answer_timeout_s: int = 120
    max_calls: int = 16
    accept_ip_calls: bool = True
    accept_refer: str = "in-call"
    dialog_state: str = "servers"
    connected_identity: bool = False
    trusted_sources_only: bool = False
    learn_contact: bool = True
    retry_cap_s: int = 60
    slow_retry_s: int = 300
    session_expires_s: int = 1800
    session_min_se_s: int = 90
    reliable_ringing: bool = False
    power_up_spread_s: int = 5
    dscp: int = 24
    tls_ca_file: str = ""
    tls_system_cas: bool = True
    tls_verify: bool = True
    tls_wildcards: bool = False
    tls_minimum: str = "1.2"
    tls_certificate: str = ""
    tls_key: str = ""
    tls_port: int = 5061
    unregister_timeout_s: int = 4
    quality_collector: str = ""

    def faults(self) -> list[str]:
        """Everything wrong with these settings, in words; empty when they are good."""
        faults = self._choice_faults()
        for name, lowest, highest in (
            ("port", 0, HIGHEST_PORT),
            ("tls_port", 0, HIGHEST_PORT),
            ("dscp", 0, HIGHEST_DSCP),
            ("advertised_port", 0, HIGHEST_PORT),
            ("failover_s", 1, 32),
            ("ring_timeout_s", 5, 3600),
            ("answer_timeout_s", 5, 3600),
            ("max_calls", 1, 100),
            ("retry_cap_s", 1, 3600),
            ("slow_retry_s", 1, 86400),
            ("power_up_spread_s", 0, 600),
            ("unregister_timeout_s", 0, 60),
            ("session_expires_s", 0, 86400),
            ("session_min_se_s", 90, 86400),
        ):
            value = getattr(self, name)
            if not lowest <= value <= highest:
                faults.append(f"sip.{name}: {value} is not between {lowest} and {highest}")
        if self.advertised_port and not self.advertised_address:
            faults.append("sip.advertised_port: is set but sip.advertised_address is empty; set both or neither")
        if not self.ip_call_user:
            faults.append("sip.ip_call_user: is empty; name the user part for calls without an account")
        if self.bind_address and not is_address(self.bind_address):
            faults.append(f"sip.bind_address: {self.bind_address!r} is no IP address; empty means every address")
        faults += self._dns_faults()
        if any(character in ' <>"@;,/' for character in self.advertised_address):
            faults.append(f"sip.advertised_address: {self.advertised_address!r} is no host name and no IP address")
        if any(character in ' <>"@;,:' for character in self.ip_call_user):
            faults.append(f"sip.ip_call_user: {self.ip_call_user!r} cannot be the user part of an address")
        for name in (
            "user_agent",
            "display_name",
            "ip_call_user",
            "advertised_address",
            "bind_address",
            "quality_collector",
        ):
            if not getattr(self, name).isprintable():
                faults.append(f"sip.{name}: contains a line break or another control character")
        return faults + self._interval_faults() + self._tls_faults() + self._collector_faults()

    def _collector_faults(self) -> list[str]:
        collector = self.quality_collector
        if not collector or (collector.startswith(("sip:", "sips:")) and not set(collector) & set(' <>"')):
            return []
        return [f"sip.quality_collector: {collector!r} is no SIP address such as sip:quality@pbx.example.com"]

    def _tls_faults(self) -> list[str]:
        faults = []
        if self.tls_minimum not in TLS_VERSIONS:
            faults.append(f"sip.tls_minimum: {self.tls_minimum!r} is not one of {', '.join(TLS_VERSIONS)}")
        if self.tls_key and not self.tls_certificate:
            faults.append("sip.tls_key: is set but sip.tls_certificate is empty; name the certificate, too")
        if self.tls_certificate and self.tls_port == self.port != 0:
            faults.append(f"sip.tls_port: {self.tls_port} is that of sip.port; give TLS another, usually 5061")
        if not (self.tls_system_cas or self.tls_ca_file) and self.tls_verify:
            faults.append("sip.tls_system_cas: is off but sip.tls_ca_file is empty, so that no server could be trusted")
        for name in ("tls_ca_file", "tls_certificate", "tls_key"):
            path = getattr(self, name)
            if path and not path.startswith("/"):
                faults.append(f"sip.{name}: {path!r} is no absolute path")
        return faults

    def _interval_faults(self) -> list[str]:
        if self.session_expires_s == 0 or self.session_expires_s >= self.session_min_se_s:
            return []
        least = self.session_min_se_s
        return [f"sip.session_expires_s: {self.session_expires_s} is below sip.session_min_se_s ({least}); 0 is off"]

    def _dns_faults(self) -> list[str]:
        try:
            parse_dns_servers(self.dns_servers)
        except ValueError as error:
            return [f"sip.dns_servers: {error} is no IP address, with or without a port; write 192.0.2.53:53"]
        return []

    def _choice_faults(self) -> list[str]:
        return [
            f"sip.{name}: {getattr(self, name)!r} is not one of {', '.join(map(repr, choices))}"
            for name, choices in CHOICES.items()
            if getattr(self, name) not in choices
        ]
