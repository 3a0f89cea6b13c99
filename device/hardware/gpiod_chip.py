"""GPIO through the character device of the kernel, the way for every board: what libgpiod 2 does, without its weight.

The kernel applies polarity and debounce and dates each edge on the monotonic clock. Every line is a request of its
own, so that an error names its line and each descriptor means one thing.
"""

import errno
import os

from device import plain_logging as logging
from device.hardware import gpio_uapi as uapi
from device.hardware.edge_filter import Edge, EdgeFilter
from device.hardware.errors import LineError, LineTakenError
from device.hardware.interfaces import (
    ANY_CHIP,
    HEADER_CHIP,
    HEADER_LABELS,
    Debouncer,
    InputLine,
    LineChanged,
    LineSpec,
    OutputLine,
    PwmOutput,
    PwmSpec,
)
from device.records import dataclass

log = logging.getLogger(__name__)

EVENT_BUFFER = 64
"""Edges that the kernel keeps for us on a line; the default of 16 is a bounce or two of an old contact."""

GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO)


@dataclass(frozen=True, slots=True)
class ChipInfo:
    """One GPIO chip of this machine."""

    path: str
    label: str
    lines: int


_BIASES = {"none": uapi.BIAS_DISABLED, "pull-up": uapi.BIAS_PULL_UP, "pull-down": uapi.BIAS_PULL_DOWN}
_DRIVES = {"push-pull": 0, "open-drain": uapi.OPEN_DRAIN, "open-source": uapi.OPEN_SOURCE}


