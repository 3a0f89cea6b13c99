"""The device tree of the virtual board: QEMU's own `virt` machine, made to look like a Raspberry Pi 3.

What a program asks a Raspberry Pi about itself (model, revision, the GPIO chip and the names of its lines) is answered
as a real one answers; the 54 lines are a gpio-sim of the kernel, so that a test can move and read them. Nothing of this
is in the image: the tree is given to the machine, which hands it to U-Boot, which hands it to the kernel.
"""

import os
import re
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

CHIP_LABEL = "pinctrl-bcm2835"
LINES = 54

MODEL = "Raspberry Pi 3 Model B Rev 1.2"
REVISION = 0xA02082
"""A Raspberry Pi 3 Model B, 1 GB, made by Sony UK; raspberrypi.com, "Raspberry Pi revision codes"."""

LINE_NAMES = (
    ["ID_SDA", "ID_SCL", *(f"GPIO{number}" for number in range(2, 14)), "TXD0", "RXD0"]
    + [f"GPIO{number}" for number in range(16, 28)]
    + ["HDMI_HPD_N", "STATUS_LED_G", "CTS0", "RTS0", "TXD1", "RXD1", "SD1_CLK", "SD1_CMD"]
    + ["SD1_DATA0", "SD1_DATA1", "SD1_DATA2", "SD1_DATA3", "PWM0_OUT", "PWM1_OUT", "ETH_CLK", "WIFI_CLK"]
    + ["SDA0", "SCL0", "SMPS_SCL", "SMPS_SDA", "SD_CLK_R", "SD_CMD_R"]
    + ["SD_DATA0_R", "SD_DATA1_R", "SD_DATA2_R", "SD_DATA3_R"]
)
"""As arch/arm/boot/dts/broadcom/bcm2837-rpi-3-b.dts of Linux names them."""

PL061 = "pl061@9030000"
"""The GPIO chip of the machine itself: it would be gpiochip0, which the header's chip is on a Raspberry Pi."""

CPU = "cortex-a53"
"""What a Raspberry Pi 3 has."""


def overlay(serial: int, seed: Sequence[int] = (), model: str = MODEL, revision: int = REVISION) -> str:
    """The source that is put behind that of the machine. `seed` is words of randomness for the kernel."""
    names = ", ".join(f'"{name}"' for name in LINE_NAMES)
    return f"""
/ {{
    model = "{model}";
    system {{
        linux,revision = <{revision:#x}>;
        linux,serial = <{serial >> 32:#x} {serial & 0xFFFFFFFF:#x}>;
    }};
    /delete-node/ {PL061};
    /delete-node/ gpio-keys;
    chosen {{
        rng-seed = <{" ".join(f"{word:#x}" for word in seed)}>;
    }};
    gpio-sim {{
        compatible = "gpio-simulator";
        bank0 {{
            gpio-controller;
            #gpio-cells = <2>;
            ngpios = <{LINES}>;
            gpio-sim,label = "{CHIP_LABEL}";
            gpio-line-names = {names};
        }};
    }};
}};
"""


def without_seeds(source: str) -> str:
    """The source without the random numbers that QEMU puts in, which it puts in again at each start."""
    return re.sub(r"^\s*(?:rng|kaslr)-seed = <[^>]*>;\n", "", source, flags=re.MULTILINE)


def build_device_tree(folder: Path, *, processors: int, memory_mib: int, serial: int) -> Path:
    """Writes the tree for a machine of this size into `folder`; answers where it is.

    Raises AssertionError with the line to type where a program is missing, and with its complaint where one fails.
    """
    dumped, source, tree = (folder / name for name in ("virt.dtb", "board.dts", "board.dtb"))
    machine = ["-machine", f"virt,dumpdtb={dumped}", "-cpu", CPU, "-smp", str(processors), "-m", str(memory_mib)]
    _run([find_tool("qemu-system-aarch64"), *machine, "-nic", "none", "-display", "none"])
    plain = _run([find_tool("dtc"), "-q", "-I", "dtb", "-O", "dts", str(dumped)])
    source.write_text(without_seeds(plain) + overlay(serial, struct.unpack("8I", os.urandom(32))))
    _run([find_tool("dtc"), "-q", "-I", "dts", "-O", "dtb", "-o", str(tree), str(source)])
    return tree


PACKAGES = {
    "qemu-system-aarch64": "qemu-system-arm",
    "qemu-img": "qemu-utils",
    "dtc": "device-tree-compiler",
    "fdtput": "device-tree-compiler",
    "ip": "iproute2",
    "dnsmasq": "dnsmasq-base",
    "kamailio": "kamailio",
}
"""The Debian package of each program that the virtual board needs."""


def find_tool(name: str) -> str:
    """The path of a program of the machine; a missing one is a failure with its remedy."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        raise AssertionError(f"{name} is not installed; type: sudo apt-get install {PACKAGES.get(name, name)}")
    return path


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} failed: {done.stderr.strip()}"
    return done.stdout
