"""From what a person dials to a SIP URI, and from a URI or route to the next hop."""

import re

from device.annotations import Final
from device.records import replace
from device.sip.errors import SipParseError, SipStateError
from device.sip.headers import parse_name_addr
from device.sip.hop import TLS, NextHop, bracketed, ip_literal
from device.sip.uri import Uri, parse_host_port, parse_uri

_SEPARATORS: Final = re.compile(r"[\s().-]")
"""What people write into numbers for the eye (RFC 3966 section 5.1.1); a phone does not send it."""
_NUMBER: Final = re.compile(r"\+?[0-9*#A-Da-d]+")
_LONGEST_TARGET: Final = 256


def dialled_uri(target: str, domain: str) -> Uri:
    """The URI for `target`: "1002", "+44 20 7946 0000", "bob", "bob@example.org", "sip:x@y", "tel:...", "10.0.0.5".

    `domain`, a host or `host:port`, completes bare names and numbers; with an empty one a bare name is a host of the
    local network.
    Raises SipStateError for what cannot be called, in words for the person who dialled.
    """
    text = target.strip()
    if not text or len(text) > _LONGEST_TARGET or not text.isprintable():
        raise SipStateError("cannot call an empty or overlong number; dial digits or a SIP address")
    try:
        return _uri(text, domain)
    except SipParseError as error:
        raise SipStateError(f"cannot call {target!r}: {error}; dial digits or a SIP address") from None


def _uri(text: str, domain: str) -> Uri:
    if text.endswith(">"):
        # Copied out of a header or an address book: "Bob" <sip:bob@example.org>.
        return _sip_uri(str(parse_name_addr(text).uri))
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in ("sip", "sips"):
        return _sip_uri(text)
    if colon and scheme.lower() == "tel":
        return _tel_target(rest, domain)
    if "@" in text:
        return _sip_uri("sip:" + text)
    if text.count(":") > 1 and not text.startswith("["):
        return Uri("sip", host=bracketed(text.lower()))
    host = text.partition(":")[0] if not text.startswith("[") else text.partition("]")[0] + "]"
    if ip_literal(host) is not None:
        return _sip_uri("sip:" + text)
    if _NUMBER.fullmatch(_SEPARATORS.sub("", text)) is not None:
        return _number_uri(text, domain)
    if domain:
        return replace(host_uri(domain), user=text)
    return _sip_uri("sip:" + text)


def _sip_uri(text: str) -> Uri:
    uri = parse_uri(text)
    if not uri.is_sip:
        raise SipStateError(f"cannot call {text!r}: {uri.scheme} is no telephone's address; dial a sip: or tel: URI")
    method = uri.param("method")
    if method is not None and method != "INVITE":
        # Such a link asks for something else than a call (section 19.1.5).
        raise SipStateError(f"cannot call {text!r}: it asks for {method or 'no method'}; dial it without ;method=")
    return uri.target()


def _tel_target(text: str, domain: str) -> Uri:
    """A tel URI as one of our server's, parameters in the user part (RFC 3261 section 19.1.6).

    What changes nothing is left out: the context of a number that is global, or that counts at our own server.
    """
    from device.sip.tel_uri import parse_subscriber  # noqa: PLC0415  # for the few who dial such URIs

    tel = parse_subscriber("".join(text.split()))
    host = host_uri(domain).host if domain else ""
    if tel.is_global or tel.context.lower() == host:
        tel = replace(tel, params=tuple(item for item in tel.params if item[0] != "phone-context"))
    uri = _number_uri(tel.number, domain)
    return replace(uri, user=tel.subscriber()).with_params(user="phone") if tel.params else uri


def _number_uri(text: str, domain: str) -> Uri:
    number = _SEPARATORS.sub("", text)
    if not domain:
        raise SipStateError(f"cannot call {number!r}: no account to call through; dial an address or set up an account")
    return replace(host_uri(domain), user=number)


def next_hop_of(uri: Uri, transport: str | None = None) -> NextHop:
    """Where RFC 3263 begins for `uri`; `transport` holds where the URI names none. `maddr` beats the host.

    A `sips:` URI is reached by TLS or not at all (RFC 3261 section 26.2.2), whatever else it says.
    """
    named = uri.transport
    if uri.scheme == "sips":
        named = TLS
    return NextHop(uri.param("maddr") or uri.host, uri.port, named.upper() if named else transport)


def host_uri(text: str, transport: str | None = None) -> Uri:
    """The URI of a server written as `host[:port]`, as settings have it. Raises SipParseError."""
    host, port = (bracketed(text.lower()), None) if text.count(":") > 1 and "]" not in text else parse_host_port(text)
    uri = Uri("sip", host=host, port=port)
    return uri.with_params(transport=transport.lower()) if transport and transport != "UDP" else uri
