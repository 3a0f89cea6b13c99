"""QEMU's `raspi3b`: the registers of a real BCM2837, which only the original RPi.GPIO touches by itself.

A Raspberry Pi 3 with Debian's kernel and its own device tree, started from a RAM disk with Python, offhook and the
original RPi.GPIO. The host looks at the pins from outside, by the memory-mapped registers of the chip (BCM2835 ARM
Peripherals, chapter 6), so that what a pin does is not told by the program that moves it. The emulated chip has no
edge detection and no input pins; a level can be put on a pin all the same by its set and clear registers.
"""

import json
import lzma
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from firmware_scripts.imaging.boot_files import RamFile, ram_disk
from tests.board import parts
from tests.board.device_tree import find_tool
from tests.board.raspi3b_guest import WORD
from tests.support.processes import Program, wait_until

GPIO_BASE = 0x3F20_0000
SET, CLEAR, LEVEL = GPIO_BASE + 0x1C, GPIO_BASE + 0x28, GPIO_BASE + 0x34
"""GPSET0, GPCLR0 and GPLEV0: a bit for each of the lines 0 to 31."""

REVISION = "a02082"
PATIENCE_S = 180.0

PYTHON = "python3.13"
PACKAGES = (
    *("busybox-static", "python3.13-minimal", "libpython3.13-minimal", "libpython3.13-stdlib", "libc6", "libexpat1"),
    *("zlib1g", "libssl3t64", "libsqlite3-0", "libffi8", "liblzma5", "libbz2-1.0", "libgcc-s1", "libuuid1"),
)
"""Python for the board and what it is linked with."""

RPI_GPIO = "python3-rpi.gpio"
"""Debian's build of the original RPi.GPIO."""

LEFT_OUT = ("usr/share", "usr/lib/aarch64-linux-gnu/gconv")
LEFT_OUT += tuple(f"usr/lib/{PYTHON}/{name}" for name in ("test", "idlelib", "ensurepip", "pydoc_data", "turtledemo"))

COMMAND_LINE = "console=ttyAMA0,115200 quiet loglevel=1 panic=-1 iomem=relaxed rdinit=/init"
"""iomem=relaxed: Debian's kernel keeps programs from registers that a driver has, RPi.GPIO needs them."""

INIT = f"""\
#!/usr/bin/busybox sh
/usr/bin/busybox mount -t proc proc /proc
/usr/bin/busybox mount -t sysfs sys /sys
/usr/bin/busybox mount -t devtmpfs dev /dev
/usr/bin/busybox ifconfig lo 127.0.0.1
export PYTHONPATH=/opt:/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1
/usr/bin/busybox stty -F /dev/ttyAMA0 -echo
{PYTHON} /opt/tests/board/raspi3b_guest.py </dev/ttyAMA0 >/dev/ttyAMA0 2>&1
/usr/bin/busybox insmod /bcm2835_wdt.ko
/usr/bin/busybox poweroff -f
"""


