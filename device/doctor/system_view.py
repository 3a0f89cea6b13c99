"""The board as the examinations see it: files below a root, devices, programs, clock. Tests put in another."""

import grp
import os
import socket
import subprocess
import time
from importlib.util import find_spec

from device.annotations import Any
from device.audio.conversion import CardFormat
from device.control.client import ControlClient
from device.control.errors import ControlError
from device.errors import DeviceError
from device.records import dataclass

COMMAND_PATIENCE_S = 5.0
CONTROL_PATIENCE_S = 5.0
LARGEST_FILE_BYTES = 1 << 20
ASKED_RATES_HZ = (8000, 16000, 48000)
"""Of telephone sound, of wide-band sound, and what most cards are made for."""


@dataclass(frozen=True, slots=True)
class Node:
    """A file or device: the group that it belongs to, and its permission bits."""

    group: str
    mode: int


@dataclass(frozen=True, slots=True)
class GpioLine:
    """One line of a chip: its offset, its name in the device tree, and who holds it ("" for nobody)."""

    offset: int
    name: str
    holder: str


@dataclass(frozen=True, slots=True)
class GpioChip:
    """One GPIO chip with all its lines."""

    path: str
    label: str
    lines: tuple[GpioLine, ...]


@dataclass(frozen=True, slots=True)
class Space:
    """Room on a file system, in bytes, and whether it is mounted read-only."""

    free: int
    total: int
    read_only: bool


