"""The root file system of Debian's packages, configured by their own scripts; made once for a list of packages."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from email.utils import parsedate_to_datetime
from pathlib import Path

from firmware_scripts.imaging.root_tree import RootTree
from firmware_scripts.imaging.workshop import SCRIPTS, BuildError, Workshop

SUITE = "trixie"
ARCHITECTURE = "arm64"
RECIPE = 1
"""Counted up whenever the way the base is made changes, so that nobody builds on an old one."""

PACKAGES = (
    "alsa-utils", "ca-certificates", "e2fsprogs", "fdisk", "gpiod", "iproute2", "iputils-ping", "kmod",
    "libasound2t64", "libopus0", "libspeexdsp1", "libsrtp2-1", "login", "minisign", "netbase", "passwd", "python3",
    "systemd", "systemd-resolved", "systemd-sysv", "systemd-timesyncd",
    "tzdata", "udev", "util-linux", "util-linux-extra",
)  # fmt: skip
SSH_PACKAGES = ("openssh-server", "openssh-sftp-server")

NEVER_NEEDED = (
    "usr/share/locale", "usr/share/man", "usr/share/info", "usr/share/lintian", "usr/share/bug", "usr/share/doc-base",
    "usr/share/perl5", "usr/share/pixmaps", "usr/share/applications", "usr/share/menu", "usr/share/binfmts",
    "usr/share/bash-completion", "usr/share/zsh", "usr/share/debconf", "usr/share/systemd/language-fallback-map",
    "usr/share/sounds",
    "usr/lib/aarch64-linux-gnu/perl-base", "usr/bin/perl*", "usr/lib/udev/hwdb.d", "usr/lib/binfmt.d",
    "usr/lib/python3.13/idlelib", "usr/lib/python3.13/ensurepip", "usr/lib/python3.13/tkinter",
    "usr/lib/python3.13/turtledemo", "usr/lib/python3.13/pydoc_data", "usr/lib/python3.13/unittest",
    "var/cache/*", "var/log/*", "var/lib/apt", "var/lib/systemd/*", "var/lib/dpkg/info", "var/lib/dpkg/*-old",
    "var/backups/*",
    "dev/*", "proc/*", "sys/*", "run/*", "tmp/*", "boot/*", "etc/cron.*", "etc/.resolv.conf.systemd-resolved.bak",
    "etc/fstab", "etc/motd", "etc/update-motd.d", "etc/apt",
)  # fmt: skip


def lists_date(cache: Path) -> int:
    """When Debian made the newest package list that is used, in seconds since 1970; the age of the whole image."""
    newest = 0
    for path in (cache / "debian" / f"{SUITE}-{ARCHITECTURE}" / "lists").glob("*InRelease"):
        for line in path.read_text(errors="replace").splitlines()[:20]:
            if line.startswith("Date:"):
                newest = max(newest, int(parsedate_to_datetime(line.removeprefix("Date:").strip()).timestamp()))
    if not newest:
        raise BuildError(
            "there are no package lists in the cache; type: firmware_scripts/fetch-debian --update busybox-static"
        )
    return newest


def base_tree(workshop: Workshop, packages: tuple[str, ...]) -> RootTree:
    """The configured root of these packages, without what a phone never needs; from the cache when it is there."""
    key = hashlib.sha256(f"{RECIPE} {SUITE} {' '.join(sorted(packages))}".encode()).hexdigest()[:16]
    folder = workshop.cache / "image" / "base"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{SUITE}-{ARCHITECTURE}-{key}.tar"
    lock = folder / f"{key}.lock"
    with lock.open("w") as held:
        subprocess.run(["flock", str(held.fileno())], pass_fds=[held.fileno()], check=True)
        if not archive.exists():
            _bootstrap(workshop, packages, archive)
    # Byte code names the time of its source, so that no file of the base may become older.
    workshop.epoch = max(workshop.epoch, int(archive.stat().st_mtime))
    tree = RootTree.from_tar(archive)
    tree.remove(*NEVER_NEEDED)
    tree.remove("usr/share/doc/*", keep=("usr/share/doc/*/copyright",))
    return tree


def _bootstrap(workshop: Workshop, packages: tuple[str, ...], archive: Path) -> None:
    workshop.say(f"making the base of {len(packages)} packages and what they need; 3 to 8 minutes, this once")
    _ensure_foreign_programs(workshop)
    date = lists_date(workshop.cache)
    sources = workshop.run("bash", "-c", f'. "{SCRIPTS}/lib/common.sh"; debian_sources {SUITE}')
    unfinished = archive.with_suffix(f".{os.getpid()}.tar")
    listed = workshop.folder / "sources.list"
    listed.write_text(sources)
    workshop.run(
        "mmdebstrap",
        *("--variant=essential", f"--architectures={ARCHITECTURE}", "--skip=check/qemu"),
        f"--include={','.join(packages)}",
        *('--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=APT::Install-Recommends "false"'),
        *(SUITE, unfinished, listed),
        log=archive.with_suffix(".log"),
        environment={"SOURCE_DATE_EPOCH": str(date)},
    )
    os.utime(unfinished, (date, date))
    unfinished.rename(archive)


def _ensure_foreign_programs(workshop: Workshop) -> None:
    """The scripts of the packages are programs for ARM: the kernel must know who runs them here."""
    if platform.machine() in ("aarch64", "arm64"):
        return
    registry = Path("/proc/sys/fs/binfmt_misc")
    if any(registry.glob("qemu-aarch64*")):
        return
    line = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
    if os.geteuid() == 0 and line.exists():
        if not (registry / "register").exists():
            workshop.run("mount", "-t", "binfmt_misc", "binfmt_misc", registry)
        (registry / "register").write_text(line.read_text())
        workshop.say("registered qemu-aarch64 with the kernel, as systemd-binfmt does at boot")
        return
    raise BuildError(
        "this kernel cannot run programs for ARM yet; type: sudo apt-get install qemu-user-static && "
        "sudo /usr/lib/systemd/systemd-binfmt"
    )
