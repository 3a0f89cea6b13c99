"""A stand-in for the module `gpiod` (libgpiod 2): the calls, values and errors of the real one, and as strict.

`FakeGpiod(folder)` is what `import gpiod` would give. The world around it is made by `add_chip`, which returns the
`ChipWorld` that a test drives.
"""

import errno
import functools
import os
import select
from datetime import timedelta
from enum import Enum


class Value(Enum):
    INACTIVE = 0
    ACTIVE = 1

    def __bool__(self):
        return self is Value.ACTIVE


class Direction(Enum):
    AS_IS = 1
    INPUT = 2
    OUTPUT = 3


class Bias(Enum):
    AS_IS = 1
    UNKNOWN = 2
    DISABLED = 3
    PULL_UP = 4
    PULL_DOWN = 5


class Drive(Enum):
    PUSH_PULL = 1
    OPEN_DRAIN = 2
    OPEN_SOURCE = 3


class Edge(Enum):
    NONE = 1
    RISING = 2
    FALLING = 3
    BOTH = 4


class _LineModule:
    Value, Direction, Bias, Drive, Edge = Value, Direction, Bias, Drive, Edge


class RequestReleasedError(Exception):
    pass


class LineSettings:
    def __init__(
        self,
        direction=Direction.AS_IS,
        edge_detection=Edge.NONE,
        bias=Bias.AS_IS,
        drive=Drive.PUSH_PULL,
        active_low=False,
        debounce_period=timedelta(),
        output_value=Value.INACTIVE,
    ):
        assert isinstance(debounce_period, timedelta)
        assert isinstance(active_low, bool)
        self.direction, self.edge_detection, self.bias, self.drive = direction, edge_detection, bias, drive
        self.active_low, self.debounce_period, self.output_value = active_low, debounce_period, output_value


class EdgeEvent:
    class Type(Enum):
        RISING_EDGE = 1
        FALLING_EDGE = 2

    def __init__(self, event_type, timestamp_ns, line_offset):
        self.event_type, self.timestamp_ns, self.line_offset = event_type, timestamp_ns, line_offset


class Info:
    def __init__(self, **values):
        self.__dict__.update(values)


class ChipWorld:
    """One chip of the fake machine: what the kernel would know of it."""

    def __init__(self, path, label, num_lines, names):
        self.path, self.label, self.num_lines, self.names = path, label, num_lines, names
        self.name = os.path.basename(path)
        self.permitted = True
        self.debounces = True
        self.biases = True
        self.unplugged = False
        self.consumers = {}
        self.levels = {}
        self.requests = {}

    def drive(self, offset, level, at):
        """The physical level of a line changes at `at` (s); an edge event follows as in the kernel."""
        before = self.levels.get(offset, False)
        self.levels[offset] = level
        request = self.requests.get(offset)
        if request is not None and level != before and request.settings.edge_detection is Edge.BOTH:
            request.receive_edge(level, at)

    def settle(self, offset):
        """The debounce time of the kernel is over."""
        self.requests[offset].settle()


