"""The phone in the root file system: the program with its byte code, units, users, network, what persists."""

from __future__ import annotations

import json
import os
import platform
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from firmware_scripts.imaging.accounts import apply_sysusers
from firmware_scripts.imaging.boards import ImageBoard
from firmware_scripts.imaging.root_tree import Content, RootTree
from firmware_scripts.imaging.workshop import PROJECT, SCRIPTS, BuildError, Workshop

PREFIX = "/opt/offhook"
PYTHON = "3.13"
SITE = f"opt/offhook/lib/python{PYTHON}/site-packages"
FILES = Path(__file__).parent / "files"
NATIVE_PYTHON = (
    f"python{PYTHON}-minimal",
    f"libpython{PYTHON}-minimal",
    f"libpython{PYTHON}-stdlib",
    "libc6",
    "libexpat1",
    "zlib1g",
)
DEBIAN_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

WANTED_WHEELS = (
    "pyalsaaudio", "audioop_lts", "rpi_lgpio", "lgpio", "pyserial", "pylibsrtp", "cffi", "pycparser",
)  # fmt: skip
"""Of a wheelhouse; the original RPi.GPIO would take the place of rpi-lgpio, which works with every kernel."""

MASKED = (
    # The console of the technician is the only one.
    "getty@tty1.service", "getty-static.service",
    # They look after packages, LVM snapshots, measured boot and core dumps that are not here.
    "e2scrub_all.timer", "e2scrub_reap.service", "dpkg-db-backup.timer", "systemd-pstore.service",
    "alsa-state.service", "systemd-firstboot.service", "systemd-update-done.service",
    "systemd-machine-id-commit.service",
    "systemd-hwdb-update.service", "ldconfig.service", "systemd-binfmt.service",
    "systemd-journal-catalog-update.service",
    "proc-sys-fs-binfmt_misc.automount",
)  # fmt: skip
ENABLED = {
    "systemd-networkd.service": ("multi-user.target.wants", "sysinit.target.wants"),
    "systemd-networkd.socket": ("sockets.target.wants",),
}


@dataclass(frozen=True, slots=True)
class PhoneOptions:
    """What the person who builds an image chooses."""

    wheelhouse: Path
    upgrade_keys: tuple[Path, ...]
    authorized_keys: str
    version: str


def add_phone(workshop: Workshop, tree: RootTree, board: ImageBoard, options: PhoneOptions) -> None:
    """Put the phone and its system files into the root."""
    stage = workshop.folder / "phone"
    site = stage / SITE
    site.mkdir(parents=True)
    _copy_program(site)
    _install_wheels(options.wheelhouse, site)
    _make_environment(stage)
    for path in stage.rglob("*.py"):
        os.utime(path, (workshop.epoch, workshop.epoch))
    _compile(workshop, site)
    enabled = f"offhook.service offhook-safe.service offhook-provision.service offhook-console@{board.console}.service"
    workshop.run(SCRIPTS / "install-system", stage, "--prefix", PREFIX, "--watchdog", "--enable", enabled)
    tree.add_below(stage)
    apply_sysusers(tree, (PROJECT / "systemd/offhook.sysusers").read_text())
    _add_system_files(tree, board, options, workshop.epoch)


