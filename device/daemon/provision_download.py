"""A file of settings from a web server, for fifty phones that take the same one. Not part of the daemon."""

import base64
import re
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

from device.errors import DeviceError

SCHEMES = ("https", "http")
PATIENCE_S = 15.0
_PLACE = re.compile(r"\{(\w+)\}")


class DownloadError(DeviceError):
    """A file that could not be fetched; the text names address and reason, and no password."""


def is_address(path: str) -> bool:
    """Whether a word is a web address and no file."""
    return path.partition("://")[0].lower() in SCHEMES


def shown_address(address: str) -> str:
    """The address without user and password."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


def fill_in(address: str, mac: str) -> str:
    """`{mac}` in an address becomes that of this phone, so that each takes its own file. Raises DownloadError."""
    known = {"mac": mac.replace(":", "")}

    def place(found: re.Match[str]) -> str:
        name = found[1]
        if name not in known or not known[name]:
            raise DownloadError(f"{shown_address(address)}: {{{name}}} cannot be filled in; there is {{mac}}")
        return known[name]

    return _PLACE.sub(place, address)


def download(address: str, most_bytes: int) -> bytes:
    """The file at a web address; one byte more than `most_bytes` tells that it is too large. Raises DownloadError."""
    parts = urlsplit(address)
    shown = shown_address(address)
    headers = {"User-Agent": "offhook provision", "Accept": "application/toml, text/plain, */*"}
    request = Request(shown, headers=headers)  # noqa: S310  # only the schemes above come here
    if parts.username is not None:
        words = f"{parts.username}:{parts.password or ''}".encode()
        request.add_header("Authorization", f"Basic {base64.b64encode(words).decode()}")
    try:
        with urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310  # only the schemes above come here
            return bytes(answer.read(most_bytes + 1))
    except HTTPError as error:
        error.close()
        raise DownloadError(f"{shown}: the server answers {error.code} {error.reason}") from None
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise DownloadError(
            f"{shown}: cannot be fetched ({reason}); is the address right, is the network up?"
        ) from None