class Raspi3b:
    """The machine under power. A context manager; `folder` gets its logs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program: Program | None = None
        self._registers: socket.socket | None = None
        self._console = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def __enter__(self) -> "Raspi3b":
        kernel = parts.kernel()
        tree = self._device_tree(kernel.device_trees)
        sockets = {name: self._folder / f"{name}.sock" for name in ("console", "registers")}
        command = [find_tool("qemu-system-aarch64"), "-machine", "raspi3b", "-accel", "tcg,thread=multi"]
        disk = self._folder / "ram-disk.cpio.gz"
        build_ram_disk(kernel.modules, disk)
        command += ["-kernel", str(kernel.image), "-dtb", str(tree), "-initrd", str(disk)]
        command += ["-append", COMMAND_LINE, "-display", "none", "-nic", "none", "-no-reboot", "-monitor", "none"]
        console = (
            f"socket,id=console,path={sockets['console']},server=on,wait=off,logfile={self._folder / 'console.log'}"
        )
        command += ["-chardev", console, "-serial", "chardev:console"]
        command += ["-qtest", f"unix:{sockets['registers']},server=on,wait=off"]
        program = self._program = Program("raspi3b", command, self._folder)
        wait_until("the machine", lambda: program.check() or all(path.exists() for path in sockets.values()), 30.0)
        self._console.connect(str(sockets["console"]))
        self._console.settimeout(PATIENCE_S)
        self._registers = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._registers.connect(str(sockets["registers"]))
        self._registers.settimeout(PATIENCE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._console.close()
        if self._registers is not None:
            self._registers.close()
        if self._program is not None:
            self._program.kill()

    def wait_off(self) -> int:
        """Wait until the machine has switched itself off."""
        assert self._program is not None
        return self._program.wait(PATIENCE_S)

    def steps(self) -> Iterator[dict[str, Any]]:
        """What the machine tells, one fact after the other; it goes on when the next one is asked for."""
        rest = b""
        while True:
            data = self._console.recv(4096)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                text = line.decode("utf-8", "replace").strip()
                if text.startswith(WORD):
                    fact: dict[str, Any] = json.loads(text.removeprefix(WORD))
                    if fact["step"] == "end":
                        return
                    yield fact
                    self._console.sendall(b"\n")

    def level(self, pin: int) -> int:
        """The level of a pin as the chip's register has it."""
        return self._ask(f"readl {LEVEL:#x}") >> pin & 1

    def put(self, pin: int, level: int) -> None:
        """Put a level on a pin from outside."""
        self._ask(f"writel {SET if level else CLEAR:#x} {1 << pin:#x}")

    def _ask(self, command: str) -> int:
        assert self._registers is not None
        self._registers.sendall(command.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self._registers.recv(4096)
        word, _, value = answer.decode().strip().partition(" ")
        assert word == "OK", f"{command}: {answer!r}"
        return int(value, 16) if value else 0

    def _device_tree(self, trees: Path | None) -> Path:
        assert trees is not None
        tree = self._folder / "pi3.dtb"
        shutil.copyfile(trees / "broadcom" / "bcm2837-rpi-3-b.dtb", tree)
        # The firmware of a real one adds the revision. Its PL011 belongs to Bluetooth there; here it is the console.
        for words in (
            ["-cp", str(tree), "/system"],
            ["-t", "x", str(tree), "/system", "linux,revision", REVISION],
            ["-r", str(tree), "/soc/serial@7e201000/bluetooth"],
        ):
            subprocess.run([find_tool("fdtput"), *words], check=True)
        return tree


def build_ram_disk(modules: Path, target: Path) -> None:
    """The RAM disk: Python and the original RPi.GPIO, packed once, and behind them this tree's offhook."""
    folders = [
        parts.unpacked("python", *PACKAGES),
        parts.unpacked("rpi-gpio", RPI_GPIO),
        parts.wheel("audioop-lts", python="313"),
    ]
    base = parts.cache_folder("rig") / f"raspi3b-{'-'.join(folder.name for folder in folders)}.cpio.gz"
    if not base.exists():
        files = {entry.path: entry for folder in folders[:2] for entry in _tree(folder)}
        for entry in _tree(folders[2]):
            path = f"usr/lib/python3/dist-packages/{entry.path}"
            files[path] = RamFile(path, entry.mode, entry.data)
        unfinished = base.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(ram_disk(files[name] for name in sorted(files)))
        unfinished.replace(base)
    # The kernel unpacks archives that follow each other one after the other.
    target.write_bytes(base.read_bytes() + ram_disk(_ours(modules)))


def _ours(modules: Path) -> Iterator[RamFile]:
    """This tree's offhook, the program that tries it, and what starts that."""
    for name in ("proc", "sys", "dev", "tmp", "run", "var", "var/lib", "etc"):
        yield RamFile(name, stat.S_IFDIR | 0o755)
    for name in ("bin", "lib"):
        yield RamFile(name, stat.S_IFLNK | 0o777, f"usr/{name}".encode())
    paths = [path for kind in ("py", "sql", "toml") for path in sorted(parts.ROOT.glob(f"device/**/*.{kind}"))]
    paths += sorted(parts.ROOT.glob("tests/board/raspi3b*"))
    folders: dict[str, None] = {}
    for path in paths:
        place = Path("opt") / path.relative_to(parts.ROOT)
        for above in reversed(place.parents[:-1]):
            if str(above) not in folders:
                folders[str(above)] = None
                yield RamFile(str(above), stat.S_IFDIR | 0o755)
        yield RamFile(str(place), stat.S_IFREG | 0o644, path.read_bytes())
    watchdog = lzma.decompress((modules / "kernel/drivers/watchdog/bcm2835_wdt.ko.xz").read_bytes())
    yield RamFile("bcm2835_wdt.ko", stat.S_IFREG | 0o644, watchdog)
    yield RamFile("init", stat.S_IFREG | 0o755, INIT.encode())


def _tree(folder: Path) -> Iterator[RamFile]:
    """The files below a folder, without what the board does not need; symbolic links as they are."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.startswith(LEFT_OUT):
            continue
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield RamFile(name, mode, os.readlink(path).encode())
        elif stat.S_ISDIR(mode) and name not in ("bin", "lib", "sbin"):
            yield RamFile(name, mode)
        elif stat.S_ISREG(mode):
            yield RamFile(name, mode, path.read_bytes())
