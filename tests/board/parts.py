"""What virtual boards are made of: Debian's kernel, U-Boot and packages, unpacked once into the project's cache."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

from firmware_scripts.imaging.kernel import Kernel, unpack_kernel

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "firmware_scripts"

KERNEL = "linux-image-arm64/trixie-backports"
"""Debian's first kernel with gpio-sim; the one that the product's image for `virt` has."""

DAY_S = 86_400

U_BOOT = "usr/lib/u-boot/qemu_arm64/u-boot.bin"


def cache_folder(name: str) -> Path:
    """A folder for what is downloaded or built once, as firmware_scripts/lib/common.sh knows it."""
    plain = os.environ.get("OFFHOOK_CACHE")
    above = Path(plain) if plain else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offhook"
    folder = above / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fetch(*arguments: str) -> list[Path]:
    """Packages of Debian for arm64; answers their paths. See `firmware_scripts/fetch-debian --help`.

    What Debian had is remembered for a day, as its lists are: asking takes a second or more for each package.
    """
    known = cache_folder("rig/fetched") / hashlib.sha256("\n".join(arguments).encode()).hexdigest()[:32]
    if known.exists() and time.time() - known.stat().st_mtime < DAY_S:
        paths = [Path(line) for line in known.read_text().splitlines()]
        if all(path.exists() for path in paths):
            return paths
    done = subprocess.run([SCRIPTS / "fetch-debian", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"fetch-debian failed: {done.stderr.strip()}"
    known.write_text(done.stdout)
    return [Path(line) for line in done.stdout.splitlines()]


def unpacked(name: str, *packages: str) -> Path:
    """A folder with the files of some packages, unpacked once for each version of the first one."""
    debs = fetch(*packages)
    folder = cache_folder("rig") / f"{name}-{debs[0].stem}"
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
        for deb in debs:
            subprocess.run(["dpkg-deb", "-x", str(deb), str(unfinished)], check=True)
        unfinished.rename(folder)
    return folder


def wheel(name: str, python: str) -> Path:
    """A folder with what a wheel for arm64 and this Python ("313") installs, unpacked once."""
    folder = cache_folder("rig") / f"{name}-cp{python}"
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--ignore-requires-python",
        ]
        command += ["--target", str(unfinished), "--only-binary", ":all:", "--implementation", "cp"]
        for tag in ("manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux_2_28_aarch64"):
            command += ["--platform", tag]
        done = subprocess.run([*command, "--python-version", python, name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"pip cannot have {name} for arm64: {done.stderr.strip()}"
        unfinished.rename(folder)
    return folder


def kernel() -> Kernel:
    """The kernel of the virtual boards."""
    debs = fetch("--follow", "^linux-(binary|modules|base)-[0-9]", KERNEL)
    return unpack_kernel(debs, cache_folder("rig") / debs[0].stem)


def u_boot() -> Path:
    """U-Boot for QEMU's machine virt."""
    return unpacked("u-boot", "u-boot-qemu") / U_BOOT
