"""A stand-in for the GPIO part of a Linux kernel behind its ioctls, laid out with ctypes after linux/gpio.h.

`FakeGpioKernel(folder)` makes the system calls on a machine whose /dev is `folder`. The world around it is made by
`add_chip`, which returns the `ChipWorld` that a test drives. It is as strict as the kernel: unknown calls and flags
that contradict each other are EINVAL.
"""

import ctypes
import errno
import os

u8, u32, u64, s32 = ctypes.c_char, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int32


class ChipInfo(ctypes.Structure):
    _fields_ = [("name", u8 * 32), ("label", u8 * 32), ("lines", u32)]


class Attribute(ctypes.Structure):
    _fields_ = [("id", u32), ("padding", u32), ("value", u64)]


class ConfigAttribute(ctypes.Structure):
    _fields_ = [("attr", Attribute), ("mask", u64)]


class LineInfo(ctypes.Structure):
    _fields_ = [
        ("name", u8 * 32),
        ("consumer", u8 * 32),
        ("offset", u32),
        ("num_attrs", u32),
        ("flags", u64),
        ("attrs", Attribute * 10),
        ("padding", u32 * 4),
    ]


class LineConfig(ctypes.Structure):
    _fields_ = [("flags", u64), ("num_attrs", u32), ("padding", u32 * 5), ("attrs", ConfigAttribute * 10)]


class LineRequest(ctypes.Structure):
    _fields_ = [
        ("offsets", u32 * 64),
        ("consumer", u8 * 32),
        ("config", LineConfig),
        ("num_lines", u32),
        ("event_buffer_size", u32),
        ("padding", u32 * 5),
        ("fd", s32),
    ]


class LineValues(ctypes.Structure):
    _fields_ = [("bits", u64), ("mask", u64)]


class LineEvent(ctypes.Structure):
    _fields_ = [
        ("timestamp_ns", u64),
        ("id", u32),
        ("offset", u32),
        ("seqno", u32),
        ("line_seqno", u32),
        ("padding", u32 * 6),
    ]


FLAGS = (
    "used",
    "active_low",
    "input",
    "output",
    "edge_rising",
    "edge_falling",
    "open_drain",
    "open_source",
    "bias_pull_up",
    "bias_pull_down",
    "bias_disabled",
)
"""enum gpio_v2_line_flag, bit by bit."""


def error(number):
    return OSError(number, os.strerror(number))


class HeldLine:
    """A request as the kernel keeps it: what was asked for, and the edges that wait."""

    def __init__(self, world, request):
        config = request.config
        self.world = world
        self.offset = request.offsets[0]
        self.consumer = request.consumer.decode()
        self.buffer = request.event_buffer_size
        self.flags = {name for bit, name in enumerate(FLAGS) if config.flags >> bit & 1}
        # As kernel 7.3 does; older ones looked at the used attributes alone.
        if any(any(bytes(config.attrs[i])) for i in range(config.num_attrs, 10)):
            raise error(errno.EINVAL)
        given = {config.attrs[i].attr.id: config.attrs[i] for i in range(config.num_attrs)}
        assert all(attribute.mask == 1 for attribute in given.values())
        self.debounce_s = (given[3].attr.value & 0xFFFFFFFF) / 1e6 if 3 in given else 0.0
        self.active_low = "active_low" in self.flags
        self.pending = None
        self.settled_level = world.levels.get(self.offset, "bias_pull_up" in self.flags)
        self.written = []
        self.sequence = 0
        self.reader, self.writer = os.pipe()
        if "output" in self.flags:
            self.write(bool(2 in given and given[2].attr.value & 1))

    def receive_edge(self, level, at):
        if self.debounce_s:
            self.pending = (level, at + self.debounce_s)
        else:
            self.queue(level, at)

    def settle(self):
        if self.pending is not None and self.pending[0] != self.settled_level:
            self.queue(*self.pending)
        self.pending = None

    def queue(self, level, at):
        self.settled_level = level
        rising = level != self.active_low
        if ("edge_rising" if rising else "edge_falling") not in self.flags:
            return
        self.sequence += 1
        event = LineEvent(round(at * 1e9), 1 if rising else 2, self.offset, self.sequence, self.sequence)
        os.write(self.writer, bytes(event))

    def drop_oldest(self):
        """The kernel's buffer is full: the oldest edge is lost."""
        os.read(self.reader, ctypes.sizeof(LineEvent))

    def active(self):
        level = self.settled_level if self.debounce_s else self.world.levels.get(self.offset, self.settled_level)
        return level != self.active_low

    def write(self, active):
        self.written.append(active)
        self.world.levels[self.offset] = active != self.active_low


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
        held = self.requests.get(offset)
        if held is not None and level != before:
            held.receive_edge(level, at)

    def settle(self, offset):
        """The debounce time of the kernel is over."""
        self.requests[offset].settle()


