"""What a board says of itself by DNS-SD (RFC 6763): the strings of its TXT record."""

import re
from collections.abc import Iterable

from device.records import dataclass

SERVICE_TYPE = "_offhook._tcp"
"""Boards that want a house of their own; phones that only register somewhere do not announce it."""

VERSION = "1"
ID = re.compile(r"[0-9a-f]{16}")
HIGHEST_RANK = 9
MAX_SERVED = 100_000


@dataclass(frozen=True, slots=True)
class Announcement:
    """One board: its id, where others enrol, and whether it is the exchange."""

    id: str
    host: str = ""
    """Its address, as the resolver found it."""
    port: int = 0
    """Where others enrol, by TCP."""
    rank: int = 5
    """Who takes office first where nobody holds it: the lowest, then the lowest id."""
    can_host: bool = True
    hosts: bool = False
    """Whether it is an exchange now."""
    served: int = 0
    """How many boards have enrolled with it since it took office."""

    def texts(self) -> list[str]:
        """The strings of the TXT record."""
        role = "exchange" if self.hosts else "member" if self.can_host else "guest"
        return [f"v={VERSION}", f"id={self.id}", f"role={role}", f"rank={self.rank}", f"served={self.served}"]


def read_announcement(texts: Iterable[str], host: str, port: int) -> Announcement | None:
    """The board that these strings tell of; None for another version and for whatever cannot be read."""
    values = dict(text.partition("=")[::2] for text in texts)
    rank, served = values.get("rank", "5"), values.get("served", "0")
    if values.get("v") != VERSION or not ID.fullmatch(values.get("id", "")) or not 0 < port <= 65_535:
        return None
    if not (rank.isascii() and rank.isdigit() and served.isascii() and served.isdigit()):
        return None
    if int(rank) > HIGHEST_RANK or len(served) > len(str(MAX_SERVED)):
        return None
    role = values.get("role", "member")
    return Announcement(values["id"], host, port, int(rank), role != "guest", role == "exchange", int(served))