def _copy_program(site: Path) -> None:
    shutil.copytree(PROJECT / "device", site / "device", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


def _install_wheels(wheelhouse: Path, site: Path) -> None:
    """Unpack the wheels (PEP 427); pip of this machine would ask for the Python of this machine."""
    wheels = [path for path in sorted(wheelhouse.glob("*.whl")) if path.name.partition("-")[0].lower() in WANTED_WHEELS]
    missing = {"pyalsaaudio", "audioop_lts"} - {path.name.partition("-")[0].lower() for path in wheels}
    if missing:
        raise BuildError(
            f"{wheelhouse}: no wheel of {', '.join(sorted(missing))} in it; type: firmware_scripts/build-wheels"
        )
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                folder, _, rest = name.partition("/")
                if not folder.endswith(".data"):
                    archive.extract(name, site)
                elif rest.startswith(("purelib/", "platlib/")) and not name.endswith("/"):
                    target = site / rest.partition("/")[2]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(archive.read(name))


def _make_environment(stage: Path) -> None:
    """A virtual environment (PEP 405) without the parts that only pip needs."""
    binaries = stage / "opt/offhook/bin"
    binaries.mkdir(parents=True)
    (binaries / "python3").symlink_to(f"/usr/bin/python{PYTHON}")
    (stage / "opt/offhook/pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {PYTHON}\n"
    )
    command = binaries / "offhook"
    command.write_text(f"#!{PREFIX}/bin/python3\nimport sys\n\nfrom device.cli import main\n\nsys.exit(main())\n")
    command.chmod(0o755)


def _compile(workshop: Workshop, site: Path) -> None:
    """Compile with Debian's own interpreter of that version for this machine: byte code is the same on every board."""
    architecture = DEBIAN_ARCHITECTURES.get(platform.machine())
    if architecture is None:
        raise BuildError(f"byte code cannot be compiled on {platform.machine()}: build on x86-64 or arm64")
    root = workshop.folder / "native-python"
    for deb in workshop.fetch("--suite", "trixie", "--arch", architecture, *NATIVE_PYTHON):
        shutil.copytree(workshop.unpacked(deb), root, symlinks=True, dirs_exist_ok=True)
    loader = next(root.glob("usr/lib/*/ld-linux-*.so.*"))
    python = [
        loader, "--library-path", f"{loader.parent}", root / f"usr/bin/python{PYTHON}", "-I", "-S", "-OO",
        "-X", "no_debug_ranges", SCRIPTS / "compile-bytecode", "--runs-as", f"/{SITE}", site,
    ]  # fmt: skip
    workshop.run(*python, environment={"PYTHONHOME": f"{root}/usr"})


def _add_system_files(tree: RootTree, board: ImageBoard, options: PhoneOptions, epoch: int) -> None:
    broken = [path.name for path in FILES.rglob("*.wants/*") if not path.is_symlink()]
    if broken:
        raise BuildError(
            f"{', '.join(broken)} below *.wants is no link, and systemd would not start it: take the project with git"
        )
    tree.add_below(FILES)
    for folder in (
        "data",
        "boot/firmware",
        "proc",
        "sys",
        "dev",
        "run",
        "tmp",
        "var/log",
        "var/cache",
        "var/lib/offhook",
    ):
        tree.add_folder(folder, 0o1777 if folder == "tmp" else 0o755)
    tree.add_link("etc/resolv.conf", "../run/systemd/resolve/resolv.conf")
    tree.add_file("etc/machine-id", "")
    tree.add_file("etc/hostname", "offhook\n")
    tree.add_file("etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
    tree.add_file("etc/fstab", "# The initial RAM disk has mounted everything; see docs/image.md.\n")
    about = {"board": board.name, "version": options.version, "built": epoch}
    tree.add_file("usr/lib/offhook/image.json", json.dumps(about, indent=1) + "\n")
    tree.add_file("etc/issue", f"offhook {options.version} on \\n (\\l)\n\n")
    for path in options.upgrade_keys:
        tree.add_file(f"etc/offhook/upgrade-keys/{path.name}", Content(b"", path, 0, path.stat().st_size))
    for unit in MASKED:
        tree.remove(f"etc/systemd/system/*.wants/{unit}")
        tree.add_link(f"etc/systemd/system/{unit}", "/dev/null")
    tree.add_link(f"etc/systemd/system/serial-getty@{board.console}.service", "/dev/null")
    for unit, targets in ENABLED.items():
        for target in targets:
            tree.add_link(f"etc/systemd/system/{target}/{unit}", f"/usr/lib/systemd/system/{unit}")
    if options.authorized_keys:
        tree.add_file("root/.ssh/authorized_keys", options.authorized_keys, 0o600)
        tree.add_folder("root/.ssh", 0o700)
        tree.remove("etc/ssh/ssh_host_*")
    # Nothing has to be brought up to date at the first start: systemd compares these with the age of /usr.
    for folder in ("etc", "var"):
        tree.add_file(f"{folder}/.updated", f"# written with the image\nTIMESTAMP_NSEC={epoch * 1_000_000_000}\n")
