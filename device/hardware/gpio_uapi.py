"""The GPIO character device of the kernel: version 2 of its ioctls (include/uapi/linux/gpio.h, kernel 5.10 and later).

Only numbers and bytes here; what a line means, and what to tell a person, is `gpiod_chip`'s. The same calls are wrapped
by libgpiod 2; docs/decisions/0010-gpio-uapi.md says why the daemon makes them itself.
"""

import fcntl
import os
import struct

from device.annotations import Protocol
from device.records import dataclass

ACTIVE_LOW = 1 << 1
INPUT = 1 << 2
OUTPUT = 1 << 3
EDGE_RISING = 1 << 4
EDGE_FALLING = 1 << 5
OPEN_DRAIN = 1 << 6
OPEN_SOURCE = 1 << 7
BIAS_PULL_UP = 1 << 8
BIAS_PULL_DOWN = 1 << 9
BIAS_DISABLED = 1 << 10
"""Bits of `flags` (enum gpio_v2_line_flag)."""

USED = 1 << 0
"""In the flags of a line's information: some program or driver holds it, or the pin serves something else."""

NAME_SIZE = 32
"""Bytes of a name or consumer with its final zero (GPIO_MAX_NAME_SIZE)."""

_CHIP_INFO = struct.Struct("=32s32sI")
_LINE_INFO = struct.Struct("=32s32sIIQ160x16x")
_LINE_REQUEST = struct.Struct("=I252x32sQI20x16sQ16sQ192xII20xi")
_LINE_VALUES = struct.Struct("=QQ")
_LINE_EVENT = struct.Struct("=QIIII24x")
_ATTRIBUTE_VALUES = struct.Struct("=IIQ")
_ATTRIBUTE_DEBOUNCE = struct.Struct("=IIII")
"""One line a request: offsets[1..63] are left zero, and two of the ten attributes are used."""

_OUTPUT_VALUES_ID = 2
_DEBOUNCE_ID = 3
_RISING_EDGE_ID = 1


def _ioctl_number(direction: int, number: int, size: int) -> int:
    """The number of an ioctl as the `_IOC` macro of every architecture that offhook runs on makes it."""
    return direction << 30 | size << 16 | 0xB4 << 8 | number


_READ, _READ_WRITE = 2, 3

GET_CHIP_INFO = _ioctl_number(_READ, 0x01, _CHIP_INFO.size)
GET_LINE_INFO = _ioctl_number(_READ_WRITE, 0x05, _LINE_INFO.size)
GET_LINE = _ioctl_number(_READ_WRITE, 0x07, _LINE_REQUEST.size)
GET_VALUES = _ioctl_number(_READ_WRITE, 0x0E, _LINE_VALUES.size)
SET_VALUES = _ioctl_number(_READ_WRITE, 0x0F, _LINE_VALUES.size)


class System(Protocol):
    """The calls of the operating system that are made here."""

    def open(self, path: str) -> int:
        """A descriptor of the chip. Raises OSError."""

    def ioctl(self, descriptor: int, request: int, argument: bytearray) -> None:
        """Ask the kernel, which answers in `argument`. Raises OSError."""

    def read(self, descriptor: int, size: int) -> bytes:
        """What waits; never blocks. Raises BlockingIOError where nothing does, OSError."""

    def close(self, descriptor: int) -> None:
        """Give the descriptor back."""


class Kernel:
    """The real calls."""

    def open(self, path: str) -> int:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def ioctl(self, descriptor: int, request: int, argument: bytearray) -> None:
        fcntl.ioctl(descriptor, request, argument, True)

    def read(self, descriptor: int, size: int) -> bytes:
        return os.read(descriptor, size)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class LineInfo:
    """What the kernel tells about a line, whoever has it."""

    offset: int
    name: str
    """From the device tree; empty where it names none."""
    consumer: str
    """Who holds it, in its own words; may be empty although the line is used."""
    used: bool
    output: bool


