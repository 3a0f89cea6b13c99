"""A serial line by pyserial: 8N1 without flow control, opened again when it comes back after it was unplugged."""

import errno
import os
import termios

from device.annotations import TYPE_CHECKING
from device.console.errors import SerialPortError

if TYPE_CHECKING:
    import serial

READ_BYTES = 4096
REOPEN_S = 0.5
"""Between two looks whether a line that was unplugged is back."""
DEFAULT_BAUD = 115_200
LEAST_BAUD, MOST_BAUD = 50, 4_000_000


class SerialPort:
    """The line at `path`, such as /dev/ttyAMA0. It may be away at the start, and go and come at any time."""

    lasts = True
    is_utf8 = True
    is_ended = False

    def __init__(self, path: str, baud: int = DEFAULT_BAUD) -> None:
        self.path = path
        self.baud = baud
        self.fault = ""
        """Why the line cannot be used now; empty while it can."""
        self._port: serial.Serial | None = None
        self._reopen_at: float | None = None

    @property
    def name(self) -> str:
        """The name of the line, such as "ttyAMA0"."""
        return self.path.removeprefix("/dev/")

    def open(self) -> bool:
        """Open the line; answers whether it can be used. Raises SerialPortError where waiting would not help."""
        if self._port is not None:
            return True
        try:
            import serial  # noqa: PLC0415  # an extra that only a serial line needs
        except ImportError:
            raise SerialPortError(
                "a serial line needs pyserial: install it with `pip install 'offhook[console]'` or "
                "`apt-get install python3-serial`"
            ) from None
        try:
            port = serial.Serial(
                self.path,
                self.baud,
                bytesize=serial.EIGHTBITS,
                parity=serial.PARITY_NONE,
                stopbits=serial.STOPBITS_ONE,
                timeout=0,
                write_timeout=0,
                xonxoff=False,
                rtscts=False,
                dsrdtr=False,
                exclusive=True,
            )
        except (serial.SerialException, ValueError, OSError, termios.error) as error:
            self.fault = self._why(error)
            return False
        self._settle(port.fileno())
        self._port, self.fault = port, ""
        return True

    @staticmethod
    def _settle(fd: int) -> None:
        """Never wait; and let nothing to read look different from a line that is gone (VMIN of termios(3))."""
        os.set_blocking(fd, False)
        attributes = termios.tcgetattr(fd)
        attributes[6][termios.VMIN] = 1
        termios.tcsetattr(fd, termios.TCSANOW, attributes)

    def _why(self, error: Exception) -> str:
        number = getattr(error, "errno", None)
        if number == errno.EACCES:
            return f"{self.path} may not be used by this user: join the group that owns it (`ls -l {self.path}`)"
        if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
            return f"{self.path} is not there: it will be used as soon as it is plugged in"
        if number in (errno.EBUSY, errno.EAGAIN) or "lock" in str(error):
            return f"{self.path} is in use: stop its login with `systemctl disable --now serial-getty@{self.name}`"
        return f"{self.path} cannot be used: {error}"

    def close(self) -> None:
        """Close the line; closing twice is harmless."""
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except (OSError, termios.error):
                self.fault = f"{self.path} was unplugged"

    def size(self) -> tuple[int, int] | None:
        """A serial line does not know the terminal at its other end."""
        return None

    def read_fd(self) -> int:
        """The descriptor to wait on; -1 while the line is away."""
        return -1 if self._port is None else int(self._port.fileno())

    write_fd = read_fd

    def read(self) -> bytes | None:
        """What has come; None when the line has gone away."""
        try:
            data = os.read(self.read_fd(), READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._lose()
            return None
        return data

    def write(self, data: bytes) -> int:
        """Send; answers how many bytes the line took. Raises OSError when it has gone away."""
        try:
            return os.write(self.write_fd(), data)
        except BlockingIOError:
            return 0
        except OSError:
            self._lose()
            raise

    def _lose(self) -> None:
        self.close()
        self.fault = f"{self.path} was unplugged"
        self._reopen_at = None

    def handle_timeout(self, now: float) -> bool:
        """Look whether the line is back; answers whether it has just come."""
        if self._port is not None:
            return False
        if self._reopen_at is not None and now < self._reopen_at:
            return False
        self._reopen_at = now + REOPEN_S
        return self.open()

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed, in seconds of the caller's clock; 0 for at once."""
        if self._port is not None:
            return None
        return self._reopen_at if self._reopen_at is not None else 0.0
