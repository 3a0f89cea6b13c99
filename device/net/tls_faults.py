"""Why a TLS connection did not come about, in words for whoever set the phone up, each with its remedy."""

import ssl
import time
from collections.abc import Mapping, Sequence

from device.annotations import Any, Final
from device.net.certificates import person
from device.net.tls_options import TlsOptions

YEAR_2000 = 946_684_800
"""In Unix seconds. A board without a battery that has not heard of the time yet believes that it is before that."""

MAX_FILE_BYTES = 65_536
"""So much of a file is looked at to find out what it is."""

# openssl/x509_vfy.h
_NOT_YET_VALID, _EXPIRED, _REVOKED = 9, 10, 23
_UNKNOWN_ISSUER: Final = frozenset((2, 18, 19, 20, 21, 24, 27))
_SELF_SIGNED: Final = 18
_WEAK: Final = frozenset((66, 67, 68))
_PURPOSE: Final = 26

_NOT_TLS: Final = "the other side does not speak TLS at this port: is it that of plain TCP? TLS usually has port 5061"
_VERSIONS: Final = (
    "no version of TLS in common: this phone speaks 1.2 and 1.3 unless sip.tls_minimum=1.3; have the server allow one"
)
_WANTS_CERTIFICATE: Final = "the other side wants a certificate of ours: set sip.tls_certificate and sip.tls_key"
_CIPHERS: Final = (
    "no cipher in common, or the other side wants a certificate of ours: have it allow a modern cipher (ECDHE with "
    "AES-GCM), or set sip.tls_certificate and sip.tls_key"
)
_REFUSED: Final = "the other side refuses our certificate ({}): set sip.tls_certificate to one that it trusts"

_REASONS: Final[Mapping[str, str]] = {
    "WRONG_VERSION_NUMBER": _NOT_TLS,
    "RECORD_LAYER_FAILURE": _NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": _NOT_TLS,
    "UNEXPECTED_MESSAGE": _NOT_TLS,
    "HTTP_REQUEST": _NOT_TLS,
    "UNSUPPORTED_PROTOCOL": _VERSIONS,
    "TLSV1_ALERT_PROTOCOL_VERSION": _VERSIONS,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _CIPHERS,
    "NO_SHARED_CIPHER": _CIPHERS,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": _CIPHERS,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _WANTS_CERTIFICATE,
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": _WANTS_CERTIFICATE,
    "TLSV1_ALERT_UNKNOWN_CA": _REFUSED.format("unknown authority"),
    "SSLV3_ALERT_BAD_CERTIFICATE": _REFUSED.format("bad certificate"),
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _REFUSED.format("expired"),
    "SSLV3_ALERT_CERTIFICATE_REVOKED": _REFUSED.format("revoked"),
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _REFUSED.format("for a reason that it does not tell"),
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": _REFUSED.format("of a kind that it does not take"),
    "TLSV1_ALERT_ACCESS_DENIED": _REFUSED.format("access denied"),
    "TLSV1_UNRECOGNIZED_NAME": "the other side knows no server of that name: check the account's domain or registrar",
    "TLSV1_ALERT_INTERNAL_ERROR": "the other side has a fault of its own (internal error): see its log",
    "DH_KEY_TOO_SMALL": "the other side's Diffie-Hellman key is too short: have it use ECDHE",
}
"""What OpenSSL calls it, and what we say."""


