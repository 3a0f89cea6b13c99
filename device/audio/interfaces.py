"""What the audio thread needs of a card and of a socket. Sound is PCM: 16 bit signed, native order, mono."""

from device.annotations import Protocol
from device.records import dataclass

Address = tuple[str, int]
"""Host (an IP literal, IPv6 without brackets) and port."""

SAMPLE_BYTES = 2


class AudioSource(Protocol):
    """Where captured sound comes from. Its `read` is the clock of the audio thread."""

    @property
    def xruns(self) -> int:
        """How often captured sound was lost because nobody read it in time, since it was made."""

    def open(self, rate_hz: int, period_samples: int) -> None:
        """Start to capture mono sound at `rate_hz`, to be read `period_samples` at a time. Idempotent.

        Raises DeviceUnavailable.
        """

    def read(self) -> bytes:
        """Wait for the next period and return exactly `2 * period_samples` bytes. Raises DeviceUnavailable."""

    def close(self) -> None:
        """Release the device. Idempotent, never raises."""


class AudioSink(Protocol):
    """Where sound is played. Its `write` must not wait: the source has the clock."""

    @property
    def xruns(self) -> int:
        """How often the card ran out of sound since the sink was made."""

    def open(self, rate_hz: int, period_samples: int) -> None:
        """Get ready for mono sound at `rate_hz`, `period_samples` at a time. Idempotent. Raises DeviceUnavailable."""

    def write(self, pcm: bytes) -> None:
        """Queue one period for playing. Raises DeviceUnavailable."""

    def close(self) -> None:
        """Release the device. Idempotent, never raises."""


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """A source and a sink that are opened, run and closed together."""

    name: str
    """What a person calls it: the ALSA name, "null" or the file names."""
    source: AudioSource
    sink: AudioSink

    def open(self, rate_hz: int, period_samples: int) -> None:
        """Open both or none. Raises DeviceUnavailable."""
        try:
            # The source last, because its clock begins to run: what it hears while a card is opened would be delay.
            self.sink.open(rate_hz, period_samples)
            self.source.open(rate_hz, period_samples)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close both; never raises."""
        self.source.close()
        self.sink.close()


class DatagramPort(Protocol):
    """A bound UDP socket that never waits. `net.rtp_socket.RtpPort` is one."""

    @property
    def local_port(self) -> int:
        """The bound port."""

    def receive(self) -> tuple[bytes, Address] | None:
        """The next datagram and where it came from; None when there is none. Never raises."""

    def waited_s(self) -> float:
        """How long the datagram that was received last had waited here; 0 where nobody knows. Never raises."""

    def send(self, data: bytes, destination: Address) -> None:
        """Send one datagram to an IP literal; what the network refuses is lost like any datagram. Never raises."""

    def fileno(self) -> int:
        """The descriptor."""

    def close(self) -> None:
        """Release the port. Idempotent."""
