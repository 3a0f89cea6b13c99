"""The far end of the sound: sends PCMU every 20 ms to each phone, with a burst each second, and hears their bursts."""

import select
import socket
import time
from array import array
from random import Random

from tests.bench.registrar import HOST

FRAME_S = 0.02
FRAME_SAMPLES = 160
RATE_HZ = 8000
BURST_EVERY = 50
"""Frames from one burst to the next: a second, so that each is found for itself."""
BURST_SAMPLES = 32
LOUDEST_SOFT_CODE = 0x28
"""PCMU codes fall with the level (G.711 table 2), sign aside; this one stands for 5500 of 32635."""

_HEADER_BYTES = 12


_LOUDNESS = bytes(code & 0x7F < LOUDEST_SOFT_CODE for code in range(256))


def first_loud_sample(payload: bytes) -> int:
    """Index of the first sample of a burst in a PCMU payload, -1 if there is none."""
    return payload.translate(_LOUDNESS).find(1)


def _frames() -> tuple[bytes, bytes]:
    """A frame of noise as in a quiet room and one that begins with a burst, in PCMU."""
    random = Random(1)
    noise = bytes(random.choice((0x7F, 0x7E, 0x7D, 0xFF, 0xFE, 0xFD)) for _ in range(FRAME_SAMPLES))
    burst = bytes(0x08 if index // 4 % 2 else 0x88 for index in range(BURST_SAMPLES))
    return noise, burst + noise[BURST_SAMPLES:]


NOISE, BURST = _frames()


def room_noise(samples: int) -> list[int]:
    """What a microphone in a quiet room gives, 16 bit."""
    random = Random(2)
    return list(array("h", (random.randrange(-40, 41) for _ in range(samples))))


class Line:
    """The sound of one call: `burst_sent_at` and `burst_heard_at` are times of time.monotonic()."""

    def __init__(self, with_bursts: bool) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.socket.setblocking(False)
        self.port = int(self.socket.getsockname()[1])
        self.audio_port = 0
        self.received = 0
        self.longest_pause_s = 0.0
        """Between two packets that were received."""
        self._received_at = 0.0
        self.burst_sent_at: list[float] = []
        self.burst_heard_at: list[float] = []
        self._with_bursts = with_bursts
        self._sequence = 0

    def send(self) -> None:
        """Send the next packet."""
        number = self._sequence
        self._sequence += 1
        is_burst = self._with_bursts and number % BURST_EVERY == BURST_EVERY - 1
        packet = b"".join(
            (
                b"\x80\x80" if number == 0 else b"\x80\x00",
                (number & 0xFFFF).to_bytes(2, "big"),
                (number * FRAME_SAMPLES & 0xFFFFFFFF).to_bytes(4, "big"),
                b"line",
                BURST if is_burst else NOISE,
            )
        )
        self.socket.sendto(packet, (HOST, self.audio_port))
        if is_burst:
            self.burst_sent_at.append(time.monotonic())

    def receive(self) -> None:
        """Take one packet."""
        data = self.socket.recv(2048)
        now = time.monotonic()
        if len(data) < _HEADER_BYTES or data[1] & 0x7F != 0:
            return
        self.received += 1
        if self._received_at:
            self.longest_pause_s = max(self.longest_pause_s, now - self._received_at)
        self._received_at = now
        loud = first_loud_sample(data[_HEADER_BYTES:])
        if loud >= 0:
            # A sample in the middle of a packet can be heard only so much later than its first one.
            at = now + loud / RATE_HZ
            if not self.burst_heard_at or at - self.burst_heard_at[-1] > 0.5:
                self.burst_heard_at.append(at)


def talk(lines: list[Line], seconds: float) -> None:
    """Let every line send and receive for so long."""
    start = time.monotonic()
    by_socket = {line.socket: line for line in lines}
    for frame in range(round(seconds / FRAME_S)):
        for line in lines:
            line.send()
        next_at = start + (frame + 1) * FRAME_S
        while (left := next_at - time.monotonic()) > 0:
            for ready in select.select(list(by_socket), [], [], left)[0]:
                by_socket[ready].receive()
