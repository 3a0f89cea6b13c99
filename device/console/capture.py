"""A capture file that grows while SIP messages come; for `trace sip file` and `offhook trace sip --pcap`."""

from collections.abc import Mapping

from device.annotations import Any
from device.console.errors import ConsoleError
from device.console.pcap import MAGIC, file_header, packet_of
from device.console.private_file import open_private

MOST_BYTES = 64 << 20
"""The largest capture: a card must not be filled by a trace that somebody forgot."""


class Capture:
    """Writes messages to `path`, each as soon as it came, without secrets. Raises ConsoleError with what to do."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.messages = 0
        self.bytes = 0
        try:
            self._file = open_private(path, over=MAGIC, buffering=0)
        except OSError as error:
            raise ConsoleError(f"{path}: {error.strerror}; name another file") from error
        self._write(file_header())

    def write(self, message: Mapping[str, Any]) -> None:
        """One message of the topic sip."""
        packet = packet_of(message)
        if self.bytes + len(packet) > MOST_BYTES:
            raise ConsoleError(f"{self.path} has {self.words()}, which is enough: begin another one")
        self._write(packet)
        self.messages += bool(packet)

    def close(self) -> None:
        """No more."""
        self._file.close()

    def words(self) -> str:
        """How much it is by now."""
        size = f"{self.bytes} bytes" if self.bytes < 10_000 else f"{self.bytes / 1000:.0f} kB"
        return f"{self.messages} message{'' if self.messages == 1 else 's'}, {size}"

    def _write(self, data: bytes) -> None:
        left = data
        try:
            while left:
                # A card that is nearly full takes a part of it.
                left = left[self._file.write(left) :]
        except OSError as error:
            self._file.close()
            raise ConsoleError(
                f"{self.path}: {error.strerror}; it has {self.words()}: make room, or name another file"
            ) from error
        self.bytes += len(data)
