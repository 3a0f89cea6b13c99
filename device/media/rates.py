"""Whoever needs another sample rate gets a resampler; only then its filters are loaded."""

from device.annotations import TYPE_CHECKING

if TYPE_CHECKING:
    from device.media.resample import Resampler


def resampler(from_hz: int, to_hz: int) -> "Resampler | None":
    """What converts S16LE mono from one rate to another; None where they are the same."""
    if from_hz == to_hz:
        return None
    from device.media.resample import Resampler  # noqa: PLC0415  # a plain call on a card that converts needs none

    return Resampler(from_hz, to_hz)
