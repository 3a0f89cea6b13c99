"""U-Boot itself runs the script of the images on an emulated board, with slots of a few bytes: which one it starts."""

import re
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from device.records import replace
from device.upgrade.errors import SlotStateError
from device.upgrade.slot_state import COPY_OFFSETS, RECORD_BYTES, SlotState, SlotStateFile, encode
from firmware_scripts.imaging.boot_files import uboot_script
from firmware_scripts.imaging.disk_image import HERE, make_layout, write_fat, write_image
from tests.board import parts
from tests.board.device_tree import find_tool
from tests.board.machine_monitor import MachineMonitor
from tests.firmware_scripts.imaging.small_image import make_workshop
from tests.support.processes import Program, wait_until

pytestmark = pytest.mark.qemu

STARTING = "Starting kernel ..."
STARTS_S = 60.0
"""U-Boot takes two seconds on a calm machine."""

LAYOUT = make_layout()
ENDLESS_LOOP = 0x14000000
KERNEL = struct.pack("<IIQQQQQQ4sI", ENDLESS_LOOP, 0, 0, 4096, 0xA, 0, 0, 0, b"ARM\x64", 0).ljust(4096, b"\0")
"""What U-Boot takes for Linux (Documentation/arch/arm64/booting.rst)."""


class Booted(NamedTuple):
    """The slots in the order of the attempts, of which the last one may have been started; the state that is left."""

    tried: list[str]
    started: str
    state: SlotState | None
    arguments: str
    """The command line that the kernel of the started slot gets."""


@pytest.fixture(scope="module")
def partitions(tmp_path_factory) -> dict[str, Path]:
    """The kernel partition of a slot with a kernel and with something that is none; the boot partition."""
    workshop = make_workshop(tmp_path_factory.mktemp("slots"))
    files = {"slot.env": b"slot_args=quiet\r\n", "vmlinuz": KERNEL, "initrd.img": bytes(4096)}
    settings = b"extra_args=from.windows\r\nfdt_source=firmware\r\n"
    boot = {"boot.scr": uboot_script((HERE / "boot.cmd").read_text()), "offhook.env": settings}
    found = {name: workshop.folder / name for name in ("whole", "broken", "boot")}
    write_fat(workshop, found["whole"], LAYOUT.kernel_a.size, "KERNEL", files)
    write_fat(workshop, found["broken"], LAYOUT.kernel_a.size, "KERNEL", {**files, "vmlinuz": bytes(4096)})
    write_fat(workshop, found["boot"], LAYOUT.boot.size, "OFFHOOK", boot)
    return found


@pytest.fixture
def boot(partitions, tmp_path: Path):
    """Starts a board with these slots and copies of the state; answers once a slot is started, or none can be."""
    image, socket = tmp_path / "disk.img", tmp_path / "monitor.sock"

    def run(*copies: SlotState | None, a: str = "whole", b: str = "whole") -> Booted:
        slots = [(LAYOUT.kernel_a, partitions[a]), (LAYOUT.kernel_b, partitions[b])]
        write_image(image, LAYOUT, [(LAYOUT.boot, partitions["boot"]), *slots])
        with image.open("r+b") as disk:
            for offset, state in zip(COPY_OFFSETS, copies, strict=True):
                disk.seek(LAYOUT.state.start + offset)
                disk.write(encode(state) if state is not None else bytes(RECORD_BYTES))
        command = [find_tool("qemu-system-aarch64"), "-machine", "virt", "-cpu", "cortex-a53", "-m", "512"]
        command += ["-bios", str(parts.u_boot()), "-display", "none", "-nodefaults", "-serial", "stdio", "-no-reboot"]
        command += ["-drive", f"if=none,id=disk,format=raw,file={image}", "-device", "virtio-blk-pci,drive=disk"]
        machine = Program("u-boot", [*command, "-qmp", f"unix:{socket},server=on,wait=off"], tmp_path)
        try:
            wait_until("U-Boot to decide", lambda: machine.check() or is_decided(machine.log()), STARTS_S)
            log = machine.log()
            arguments = command_line(socket, log, tmp_path / "tree") if STARTING in log else ""
        finally:
            machine.kill()
        tried = re.findall("offhook: starting slot (.)", log)
        return Booted(tried, tried[-1] if STARTING in log else "", left_state(image), arguments)

    return run


