"""The terminal that a person sits at: standard input and output, raw while the console runs."""

import os
import sys
import termios
import tty

from device.annotations import Any

READ_BYTES = 4096


class Terminal:
    """Standard input and output. Where they are no terminal, as in a pipe, bytes go through as they are."""

    baud = 0
    """Needs no pacing: whatever carries it, SSH or a window, has flow control."""
    lasts = False

    def __init__(self, input_fd: int = 0, output_fd: int = 1) -> None:
        self._input_fd, self._output_fd = input_fd, output_fd
        self._saved: list[Any] | None = None
        self.is_ended = False

    @property
    def name(self) -> str:
        """The name of the terminal, such as "pts/3"."""
        try:
            return os.ttyname(self._input_fd).removeprefix("/dev/")
        except OSError:
            return "a pipe"

    @property
    def is_utf8(self) -> bool:
        """Whether the locale says that the terminal shows UTF-8."""
        return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"

    def open(self) -> bool:
        """Make the terminal raw; answers that it can be used."""
        if os.isatty(self._input_fd) and self._saved is None:
            self._saved = termios.tcgetattr(self._input_fd)
            tty.setraw(self._input_fd)
        return True

    def close(self) -> None:
        """Give the terminal back as it was; closing twice is harmless."""
        if self._saved is not None:
            termios.tcsetattr(self._input_fd, termios.TCSADRAIN, self._saved)
            self._saved = None

    def size(self) -> tuple[int, int] | None:
        """Columns and lines; None where nobody knows."""
        try:
            size = os.get_terminal_size(self._output_fd)
        except OSError:
            return None
        return (size.columns, size.lines) if size.columns and size.lines else None

    def read_fd(self) -> int:
        """The descriptor to wait on; -1 when there is no more to come."""
        return -1 if self.is_ended else self._input_fd

    def write_fd(self) -> int:
        """The descriptor that is written to."""
        return self._output_fd

    def read(self) -> bytes | None:
        """What was typed; None at the end."""
        try:
            data = os.read(self._input_fd, READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self.is_ended = True
            return None
        return data

    def write(self, data: bytes) -> int:
        """Print; answers how many bytes went. Raises OSError when nobody reads any more."""
        return os.write(self._output_fd, data)

    def handle_timeout(self, now: float) -> bool:
        """A terminal never comes back."""
        return False

    def next_timeout(self) -> float | None:
        """A terminal never comes back."""
        return None
