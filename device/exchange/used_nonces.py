"""Which nonces the users have answered, and how often, so that no answer serves twice (RFC 7616 section 3.4)."""

USED_NONCES_KEPT = 32
"""Of each user; the one that was first used longest ago makes room, and what was given out before it is stale."""


class UsedNonces:
    """The nonces of users who proved themselves with them; `lifetime_s` is how long a nonce is good.

    Each user has room of his own: however many others come at the same time, as all phones do when the power is back,
    nobody's nonce is forgotten for their sake. Strangers prove nothing and take no room.
    """

    __slots__ = ("_by_user", "_lifetime_s")

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s
        self._by_user: dict[str, _OfUser] = {}
        """Whoever proved himself longest ago stands first."""

    def take(self, user: str, nonce: str, count: int, given_at: float, now: float) -> bool:
        """Note the proof; False where that nonce and count were used before, or may have been.

        `count` is 0 for a proof without qop, which has no count and serves once.
        """
        self._forget_old(now)
        mine = self._by_user.pop(user, None) or _OfUser()
        self._by_user[user] = mine
        return mine.take(nonce, count, given_at, now - self._lifetime_s)

    def _forget_old(self, now: float) -> None:
        while self._by_user:
            first = next(iter(self._by_user))
            if self._by_user[first].newest + self._lifetime_s > now:
                return
            del self._by_user[first]

    def __len__(self) -> int:
        """How many nonces are remembered."""
        return sum(len(mine.counts) for mine in self._by_user.values())


class _OfUser:
    __slots__ = ("counts", "newest", "oldest")

    def __init__(self) -> None:
        self.counts: dict[str, tuple[float, int]] = {}
        """By nonce when it was given out and the highest count, in the order of their first use."""
        self.oldest = float("-inf")
        """What was given out up to then is stale unless it is among them."""
        self.newest = float("-inf")

    def take(self, nonce: str, count: int, given_at: float, over: float) -> bool:
        used = self.counts.get(nonce)
        if used is None:
            if given_at <= self.oldest:
                return False
            self._make_room(over)
        elif count <= used[1] or not count:
            return False
        self.counts[nonce] = (given_at, count)
        self.newest = max(self.newest, given_at)
        return True

    def _make_room(self, over: float) -> None:
        """Forget what was given out before `over`; if that is not enough, the nonce whose first use is longest ago."""
        while self.counts:
            first = next(iter(self.counts))
            given_at = self.counts[first][0]
            if given_at > over:
                if len(self.counts) < USED_NONCES_KEPT:
                    return
                self.oldest = max(self.oldest, given_at)
            del self.counts[first]
