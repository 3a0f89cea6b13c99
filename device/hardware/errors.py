"""What can go wrong between offhook and its board."""

from device.errors import DeviceError


class HardwareError(DeviceError):
    """Base of every error of the hardware subpackage."""


class LineError(HardwareError):
    """A GPIO chip or line cannot be had or used; the text names the line, the cause and the remedy."""


class LineTakenError(LineError):
    """Somebody else holds the line; `holder` is what the kernel calls him, empty where it does not say."""

    def __init__(self, text: str, holder: str) -> None:
        self.holder = holder
        super().__init__(text)


class ProfileError(HardwareError):
    """A board profile is not usable; `faults` holds every fault found in it, one sentence each."""

    def __init__(self, source: str, faults: list[str]) -> None:
        self.source = source
        self.faults = faults
        super().__init__(f"{source}: " + "; ".join(faults))


class UnknownDeviceError(HardwareError):
    """The board profile has no such relay, or the lamp has no such pattern."""


class UnknownBoardError(HardwareError):
    """No pin of a profile can be looked up, because the board or its header is not known."""
