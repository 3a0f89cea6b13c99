"""A module in the shape of pyalsaaudio whose PCMs answer by a script: what no fake card does on demand."""

from collections import deque
from collections.abc import Callable

PCM_CAPTURE, PCM_PLAYBACK, PCM_NONBLOCK = 1, 0, 1
PCM_FORMAT_S16_LE, PCM_FORMAT_S32_LE = 2, 10


class ALSAAudioError(Exception):
    """As pyalsaaudio raises it: the text of the C library, then the name in brackets."""


class PCM:
    """One direction; `answers` are given out one a call, exceptions are raised, and then `default`."""

    answers: deque[object]
    default: object = 0
    formats: deque[dict[str, object]]
    instances: list["PCM"]  # those opened since `reset`
    queued = 0

    def __init__(self, direction: int, mode: int, **wanted: object) -> None:
        self.direction = direction
        self.wanted = wanted
        self.written: list[bytes] = []
        self.dropped = 0
        self.closed = False
        PCM.instances.append(self)

    def info(self) -> dict[str, object]:
        """What the card agreed to: what was asked for unless the script says otherwise."""
        agreed = {
            "rate": self.wanted["rate"],
            "channels": self.wanted["channels"],
            "format_name": "S32_LE" if self.wanted["format"] == PCM_FORMAT_S32_LE else "S16_LE",
            "period_size": self.wanted["periodsize"],
            "buffer_size": self.wanted["periodsize"] * self.wanted["periods"],  # type: ignore[operator]
        }
        return {**agreed, **(PCM.formats.popleft() if PCM.formats else {})}

    def read(self) -> tuple[int, bytes]:
        data = self._answer()
        return (data, b"") if isinstance(data, int) else (len(data) // 2, data)  # type: ignore[return-value, arg-type]

    def write(self, data: bytes) -> int:
        self.written.append(data)
        answer = self._answer()
        return len(data) // 2 if answer == 0 else int(answer)  # type: ignore[call-overload, no-any-return]

    def avail(self) -> int:
        return self.info()["buffer_size"] - PCM.queued  # type: ignore[operator, no-any-return]

    def drop(self) -> None:
        self.dropped += 1
        answer = self._answer() if PCM.answers and isinstance(PCM.answers[0], DropError) else None
        if answer:
            raise answer  # type: ignore[misc]

    def close(self) -> None:
        self.closed = True

    def _answer(self) -> object:
        answer = PCM.answers.popleft() if PCM.answers else PCM.default
        if isinstance(answer, Exception) and not isinstance(answer, DropError):
            raise answer
        return answer() if isinstance(answer, Callable) else answer  # type: ignore[arg-type]


class DropError(ALSAAudioError):
    """In a script: the next `drop` fails."""


def cards() -> list[str]:
    return ["Device", "b1"]


def card_indexes() -> list[int]:
    return [0, 3]


def reset() -> None:
    """Forget the last test."""
    PCM.answers = deque()
    PCM.default = 0
    PCM.formats = deque()
    PCM.instances = []
    PCM.queued = 0


reset()
