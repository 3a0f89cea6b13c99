"""An image system whose partitions are files, and upgrade files for it, signed by a key of the test."""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

from device.upgrade.image_system import ImageSystem, find_image
from device.upgrade.slot_state import COPY_DISTANCE_BYTES, SlotState, SlotStateFile

ROOM = 1 << 20


def make_system(root: Path, slot: str = "a", version: str = "1.0", state: SlotState | None = None) -> ImageSystem:
    for folder in (
        "run/offhook-image",
        "usr/lib/offhook",
        "etc/offhook/upgrade-keys",
        "data",
        "var/lib/offhook",
        "dev",
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
    partitions = [f"{part}_{letter}" for part in ("kernel", "root") for letter in "ab"]
    for name in partitions:
        (root / "dev" / name).write_bytes(name.encode().ljust(ROOM, b"."))
    (root / "dev/state").write_bytes(bytes(2 * COPY_DISTANCE_BYTES))
    names = [*partitions, "state"]
    layout = f"slot={slot}\n" + "".join(f"{name}={root}/dev/{name}\n" for name in names)
    (root / "run/offhook-image/layout").write_text(layout)
    (root / "usr/lib/offhook/image.json").write_text(json.dumps({"board": "virt", "version": version}))
    SlotStateFile(f"{root}/dev/state").write(state or SlotState())
    return find_image(str(root))


def make_key(folder: Path, name: str = "maker") -> Path:
    key = folder / f"{name}.key"
    subprocess.run(["minisign", "-G", "-W", "-p", f"{key}.pub", "-s", key], check=True, capture_output=True)
    return key


def trust(system: ImageSystem, key: Path) -> None:
    Path(system.path("etc/offhook/upgrade-keys"), f"{key.name}.pub").write_bytes(Path(f"{key}.pub").read_bytes())


def make_upgrade(key: Path, kernel: bytes = b"K" * 300_000, root: bytes = b"R" * 700_000, **changes: object) -> bytes:
    """An upgrade file; `changes` are fields of the manifest that are other than they should be."""
    parts = [
        {"name": "kernel", "size": len(kernel), "sha256": hashlib.sha256(kernel).hexdigest(), "packing": "gzip"},
        {"name": "root", "size": len(root), "sha256": hashlib.sha256(root).hexdigest(), "packing": "none"},
    ]
    fields = {"product": "offhook", "format": 1, "board": "virt", "version": "2.0", "parts": parts, **changes}
    manifest = json.dumps(fields).encode()
    message, signature = key.with_suffix(".json"), key.with_suffix(".minisig")
    message.write_bytes(manifest)
    command = ["minisign", "-S", "-s", key, "-m", message, "-x", signature, "-t", "test"]
    subprocess.run(command, check=True, capture_output=True)
    return pack(manifest, signature.read_bytes(), gzip.compress(kernel, mtime=0), root)


def pack(manifest: bytes, signature: bytes, kernel: bytes, root: bytes) -> bytes:
    out = io.BytesIO()
    names = ("offhook-upgrade.json", "offhook-upgrade.json.minisig", "kernel", "root")
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in zip(names, (manifest, signature, kernel, root), strict=True):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()
