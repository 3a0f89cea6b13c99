"""The virtual board: QEMU's `virt` machine with the product's image on its disk and a Raspberry Pi's device tree.

The image is never altered: the board works on a copy of its own, and what a test needs inside comes from outside, by
systemd's credentials (an extra unit and a udev rule that starts it) and a shared folder. Without `share` the board runs
exactly as a real one would.
"""

import random
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.board.device_tree import CPU, build_device_tree, find_tool
from tests.board.machine_monitor import MachineMonitor, MonitorError
from tests.board.network import BoardNetwork
from tests.board.write_log import play_back
from tests.support.processes import Program, wait_until

PROCESSORS = 2
MEMORY_MIB = 512
BLOCK_CACHE_MIB = 256
"""For translated code; QEMU's default would let it grow to a quarter of the host's memory."""

USB_SERIAL, USB_ADAPTER = "usb-serial", "usb-adapter"

AGENT_PORT = "offhook.agent"
SHARE_TAG = "share"
SHARE_PLACE = "/run/offhook-rig"
"""Where the shared folder is within the board."""

AGENT_UNIT = f"""\
[Unit]
Description=Hands and ears of a test at the virtual board
DefaultDependencies=no
Conflicts=shutdown.target
StartLimitIntervalSec=0

[Service]
Type=exec
Restart=on-failure
ExecStartPre=/bin/sh -c 'mkdir -p {SHARE_PLACE} && modprobe -a 9pnet_virtio 9p gpio-sim && \
{{ mountpoint -q {SHARE_PLACE} || \
mount -t 9p -o trans=virtio,version=9p2000.L,msize=131072 {SHARE_TAG} {SHARE_PLACE}; }}'
ExecStart=/usr/bin/python3 -I {SHARE_PLACE}/agent.py /dev/virtio-ports/{AGENT_PORT} {SHARE_PLACE}
"""

UNIT_NAME = "r.service"
"""QEMU allows file names of 55 characters, of which systemd's own words leave this."""

AGENT_RULE = (
    f'ACTION=="add", SUBSYSTEM=="virtio-ports", ATTR{{name}}=="{AGENT_PORT}", TAG+="systemd", '
    f'ENV{{SYSTEMD_WANTS}}+="{UNIT_NAME}"\n'
)

CREDENTIALS = "opt/io.systemd.credentials"
PROVISION = "opt/org.offhook/provision"
"""Where the image looks for the settings of its first start on a virtual machine."""

OFF_S = 120.0
"""The longest that a shutdown in order takes, also on a machine with much else to do."""


class BoardFiles(NamedTuple):
    """What a board is made of."""

    image: Path
    """The product's image, as it would be written to a card."""
    firmware: Path
    """u-boot.bin for QEMU's virt machine."""
    provision: Path | None = None
    """Settings and accounts for the first start; see `offhook provision --help`."""
    share: Path | None = None
    """A folder that the board sees, with `agent.py` in it; without it nothing of the test is in the board."""


class PowerCut(NamedTuple):
    """What a power cut did to the disk."""

    at: int
    """How far its log had come, in bytes."""
    flushed: int
    unflushed: int
    """Writes of this time under power that a flush had secured, and that none had."""


