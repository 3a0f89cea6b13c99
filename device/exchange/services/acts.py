"""What one caller of a service goes through, and the acts that are simple: echo, time, music."""

from device.annotations import Final, Protocol
from device.exchange.services.happenings import Happening, KeyPressed, Said
from device.exchange.services.orders import Echo, HangUp, Order, Part, Pause, PlayMusic, Say
from device.exchange.services.spoken import SpokenTime, Vocabulary, time_words

END_KEY: Final = "#"
"""Ends whatever is going on."""


class Act(Protocol):
    """One call of a service. An answer of None leaves things as they are."""

    def begin(self, now: float) -> Order | None:
        """The call is answered."""

    def receive(self, happened: Happening, now: float) -> Order | None:
        """Something happened."""

    def next_timeout(self) -> float | None:
        """When `TimePassed` is wanted, None for never."""


class EchoTest:
    """The caller hears itself, so that it knows how it sounds and how late."""

    def begin(self, now: float) -> Order | None:
        return Say(("echo-test", "beep"))

    def receive(self, happened: Happening, now: float) -> Order | None:
        match happened:
            case Said():
                return Echo()
            case KeyPressed(digit) if digit == END_KEY:
                return HangUp()
        return None

    def next_timeout(self) -> float | None:
        return None


class Music:
    """Music on hold: for calls that a phone, or whoever parks them, sends here (RFC 7088)."""

    def __init__(self, path: str) -> None:
        self._path = path

    def begin(self, now: float) -> Order | None:
        return PlayMusic(self._path)

    def receive(self, happened: Happening, now: float) -> Order | None:
        return None

    def next_timeout(self) -> float | None:
        return None


class LocalClock(Protocol):
    """The time of day where the exchange is."""

    def at(self, now: float) -> SpokenTime:
        """At `now`, in monotonic seconds."""


class SpeakingClock:
    """Tells the time every ten seconds, with a tone exactly then."""

    STEP_S: Final = 10
    LEAD_S: Final = 0.7
    """At least so long after the call or the last tone it begins to speak."""
    ROUNDING_S: Final = 0.001
    """Makes sure that a whole second is not taken for the last thousandth of the one before."""
    TIMES: Final = 6
    """So often; then it hangs up."""

    def __init__(self, clock: LocalClock, vocabulary: Vocabulary) -> None:
        self._clock = clock
        self._vocabulary = vocabulary
        self._left = self.TIMES

    def begin(self, now: float) -> Order | None:
        return self._announce(now)

    def receive(self, happened: Happening, now: float) -> Order | None:
        match happened:
            case Said():
                return self._announce(now) if self._left else HangUp()
            case KeyPressed(digit) if digit == END_KEY:
                return HangUp()
        return None

    def next_timeout(self) -> float | None:
        return None

    def _announce(self, now: float) -> Order:
        """Words and then silence, so long that the tone comes when it is what they say."""
        self._left -= 1
        time = self._clock.at(now)
        ahead_s = self.STEP_S - time.second % self.STEP_S
        while True:
            told = self._clock.at(now + ahead_s + self.ROUNDING_S)
            words: tuple[Part, ...] = ("at-the-tone", *time_words(told, self._vocabulary))
            spare_s = ahead_s - self._vocabulary.seconds(words)
            if spare_s >= self.LEAD_S:
                return Say((Pause(self.LEAD_S), *words, Pause(spare_s - self.LEAD_S), "beep"))
            ahead_s += self.STEP_S
