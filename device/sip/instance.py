"""The device that this user agent is: its instance id (RFC 5626 section 4.1) and its place among others of its kind."""

from device.annotations import Final
from device.records import dataclass

_STEP: Final = 1_664_525
"""Factor of a sequence whose members say nothing of each other (Knuth, The Art of Computer Programming, 3.3.4)."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One device, the same after every start."""

    urn: str = ""
    """"urn:uuid:..."; empty for a user agent that shows none, and so can use neither outbound nor GRUU."""
    spread: float = 0.0
    """From 0 up to 1 by the device: phones that do the same at the same time wait for different parts of a pause."""

    def fraction(self, number: int) -> float:
        """From 0 up to 1 by the device and the number of an attempt, evenly over the devices at each number.

        Of one device they add up to more or less, as if by chance: what even steps would not do, after which phones
        that an event brought together stay so for ever (docs/scaling.md).
        """
        return ((int(self.spread * 2**32) | 1) * pow(_STEP, number, 2**32) % 2**32) / 2**32


NO_INSTANCE: Final = Instance()
