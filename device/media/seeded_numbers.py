"""Numbers that need spreading, not secrecy."""


class SeededNumbers:
    """A small generator (Knuth's linear congruential one)."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed

    def number(self, bits: int) -> int:
        """An unsigned number of up to 32 bits."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        return self._state >> (64 - bits)
