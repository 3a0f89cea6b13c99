"""Which disks an image may be written to: what the kernel says of them in /sys, in mountinfo and in /proc/swaps."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
SYSTEM_PLACES = ("/", "/boot", "/boot/efi", "/boot/firmware", "/home", "/usr", "/var", "/etc")


@dataclass(frozen=True, slots=True)
class Disk:
    """What is known of a whole disk."""

    name: str
    size: int
    model: str
    serial: str
    removable: bool
    read_only: bool
    transport: str
    uses: tuple[str, ...] = field(default=())
    """What it is in use for, in words: mounted, swap, or part of something larger."""

    @property
    def title(self) -> str:
        """The disk as a person knows it: `/dev/sdb, 31.9 GB, SanDisk Ultra, serial 4C53, usb`."""
        about = [f"/dev/{self.name}", f"{self.size / 1e9:.1f} GB", self.model or "no model name"]
        about += [f"serial {self.serial}"] if self.serial else []
        about += [self.transport] if self.transport else []
        return ", ".join(about)


class Machine:
    """The disks of this machine; `root` is where /sys, /proc and /dev lie, "/" but in tests."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._block = root / "sys/class/block"

    def name_of(self, device: Path) -> str:
        """The kernel's name of a device file, links followed: /dev/disk/by-id/usb-... is sdb."""
        resolved = os.path.realpath(device)
        if not Path(resolved).exists():
            raise FileNotFoundError(f"{device}: there is no such device or file; `lsblk` lists the disks")
        return os.path.basename(resolved)

    def is_disk(self, device: Path) -> bool:
        """Whether it is a block device; what the kernel does not list (a file) is none."""
        try:
            mode = device.stat().st_mode
        except OSError:
            return False
        return stat.S_ISBLK(mode) or (self._root != Path("/") and (self._block / device.name).exists())

    def whole_disk_of(self, name: str) -> str:
        """The disk that a partition belongs to; a whole disk is its own."""
        place = self._block / name
        return place.resolve().parent.name if (place / "partition").exists() else name

    def disk(self, name: str) -> Disk:
        """Everything about a whole disk. Raises OSError when the kernel does not know it."""
        place = self._block / name
        if not place.exists():
            raise FileNotFoundError(f"/dev/{name}: the kernel knows no such disk; `lsblk` lists them")
        return Disk(
            name=name,
            size=int(self._text(place / "size") or 0) * SECTOR,
            model=" ".join((self._text(place / "device/vendor") + " " + self._text(place / "device/model")).split())
            or self._text(place / "device/name"),
            serial=self._text(place / "device/serial") or self._text(place / "serial"),
            removable=self._text(place / "removable") == "1" or self._is_card(place),
            read_only=self._text(place / "ro") == "1",
            transport=self._transport(place),
            uses=tuple(self._uses(name)),
        )

    def disks(self) -> list[Disk]:
        """Every disk that a person could mean, loop devices and RAM left out."""
        names = sorted(path.name for path in self._block.iterdir()) if self._block.is_dir() else []
        return [
            self.disk(name)
            for name in names
            if not name.startswith(("loop", "ram", "sr", "dm-", "md", "zram", "fd"))
            and not (self._block / name / "partition").exists()
            and "boot" not in name
        ]

    def _uses(self, name: str) -> list[str]:
        parts = {name: f"/dev/{name}"}
        for path in (self._block / name).resolve().glob(f"{name}*"):
            if (path / "partition").exists():
                parts[path.name] = f"/dev/{path.name}"
        uses = []
        for device, place in self._mounts(parts):
            kind = "holds the running system: mounted" if place in SYSTEM_PLACES else "is mounted"
            uses.append(f"{device} {kind} on {place}")
        for line in self._text(self._root / "proc/swaps").splitlines()[1:]:
            if line.split() and self._names(line.split()[0]) & set(parts):
                uses.append(f"{line.split()[0]} is swap space")
        for part in parts:
            holders = self._block / part / "holders"
            if holders.is_dir():
                uses += [f"/dev/{part} is part of /dev/{holder.name}" for holder in sorted(holders.iterdir())]
        return uses

    def _mounts(self, parts: dict[str, str]) -> list[tuple[str, str]]:
        """What of these is mounted, and where; by number as well as by name: a root may call itself /dev/root."""
        numbers = {self._text(self._block / part / "dev"): device for part, device in parts.items()}
        found = []
        for line in self._text(self._root / "proc/self/mountinfo").splitlines():
            # proc_pid_mountinfo(5): after the dash stand the type and the source, before it the number and the place.
            before, _, after = line.partition(" - ")
            words, source = before.split(), after.split()[1:2]
            if len(words) < 5 or not source:
                continue
            named = source[0] if self._names(source[0]) & set(parts) else ""
            device = numbers.get(words[2]) or named
            if device:
                found.append((device, words[4].replace("\\040", " ")))
        return found

    def _names(self, source: str) -> set[str]:
        """The kernel's names of what is mounted, links such as /dev/mapper and /dev/root followed."""
        if not source.startswith("/dev/"):
            return set()
        path = self._root / source.lstrip("/")
        return {os.path.basename(source), os.path.basename(os.path.realpath(path))}

    def _is_card(self, place: Path) -> bool:
        return self._text(place / "device/type") == "SD"

    def _transport(self, place: Path) -> str:
        resolved = place.resolve().as_posix()
        for sign, name in (
            ("/usb", "usb"),
            ("/mmc", "card reader"),
            ("/nvme", "nvme"),
            ("/virtio", "virtio"),
            ("/ata", "sata"),
        ):
            if sign in resolved:
                return name
        return ""

    @staticmethod
    def _text(path: Path) -> str:
        try:
            return path.read_text(errors="replace").strip()
        except OSError:
            return ""
