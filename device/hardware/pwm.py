"""Tones by pulse width modulation: outputs of the kernel's PWM controllers, and the drive that rings with them."""

import errno
import os

from device.hardware.errors import LineError, LineTakenError
from device.hardware.interfaces import PwmOutput, PwmSpec
from device.timing import TimerSet

FOLDER = "/sys/class/pwm"
NANOSECONDS = 1_000_000_000


class SysfsPwm:
    """One channel through /sys/class/pwm (Documentation/driver-api/pwm.rst). Raises LineError if it cannot be had."""

    def __init__(self, name: str, spec: PwmSpec, folder: str = FOLDER) -> None:
        self.name = name
        chip = chip_folder(name, spec.chip, folder)
        self._channel = os.path.join(chip, f"pwm{spec.channel}")
        if not os.path.isdir(self._channel):
            self._export(chip, spec.channel)
        self.silence()

    def _export(self, chip: str, channel: int) -> None:
        try:
            _write(os.path.join(chip, "export"), channel)
        except OSError as error:
            where = f"{self.name}: channel {channel} of {os.path.basename(chip)}"
            if error.errno == errno.EBUSY:
                raise LineTakenError(
                    f"{where} is in use by a driver of the kernel, such as a fan or the sound output; "
                    "`sudo cat /sys/kernel/debug/pwm` shows which",
                    "",
                ) from error
            if error.errno in (errno.EINVAL, errno.ENODEV):
                raise LineError(f"{where} is not there; `cat {chip}/npwm` tells how many channels it has") from error
            raise _refused(self.name, error) from error

    def sound(self, frequency_hz: int) -> None:
        period = NANOSECONDS // frequency_hz
        # The duty cycle may at no moment be longer than the period.
        self._set("duty_cycle", 0)
        self._set("period", period)
        self._set("duty_cycle", period // 2)
        self._set("enable", 1)

    def silence(self) -> None:
        # Without a period the controller refuses to be told anything else.
        if self._get("enable") != "0":
            self._set("enable", 0)
        if self._get("duty_cycle") != "0":
            self._set("duty_cycle", 0)

    def close(self) -> None:
        self.silence()

    def _set(self, name: str, value: int) -> None:
        try:
            _write(os.path.join(self._channel, name), value)
        except OSError as error:
            raise _refused(self.name, error) from error

    def _get(self, name: str) -> str:
        try:
            with open(os.path.join(self._channel, name), encoding="ascii") as file:
                return file.read().strip()
        except OSError as error:
            raise _refused(self.name, error) from error


def _write(path: str, value: int) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def _refused(name: str, error: OSError) -> LineError:
    if error.errno in (errno.EACCES, errno.EPERM):
        return LineError(
            f"{name}: no permission to write {error.filename}; install the udev rules of offhook "
            "(systemd/offhook.rules) and put its user into the group gpio"
        )
    return LineError(f"{name}: the PWM output cannot be set: {error}")


def chip_folder(name: str, chip: str, folder: str) -> str:
    """The folder of a controller by its kernel name, or by the name of its device. Raises LineError."""
    try:
        found = sorted(os.listdir(folder))
    except OSError:
        found = []
    devices = {}
    for known in found:
        device = os.path.basename(os.path.realpath(os.path.join(folder, known, "device")))
        devices[known] = device
        if chip in (known, device):
            return os.path.join(folder, known)
    there = ", ".join(f"{known} ({device})" for known, device in devices.items()) or "none"
    raise LineError(
        f"{name}: there is no PWM controller {chip!r} here; there are: {there}. On a Raspberry Pi add `dtoverlay=pwm` "
        "(or `dtoverlay=pwm-gpio,gpio=18` for any pin) to config.txt and restart"
    )


class ToneDrive:
    """A `RingDrive`: one tone, or two that take turns, on a PWM output while a burst lasts."""

    def __init__(self, output: PwmOutput, tones_hz: tuple[int, ...], turn_ms: int = 50) -> None:
        self._output = output
        self._tones = tones_hz
        self._turn = turn_ms / 1000
        self._place = 0
        self._timers: TimerSet[str] = TimerSet()

    def start(self, now: float) -> None:
        self._place = 0
        self._sound(now)

    def stop(self) -> None:
        self._timers.clear()
        self._output.silence()

    def handle_timeout(self, now: float) -> None:
        if self._timers.pop_due(now):
            self._place = (self._place + 1) % len(self._tones)
            self._sound(now)

    def next_timeout(self) -> float | None:
        return self._timers.next_timeout()

    def _sound(self, now: float) -> None:
        if len(self._tones) > 1:
            self._timers.set("turn", now + self._turn)
        self._output.sound(self._tones[self._place])