class FakeGpioKernel:
    """The system calls on a machine whose /dev is `folder`; the `System` of `device.hardware.gpio_uapi`."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.worlds = {}
        self.chips = {}
        self.lines = {}
        self.knows_version_2 = True
        self.refusal = None

    def add_chip(self, name, label="pinctrl-bcm2835", num_lines=54, names=None):
        path = os.path.join(self.folder, name)
        with open(path, "w"):
            self.worlds[path] = ChipWorld(path, label, num_lines, names or {})
        return self.worlds[path]

    def open(self, path):
        if path in self.worlds and not self.worlds[path].permitted:
            raise error(errno.EACCES)
        descriptor = os.open(path, os.O_RDONLY)
        self.chips[descriptor] = self.worlds.get(path)
        return descriptor

    def close(self, descriptor):
        if descriptor in self.chips:
            del self.chips[descriptor]
        else:
            held = self.lines.pop(descriptor)
            os.close(held.writer)
            held.world.requests.pop(held.offset)
        os.close(descriptor)

    def read(self, descriptor, size):
        held = self.lines[descriptor]
        if held.world.unplugged:
            raise error(errno.ENODEV)
        return os.read(descriptor, size)

    def ioctl(self, descriptor, request, argument):
        assert request & 0xFF00 == 0xB400
        assert request >> 16 & 0x3FFF == len(argument), "the size in the number of the call is another"
        calls = {
            0x01: (ChipInfo, self.get_chip_info, self.chips),
            0x05: (LineInfo, self.get_line_info, self.chips),
            0x07: (LineRequest, self.get_line, self.chips),
            0x0E: (LineValues, self.get_values, self.lines),
            0x0F: (LineValues, self.set_values, self.lines),
        }
        structure, serve, descriptors = calls[request & 0xFF]
        on = descriptors[descriptor]
        if on is None:
            raise error(errno.ENOTTY)
        if (on.world if isinstance(on, HeldLine) else on).unplugged:
            raise error(errno.ENODEV)
        if request & 0xFF != 0x01 and not self.knows_version_2:
            raise error(errno.EINVAL)
        serve(on, structure.from_buffer(argument))

    def get_chip_info(self, world, answer):
        answer.name, answer.label, answer.lines = world.name.encode(), world.label.encode(), world.num_lines

    def get_line_info(self, world, answer):
        if answer.offset >= world.num_lines:
            raise error(errno.EINVAL)
        held = world.requests.get(answer.offset)
        answer.name = world.names.get(answer.offset, "").encode()
        if held is not None:
            answer.consumer = held.consumer.encode()
            answer.flags = 1 | ("output" in held.flags) << 3
        elif answer.offset in world.consumers:
            answer.consumer = world.consumers[answer.offset].encode()
            answer.flags = 1

    def get_line(self, world, request):
        if self.refusal is not None:
            raise self.refusal
        assert request.num_lines == 1
        held = HeldLine(world, request)
        number = self._fault_of(world, held)
        if number:
            os.close(held.reader)
            os.close(held.writer)
            raise error(number)
        world.requests[held.offset] = self.lines[held.reader] = held
        request.fd = held.reader

    def _fault_of(self, world, held):
        asked = held.flags
        if held.offset >= world.num_lines or ("input" in asked) == ("output" in asked):
            return errno.EINVAL
        if "output" in asked and asked & {"edge_rising", "edge_falling"}:
            return errno.EINVAL
        if held.offset in world.requests or held.offset in world.consumers:
            return errno.EBUSY
        if held.debounce_s and not world.debounces:
            return errno.EINVAL
        if any(flag.startswith("bias") for flag in asked) and not world.biases:
            return errno.EOPNOTSUPP
        return 0

    def get_values(self, held, values):
        assert values.mask == 1
        values.bits = int(held.active())

    def set_values(self, held, values):
        assert values.mask == 1
        if "output" not in held.flags:
            raise error(errno.EPERM)
        held.write(bool(values.bits & 1))
