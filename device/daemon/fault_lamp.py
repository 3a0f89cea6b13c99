"""The lamp "fault" of a board that has one: it blinks while there is something that an administrator should know."""

from collections.abc import Callable, Sequence

LOOK_S = 5.0
LAMP = "fault"


class FaultLamp:
    """A participant of the loop. `notices` answers what is wrong, `show` sets the lamp to a mode."""

    def __init__(self, notices: Callable[[], Sequence[str]], show: Callable[[str, float], None]) -> None:
        self._notices = notices
        self._show = show
        self._mode = "off"
        self._look_at = 0.0

    def pump(self, now: float) -> float | None:
        """Look whether all is well; answers when to look again."""
        if now >= self._look_at:
            self._look_at = now + LOOK_S
            mode = "blink" if self._notices() else "off"
            if mode != self._mode:
                self._mode = mode
                self._show(mode, now)
        return self._look_at
