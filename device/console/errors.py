"""What can go wrong at a console."""

from device.errors import DeviceError


class ConsoleError(DeviceError):
    """Something that was typed cannot be done; the message says what to type instead.

    `at` is the first character of the word at fault in the line, or -1 where it is about no word.
    """

    def __init__(self, message: str, at: int = -1) -> None:
        super().__init__(message)
        self.at = at


class SerialPortError(DeviceError):
    """The line cannot be used; the message says why and what to do."""


class BrokenOffError(DeviceError):
    """The person has broken off what was under way, by Ctrl-C or Ctrl-D; `ended` tells that it was Ctrl-D."""

    def __init__(self, ended: bool = False) -> None:
        super().__init__("broken off")
        self.ended = ended


class LoggedOutError(DeviceError):
    """The dialogue is over: by a command, after a long silence, or because the line is gone; the message says why."""
