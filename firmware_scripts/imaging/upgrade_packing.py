"""The upgrade file out of an image: its slot a, packed, with a signed manifest."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import BinaryIO

from device.upgrade.manifest import FORMAT, GZIP, PLAIN, PRODUCT
from device.upgrade.upgrade_file import MANIFEST_NAME, SIGNATURE_NAME
from firmware_scripts.imaging.boot_files import MIB
from firmware_scripts.imaging.compressed import opened_image
from firmware_scripts.imaging.disk_image import Layout, make_layout
from firmware_scripts.imaging.workshop import BuildError, need_programs

SQUASHFS_MAGIC = b"hsqs"
PROGRAMS = (("minisign", "minisign"), ("unsquashfs", "squashfs-tools"))
EPILOG = """\
example: firmware_scripts/build-upgrade offhook-rpi3.img.zst --key ~/keys/offhook.key --out offhook-rpi3-0.2.0.upgrade

The key is made by firmware_scripts/make-signing-key; its public half must be in the images that shall take the file
(build-image --upgrade-key). docs/image.md tells how the phone takes it.
"""


def main(arguments: list[str]) -> int:
    """Make the file that the command line asks for; answers the exit status."""
    parser = argparse.ArgumentParser(
        prog="build-upgrade",
        description="Makes a signed upgrade file out of an image of build-image.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("image", type=Path, help="the image with the new version (plain, .zst or .xz)")
    parser.add_argument("--key", type=Path, required=True, help="the secret key of make-signing-key")
    parser.add_argument("--out", type=Path, help="the file to make (default: offhook-BOARD-VERSION.upgrade)")
    options = parser.parse_args(arguments)
    try:
        need_programs(PROGRAMS)
        if not options.key.is_file():
            raise BuildError(f"{options.key}: there is no such key; firmware_scripts/make-signing-key makes one")
        with tempfile.TemporaryDirectory(prefix="offhook-upgrade-") as folder:
            build_upgrade(options.image, options.key, options.out, Path(folder))
    except (BuildError, OSError) as error:
        sys.stderr.write(f"build-upgrade: {error}\n")
        return 1
    return 0


def build_upgrade(image: Path, key: Path, target: Path | None, folder: Path) -> None:
    """Take slot a out of the image, describe it, sign the description, and put all into one file."""
    layout = make_layout()
    with opened_image(image) as stream:
        kernel, root = _slot(stream, layout, folder, image)
    about = json.loads(_from_root(root, "usr/lib/offhook/image.json"))
    packed = folder / "kernel.gz"
    with packed.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as writer:
        writer.write(kernel.read_bytes())
    parts = [("kernel", kernel, packed, GZIP), ("root", root, root, PLAIN)]
    manifest = {
        "product": PRODUCT,
        "format": FORMAT,
        "board": about["board"],
        "version": about["version"],
        "parts": [
            {"name": name, "size": plain.stat().st_size, "sha256": _digest(plain), "packing": packing}
            for name, plain, _, packing in parts
        ],
    }
    text = json.dumps(manifest, indent=1).encode() + b"\n"
    signature = sign(text, key, folder, f"offhook {about['version']} for {about['board']}")
    target = target or Path(f"offhook-{about['board']}-{about['version']}.upgrade")
    unfinished = target.with_name(f".{target.name}.new")
    with tarfile.open(unfinished, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in ((MANIFEST_NAME, text), (SIGNATURE_NAME, signature)):
            archive.addfile(_entry(name, len(data), about["built"]), io.BytesIO(data))
        for name, _, stored, _ in parts:
            with stored.open("rb") as file:
                archive.addfile(_entry(name, stored.stat().st_size, about["built"]), file)
    unfinished.replace(target)
    length = target.stat().st_size // MIB
    sys.stderr.write(
        f"build-upgrade: {target}: version {about['version']} for {about['board']}, {length} MiB\n"
        f"build-upgrade: on the phone: sudo offhook upgrade {target.name}\n"
    )


def sign(text: bytes, key: Path, folder: Path, comment: str) -> bytes:
    """minisign's signature over `text`; asks for the password of the key where it has one. Raises BuildError."""
    message = folder / MANIFEST_NAME
    message.write_bytes(text)
    signature = folder / SIGNATURE_NAME
    command = ["minisign", "-S", "-q", "-s", key, "-m", message, "-x", signature, "-t", comment]
    if subprocess.run(command, check=False).returncode != 0:
        raise BuildError(f"minisign could not sign with {key}")
    return signature.read_bytes()


def _slot(stream: BinaryIO, layout: Layout, folder: Path, image: Path) -> tuple[Path, Path]:
    """The kernel's and the root's partition of slot a as files, without the empty space behind them."""
    kernel, root = folder / "kernel", folder / "root"
    place = 0
    for partition, target in ((layout.kernel_a, kernel), (layout.root_a, root)):
        _copy(stream, None, partition.start - place, image)
        with target.open("wb") as file:
            _copy(stream, file, partition.size, image)
        place = partition.start + partition.size
    head = root.read_bytes()[:96]
    if head[:4] != SQUASHFS_MAGIC:
        raise BuildError(f"{image} is no image of build-image: where slot a should be there is no squashfs")
    _cut(root, -(-int.from_bytes(head[40:48], "little") // 4096) * 4096)
    _cut(kernel, _used(kernel))
    return kernel, root


def _copy(stream: BinaryIO, target: BinaryIO | None, count: int, image: Path) -> None:
    while count:
        data = stream.read(min(MIB, count))
        if not data:
            raise BuildError(f"{image} is no whole image: it ends too soon")
        if target is not None:
            target.write(data)
        count -= len(data)


def _used(path: Path) -> int:
    """Up to where a file holds something, in whole MiB."""
    data = path.read_bytes().rstrip(b"\0")
    return -(-len(data) // MIB) * MIB


def _cut(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def _from_root(root: Path, name: str) -> bytes:
    done = subprocess.run(["unsquashfs", "-cat", root, name], capture_output=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"the root file system of the image holds no {name}")
    return done.stdout


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entry(name: str, size: int, built: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, built, 0o644
    return entry
