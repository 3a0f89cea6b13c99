"""A single button, such as the one beside a door."""

from device.desk_events import ButtonPressed, DeskEvent
from device.hardware.interfaces import InputLine, LineChanged


class Button:
    """A push button; its line is active while it is pressed."""

    def __init__(self, name: str, line: InputLine) -> None:
        self.name = name
        self._line = line
        self.pressed = False

    @property
    def lines(self) -> tuple[InputLine, ...]:
        """The lines whose changes this device wants."""
        return (self._line,)

    def start(self, now: float) -> list[DeskEvent]:
        """Read the line once. A button that is down at power-up is stuck or leant on, which is no press."""
        self.pressed = self._line.active()
        return []

    def receive_change(self, change: LineChanged) -> list[DeskEvent]:
        """Take a settled change of the line: each press is one event, however long it lasts."""
        was_pressed, self.pressed = self.pressed, change.active
        return [ButtonPressed(self.name, change.at)] if change.active and not was_pressed else []

    def handle_timeout(self, now: float) -> list[DeskEvent]:
        """A button has no time of its own."""
        return []

    def next_timeout(self) -> float | None:
        """Never."""
        return None
