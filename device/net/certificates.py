"""Whose certificate it is (RFC 5922 section 7) and what is wrong with one, in words; knows neither sockets nor ssl."""

import re
from collections.abc import Iterable, Mapping, Sequence

from device.annotations import Any, Final
from device.records import dataclass
from device.sip.hop import ip_literal

Fields = Mapping[str, Any]
"""A certificate as `ssl.SSLSocket.getpeercert` gives it."""

_DNS_NAME: Final = re.compile(r"[A-Za-z0-9_*](?:[A-Za-z0-9_.*-]*[A-Za-z0-9_])?\.?")
_SHOWN: Final = 6
"""How many names of a certificate a text lists; some have hundreds."""


@dataclass(frozen=True, slots=True)
class Identities:
    """For whom a certificate speaks, by where that is written in it."""

    sip: tuple[str, ...]
    """Hosts of the `sip:` URIs among the alternative names, without those of single users."""
    dns: tuple[str, ...]
    """DNS names among them; the common name where there are no alternative names at all."""
    addresses: tuple[str, ...]
    """IP addresses among them."""

    @property
    def domains(self) -> tuple[str, ...]:
        """The SIP domains: DNS names count only where no `sip:` URI is found (section 7.1)."""
        return self.sip or self.dns

    def __str__(self) -> str:
        names = (*self.domains, *self.addresses)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return (", ".join(names[:_SHOWN]) or "nobody that it names") + more


def identities(fields: Fields) -> Identities:
    """Read them as RFC 5922 section 7.1 orders: alternative names, else the common name."""
    names: Sequence[tuple[str, str]] = fields.get("subjectAltName", ())
    if not names:
        common = (value for part in fields.get("subject", ()) for key, value in part if key == "commonName")
        return Identities((), tuple(name.lower() for name in common if _DNS_NAME.fullmatch(name)), ())
    return Identities(
        tuple(host for kind, value in names if kind == "URI" and (host := _sip_host(value))),
        tuple(value.lower().rstrip(".") for kind, value in names if kind == "DNS"),
        tuple(_same_writing(value.strip()) for kind, value in names if kind == "IP Address"),
    )


def _sip_host(uri: str) -> str:
    """The host of a `sip:` URI that names a domain; "" for any other."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "sip" or "@" in rest:
        return ""
    host = re.split(r"[;?]", rest, maxsplit=1)[0]
    if not host.startswith("["):
        return host.partition(":")[0].lower().rstrip(".")
    return _same_writing(host[1:].partition("]")[0])


def _same_writing(address: str) -> str:
    """An IP address so that equal ones are equal texts; `ssl` writes IPv6 in full and in capitals."""
    if ":" not in address:
        return address
    head, double, tail = address.lower().partition("::")
    left, right = (part.split(":") if part else [] for part in (head, tail))
    groups = left + ["0"] * (8 - len(left) - len(right) if double else 0) + right
    return ":".join(group.lstrip("0") or "0" for group in groups)


def wildcard_matches(pattern: str, name: str) -> bool:
    """Whether `*.example.org` covers `name`: one whole label, never two, never the domain itself (RFC 6125 6.4.3)."""
    star, _, parent = pattern.partition(".")
    label, _, rest = name.partition(".")
    return star == "*" and "." in parent and bool(label) and rest == parent


def proves(certified: Identities, wanted: Iterable[str], wildcards: bool = False) -> bool:
    """Whether the certificate is that of one of `wanted`, domains or IP literals (section 7.2).

    Names are equal or not; `wildcards` goes beyond the RFC, which forbids them.
    """
    for name in (name.lower().rstrip(".") for name in wanted):
        address = ip_literal(name)
        if address is not None and _same_writing(address) in (*certified.addresses, *certified.sip):
            return True
        if address is None and name in certified.domains:
            return True
        if address is None and wildcards and any(wildcard_matches(pattern, name) for pattern in certified.domains):
            return True
    return False


def name_fault(certified: Identities, wanted: Sequence[str]) -> str:
    """Why a certificate that does not prove `wanted` is refused, and what helps."""
    text = f"the server's certificate is for {certified}, not for {' or '.join(wanted)}"
    if proves(certified, wanted, wildcards=True):
        return f"{text}: its wildcard does not count for SIP (RFC 5922); to let it count, set sip.tls_wildcards=on"
    return f"{text}: have it certified for that name, or set the account's domain or registrar to a name that it has"


def person(distinguished: Iterable[Iterable[tuple[str, str]]]) -> str:
    """An issuer or subject in words: its common name and organization."""
    parts = {key: value for part in distinguished for key, value in part}
    names = [parts[key] for key in ("commonName", "organizationName") if key in parts]
    return " of ".join(names) or "somebody without a name"