def is_decided(log: str) -> bool:
    return STARTING in log or "no slot can be started" in log


def command_line(monitor_socket: Path, log: str, target: Path) -> str:
    """What stands as the kernel's command line in the device tree that U-Boot has just handed over."""
    found = re.search("Loading Device Tree to ([0-9a-f]+), end ([0-9a-f]+)", log)
    assert found is not None
    begin, end = (int(number, 16) for number in found.groups())
    monitor = MachineMonitor(monitor_socket)
    monitor.ask("pmemsave", val=begin, size=end - begin + 1, filename=str(target))
    monitor.close()
    words = [find_tool("fdtget"), "-t", "s", str(target), "/chosen", "bootargs"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.rstrip("\n")


def left_state(image: Path) -> SlotState | None:
    """The state on the disk; None where both copies are damaged."""
    with image.open("rb") as disk:
        disk.seek(LAYOUT.state.start)
        path = image.with_name("state")
        path.write_bytes(disk.read(LAYOUT.state.size))
    try:
        return SlotStateFile(str(path)).read()
    except SlotStateError:
        return None


B_GOOD, B_BAD, B_EMPTY = (SlotState("b", "good", kind, sequence=9) for kind in ("good", "bad", "empty"))
ON_TRIAL, USED_UP = (SlotState("b", "good", "trial", tries, sequence=9) for tries in (3, 0))


@pytest.mark.parametrize(
    ("copies", "broken", "tried", "left"),
    [
        ((B_GOOD, B_GOOD), "", "b", B_GOOD),
        ((B_GOOD, replace(B_GOOD, slot="a", sequence=10)), "", "a", replace(B_GOOD, slot="a", sequence=10)),
        ((None, B_GOOD), "", "b", B_GOOD),
        ((B_GOOD, B_GOOD), "b", "ba", B_GOOD),
        ((ON_TRIAL, ON_TRIAL), "", "b", replace(ON_TRIAL, tries=2, sequence=10)),
        ((ON_TRIAL, ON_TRIAL), "b", "ba", replace(ON_TRIAL, tries=2, sequence=10)),
        ((USED_UP, USED_UP), "", "a", SlotState("a", "good", "bad", 0, 10)),
        ((B_BAD, B_BAD), "", "a", B_BAD),
        # A whole version that has not proven itself is better than none; half of one is not.
        ((B_BAD, B_BAD), "a", "ab", B_BAD),
        ((B_EMPTY, B_EMPTY), "a", "a-", B_EMPTY),
        ((replace(USED_UP, a="bad"), replace(USED_UP, a="bad")), "", "b", SlotState("a", "bad", "bad", 0, 10)),
        ((None, None), "", "a", None),
        ((None, None), "a", "ab", None),
    ],
)
def test_which_slot_is_started(boot, copies, broken: str, tried: str, left: SlotState | None) -> None:
    """`tried` names the slots in their order; "-" says that none of them starts."""
    booted = boot(*copies, **dict.fromkeys(broken, "broken"))
    assert "".join(booted.tried) == tried.strip("-")
    assert booted.started == ("" if tried.endswith("-") else tried[-1])
    assert booted.state == left
    assert ("offhook.trial" in booted.arguments) == (copies[0] == ON_TRIAL and booted.started == "b")


def test_settings_that_were_written_on_windows(boot) -> None:
    words = boot(B_GOOD, B_GOOD).arguments.split(" ")
    assert words[:2] == ["quiet", "offhook.slot=b"]
    assert words[-1] == "from.windows"
