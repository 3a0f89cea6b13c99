"""A queue with a descriptor: how a thread or a simulation hands line changes to a loop that waits on descriptors."""

import os
from collections import deque

from device.annotations import Generic, TypeVar

Item = TypeVar("Item")

CAPACITY = 4096
"""Items kept while nobody reads; then the oldest go, as in the kernel's own event buffer."""


class EdgeQueue(Generic[Item]):
    """First in, first out, one writer and one reader that may be different threads. Readable while it holds items."""

    __slots__ = ("_items", "_reader", "_writer")

    def __init__(self) -> None:
        self._items: deque[Item] = deque(maxlen=CAPACITY)
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._reader

    def put(self, item: Item) -> None:
        """Append an item and make the descriptor readable; never blocks. After `close` the item is dropped."""
        if self._writer < 0:
            return
        self._items.append(item)
        try:
            os.write(self._writer, b"\0")
        except BlockingIOError:
            # A full pipe is readable already, which is all that the byte was to say.
            return

    def take_all(self) -> list[Item]:
        """Remove and return everything; never blocks."""
        self._drain_pipe()
        items = []
        while self._items:
            items.append(self._items.popleft())
        return items

    def _drain_pipe(self) -> None:
        # The pipe is emptied before the queue: a byte too many costs one idle wake-up, one too few a lost change.
        try:
            while self._reader >= 0 and len(os.read(self._reader, 4096)) == 4096:
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Close the descriptor; idempotent."""
        reader, writer, self._reader, self._writer = self._reader, self._writer, -1, -1
        for descriptor in (reader, writer):
            if descriptor >= 0:
                os.close(descriptor)
