"""The words for faults that no test of sockets can bring about; test_tls meets the others for real."""

import errno
import ssl

import pytest

from device.net.tls_faults import explain_file_fault, explain_handshake
from device.net.tls_options import TlsOptions


def refused(code: int, message: str = "in OpenSSL's words") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (23, "has been revoked"),
        (66, "is too weak (in OpenSSL's words)"),
        (68, "is too weak (in OpenSSL's words)"),
        (26, "is not meant for servers"),
        (62, "is no good: in OpenSSL's words"),
        (18, "vouches for itself (an authority)"),
        (20, "signed by an authority, which is not trusted here"),
        (10, "the server's certificate expired, and this machine's clock says 20"),
        (9, "the server's certificate is not valid yet, and this machine's clock says 20"),
    ],
)
def test_certificates_that_are_refused_without_being_shown(code: int, words: str) -> None:
    assert words in explain_handshake(refused(code), None, handshaking=True)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ssl.SSLEOFError(8, "EOF occurred"), "the other side broke the connection off"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "the other side broke the connection off"),
        (OSError(errno.ETIMEDOUT, "Connection timed out"), "Connection timed out"),
        (OSError("odd"), "odd"),
        (ssl.SSLError(1, "something odd"), "TLS failed: something odd"),
    ],
)
def test_what_ends_a_connection_that_stood(error: OSError, words: str) -> None:
    assert explain_handshake(error, None, handshaking=False) == words


def test_an_alert_without_words_of_ours_is_told_in_those_of_openssl() -> None:
    error = ssl.SSLError(1, "x")
    error.reason = "TLSV1_ALERT_USER_CANCELLED"
    assert explain_handshake(error, None, handshaking=True) == "TLS failed: tlsv1 alert user cancelled"


def test_files_whose_fault_nobody_knows(tmp_path) -> None:
    pem = tmp_path / "a.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\n")
    fault = ValueError("odd")
    assert explain_file_fault(fault, TlsOptions(ca_file=str(pem))) == f"sip.tls_ca_file: {pem} cannot be used: odd"
    text = explain_file_fault(fault, TlsOptions(certificate=str(pem), prefix="--tls-"))
    assert text == f"--tls-certificate, --tls-key: {pem} and its key cannot be used: odd"
    assert "certificates of the system" in explain_file_fault(fault, TlsOptions())