class SystemView:
    """The machine itself or, with another `root`, a root file system that is not running: then only files tell."""

    def __init__(self, root: str = "/", socket_path: str = "") -> None:
        self.root = root
        self._socket_path = socket_path

    @property
    def is_live(self) -> bool:
        """Whether this is the machine that runs, with devices and programs."""
        return os.path.realpath(self.root) == "/"

    def path(self, name: str) -> str:
        """Where the file that the board calls `name` is."""
        return os.path.join(self.root, name.lstrip("/"))

    # Files.

    def read(self, name: str) -> str | None:
        """The text of a file, without NUL bytes and white space at its ends; None where it cannot be read."""
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                return file.read(LARGEST_FILE_BYTES).strip("\0 \n\t")
        except OSError:
            return None

    def names(self, folder: str) -> list[str]:
        """What is in a folder, sorted; nothing where it cannot be read."""
        try:
            return sorted(os.listdir(self.path(folder)))
        except OSError:
            return []

    def exists(self, name: str) -> bool:
        """Whether there is such a file, a dangling link included: links lead to places of the board."""
        return os.path.lexists(self.path(name))

    def node(self, name: str) -> Node | None:
        """Group and permissions of a file or device."""
        try:
            status = os.stat(self.path(name))
        except OSError:
            return None
        try:
            group = grp.getgrgid(status.st_gid).gr_name
        except KeyError:
            group = str(status.st_gid)
        return Node(group, status.st_mode & 0o777)

    def space(self, name: str) -> Space | None:
        """The file system that `name`, or the nearest folder above it, is on."""
        place = self.path(name)
        while not os.path.isdir(place) and place != os.path.dirname(place):
            place = os.path.dirname(place)
        try:
            found = os.statvfs(place)
        except OSError:
            return None
        return Space(
            found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, bool(found.f_flag & os.ST_RDONLY)
        )

    def mount_of(self, name: str) -> tuple[str, str, str] | None:
        """Mount point, type and options of the file system that `name` is on (proc(5), mounts)."""
        best: tuple[str, str, str] | None = None
        target = os.path.realpath(name) if self.is_live else name
        for line in (self.read("/proc/mounts") or "").splitlines():
            fields = line.split()
            if len(fields) < 4:
                continue
            point = fields[1].replace("\\040", " ")
            inside = target == point or target.startswith(point.rstrip("/") + "/")
            if inside and (best is None or len(point) >= len(best[0])):
                best = (point, fields[2], fields[3])
        return best

    def groups_of(self, user: str) -> set[str] | None:
        """The groups of a user by /etc/passwd and /etc/group; None for one that there is not."""
        own_gid = next(
            (
                fields[3]
                for line in (self.read("/etc/passwd") or "").splitlines()
                if len(fields := line.split(":")) > 3 and fields[0] == user
            ),
            None,
        )
        if own_gid is None:
            return None
        found = set()
        for line in (self.read("/etc/group") or "").splitlines():
            fields = line.split(":")
            if len(fields) > 3 and (fields[2] == own_gid or user in fields[3].split(",")):
                found.add(fields[0])
        return found

    def has_group(self, group: str) -> bool:
        """Whether there is such a group."""
        return any(line.startswith(f"{group}:") for line in (self.read("/etc/group") or "").splitlines())

    # What only a machine that runs can tell.

    def run(self, *command: str) -> str | None:
        """What a program of the system says; None where it is not there or this is no running machine."""
        if not self.is_live:
            return None
        try:
            done = subprocess.run(  # noqa: S603  # only commands of ours
                command, capture_output=True, text=True, timeout=COMMAND_PATIENCE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip()

    def ask(self, method: str) -> dict[str, Any] | None:
        """What the running phone answers; None where none answers."""
        if not self.is_live:
            return None
        try:
            with ControlClient(self._socket_path, CONTROL_PATIENCE_S) as client:
                answer = client.call(method)
        except ControlError:
            return None
        return answer if isinstance(answer, dict) else None

    def gpio_chips(self) -> list[GpioChip]:
        """Every GPIO chip that may be opened, with its lines. Raises HardwareError."""
        from device.hardware.gpiod_chip import GpiodChip  # noqa: PLC0415  # only where there is hardware to ask

        chip = GpiodChip(folder=self.path("/dev"))
        found = []
        for info in chip.chips():
            lines = (
                GpioLine(line.offset, line.name, (line.consumer or "somebody") if line.used else "")
                for line in chip.lines(info.path)
            )
            found.append(GpioChip(info.path, info.label, tuple(lines)))
        return found

    def sound_fault(self, direction: str, device: str) -> str:
        """Why a sound card cannot be opened for telephone sound (mono, 8 kHz); empty when it can."""
        from device.audio.alsa_pcm import open_pcm  # noqa: PLC0415  # only where there is a card to ask

        try:
            opened = open_pcm("capture" if direction == "capture" else "playback", device, 8000, 20.0, 80.0)
        except DeviceError as fault:
            return str(fault)
        opened.pcm.close()
        return ""

    def card_formats(self, direction: str, device: str) -> list[CardFormat]:
        """What the card itself takes where telephone sound, or sound of a CD's width, is asked of it.

        Nothing where the device names no card, or the card is busy: sound goes through what ALSA puts before it.
        """
        from device.audio.alsa_pcm import open_pcm  # noqa: PLC0415  # only where there is a card to ask

        bare = device.removeprefix("plug")
        if not bare.startswith("hw:"):
            return []
        found: list[CardFormat] = []
        for rate_hz in ASKED_RATES_HZ:
            try:
                opened = open_pcm("capture" if direction == "capture" else "playback", bare, rate_hz, 20.0, 80.0)
            except DeviceError:
                continue
            opened.pcm.close()
            if opened.card not in found:
                found.append(opened.card)
        return sorted(found, key=lambda card: (card.rate_hz, card.channels))

    def kernel_release(self) -> str:
        """The version of the kernel, such as "6.12.41+deb13-arm64"."""
        return self.read("/proc/sys/kernel/osrelease") or ""

    def unix_time(self) -> float:
        """What the clock says."""
        return time.time()

    def clock_is_synchronised(self) -> bool | None:
        """Whether the clock is steered by some time service (adjtimex(2)); None where the kernel does not say."""
        import ctypes  # noqa: PLC0415

        if not self.is_live:
            return None
        # struct timex is at most 208 bytes; modes = 0 only asks, and the answer TIME_ERROR (5) is "not synchronised".
        try:
            state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(256))
        except (OSError, AttributeError):
            return None
        return None if state < 0 else state != 5

    def resolves(self, name: str) -> bool:
        """Whether a name of a server leads to an address."""
        try:
            return bool(socket.getaddrinfo(name, None))
        except (OSError, UnicodeError):
            return False

    def has_module(self, name: str) -> bool:
        """Whether this Python has a package."""
        try:
            return find_spec(name) is not None
        except (ImportError, ValueError):
            return False