def explain_handshake(error: OSError, secured: ssl.SSLSocket | None, handshaking: bool) -> str:
    """Why a connection failed. `handshaking` tells that no message had passed yet."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(error, _presented(secured), time.time())
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionResetError | BrokenPipeError):
        if handshaking:
            return "the other side closed the connection during the TLS handshake: see its log for why"
        return "the other side broke the connection off"
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or ""
        return _REASONS.get(reason) or f"TLS failed: {reason.replace('_', ' ').lower() or error.strerror or error}"
    return error.strerror or str(error)


def _presented(secured: ssl.SSLSocket | None) -> list[Mapping[str, Any]]:
    """The certificates that the other side showed, its own first, as far as this Python tells of refused ones."""
    inner = getattr(secured, "_sslobj", None)
    chain = getattr(inner, "get_unverified_chain", lambda: None)()
    return [certificate.get_info() for certificate in chain or ()]


def _explain_certificate(
    error: ssl.SSLCertVerificationError, chain: Sequence[Mapping[str, Any]], unix_time: float
) -> str:
    code = error.verify_code
    if code in (_EXPIRED, _NOT_YET_VALID):
        if unix_time < YEAR_2000:
            return (
                f"this board's clock is wrong ({_day(unix_time)}), so that no certificate can be checked: set the "
                "time, or see that it comes from the network (NTP)"
            )
        return _explain_date(code, chain, unix_time)
    if code in _UNKNOWN_ISSUER:
        issuer = person(chain[-1].get("issuer", ())) if chain else "an authority"
        if code == _SELF_SIGNED:
            return (
                f"the server's certificate vouches for itself ({issuer}) and is not trusted here: if it is the right "
                "one, give it with sip.tls_ca_file"
            )
        between = ", or have the server send it where it stands between" if len(chain) == 1 else ""
        return (
            f"the server's certificate is signed by {issuer}, which is not trusted here: if it is the right one, give "
            f"that authority's certificate with sip.tls_ca_file{between}"
        )
    if code == _REVOKED:
        return "the server's certificate has been revoked: have it replaced"
    if code in _WEAK:
        return f"the server's certificate is too weak ({error.verify_message}): have it replaced by a modern one"
    if code == _PURPOSE:
        return "the server's certificate is not meant for servers: have it replaced by one that is"
    return f"the server's certificate is no good: {error.verify_message}"


def _explain_date(code: int, chain: Sequence[Mapping[str, Any]], unix_time: float) -> str:
    """Name the certificate at fault, which may be one of an authority in between."""
    field = "notAfter" if code == _EXPIRED else "notBefore"
    whose, when = "the server's certificate", ""
    for certificate in chain:
        date = ssl.cert_time_to_seconds(certificate[field])
        if (date < unix_time) is (code == _EXPIRED):
            when = _day(date)
            if certificate is not chain[0]:
                whose = f"the certificate of {person(certificate.get('subject', ()))}, which vouches for the server,"
            break
    today = f"this machine's clock says {_day(unix_time)}"
    if code == _EXPIRED:
        return f"{whose} expired{f' on {when}' if when else ''}, and {today}: have it renewed"
    return f"{whose} is not valid yet{f', only from {when} on' if when else ''}, and {today}: is the clock right?"


def _day(unix_time: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(unix_time))


def explain_file_fault(error: Exception, options: TlsOptions) -> str:
    """Why certificates or keys could not be loaded, with the setting that names them."""
    prefix = options.prefix
    for setting, path in (
        ("ca_file", options.ca_file),
        ("certificate", options.certificate),
        ("key", options.key),
    ):
        try:
            text = _read(path) if path else b""
        except OSError as fault:
            return f"{prefix}{setting}: {path}: {fault.strerror}"
        if setting != "key" and path and b"-----BEGIN " not in text:
            return f"{prefix}{setting}: {path} holds no certificate in PEM form"
        if setting != "ca_file" and b"ENCRYPTED" in text:
            return f"{prefix}{setting}: {path} has a passphrase, which nobody could enter: give a key without one"
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return f"{prefix}key: {options.key or options.certificate} is not the key of {options.certificate}"
    if options.certificate:
        return f"{prefix}certificate, {prefix}key: {options.certificate} and its key cannot be used: {error}"
    return f"{prefix}ca_file: {options.ca_file or 'the certificates of the system'} cannot be used: {error}"


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(MAX_FILE_BYTES)
