"""`offhook recover`: what runs after the phone has failed for good, until it is time to start it again.

It knows nothing but the outputs that the last start has noted: neither store nor profile nor network, any of which may
be what has broken the phone. Relays and bell are held inactive, a lamp tells who passes by.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.daemon.logs import start_logging
from device.daemon.loop import Loop
from device.daemon.notify import ServiceNotifier
from device.daemon.options import UsageError, default_store
from device.hardware.drivers import open_chip
from device.hardware.errors import HardwareError
from device.hardware.interfaces import LineChip, LineSpec, OutputLine, PwmOutput, PwmSpec
from device.hardware.lamp import Lamp
from device.hardware.safe_outputs import SafeOutputs, outputs_path, recorded_outputs
from device.records import dataclass
from device.timing import earliest

if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # the names of `signal` without its enumerations

logger = logging.getLogger(__name__)

USAGE = """\
usage: offhook recover [--for SECONDS] [--store FILE]

Holds relays and bell off and lets a lamp wink (the one called "fault", else the first), after the phone has failed for
good. Ends by itself with status 0 when the time is over; systemd then starts the phone again.

  --for SECONDS   how long (default: 600)
  --store FILE    the store of the phone; its outputs are noted beside it

example: offhook recover --for 600
"""

DEFAULT_PAUSE_S = 600.0
RETRY_S = 5.0
"""How often an output that could not be had is asked for again."""
STATUS_S = 60.0
FAULT_LAMP = "lamp.fault"
FAULT_MODE = "double-wink"


@dataclass(frozen=True, slots=True)
class RecoverOptions:
    """What the command line says."""

    store: str
    pause_s: float = DEFAULT_PAUSE_S
    help: bool = False


def parse_options(arguments: Sequence[str], environment: Mapping[str, str]) -> RecoverOptions:
    """Read the arguments after `offhook recover`; raises UsageError with the argument that is wrong."""
    store, pause_s = default_store(environment), DEFAULT_PAUSE_S
    words = iter(arguments)
    for word in words:
        name, separator, value = word.partition("=")
        if name in ("--help", "-h"):
            return RecoverOptions(store, help=True)
        if name not in ("--for", "--store"):
            raise UsageError(f"{word!r} is not an option of `offhook recover`; `offhook recover --help` lists them")
        value = value if separator else next(words, "")
        if name == "--store":
            store = value
        elif value.isdecimal() and 0 < int(value) <= 86_400:
            pause_s = float(value)
        else:
            raise UsageError(f"--for {value}: give whole seconds, at most 86400, such as --for 600")
    return RecoverOptions(store, pause_s)


class Recovery:
    """A participant of the loop: outputs held inactive, a lamp that winks, and an end."""

    def __init__(
        self,
        outputs: SafeOutputs | None,
        open_driver: Callable[[str], LineChip],
        notifier: ServiceNotifier,
        stop: Callable[[], None],
        now: float,
        pause_s: float,
    ) -> None:
        self._wanted: dict[str, LineSpec | PwmSpec] = {}
        if outputs is not None:
            # Names of both kinds may be the same: a ringer has its tone and its lines.
            self._wanted = {**outputs.lines, **{f"pwm {name}": spec for name, spec in outputs.pwms.items()}}
        self._driver = outputs.driver if outputs is not None else ""
        self._open_driver = open_driver
        self._notifier = notifier
        self._stop = stop
        self._chip: LineChip | None = None
        self._held: dict[str, OutputLine | PwmOutput] = {}
        self._told: dict[str, str] = {}
        lamps = [name for name in self._wanted if name.startswith("lamp.")]
        self._lamp_name = FAULT_LAMP if FAULT_LAMP in lamps else next(iter(lamps), "")
        self._lamp: Lamp | None = None
        self._ends_at = now + pause_s
        self._retry_at: float | None = now
        self._status_at = now
        self.is_over = False
        """Whether the time is over, as against being stopped."""

    def pump(self, now: float) -> float | None:
        """Hold, wink, tell; answers the next deadline."""
        next_ping = self._notifier.pump(now)
        if self._retry_at is not None and now >= self._retry_at:
            self._hold(now)
        if self._lamp is not None:
            self._wink(self._lamp, now)
        if now >= self._status_at:
            self._status_at = now + STATUS_S
            left_s = max(0.0, self._ends_at - now)
            self._notifier.status(f"the phone has failed, outputs are held off; it is started again in {left_s:.0f} s")
        if now >= self._ends_at:
            self.is_over = True
            self._stop()
        lamp_at = self._lamp.next_timeout() if self._lamp is not None else None
        return earliest(next_ping, self._retry_at, lamp_at, self._status_at, self._ends_at)

    def _hold(self, now: float) -> None:
        """Take every output that we do not hold yet, inactive."""
        for name in [name for name in self._wanted if name not in self._held]:
            try:
                if self._chip is None:
                    self._chip = self._open_driver(self._driver)
                self._held[name] = self._take(self._chip, name)
            except HardwareError as error:
                if self._told.get(name) != str(error):
                    self._told[name] = str(error)
                    logger.error("%s", error)
                continue
            if self._lamp is not None:
                self._wink(self._lamp, now)
        self._retry_at = now + RETRY_S if len(self._held) < len(self._wanted) else None

    def _take(self, chip: LineChip, name: str) -> OutputLine | PwmOutput:
        """Have an output, which is inactive, or silent, from then on. Raises HardwareError."""
        spec = self._wanted[name]
        if isinstance(spec, PwmSpec):
            return chip.request_pwm(name.removeprefix("pwm "), spec)
        line = chip.request_output(name, spec)
        if name == self._lamp_name:
            self._lamp = Lamp(name, line)
        return line

    @staticmethod
    def _wink(lamp: Lamp, now: float) -> None:
        try:
            lamp.show(FAULT_MODE, now)
            lamp.handle_timeout(now)
        except HardwareError as error:
            logger.error("%s", error)

    def close(self) -> None:
        """Everything inactive, all lines given back."""
        everything: list[OutputLine | PwmOutput | LineChip] = [
            *self._held.values(),
            *([self._chip] if self._chip else []),
        ]
        for held in everything:
            try:
                held.close()
            except HardwareError as error:
                logger.error("%s", error)
        self._held.clear()


def main(arguments: Sequence[str]) -> int:
    """Run `offhook recover`; 0 when the time is over, 2 for words that cannot be understood, else the signal's end."""
    try:
        options = parse_options(arguments, os.environ)
    except UsageError as error:
        sys.stderr.write(f"offhook recover: {error}\n")
        return 2
    if options.help:
        sys.stdout.write(USAGE)
        return 0
    start_logging("info", os.environ)
    if not _recover(options):
        # Whoever stopped us shall see that we did not end by ourselves.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    return 0


def _recover(options: RecoverOptions) -> bool:
    """Hold the outputs; answers whether the time is over."""
    outputs = None
    try:
        outputs = recorded_outputs(outputs_path(options.store))
    except HardwareError as error:
        logger.error("%s", error)
    logger.error("the phone has failed for good (see its log); it is started again in %.0f s", options.pause_s)
    loop = Loop()
    notifier = ServiceNotifier(os.environ)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(loop.stop))
    recovery = Recovery(outputs, open_chip, notifier, loop.stop, time.monotonic(), options.pause_s)
    try:
        loop.add_participant(recovery)
        notifier.ready("outputs are held off")
        loop.run()
    finally:
        recovery.close()
        notifier.close()
        loop.close()
    return recovery.is_over
