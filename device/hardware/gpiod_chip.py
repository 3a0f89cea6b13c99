"""GPIO through the character device of the kernel, by way of libgpiod 2 (PyPI `gpiod`): the way for every board.

The kernel applies polarity and debounce and dates each edge on the monotonic clock. Every line is a request of its
own, so that an error names its line and each descriptor means one thing.
"""

import errno
import logging
import os

from device.annotations import Any
from device.hardware.edge_filter import Edge, EdgeFilter
from device.hardware.errors import LineError
from device.hardware.interfaces import (
    HEADER_CHIP,
    HEADER_LABELS,
    Debouncer,
    InputLine,
    LineChanged,
    LineSpec,
    OutputLine,
)
from device.records import dataclass

log = logging.getLogger(__name__)

CONSUMER_LIMIT = 31
"""Characters of a consumer's name that the kernel keeps (GPIO_MAX_NAME_SIZE less the final zero)."""

EVENT_BUFFER = 64
"""Edges that the kernel keeps for us on a line; the default of 16 is a bounce or two of an old contact."""

CHIP_FAULTS = (OSError, ValueError, NotImplementedError)
"""What the binding raises for an error number: EINVAL comes as ValueError, EOPNOTSUPP as NotImplementedError."""

GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO)


@dataclass(frozen=True, slots=True)
class ChipInfo:
    """One GPIO chip of this machine."""

    path: str
    label: str
    lines: int


