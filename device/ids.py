"""Source of identifiers that must be unique or unguessable; injected, so that a test can state a whole message."""

import os

from device.annotations import Protocol

BRANCH_MAGIC_COOKIE = "z9hG4bK"
"""Every branch of RFC 3261 begins with it (section 8.1.1.7)."""


class IdSource(Protocol):
    """Source of identifiers and of the little randomness that protocols need."""

    def branch(self) -> str:
        """A Via branch, magic cookie included."""

    def tag(self) -> str:
        """A From or To tag: at least 32 bits of randomness (RFC 3261 section 19.3)."""

    def call_id(self) -> str:
        """A Call-ID without host part (RFC 3261 section 8.1.1.4)."""

    def nonce(self) -> str:
        """A digest nonce, cnonce or opaque value."""

    def number(self, bits: int) -> int:
        """An unsigned integer of so many bits: SSRC (32), first RTP sequence number (16), back-off jitter."""


class SystemIds:
    """Identifiers from the kernel's random source."""

    __slots__ = ()

    def branch(self) -> str:
        return BRANCH_MAGIC_COOKIE + os.urandom(10).hex()

    def tag(self) -> str:
        return os.urandom(8).hex()

    def call_id(self) -> str:
        return os.urandom(16).hex()

    def nonce(self) -> str:
        return os.urandom(16).hex()

    def number(self, bits: int) -> int:
        return int.from_bytes(os.urandom((bits + 7) // 8), "big") >> (-bits % 8)


class CountingIds:
    """Predictable identifiers for tests and printed examples: branch 1, branch 2, tag 1 ..."""

    __slots__ = ("_counts", "_prefix")

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._counts: dict[str, int] = {}

    def _count(self, kind: str) -> int:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]

    def branch(self) -> str:
        return f"{BRANCH_MAGIC_COOKIE}-{self._prefix}b{self._count('branch')}"

    def tag(self) -> str:
        return f"{self._prefix}t{self._count('tag')}"

    def call_id(self) -> str:
        return f"{self._prefix}c{self._count('call_id')}"

    def nonce(self) -> str:
        return f"{self._prefix}n{self._count('nonce')}"

    def number(self, bits: int) -> int:
        return self._count("number") * 2654435761 % (1 << bits)