class GpiodChip:
    """A `LineChip` over all GPIO chips of the kernel.

    `system` makes the system calls; `folder` is where the devices of the chips are.
    """

    def __init__(self, system: uapi.System | None = None, folder: str = "/dev") -> None:
        self._system = uapi.Kernel() if system is None else system
        self._folder = folder
        self._paths: dict[str, str] = {}
        self._requested: list[GpiodInputLine | GpiodOutputLine] = []

    def request_input(self, name: str, spec: LineSpec) -> InputLine:
        flags = uapi.INPUT | uapi.EDGE_RISING | uapi.EDGE_FALLING | _BIASES[spec.bias]
        by_kernel = spec.debounce_ms > 0
        try:
            line = self._request(name, spec, flags, debounce_us=spec.debounce_ms * 1000)
        except LineError as refused:
            if not by_kernel or not isinstance(refused, _RefusedError):
                raise
            line = self._request(name, spec, flags)
            by_kernel = False
            log.info("%s: the kernel does not debounce this line, offhook does", name)
        taken = GpiodInputLine(line, name, spec, by_kernel)
        self._requested.append(taken)
        return taken

    def request_output(self, name: str, spec: LineSpec, initially: bool = False) -> OutputLine:
        line = self._request(name, spec, uapi.OUTPUT | _DRIVES[spec.drive], output_active=initially)
        taken = GpiodOutputLine(line, name, initially)
        self._requested.append(taken)
        return taken

    def request_pwm(self, name: str, spec: PwmSpec) -> PwmOutput:
        from device.hardware.pwm import SysfsPwm  # noqa: PLC0415  # for the few ringers that need it

        if spec.line is not None:
            raise LineError(
                f"{name}: the kernel makes no pulses on a GPIO line by itself; add `dtoverlay=pwm-gpio,gpio=18` to "
                "config.txt and give pwm_chip in place of the line, or use driver rpi-gpio"
            )
        return SysfsPwm(name, spec)

    def close(self) -> None:
        for line in self._requested:
            line.close()
        self._requested.clear()

    def chips(self) -> list[ChipInfo]:
        """Every chip that we may open, for messages and for the hardware test."""
        found = []
        for path in self._device_paths():
            try:
                with uapi.Chip(path, self._system) as chip:
                    found.append(ChipInfo(path, chip.label, chip.lines))
            except OSError as error:
                log.debug("%s: %s", path, error)
        return found

    def lines(self, path: str) -> list[uapi.LineInfo]:
        """What the kernel knows of every line of the chip at `path`. Raises LineError."""
        try:
            with uapi.Chip(path, self._system) as chip:
                return [chip.line_info(offset) for offset in range(chip.lines)]
        except OSError as error:
            raise LineError(self._why_not_opened(path, error)) from error

    def holder_of(self, name: str, spec: LineSpec) -> str | None:
        """Who holds a line, empty where the kernel does not say; None while it is free. Raises LineError."""
        path = self._path_with_line(name, spec.line) if spec.chip == ANY_CHIP else self._path_of(name, spec.chip)
        try:
            with uapi.Chip(path, self._system) as chip:
                info = chip.line_info(self._offset(name, chip, spec))
        except OSError as error:
            raise LineError(f"{name}: {self._why_not_opened(path, error)}") from error
        return info.consumer.strip() if info.used else None

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

    def _path_with_line(self, name: str, line: int | str) -> str:
        """The chip that has a line of that name, whatever the chip is called on this kernel."""
        found = self.chips()
        for info in found:
            if any(_has_name(known, line) for known in self.lines(info.path)):
                return info.path
        raise LineError(
            f"{name}: no GPIO chip here has a line named {line!r}; `gpioinfo` lists the names; "
            f"{self._chips_in_words(found)}"
        )

    def _chips_in_words(self, found: list[ChipInfo]) -> str:
        if found:
            texts = [f"{os.path.basename(info.path)} ({info.label}, {info.lines} lines)" for info in found]
            return f"there are {', '.join(texts)}"
        closed = self._device_paths()
        if closed:
            return f"there are {', '.join(closed)}, but none may be opened; {_GROUP_ADVICE}"
        return f'there is none in {self._folder}; is this a board with GPIO? `driver = "mock"` works without'

    # Requesting a line.

    def _request(
        self, name: str, spec: LineSpec, flags: int, debounce_us: int = 0, output_active: bool = False
    ) -> uapi.Line:
        path = self._path_with_line(name, spec.line) if spec.chip == ANY_CHIP else self._path_of(name, spec.chip)
        try:
            chip = uapi.Chip(path, self._system)
        except OSError as error:
            # A chip that comes back may have another number.
            self._paths.clear()
            raise LineError(f"{name}: {self._why_not_opened(path, error)}") from error
        with chip:
            offset = self._offset(name, chip, spec)
            if spec.active_low:
                flags |= uapi.ACTIVE_LOW
            buffer = EVENT_BUFFER if flags & uapi.INPUT else 0
            try:
                return chip.request(uapi.LineWish(offset, flags, f"offhook {name}", debounce_us, output_active, buffer))
            except OSError as error:
                raise _why_not_requested(name, chip, offset, error) from error

    def _why_not_opened(self, path: str, error: OSError) -> str:
        if error.errno in (errno.EACCES, errno.EPERM):
            return f"no permission to open {path}; {_GROUP_ADVICE}"
        if error.errno in GONE:
            return f"there is no GPIO chip {path}; {self._chips_in_words(self.chips())}"
        return f"{path} is no GPIO chip that can be used: {error}"

    def _offset(self, name: str, chip: uapi.Chip, spec: LineSpec) -> int:
        if isinstance(spec.line, int):
            if 0 <= spec.line < chip.lines:
                return spec.line
            raise LineError(
                f"{name}: {chip.name} ({chip.label}) has no line {spec.line}; its lines are 0 to {chip.lines - 1}"
            )
        try:
            for offset in range(chip.lines):
                if _has_name(chip.line_info(offset), spec.line):
                    return offset
        except OSError as error:
            raise LineError(f"{name}: {chip.name} ({chip.label}) does not tell its lines: {error}") from error
        raise LineError(
            f"{name}: {chip.name} ({chip.label}) has no line named {spec.line!r}; `gpioinfo` lists its lines"
        )


