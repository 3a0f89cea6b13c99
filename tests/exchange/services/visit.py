"""One caller of a service on a bench: the test presses keys, lets what is said end, and moves the clock."""

from collections.abc import Iterable

from device.exchange.services.acts import Act
from device.exchange.services.happenings import Happening, KeyPressed, RecordingFinished, Said, TimePassed
from device.exchange.services.orders import Become, Draft, Order, Part, Pause, Record, Say, SoundFile
from device.exchange.services.spoken import SpokenTime
from device.exchange.services.voicemail import Message, VoicemailLimits
from device.records import replace

LIMITS = VoicemailLimits(60.0, 5.0)
DAY_S = 86_400


class Words:
    """Every prompt is half a second long, a beep too; `own` are words beyond those that a number needs."""

    def __init__(self, own: tuple[str, ...] = ()) -> None:
        self._own = own

    def has(self, word: str) -> bool:
        return word in self._own

    def seconds(self, parts: Iterable[Part]) -> float:
        return sum(part.seconds if isinstance(part, Pause) else 0.5 for part in parts)


class Clock:
    """The bench's clock began at midnight of day 100, so many seconds after which `now` is 0."""

    def __init__(self, past_midnight_s: float = 0.0) -> None:
        self.past_midnight_s = past_midnight_s

    def at(self, now: float) -> SpokenTime:
        return spoken(100 * DAY_S + self.past_midnight_s + now)


def spoken(unix: float) -> SpokenTime:
    day, second = divmod(unix, DAY_S)
    return SpokenTime(int(second // 3600), int(second // 60 % 60), second % 60, int(day))


class Boxes:
    """Mailboxes in memory, as strict as those on the disk."""

    def __init__(self, *users: str, room: int = 3) -> None:
        self.users = users
        self.room = room
        self.kept: list[Message] = []
        self.pins: dict[str, str] = {}
        self.greetings: dict[str, str] = {}
        self.drafts: list[Draft] = []
        self.deleted: list[str] = []

    def add(self, box: str, caller: str = "1002", at: float = 100 * DAY_S, heard: bool = False) -> Message:
        name = f"m{len(self.kept) + len(self.deleted) + 1}"
        self.kept.append(Message(name, box, caller, "", at, 4.0, heard, f"/{name}.wav"))
        return self.kept[-1]

    def has(self, box: str) -> bool:
        return box in self.users

    def has_pin(self, box: str) -> bool:
        return box in self.pins

    def opens(self, box: str, pin: str, now: float) -> bool:
        return self.pins.get(box) == pin

    def messages(self, box: str) -> tuple[Message, ...]:
        return tuple(sorted((one for one in self.kept if one.box == box), key=lambda one: one.heard))

    def mark_heard(self, message: Message, heard: bool) -> None:
        index = [one.name for one in self.kept].index(message.name)
        self.kept[index] = replace(self.kept[index], heard=heard)

    def delete(self, message: Message) -> None:
        index = [one.name for one in self.kept].index(message.name)
        del self.kept[index]
        self.deleted.append(message.name)

    def has_room(self, box: str) -> bool:
        return len(self.messages(box)) < self.room

    def begin(self, box: str, caller: str, caller_name: str) -> Draft | None:
        assert self.has(box)
        if not self.has_room(box):
            return None
        self.drafts.append(Draft(f"d{len(self.drafts)}", f"/d{len(self.drafts)}.wav", box))
        return self.drafts[-1]

    def greeting(self, box: str) -> str:
        return self.greetings.get(box, "")

    def begin_greeting(self, box: str) -> Draft | None:
        return Draft("greeting", "/greeting.wav", box, is_greeting=True) if self.room else None


class Visit:
    """Drives one act as the host of the services does."""

    def __init__(self, act: Act, now: float = 0.0) -> None:
        self.act = act
        self.now = now
        self.order: Order | None = None
        self._take(act.begin(now))

    def _take(self, order: Order | None) -> None:
        if isinstance(order, Become):
            self.act = order.act
            order = self.act.begin(self.now)
        if order is not None:
            self.order = order

    def happen(self, happened: Happening) -> Order | None:
        self._take(self.act.receive(happened, self.now))
        return self.order

    def press(self, digits: str) -> Order | None:
        for digit in digits:
            self.happen(KeyPressed(digit))
        return self.order

    def hear(self) -> Order | None:
        """Let what is being said come to its end."""
        assert isinstance(self.order, Say)
        return self.happen(Said())

    def stop_recording(self) -> Order | None:
        """The recording ends by itself."""
        assert isinstance(self.order, Record)
        return self.happen(RecordingFinished())

    def wait(self) -> Order | None:
        """Let time pass until the act wants to be told."""
        at = self.act.next_timeout()
        assert at is not None
        self.now = max(self.now, at)
        return self.happen(TimePassed())

    @property
    def words(self) -> tuple[str, ...]:
        """What is being said; files by their path."""
        assert isinstance(self.order, Say), self.order
        return tuple(
            part.path if isinstance(part, SoundFile) else part
            for part in self.order.parts
            if not isinstance(part, Pause)
        )
