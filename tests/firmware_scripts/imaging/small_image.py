"""A whole disk image with a tiny slot, made by the same steps as a real one, without any package of Debian."""

import json
from pathlib import Path

from firmware_scripts.imaging.disk_image import make_layout, write_data, write_fat, write_image, write_squashfs
from firmware_scripts.imaging.root_tree import RootTree
from firmware_scripts.imaging.workshop import Workshop

EPOCH = 1_700_000_000
KERNEL = bytes(range(256)) * 4096


def make_workshop(folder: Path) -> Workshop:
    folder.mkdir(parents=True, exist_ok=True)
    workshop = Workshop(folder / "cache", folder)
    workshop.epoch = EPOCH
    return workshop


def small_root(version: str) -> RootTree:
    tree = RootTree()
    about = {"board": "virt", "version": version, "built": EPOCH}
    tree.add_file("usr/lib/offhook/image.json", json.dumps(about))
    tree.add_file("usr/share/noise", bytes(range(256)) * 2000)
    tree.add_file("usr/bin/tool", "#!/bin/sh\n", 0o755, (7, 8))
    tree.add_link("bin", "usr/bin")
    return tree


def make_image(folder: Path, version: str = "2.0") -> Path:
    workshop = make_workshop(folder)
    layout = make_layout()
    parts = {name: folder / name for name in ("boot", "kernel_a", "root_a", "data")}
    write_squashfs(workshop, small_root(version), parts["root_a"])
    write_fat(
        workshop, parts["kernel_a"], layout.kernel_a.size, "KERNEL", {"vmlinuz": KERNEL, "slot.env": b"slot_args=\n"}
    )
    write_fat(workshop, parts["boot"], layout.boot.size, "OFFHOOK", {"boot.scr": b"script", "dtb/a/b.dtb": b"tree"})
    write_data(workshop, parts["data"])
    image = folder / "small.img"
    write_image(image, layout, [(getattr(layout, name), path) for name, path in parts.items()])
    return image