def _has_name(info: uapi.LineInfo, line: int | str) -> bool:
    """Whether the line is called so; what stands in brackets behind a name ("P9_22 [spi0_sclk]") is a remark."""
    return bool(info.name) and line in (info.name, info.name.partition(" [")[0])


def _why_not_requested(name: str, chip: uapi.Chip, offset: int, error: OSError) -> LineError:
    where = f"{name}: line {offset} of {chip.name} ({chip.label})"
    if error.errno == errno.EBUSY:
        from device.hardware.line_holders import way_out  # noqa: PLC0415  # most lines are free

        info = _info_of(chip, offset)
        holder = info.consumer.strip() if info else ""
        who = repr(holder) if holder else "a driver of the kernel"
        return LineTakenError(
            f"{where} is in use by {who}; {way_out(holder, chip.label, offset)}, or wire {name} to another line",
            holder,
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return LineError(f"{where} may not be used; {_GROUP_ADVICE}")
    if error.errno in GONE:
        return LineError(f"{where} has gone: {error}")
    if _info_of(chip, offset) is None:
        return LineError(f"{where} cannot be had: this kernel is older than 5.10; offhook needs a newer one")
    return _RefusedError(f'{where} refuses these settings: {error}; try bias = "none" with a resistor outside')


def _info_of(chip: uapi.Chip, offset: int) -> uapi.LineInfo | None:
    """What the kernel tells about the line; None where it does not know how, or the chip has gone meanwhile."""
    try:
        return chip.line_info(offset)
    except OSError:
        return None


_GROUP_ADVICE = "put the user of offhook into the group that owns it, `sudo usermod -aG gpio USER`, and log in anew"


class _RefusedError(LineError):
    """The line is there and free, but does not take these settings."""


class GpiodInputLine:
    """An input of a kernel chip."""

    def __init__(self, line: uapi.Line, name: str, spec: LineSpec, by_kernel: bool) -> None:
        self.name = name
        self._line = line
        self._by_kernel = by_kernel
        self._debounce_ms = 0 if by_kernel else spec.debounce_ms
        self._filter = EdgeFilter(name, self._debounce_ms, self._take_edges, self._read_active)

    @property
    def debounced_by(self) -> Debouncer:
        return "kernel" if self._by_kernel else "software" if self._debounce_ms else "none"

    @property
    def lag_s(self) -> float:
        return 0.0

    def fileno(self) -> int:
        return self._line.descriptor

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
        self._line.close()

    def _take_edges(self) -> list[Edge]:
        # One read only: what is left keeps the descriptor readable, and a line that oscillates cannot hold us.
        try:
            return self._open_line().read_edges(EVENT_BUFFER)
        except OSError as error:
            raise LineError(f"{self.name}: the line cannot be read: {error}") from error

    def _read_active(self) -> bool:
        try:
            return self._open_line().active()
        except OSError as error:
            raise LineError(f"{self.name}: the line cannot be read: {error}") from error

    def _open_line(self) -> uapi.Line:
        if self._line.descriptor < 0:
            raise LineError(f"{self.name}: the line was given back and cannot be read any more")
        return self._line


class GpiodOutputLine:
    """An output of a kernel chip."""

    def __init__(self, line: uapi.Line, name: str, initially: bool) -> None:
        self.name = name
        self._line = line
        self._active = initially

    def set(self, active: bool) -> None:
        if self._line.descriptor < 0:
            raise LineError(f"{self.name}: the line was given back and cannot be set any more")
        try:
            self._line.set(active)
        except OSError as error:
            raise LineError(f"{self.name}: the line cannot be set: {error}") from error
        self._active = active

    def active(self) -> bool:
        return self._active

    def close(self) -> None:
        if self._line.descriptor < 0:
            return
        try:
            self.set(False)
        finally:
            self._line.close()
