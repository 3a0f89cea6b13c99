"""What the transaction layer has to say and nobody has fetched yet."""

from collections import deque

from device.sip.hop import Transmission
from device.sip.transaction import Output, TransactionEvent


class Outbox:
    """Messages for the wire and events for the TU, each in order; both tables of transactions write into one."""

    __slots__ = ("events", "transmissions")

    def __init__(self) -> None:
        self.events: deque[TransactionEvent] = deque()
        self.transmissions: deque[Transmission] = deque()

    def put(self, output: Output) -> None:
        """Queue it where it belongs."""
        if isinstance(output, Transmission):
            self.transmissions.append(output)
        else:
            self.events.append(output)