@dataclass(frozen=True, slots=True)
class LineWish:
    """One line as it is to be requested."""

    offset: int
    flags: int
    consumer: str
    debounce_us: int = 0
    output_active: bool = False
    event_buffer: int = 0
    """Edges that the kernel keeps for us; 0 for its default of 16."""


class Chip:
    """An open chip. Raises OSError of the kernel from every call: ENOTTY for a file that is no GPIO chip."""

    def __init__(self, path: str, system: System) -> None:
        self._system = system
        self._descriptor = system.open(path)
        try:
            answer = bytearray(_CHIP_INFO.size)
            system.ioctl(self._descriptor, GET_CHIP_INFO, answer)
        except OSError:
            system.close(self._descriptor)
            raise
        name, label, self.lines = _CHIP_INFO.unpack(answer)
        self.name = _text(name)
        self.label = _text(label)

    def __enter__(self) -> "Chip":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._system.close(self._descriptor)

    def line_info(self, offset: int) -> LineInfo:
        """What the kernel knows of one line."""
        question = bytearray(_LINE_INFO.size)
        _LINE_INFO.pack_into(question, 0, b"", b"", offset, 0, 0)
        self._system.ioctl(self._descriptor, GET_LINE_INFO, question)
        name, consumer, _, _, flags = _LINE_INFO.unpack(question)
        return LineInfo(offset, _text(name), _text(consumer), bool(flags & USED), bool(flags & OUTPUT))

    def request(self, wish: LineWish) -> "Line":
        """Take a line. An output is driven as wished from the first moment."""
        attributes = []
        if wish.flags & OUTPUT:
            attributes.append(_ATTRIBUTE_VALUES.pack(_OUTPUT_VALUES_ID, 0, int(wish.output_active)))
        if wish.debounce_us:
            attributes.append(_ATTRIBUTE_DEBOUNCE.pack(_DEBOUNCE_ID, 0, wish.debounce_us, 0))
        # Kernel 7.3 refuses a request whose unused attributes are not zero throughout, their masks too.
        (first, first_mask), (second, second_mask), *_ = [*((one, 1) for one in attributes), (b"", 0), (b"", 0)]
        question = bytearray(
            _LINE_REQUEST.pack(
                wish.offset,
                wish.consumer.encode("utf-8", "replace")[: NAME_SIZE - 1],
                wish.flags,
                len(attributes),
                first,
                first_mask,
                second,
                second_mask,
                1,
                wish.event_buffer,
                0,
            )
        )
        self._system.ioctl(self._descriptor, GET_LINE, question)
        return Line(_LINE_REQUEST.unpack(question)[-1], self._system)


class Line:
    """A line that is held until it is closed; its descriptor is readable while edges wait. Raises OSError."""

    def __init__(self, descriptor: int, system: System) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._system = system

    def read_edges(self, limit: int) -> list[tuple[bool, float]]:
        """Up to `limit` edges that wait: whether the line became active, and when, in s on the monotonic clock."""
        try:
            data = self._system.read(self.descriptor, limit * _LINE_EVENT.size)
        except BlockingIOError:
            return []
        return [(kind == _RISING_EDGE_ID, at_ns / 1e9) for at_ns, kind, *_ in _LINE_EVENT.iter_unpack(data)]

    def active(self) -> bool:
        """The level now, polarity applied; the settled one where the kernel debounces."""
        answer = bytearray(_LINE_VALUES.pack(0, 1))
        self._system.ioctl(self.descriptor, GET_VALUES, answer)
        return bool(_LINE_VALUES.unpack(answer)[0] & 1)

    def set(self, active: bool) -> None:
        """Drive an output."""
        self._system.ioctl(self.descriptor, SET_VALUES, bytearray(_LINE_VALUES.pack(int(active), 1)))

    def close(self) -> None:
        """Give the line back to the kernel; idempotent."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            self._system.close(descriptor)


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")
