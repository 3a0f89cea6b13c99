"""The device that this user agent is: its instance id (RFC 5626 section 4.1) and its place among others of its kind."""

from device.annotations import Final
from device.records import dataclass

_GOLDEN: Final = 0.6180339887498949
"""Steps of this fraction fall evenly between those before, however many there are."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One device, the same after every start."""

    urn: str = ""
    """"urn:uuid:..."; empty for a user agent that shows none, and so can use neither outbound nor GRUU."""
    spread: float = 0.0
    """From 0 up to 1 by the device: phones that do the same at the same time wait for different parts of a pause."""

    def fraction(self, number: int) -> float:
        """From 0 up to 1 by the device and the number of an attempt."""
        return (self.spread + number * _GOLDEN) % 1.0


NO_INSTANCE: Final = Instance()
