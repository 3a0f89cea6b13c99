"""Change of sample rate between the card and the codec, streaming."""


class Resampler:
    """Converts S16LE mono from one rate to another, keeping its state between fragments."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self.from_hz = from_hz
        self.to_hz = to_hz

    def convert(self, pcm: bytes) -> bytes:
        """The samples at the new rate. Whole 10 ms in give whole 10 ms out."""
        return pcm

    def reset(self) -> None:
        """Forget the past, as after a gap."""