class GpiodChip:
    """A `LineChip` over all GPIO chips of the kernel.

    `library` is the module `gpiod`, imported here when it is not given; `folder` is where the chips' devices are.
    Raises LineError if the library is missing or too old.
    """

    def __init__(self, library: Any = None, folder: str = "/dev") -> None:
        self._gpiod = _import_gpiod() if library is None else library
        if not hasattr(self._gpiod, "LineSettings"):
            raise LineError(
                "the Python package gpiod is older than 2.0; install `gpiod>=2.1` (pip install offhook[gpio])"
            )
        self._folder = folder
        self._paths: dict[str, str] = {}
        self._requested: list[GpiodInputLine | GpiodOutputLine] = []

    def request_input(self, name: str, spec: LineSpec) -> InputLine:
        from datetime import timedelta  # noqa: PLC0415  # the binding has imported it already

        line = self._gpiod.line
        settings = {
            "direction": line.Direction.INPUT,
            "edge_detection": line.Edge.BOTH,
            "bias": self._bias(spec),
            "active_low": spec.active_low,
        }
        period = timedelta(milliseconds=spec.debounce_ms)
        by_kernel = spec.debounce_ms > 0
        try:
            request = self._request(name, spec, {**settings, "debounce_period": period})
        except LineError as refused:
            if not by_kernel or not isinstance(refused, _RefusedError):
                raise
            request = self._request(name, spec, settings)
            by_kernel = False
            log.info("%s: the kernel does not debounce this line, offhook does", name)
        taken = GpiodInputLine(self._gpiod, request, name, spec, by_kernel)
        self._requested.append(taken)
        return taken

    def request_output(self, name: str, spec: LineSpec, initially: bool = False) -> OutputLine:
        line = self._gpiod.line
        drives = {
            "push-pull": line.Drive.PUSH_PULL,
            "open-drain": line.Drive.OPEN_DRAIN,
            "open-source": line.Drive.OPEN_SOURCE,
        }
        settings = {
            "direction": line.Direction.OUTPUT,
            "drive": drives[spec.drive],
            "active_low": spec.active_low,
            "output_value": line.Value.ACTIVE if initially else line.Value.INACTIVE,
        }
        taken = GpiodOutputLine(self._gpiod, self._request(name, spec, settings), name, initially)
        self._requested.append(taken)
        return taken

    def close(self) -> None:
        for line in self._requested:
            line.close()
        self._requested.clear()

    def chips(self) -> list[ChipInfo]:
        """Every chip that we may open, for messages and for the hardware test."""
        found = []
        for path in self._device_paths():
            try:
                with self._gpiod.Chip(path) as chip:
                    info = chip.get_info()
                    found.append(ChipInfo(path, info.label, info.num_lines))
            except CHIP_FAULTS as error:
                log.debug("%s: %s", path, error)
        return found

    def _bias(self, spec: LineSpec) -> Any:
        bias = self._gpiod.line.Bias
        return {"none": bias.DISABLED, "pull-up": bias.PULL_UP, "pull-down": bias.PULL_DOWN}[spec.bias]

    # Finding the chip.

    def _device_paths(self) -> list[str]:
        """The chips' devices in the order of their numbers; a link to another one counts once."""
        try:
            names = [name for name in os.listdir(self._folder) if name.startswith("gpiochip")]
        except OSError:
            return []
        names.sort(key=lambda name: (len(name), name))
        return list(dict.fromkeys(os.path.realpath(os.path.join(self._folder, name)) for name in names))

    def _path_of(self, name: str, chip: str) -> str:
        if chip in self._paths:
            return self._paths[chip]
        if chip.startswith("/"):
            path = chip
        elif os.path.exists(os.path.join(self._folder, chip)):
            path = os.path.join(self._folder, chip)
        else:
            path = self._path_of_label(name, chip)
        self._paths[chip] = path
        return path

    def _path_of_label(self, name: str, chip: str) -> str:
        labels = HEADER_LABELS if chip == HEADER_CHIP else (chip,)
        found = self.chips()
        for label in labels:
            for info in found:
                if info.label == label:
                    return info.path
        raise LineError(f"{name}: there is no GPIO chip {chip!r} here; {self._chips_in_words(found)}")

    def _chips_in_words(self, found: list[ChipInfo]) -> str:
        if found:
            texts = [f"{os.path.basename(info.path)} ({info.label}, {info.lines} lines)" for info in found]
            return f"there are {', '.join(texts)}"
        closed = self._device_paths()
        if closed:
            return f"there are {', '.join(closed)}, but none may be opened; {_GROUP_ADVICE}"
        return f'there is none in {self._folder}; is this a board with GPIO? `driver = "mock"` works without'

    # Requesting a line.

    def _request(self, name: str, spec: LineSpec, settings: dict[str, object]) -> Any:
        path = self._path_of(name, spec.chip)
        try:
            chip = self._gpiod.Chip(path)
        except CHIP_FAULTS as error:
            raise LineError(f"{name}: {self._why_not_opened(path, error)}") from error
        with chip:
            offset = self._offset(name, chip, spec)
            try:
                return chip.request_lines(
                    config={offset: self._gpiod.LineSettings(**settings)},
                    consumer=f"offhook {name}"[:CONSUMER_LIMIT],
                    event_buffer_size=EVENT_BUFFER,
                )
            except CHIP_FAULTS as error:
                raise self._why_not_requested(name, chip, offset, error) from error

    def _why_not_opened(self, path: str, error: Exception) -> str:
        number = getattr(error, "errno", None)
        if number in (errno.EACCES, errno.EPERM):
            return f"no permission to open {path}; {_GROUP_ADVICE}"
        if number in GONE:
            return f"there is no GPIO chip {path}; {self._chips_in_words(self.chips())}"
        return f"{path} is no GPIO chip that can be used: {error}"

    def _offset(self, name: str, chip: Any, spec: LineSpec) -> int:
        info = chip.get_info()
        if isinstance(spec.line, int) and not 0 <= spec.line < info.num_lines:
            raise LineError(
                f"{name}: {info.name} ({info.label}) has no line {spec.line}; its lines are 0 to {info.num_lines - 1}"
            )
        try:
            offset = chip.line_offset_from_id(spec.line)
        except CHIP_FAULTS as error:
            raise LineError(
                f"{name}: {info.name} ({info.label}) has no line named {spec.line!r}; `gpioinfo` lists its lines"
            ) from error
        return int(offset)

    def _why_not_requested(self, name: str, chip: Any, offset: int, error: Exception) -> LineError:
        info = chip.get_info()
        where = f"{name}: line {offset} of {info.name} ({info.label})"
        number = error.args[0] if error.args else None
        if number == errno.EBUSY:
            consumer = chip.get_line_info(offset).consumer or "a driver of the kernel"
            return LineError(f"{where} is in use by {consumer!r}; end that program, or wire {name} to another line")
        if number in (errno.EACCES, errno.EPERM):
            return LineError(f"{where} may not be used; {_GROUP_ADVICE}")
        if number in GONE:
            return LineError(f"{where} has gone: {error}")
        return _RefusedError(f'{where} refuses these settings: {error}; try bias = "none" with a resistor outside')


