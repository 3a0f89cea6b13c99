"""The command `build-image`: what it is asked, and the steps in their order."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import device
from firmware_scripts.imaging.base_root import ARCHITECTURE, PACKAGES, SSH_PACKAGES, SUITE, base_tree, lists_date
from firmware_scripts.imaging.boards import BOARDS, ImageBoard
from firmware_scripts.imaging.disk_image import (
    BOOT_SIZE,
    KERNEL_SIZE,
    boot_files,
    boot_loader,
    licences,
    make_layout,
    write_data,
    write_fat,
    write_image,
    write_squashfs,
)
from firmware_scripts.imaging.kernel import Kernel, chosen_modules, copy_modules, initial_ram_disk, unpack_kernel
from firmware_scripts.imaging.phone_layer import PhoneOptions, add_phone
from firmware_scripts.imaging.workshop import SCRIPTS, BuildError, Workshop, need_programs

PROGRAMS = (
    ("mmdebstrap", "mmdebstrap"), ("qemu-aarch64-static", "qemu-user-static"), ("mksquashfs", "squashfs-tools"),
    ("mkfs.fat", "dosfstools"), ("mcopy", "mtools"), ("mke2fs", "e2fsprogs"), ("depmod", "kmod"), ("apt-get", "apt"),
    ("dpkg-deb", "dpkg"), ("flock", "util-linux"), ("zstd", "zstd"),
)  # fmt: skip
EPILOG = """\
example: firmware_scripts/build-image --board virt --out offhook-virt.img
         firmware_scripts/build-image --board rpi3 --authorized-keys ~/.ssh/id_ed25519.pub --out offhook-rpi3.img.zst

