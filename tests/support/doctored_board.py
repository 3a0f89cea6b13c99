"""A board for the doctor: files below a folder, and answers of devices and programs that a test can spoil."""

from pathlib import Path
from typing import Any

from device.audio.conversion import CardFormat
from device.doctor.case import Case, open_case
from device.doctor.finding import Finding
from device.doctor.main import examine
from device.doctor.system_view import GpioChip, GpioLine, Node, Space, SystemView
from device.model import Account, AccountId
from device.store.accounts import Accounts
from device.store.database import open_database
from device.store.settings import Settings

STORE = "/var/lib/offhook/offhook.db"

CARDS = """\
 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
 1 [Device         ]: USB-Audio - USB PnP Sound Device
                      C-Media USB PnP Sound Device at usb-1.2
"""

FILES = {
    "proc/device-tree/model": "Raspberry Pi 3 Model B Rev 1.2\0",
    "proc/sys/kernel/osrelease": "6.12.41+deb13-arm64\n",
    "proc/meminfo": "MemTotal:  949444 kB\nMemAvailable:  700000 kB\n",
    "proc/asound/cards": CARDS,
    "proc/mounts": "/dev/mmcblk0p2 / ext4 ro 0 0\n/dev/mmcblk0p4 /var/lib/offhook ext4 rw,noatime 0 0\n",
    "proc/net/route": "Iface\tDestination\tGateway\neth0\t00000000\t0100A8C0\n",
    "etc/passwd": "root:x:0:0::/root:/bin/sh\noffhook:x:990:990::/var/lib/offhook:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\ngpio:x:991:offhook\naudio:x:29:offhook\ndialout:x:20:offhook\noffhook:x:990:\n",
    "etc/resolv.conf": "nameserver 192.0.2.53\n",
    "boot/firmware/config.txt": "# ours\ndtparam=audio=on\nenable_uart=1\ngpio=18,23=op,dl\n",
    "usr/lib/systemd/system/offhook.service": "[Service]\nExecStart=/opt/offhook/bin/offhook run\n",
    "usr/lib/systemd/system/offhook-safe.service": "[Service]\n",
    "usr/lib/systemd/system/offhook-recovery.service": "[Service]\n",
    "usr/lib/udev/rules.d/60-offhook.rules": "",
    "etc/systemd/system/multi-user.target.wants/offhook.service": "",
    "opt/offhook/bin/offhook": "",
    "sys/class/net/lo/carrier": "1\n",
    "sys/class/net/eth0/carrier": "1\n",
    "sys/class/thermal/thermal_zone0/temp": "48312\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
    "dev/gpiochip0": "",
    "dev/watchdog0": "",
    "dev/snd/controlC1": "",
    "dev/snd/pcmC1D0c": "",
}


class DoctoredBoard(SystemView):
    """A healthy Raspberry Pi 3 with a phone that is installed but does not run; `change` makes it sick."""

    def __init__(self, root: Path) -> None:
        super().__init__(str(root))
        self.folder = root
        self.live = True
        self.nodes = {
            "/dev/gpiochip0": Node("gpio", 0o660),
            "/dev/snd/controlC1": Node("audio", 0o660),
            "/dev/snd/pcmC1D0c": Node("audio", 0o660),
        }
        self.holders: dict[int, str] = {}
        self.label = "pinctrl-bcm2835"
        self.chips_readable = True
        self.answers: dict[str, dict[str, Any]] = {}
        self.programs: dict[str, str] = {"systemctl show -p RuntimeWatchdogUSec --value": "14s"}
        self.sound_faults: dict[str, str] = {}
        self.card_takes: dict[str, list[CardFormat]] = {}
        self.clock = 1_790_000_000.0
        self.synchronised: bool | None = True
        self.room = Space(1 << 30, 1 << 32, False)
        self.modules = {"alsaaudio"}
        self.hosts = {"pbx.example.com"}
        for name, text in FILES.items():
            self.change(name, text)

    def change(self, name: str, text: str | None) -> None:
        """Write a file, or take it away."""
        path = self.folder / name
        if text is None:
            path.unlink()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def keep(self, accounts: int = 1, **settings: str) -> None:
        """Fill the store as a phone does."""
        with open_database(self.path(STORE)) as database:
            for number in range(accounts):
                Accounts(database).add(Account(AccountId(f"a{number}"), "1001", "pbx.example.com"))
            values = {"hardware.board": "raspberry-pi", "audio.capture_device": "plughw:CARD=Device"}
            values |= {key.replace("__", "."): value for key, value in settings.items()}
            Settings(database).set_many(values)

    def case(self, board: str = "", user: str = "") -> Case:
        return open_case(self, STORE, user, board)

    def findings(self, board: str = "", user: str = "") -> list[Finding]:
        return examine(self.case(board, user))

    def complaints(self, board: str = "", user: str = "") -> list[Finding]:
        """What is not as it should be."""
        return [finding for finding in self.findings(board, user) if finding.severity in ("warning", "error")]

    # The live part.

    @property
    def is_live(self) -> bool:
        return self.live

    def node(self, name: str) -> Node | None:
        return self.nodes.get(name) or super().node(name)

    def space(self, name: str) -> Space | None:
        return self.room

    def run(self, *command: str) -> str | None:
        return self.programs.get(" ".join(command)) if self.live else None

    def ask(self, method: str) -> dict[str, Any] | None:
        return self.answers.get(method)

    def gpio_chips(self) -> list[GpioChip]:
        if not self.chips_readable or not self.exists("/dev/gpiochip0"):
            return []
        lines = (GpioLine(offset, f"GPIO{offset}", self.holders.get(offset, "")) for offset in range(54))
        return [GpioChip("/dev/gpiochip0", self.label, tuple(lines))]

    def sound_fault(self, direction: str, device: str) -> str:
        return self.sound_faults.get(direction, "")

    def card_formats(self, direction: str, device: str) -> list[CardFormat]:
        return self.card_takes.get(direction, [])

    def unix_time(self) -> float:
        return self.clock

    def clock_is_synchronised(self) -> bool | None:
        return self.synchronised

    def resolves(self, name: str) -> bool:
        return name in self.hosts

    def has_module(self, name: str) -> bool:
        return name in self.modules