_GROUP_ADVICE = "put the user of offhook into the group that owns it, `sudo usermod -aG gpio USER`, and log in anew"


class _RefusedError(LineError):
    """The line is there and free, but does not take these settings."""


def _import_gpiod() -> Any:
    try:
        import gpiod  # noqa: PLC0415  # not needed on the simulated board
    except ImportError as error:
        raise LineError("the Python package gpiod is missing; install it with `pip install offhook[gpio]`") from error
    return gpiod


class GpiodInputLine:
    """An input of a kernel chip."""

    def __init__(self, library: Any, request: Any, name: str, spec: LineSpec, by_kernel: bool) -> None:
        self.name = name
        self._request = request
        self._offset = request.offsets[0]
        self._active = library.line.Value.ACTIVE
        self._rising = library.EdgeEvent.Type.RISING_EDGE
        self._by_kernel = by_kernel
        self._debounce_ms = 0 if by_kernel else spec.debounce_ms
        self._filter = EdgeFilter(name, self._debounce_ms, self._take_edges, self._read_active)

    @property
    def debounced_by(self) -> Debouncer:
        return "kernel" if self._by_kernel else "software" if self._debounce_ms else "none"

    def fileno(self) -> int:
        return -1 if self._request is None else int(self._request.fd)

    def read_events(self) -> list[LineChanged]:
        return self._filter.read_events()

    def active(self) -> bool:
        # The kernel answers with its own settled level, where it is the one that filters.
        return self._filter.active if self._debounce_ms else self._read_active()

    def handle_timeout(self, now: float) -> list[LineChanged]:
        return self._filter.handle_timeout(now)

    def next_timeout(self) -> float | None:
        return self._filter.next_timeout()

    def close(self) -> None:
        request, self._request = self._request, None
        if request is not None:
            request.release()

    def _take_edges(self) -> list[Edge]:
        request = self._open_request()
        try:
            # One read only: what is left keeps the descriptor readable, and a line that oscillates cannot hold us.
            if not request.wait_edge_events(0):
                return []
            events = request.read_edge_events(EVENT_BUFFER)
        except CHIP_FAULTS as error:
            raise LineError(f"{self.name}: the line cannot be read: {error}") from error
        return [(event.event_type == self._rising, event.timestamp_ns / 1e9) for event in events]

    def _read_active(self) -> bool:
        try:
            return bool(self._open_request().get_value(self._offset) == self._active)
        except CHIP_FAULTS as error:
            raise LineError(f"{self.name}: the line cannot be read: {error}") from error

    def _open_request(self) -> Any:
        if self._request is None:
            raise LineError(f"{self.name}: the line was given back and cannot be read any more")
        return self._request


class GpiodOutputLine:
    """An output of a kernel chip."""

    def __init__(self, library: Any, request: Any, name: str, initially: bool) -> None:
        self.name = name
        self._request = request
        self._offset = request.offsets[0]
        self._values = (library.line.Value.INACTIVE, library.line.Value.ACTIVE)
        self._active = initially

    def set(self, active: bool) -> None:
        if self._request is None:
            raise LineError(f"{self.name}: the line was given back and cannot be set any more")
        try:
            self._request.set_value(self._offset, self._values[active])
        except CHIP_FAULTS as error:
            raise LineError(f"{self.name}: the line cannot be set: {error}") from error
        self._active = active

    def active(self) -> bool:
        return self._active

    def close(self) -> None:
        if self._request is None:
            return
        try:
            self.set(False)
        finally:
            request, self._request = self._request, None
            request.release()
