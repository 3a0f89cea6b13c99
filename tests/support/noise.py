"""A serial line on which something else arrives, too: what is typed, at the pace of the line, noise in between."""

import os
import random
import time

GARBLED = b"\x00\x11\x13\x80\xbf\xc3\xe2\xf0\xfe\xff"
"""What a receiver makes of spikes, breaks and wrong speeds: NUL for a break, flow control, high bytes, of which some
begin a character that never ends. None of it is a key."""
BITS_A_BYTE = 10


class NoisyLine:
    """Types at the descriptor `fd`: with noise before each key and, at `baud`, no faster than the line carries it."""

    def __init__(self, fd: int, seed: int, baud: int = 0, share: float = 0.5) -> None:
        self._fd = fd
        self._random = random.Random(seed)
        self._baud = baud
        self._share = share
        self.noise = 0

    def type(self, text: str) -> None:
        """Every key, with noise before some of them."""
        for key in text.encode():
            if self._random.random() < self._share:
                self._send(bytes([self._random.choice(GARBLED)]))
                self.noise += 1
            self._send(bytes([key]))

    def rubbish(self, count: int, end: bytes = b"\r") -> None:
        """A line of whatever a wrong speed makes of another one: it may look like words."""
        letters = bytes(self._random.choice(range(0x20, 0x7F)) for _ in range(count))
        # A question mark and quotes are keys that a person may press; what they bring up is not looked at here.
        self._send(letters.translate(None, b'?"') + end)

    def _send(self, data: bytes) -> None:
        os.write(self._fd, data)
        if self._baud:
            # The pace of the line is what is tested: a pseudo-terminal has none.
            time.sleep(BITS_A_BYTE * len(data) / self._baud)