class VirtualBoard:
    """One board. `folder` gets its disk, its logs and its sockets; `network` a cable to it."""

    def __init__(
        self, name: str, files: BoardFiles, folder: Path, network: BoardNetwork, number: int = 1, clock: str = ""
    ) -> None:
        self.name = name
        self.files = files
        self.folder = folder
        self.network = network
        self.hardware_address = f"52:54:00:0f:0f:{number:02x}"
        self.tap = network.add_tap()
        self._clock = clock
        self._serial = 0x0F0F_0000 + number
        self._program: Program | None = None
        self._monitor: MachineMonitor | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.disk = folder / "disk.img"
        self._tree = folder / "board.dtb"

    # What it is reached by.

    @property
    def agent_socket(self) -> Path:
        """The host's end of the channel to the agent."""
        return self.folder / "agent.sock"

    @property
    def console_log(self) -> Path:
        """Everything that its console has said, over all starts."""
        return self.folder / "console.log"

    @property
    def monitor(self) -> MachineMonitor:
        assert self._monitor is not None, f"{self.name} is off"
        return self._monitor

    @property
    def console(self) -> str:
        """The pseudo-terminal of its first UART (PL011, /dev/ttyAMA0 in there), with the kernel's console."""
        return self.monitor.terminal("console")

    @property
    def uart(self) -> str:
        """The pseudo-terminal of its second UART (16550, /dev/ttyS0 in there)."""
        return self.monitor.terminal("uart")

    @property
    def is_on(self) -> bool:
        return self._program is not None and self._program.status is None

    @property
    def process(self) -> Program:
        assert self._program is not None, f"{self.name} is off"
        return self._program

    # Power.

    def switch_on(self) -> None:
        """Give it power. Comes back at once; the board boots meanwhile."""
        assert not self.is_on, f"{self.name} is on already"
        if not self.disk.exists():
            _copy_sparse(self.files.image, self.disk)
        build_device_tree(self.folder, processors=PROCESSORS, memory_mib=MEMORY_MIB, serial=self._serial)
        for path in (self._overlay, self._log, self.agent_socket, self._monitor_socket):
            path.unlink(missing_ok=True)
        backing = ["-b", str(self.disk), "-F", "raw", str(self._overlay)]
        subprocess.run([find_tool("qemu-img"), "create", "-q", "-f", "qcow2", *backing], check=True)
        self._log.touch()
        command = [*self.network.prefix, find_tool("qemu-system-aarch64"), *self._machine()]
        self._program = Program(f"{self.name}-machine", command, self.folder)
        wait_until("the machine", lambda: self.process.check() or self._monitor_socket.exists(), 30.0)
        self._monitor = MachineMonitor(self._monitor_socket)

    def written(self) -> int:
        """How far the log of the disk's writes has come, in bytes: an instant that `cut_power` can go back to."""
        return self._log.stat().st_size

    def cut_power(self, chance: random.Random | None = None, since: int | None = None) -> "PowerCut":
        """Take the power away. `chance` decides what the disk keeps of writes that were not flushed.

        With `since`, which `written` told, the disk is left as a cut at some instant between then and now would have
        left it, so that also moments are met which last but microseconds.
        """
        chance = chance or random.Random(0)
        self.process.kill()
        end = self.written()
        at = end if since is None else chance.randint(since, end)
        return PowerCut(at, *self._come_to_rest(chance, at))

    def wait_off(self) -> None:
        """Wait until it has switched itself off."""
        self.process.wait(OFF_S)
        self._come_to_rest(None)

    def _come_to_rest(self, chance: random.Random | None, until: int | None = None) -> tuple[int, int]:
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None
        self._program = None
        counts = play_back(self._log, self.disk, chance, until)
        self._overlay.unlink(missing_ok=True)
        self._log.unlink(missing_ok=True)
        return counts

    def forget(self) -> None:
        """Make it new: the next start is the first one again."""
        assert not self.is_on
        self.disk.unlink(missing_ok=True)

    # The cable.

    def pull_cable(self) -> None:
        """Pull the network cable: the board sees its link go down."""
        self.monitor.ask("set_link", name="network", up=False)

    def plug_cable(self) -> None:
        self.monitor.ask("set_link", name="network", up=True)

    # A serial adapter in its USB port.

    @property
    def usb_serial(self) -> str:
        """The pseudo-terminal behind the serial adapter, plugged in or not."""
        return self.monitor.terminal(USB_SERIAL)

    def plug_usb_serial(self) -> None:
        """Plug a serial adapter (as of FTDI) into a USB port."""
        how = {"driver": "usb-serial", "id": USB_ADAPTER, "chardev": USB_SERIAL, "always-plugged": True}
        wait_until("the machine to have let the adapter before it go", lambda: self._adds(how), 30.0)

    def _adds(self, device: dict[str, object]) -> bool:
        try:
            self.monitor.ask("device_add", **device)
        except MonitorError as error:
            if "is in use" not in str(error):
                raise
            return False
        return True

    def pull_usb_serial(self) -> None:
        """Pull it out, whatever passes through it."""
        self.monitor.ask("device_del", id=USB_ADAPTER)

    # The machine.

    @property
    def _overlay(self) -> Path:
        return self.folder / "since-power-on.qcow2"

    @property
    def _log(self) -> Path:
        return self.folder / "writes.log"

    @property
    def _monitor_socket(self) -> Path:
        return self.folder / "monitor.sock"

    def _machine(self) -> list[str]:
        options = ["-machine", "virt", "-cpu", CPU, "-smp", str(PROCESSORS), "-m", str(MEMORY_MIB)]
        options += ["-accel", f"tcg,tb-size={BLOCK_CACHE_MIB}", "-bios", str(self.files.firmware)]
        options += ["-dtb", str(self._tree), "-display", "none", "-nodefaults", "-name", self.name]
        options += ["-qmp", f"unix:{self._monitor_socket},server=on,wait=off"]
        # No virtio-rng: U-Boot would make a seed of it for a random layout of the kernel. Such a kernel isolates its
        # page tables, which costs an emulated processor half of its speed. The device tree brings randomness.
        options += [*self._disk_options(), *self._network_options()]
        # A watchdog as boards have one: it starts the machine anew when systemd stops to feed it.
        options += ["-device", "i6300esb", "-action", "watchdog=reset"]
        options += ["-chardev", f"pty,id=console,logfile={self.console_log},logappend=on", "-serial", "chardev:console"]
        options += ["-chardev", "pty,id=uart", "-device", "pci-serial,chardev=uart"]
        options += ["-device", "qemu-xhci", "-chardev", f"pty,id={USB_SERIAL}"]
        if self._clock:
            options += ["-rtc", f"base={self._clock}"]
        if self.files.provision is not None:
            options += ["-fw_cfg", f"name={PROVISION},file={self.files.provision}"]
        return options + self._agent_options()

    def _disk_options(self) -> list[str]:
        """A disk that can lose what it was not told to flush; see write_log."""
        return [
            *("-blockdev", f"driver=file,node-name=overlay-file,filename={self._overlay}"),
            *("-blockdev", "driver=qcow2,node-name=overlay,file=overlay-file"),
            *("-blockdev", f"driver=file,node-name=log,filename={self._log}"),
            *("-blockdev", "driver=blklogwrites,node-name=disk,file=overlay,log=log,log-sector-size=512"),
            # The log of QEMU 7.2 is not right about zeros that are written without bytes.
            *("-device", "virtio-blk-pci,drive=disk,discard=off,write-zeroes=off"),
        ]

    def _network_options(self) -> list[str]:
        tap = f"tap,id=network,ifname={self.tap},script=no,downscript=no"
        return ["-netdev", tap, "-device", f"virtio-net-pci,netdev=network,mac={self.hardware_address},romfile="]

    def _agent_options(self) -> list[str]:
        if self.files.share is None:
            return []
        unit, rule = self.folder / UNIT_NAME, self.folder / "agent.rules"
        unit.write_text(AGENT_UNIT)
        rule.write_text(AGENT_RULE)
        return [
            *("-fsdev", f"local,id=share,path={self.files.share},security_model=none"),
            *("-device", f"virtio-9p-pci,fsdev=share,mount_tag={SHARE_TAG}"),
            *("-chardev", f"socket,id=agent,path={self.agent_socket},server=on,wait=off"),
            *("-device", "virtio-serial-pci", "-device", f"virtserialport,chardev=agent,name={AGENT_PORT}"),
            *("-fw_cfg", f"name={CREDENTIALS}/systemd.extra-unit.{UNIT_NAME},file={unit}"),
            *("-fw_cfg", f"name={CREDENTIALS}/udev.rules.agent,file={rule}"),
        ]


def _copy_sparse(source: Path, target: Path) -> None:
    """Copy an image without the room that its empty parts would take."""
    partial = target.with_suffix(".part")
    command = [shutil.which("cp") or "cp", "--sparse=always", "--reflink=auto", str(source), str(partial)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"cannot copy the image: {done.stderr.strip()}"
    partial.replace(target)
