"""How this machine looks names up: /etc/resolv.conf (resolv.conf(5)) and /etc/hosts (hosts(5)), read on change."""

import os
from collections.abc import Callable

from device.annotations import Final, Generic, TypeVar
from device.net.dns_message import AAAA, A
from device.records import dataclass
from device.sip.hop import ip_literal

RESOLV_CONF: Final = "/etc/resolv.conf"
HOSTS: Final = "/etc/hosts"

DNS_PORT: Final = 53
DEFAULT_TIMEOUT_S: Final = 2.0
"""Wait for one server before the next is asked; the C library's 5 s are too long for somebody with a handset."""
LONGEST_TIMEOUT_S: Final = 10.0
DEFAULT_ATTEMPTS: Final = 2
MOST_ATTEMPTS: Final = 5
MAX_SERVERS: Final = 3
"""What the C library takes, too (MAXNS)."""
MAX_SEARCH: Final = 6
MAX_BYTES: Final = 262_144
"""A longer file, such as a list of blocked hosts, is read so far."""

ServerAddress = tuple[str, int]
"""IP address and port of a name server."""


@dataclass(frozen=True, slots=True)
class ResolvConf:
    """Which name servers to ask, and how; without servers the system's own ways are to be tried."""

    servers: tuple[ServerAddress, ...] = ()
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout_s: float = DEFAULT_TIMEOUT_S
    attempts: int = DEFAULT_ATTEMPTS
    rotate: bool = False

    def candidates(self, name: str) -> tuple[str, ...]:
        """The full names that `name` may mean, in the order in which to try them."""
        if name.endswith(".") or name.count(".") >= self.ndots:
            return (name.removesuffix("."),)
        return (*(f"{name}.{domain}" for domain in self.search), name)


def parse_resolv_conf(text: str) -> ResolvConf:
    """Read a resolv.conf; lines that cannot be read are passed over, as the C library does."""
    servers: list[ServerAddress] = []
    search: list[str] = []
    options: dict[str, str] = {}
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if len(words) < 2:
            continue
        keyword, *values = words
        if keyword == "nameserver" and _address(values[0]) and len(servers) < MAX_SERVERS:
            servers.append((values[0], DNS_PORT))
        elif keyword in ("search", "domain"):
            search = [domain.lower().strip(".") for domain in values[:MAX_SEARCH] if domain.strip(".")]
        elif keyword == "options":
            options.update((name, value) for name, _, value in (option.partition(":") for option in values))
    return ResolvConf(
        tuple(servers),
        tuple(search),
        _number(options.get("ndots"), 1, 0, 15),
        float(_number(options.get("timeout"), int(DEFAULT_TIMEOUT_S), 1, int(LONGEST_TIMEOUT_S))),
        _number(options.get("attempts"), DEFAULT_ATTEMPTS, 1, MOST_ATTEMPTS),
        "rotate" in options,
    )


def parse_hosts(text: str) -> dict[str, tuple[str, ...]]:
    """Read a hosts file: the addresses of each name, in the order of the file."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        address, *names = line.split("#")[0].split() or ("",)
        if _address(address):
            for name in names:
                key = name.lower().removesuffix(".")
                found[key] = (*found.get(key, ()), address)
    return found


def addresses_of_type(addresses: tuple[str, ...], kind: int) -> tuple[str, ...]:
    """Those of IPv4 for A, those of IPv6 for AAAA."""
    if kind not in (A, AAAA):
        return ()
    return tuple(address for address in addresses if (":" in address) == (kind == AAAA))


Read = TypeVar("Read")


class WatchedFile(Generic[Read]):
    """What a file says, read again when the file has become another one; `parse("")` where it cannot be read."""

    __slots__ = ("_parse", "_path", "_seen", "_value")

    def __init__(self, path: str, parse: Callable[[str], Read]) -> None:
        self._path = path
        self._parse = parse
        self._seen: tuple[int, ...] | None = ()
        self._value: Read = parse("")

    def get(self) -> Read:
        """What the file says now."""
        self.refresh()
        return self._value

    def refresh(self) -> bool:
        """Read the file if it has changed since the last time; answers whether it has."""
        try:
            status = os.stat(self._path)
            seen: tuple[int, ...] | None = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            seen = None
        if seen == self._seen:
            return False
        self._seen = seen
        self._value = self._parse(self._text() if seen is not None else "")
        return True

    def _text(self) -> str:
        try:
            with open(self._path, "rb") as file:
                return file.read(MAX_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""


def _address(text: str) -> bool:
    host, _, zone = text.partition("%")
    return ip_literal(host) is not None and not host.startswith("[") and zone.isprintable()


def _number(text: str | None, default: int, lowest: int, highest: int) -> int:
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 9:
        return default
    return min(max(int(text), lowest), highest)