class LineRequest:
    def __init__(self, world, offset, settings):
        self.world, self.offset, self.settings = world, offset, settings
        self.offsets = [offset]
        self.released = False
        self.written = []
        self.pending = None
        self.settled_level = world.levels.get(offset, settings.bias is Bias.PULL_UP)
        self.events = []
        self.reader, self.writer = os.pipe()
        if settings.direction is Direction.OUTPUT:
            self.set_value(offset, settings.output_value)

    @property
    def fd(self):
        self._check()
        return self.reader

    def receive_edge(self, level, at):
        if self.settings.debounce_period:
            self.pending = (level, at + self.settings.debounce_period.total_seconds())
        else:
            self._queue(level, at)

    def settle(self):
        if self.pending is not None and self.pending[0] != self.settled_level:
            self._queue(*self.pending)
        self.pending = None

    def _queue(self, level, at):
        self.settled_level = level
        rising = level != self.settings.active_low
        kind = EdgeEvent.Type.RISING_EDGE if rising else EdgeEvent.Type.FALLING_EDGE
        self.events.append(EdgeEvent(kind, round(at * 1e9), self.offset))
        os.write(self.writer, b"e")

    def wait_edge_events(self, timeout=None):
        self._check()
        assert timeout == 0, "the loop may not wait in here"
        return bool(select.select([self.reader], [], [], 0)[0])

    def read_edge_events(self, max_events=None):
        self._check()
        assert self.events, "the real one would block for ever"
        taken, self.events = self.events[:max_events], self.events[max_events:]
        os.read(self.reader, len(taken))
        return taken

    def get_value(self, offset):
        self._check()
        assert offset == self.offset
        level = (
            self.settled_level if self.settings.debounce_period else self.world.levels.get(offset, self.settled_level)
        )
        return Value.ACTIVE if level != self.settings.active_low else Value.INACTIVE

    def set_value(self, offset, value):
        self._check()
        assert offset == self.offset
        assert isinstance(value, Value)
        if self.settings.direction is not Direction.OUTPUT:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        self.written.append(value is Value.ACTIVE)
        self.world.levels[offset] = (value is Value.ACTIVE) != self.settings.active_low

    def release(self):
        if self.released:
            return
        self.released = True
        os.close(self.reader)
        os.close(self.writer)
        self.world.requests.pop(self.offset, None)

    def _check(self):
        if self.released:
            raise RequestReleasedError
        if self.world.unplugged:
            raise OSError(errno.ENODEV, "No such device")


class FakeChip:
    def __init__(self, gpiod, path):
        self._gpiod = gpiod
        self._world = gpiod.open_world(path)
        self._open = True
        gpiod.open_chips += 1

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        if self._open:
            self._open = False
            self._gpiod.open_chips -= 1

    def get_info(self):
        world = self._world
        return Info(name=world.name, label=world.label, num_lines=world.num_lines)

    def line_offset_from_id(self, line):
        if isinstance(line, int):
            if line >= self._world.num_lines:
                raise ValueError("line offset of out range")
            return line
        for offset, name in self._world.names.items():
            if name == line:
                return offset
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    def get_line_info(self, offset):
        return Info(offset=offset, consumer=self._world.consumers.get(offset, ""))

    def request_lines(self, config, consumer=None, event_buffer_size=None):
        return self._gpiod.request(self._world, config, consumer)


class FakeGpiod:
    """What `import gpiod` gives, on a machine whose /dev is `folder`."""

    line = _LineModule
    LineSettings = LineSettings
    EdgeEvent = EdgeEvent
    RequestReleasedError = RequestReleasedError

    def __init__(self, folder):
        self.folder = str(folder)
        self.worlds = {}
        self.open_chips = 0
        self.Chip = functools.partial(FakeChip, self)

    def add_chip(self, name, label="pinctrl-bcm2835", num_lines=54, names=None):
        path = os.path.join(self.folder, name)
        with open(path, "w"):
            self.worlds[path] = ChipWorld(path, label, num_lines, names or {})
        return self.worlds[path]

    def open_world(self, path):
        if not os.path.exists(path):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        if path not in self.worlds:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        if not self.worlds[path].permitted:
            raise PermissionError(errno.EACCES, "Permission denied")
        return self.worlds[path]

    def request(self, world, config, consumer):
        ((offset, settings),) = config.items()
        assert len(consumer) <= 31
        if offset in world.requests or offset in world.consumers:
            raise OSError(errno.EBUSY, "Device or resource busy")
        if settings.debounce_period and not world.debounces:
            raise ValueError(errno.EINVAL, "Invalid argument")
        if settings.bias is not Bias.AS_IS and not world.biases:
            raise NotImplementedError(errno.EOPNOTSUPP, "Operation not supported")
        request = LineRequest(world, offset, settings)
        request.consumer = consumer
        world.requests[offset] = request
        return request