The first build makes the base of Debian's packages (3 to 8 minutes); it is kept, and every later build takes a minute.
docs/image.md tells how an image is flashed, what its first start does, and how it is upgraded.
"""


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; ends the process with help or a fault in the usual way."""
    boards = "; ".join(f"{board.name}: {board.title}" for board in BOARDS.values())
    parser = argparse.ArgumentParser(
        prog="build-image",
        description="Builds a bootable disk image with Debian, the phone, two slots for upgrades and a data partition.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--board", required=True, choices=sorted(BOARDS), help=boards)
    parser.add_argument("--out", type=Path, help="the image (default: offhook-BOARD.img); with .zst or .xz compressed")
    parser.add_argument(
        "--wheelhouse", type=Path, help="folder of wheels for the board (default: that of build-wheels)"
    )
    parser.add_argument(
        "--authorized-keys", type=Path, metavar="FILE", help="install ssh, and let these keys in as root"
    )
    parser.add_argument(
        "--upgrade-key", type=Path, action="append", default=[], metavar="FILE.pub",
        help="public key of make-signing-key whose upgrades the phone takes (may be given again)",
    )  # fmt: skip
    parser.add_argument(
        "--version", default=device.__version__, help="version of the image (default: that of the phone)"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Build what the command line asks for; answers the exit status."""
    options = parse_arguments(arguments)
    board = BOARDS[options.board]
    target: Path = options.out or Path(f"offhook-{board.name}.img")
    try:
        need_programs(PROGRAMS)
        cache = Path(subprocess.run(
            ["bash", "-c", f'. "{SCRIPTS}/lib/common.sh"; cache_folder'], capture_output=True, text=True, check=True
        ).stdout.strip())  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="offhook-image-") as folder:
            build(Workshop(cache, Path(folder)), board, options, target)
    except (BuildError, OSError) as error:
        sys.stderr.write(f"build-image: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("build-image: interrupted; nothing was written\n")
        return 130
    return 0


def build(workshop: Workshop, board: ImageBoard, options: argparse.Namespace, target: Path) -> None:
    """All steps, from packages to the finished file."""
    authorized = options.authorized_keys.read_text() if options.authorized_keys else ""
    wheelhouse = options.wheelhouse or make_wheelhouse(workshop)
    phone = PhoneOptions(wheelhouse, tuple(options.upgrade_key), authorized, options.version)
    workshop.say(f"image of version {options.version} for {board.title}")
    debs = workshop.fetch("--follow", "^linux-(image|binary|modules|base)-.*[0-9]-", board.kernel)
    version_deb = next((deb for deb in debs if "-binary-" in deb.name), debs[-1])
    kernel = unpack_kernel(
        debs, workshop.cache / "image" / "unpacked" / f"kernel-{version_deb.name.removesuffix('.deb')}"
    )
    workshop.epoch = max(project_date(), lists_date(workshop.cache))
    tree = base_tree(workshop, PACKAGES + board.packages + (SSH_PACKAGES if authorized else ()))
    workshop.say("adding the phone")
    add_phone(workshop, tree, board, phone)
    workshop.say(f"adding the kernel {kernel.version}")
    modules = workshop.folder / "modules"
    copy_modules(kernel, chosen_modules(kernel, board.modules), modules)
    tree.add_below(modules)
    root = workshop.folder / "root.squashfs"
    workshop.say("compressing the root file system")
    write_squashfs(workshop, tree, root)
    parts = _write_partitions(workshop, board, kernel, root)
    workshop.say("writing the image")
    layout = make_layout()
    plain = workshop.folder / "image" if target.suffix in (".zst", ".xz") else target.with_name(f".{target.name}.new")
    write_image(plain, layout, [(getattr(layout, name), path) for name, path in parts.items()])
    compress(workshop, plain, target)
    _tell(workshop, board, target, root, layout.size)


def make_wheelhouse(workshop: Workshop) -> Path:
    """The wheels of the board's Debian, built or out of the cache."""
    workshop.say("looking for the wheels of the phone's Python packages")
    printed = workshop.run(SCRIPTS / "build-wheels", "--suite", SUITE, "--arch", ARCHITECTURE)
    return Path(printed.strip().splitlines()[-1])


def _write_partitions(workshop: Workshop, board: ImageBoard, kernel: Kernel, root: Path) -> dict[str, Path]:
    package = workshop.unpacked(workshop.fetch("busybox-static")[0])
    busybox = package / "usr/bin/busybox"
    init = Path(__file__).parent / "init"
    files = {
        "vmlinuz": kernel.image.read_bytes(),
        "initrd.img": initial_ram_disk(kernel, board.early_modules, busybox, init),
        "slot.env": f"slot_args={board.arguments}\n".encode(),
    }
    kernel_package = next(folder for folder in kernel.modules.parents if (folder / "usr/share/doc").is_dir())
    files.update(licences(package, kernel_package))
    trees = device_trees(kernel, board)
    files.update({f"dtb/{name}": data for name, data in trees.items()})
    parts = {name: workshop.folder / name for name in ("boot", "kernel_a", "data")}
    write_fat(workshop, parts["kernel_a"], KERNEL_SIZE, "KERNEL", files)
    write_fat(workshop, parts["boot"], BOOT_SIZE, "OFFHOOK", boot_files(workshop, board, trees))
    write_data(workshop, parts["data"])
    return {**parts, "root_a": root}


def device_trees(kernel: Kernel, board: ImageBoard) -> dict[str, bytes]:
    """The device trees of a board by their paths, as U-Boot names them in `fdtfile`. Raises BuildError."""
    if not board.device_trees:
        return {}
    if kernel.device_trees is None:
        raise BuildError(f"the packages of the kernel {kernel.version} hold no device trees")
    paths = [path for pattern in board.device_trees for path in sorted(kernel.device_trees.glob(pattern))]
    return {str(path.relative_to(kernel.device_trees)): path.read_bytes() for path in paths}


def project_date() -> int:
    """When the last commit of the project was made; SOURCE_DATE_EPOCH where it is set, 0 outside of a repository."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    done = subprocess.run(
        ["git", "-C", SCRIPTS, "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False
    )  # fmt: skip
    return int(done.stdout.strip() or 0) if done.returncode == 0 else 0


def compress(workshop: Workshop, plain: Path, target: Path) -> None:
    """Put the finished image in its place, compressed as its name asks; a reader sees the old file or the new one."""
    if target.suffix not in (".zst", ".xz"):
        plain.replace(target)
        return
    workshop.say(f"compressing into {target.name}")
    unfinished = target.with_name(f".{target.name}.new")
    program = ["zstd", "-q", "-f", "-10", "-T0"] if target.suffix == ".zst" else ["xz", "-c", "-6", "-T0"]
    if target.suffix == ".zst":
        workshop.run(*program, "-o", unfinished, plain)
    else:
        with unfinished.open("wb") as file:
            subprocess.run([*program, plain], stdout=file, check=True)
    unfinished.replace(target)


def _tell(workshop: Workshop, board: ImageBoard, target: Path, root: Path, size: int) -> None:
    mib = 1 << 20
    lengths = f"{size // mib} MiB; root {root.stat().st_size // mib} MiB"
    workshop.say(f"done: {target} ({lengths})")
    if board.soundness:
        workshop.say(f"note: {board.soundness}")
    if board.name == "virt":
        loader = boot_loader(workshop, board)
        workshop.say(
            "start it: qemu-system-aarch64 -M virt -cpu cortex-a53 -smp 2 -m 512 -nographic "
            f"-bios {loader} -drive if=none,id=d,format=raw,file={target} -device virtio-blk-pci,drive=d "
            "-netdev user,id=n -device virtio-net-pci,netdev=n,romfile= -device virtio-rng-pci"
        )
    else:
        workshop.say(f"write it to a card: firmware_scripts/flash-image {target} /dev/sdX")
