"""Which digest algorithms a phone is offered (RFC 8760): both to all but those whom the strong one would lock out."""

from device.records import dataclass

ALGORITHMS = ("SHA-256", "MD5")
"""Strongest first, as RFC 8760 section 2.2 wants."""

CAUTIOUS = ("MD5", "SHA-256")
"""The order for phones of which nothing is known. Many look at the first challenge alone, SIPp 3.6 among them; those
that look for the strongest, as ours do, find it wherever it stands."""

WEAK = ("MD5",)

AUTOMATIC = "auto"
DIGEST_CHOICES = {AUTOMATIC: CAUTIOUS, "both": ALGORITHMS, "sha-256": ("SHA-256",), "md5": WEAK}
"""What the setting `digest` may say, and what it offers; "auto" does what suits the phone."""

CHOOSES = ("offhook", "Linphone")
"""What the User-Agent begins with of phones that are known to find their way among challenges."""

GIVES_UP = ("baresip v0.", "baresip v1.")
"""What it begins with of phones that are known to give up on any algorithm that they do not know, in whatever order:
baresip's library learnt SHA-256 after version 1."""

SILENCE_S = 2.0
"""A challenge left unanswered for so long has been given up: whoever can answer it does that at once."""

MAX_SENDERS = 500
"""Senders of whom it is remembered what they do with challenges; the one heard of longest ago makes room."""


@dataclass(frozen=True, slots=True)
class _Habit:
    """What a sender did with our challenges."""

    challenged_at: float | None = None
    """When it was challenged with both and has not come back yet."""
    gives_up: bool = False
    chooses: bool = False
    """It has answered the strong one though the weak one stood first, and is never offered less again."""


class AlgorithmChoice:
    """Offers both algorithms and learns who chooses, and who cannot.

    A phone that knows MD5 alone and stumbles over the other comes again as if it had never been challenged, after the
    pause that it makes between attempts. Then it is offered MD5 alone. So any phone gets in, at worst at its second
    attempt, and one that knows better is asked for better.
    """

    __slots__ = ("_algorithms", "_habits", "_learns")

    def __init__(self, digest: str) -> None:
        self._algorithms = DIGEST_CHOICES[digest]
        self._learns = digest == AUTOMATIC
        self._habits: dict[tuple[str, str], _Habit] = {}

    def offered(self, host: str, user_agent: str, now: float) -> tuple[str, ...]:
        """What to offer a sender who came without credentials, or with stale ones."""
        if not self._learns:
            return self._algorithms
        if user_agent.startswith(GIVES_UP):
            return WEAK
        habit = self._habits.get((host, user_agent), _Habit())
        if habit.gives_up:
            return WEAK
        if habit.chooses or user_agent.startswith(CHOOSES):
            return ALGORITHMS
        if habit.challenged_at is not None and now >= habit.challenged_at + SILENCE_S:
            self._remember(host, user_agent, _Habit(gives_up=True))
            return WEAK
        if habit.challenged_at is None:
            self._remember(host, user_agent, _Habit(challenged_at=now))
        return self._algorithms

    def answered(self, host: str, user_agent: str, algorithm: str) -> None:
        """Credentials came: whoever answers is not locked out."""
        habit = self._habits.get((host, user_agent))
        if not self._learns or habit is None or habit.gives_up or habit.chooses:
            return
        if algorithm.removesuffix("-sess") in WEAK:
            # It may not know the strong one, but finds its way past it.
            self._remember(host, user_agent, _Habit())
        else:
            self._remember(host, user_agent, _Habit(chooses=True))

    def _remember(self, host: str, user_agent: str, habit: _Habit) -> None:
        self._habits.pop((host, user_agent), None)
        if len(self._habits) >= MAX_SENDERS:
            del self._habits[next(iter(self._habits))]
        self._habits[host, user_agent] = habit
