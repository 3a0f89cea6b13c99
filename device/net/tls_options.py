"""How this SIP element uses TLS; apart from `tls`, which is loaded only where it is used."""

from device.records import dataclass


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """What the settings say about TLS; paths are those of PEM files."""

    ca_file: str = ""
    """Certificates of authorities to trust."""
    system_cas: bool = True
    """Whether the authorities that the system trusts are trusted, too."""
    certificate: str = ""
    """Our own certificate, with the intermediate ones after it."""
    key: str = ""
    """Its private key; empty where that is in the file of the certificate."""
    verify: bool = True
    """Whether servers have to prove who they are."""
    wildcards: bool = False
    """Whether `*.example.org` in a certificate proves phones.example.org."""
    minimum: str = "1.2"
    """The oldest version of TLS that is spoken."""
    calls_back: bool = False
    """Whether requests go to others over connections that they opened, as a registrar calls its phones."""
    prefix: str = "sip.tls_"
    """What the names of the settings begin with, for whoever is told that one of them is wrong."""

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that is read."""
        return tuple(path for path in (self.ca_file, self.certificate, self.key) if path)
