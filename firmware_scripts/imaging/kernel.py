"""The kernel of a board: the modules that a phone can need, and the initial RAM disk that mounts the slot."""

from __future__ import annotations

import fnmatch
import lzma
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from firmware_scripts.imaging.boot_files import RamFile, ram_disk
from firmware_scripts.imaging.workshop import BuildError

SUFFIXES = (".ko", ".ko.xz")


@dataclass(frozen=True, slots=True)
class Kernel:
    """An unpacked kernel of Debian: its version, where its modules lie, its image, and the folder of device trees."""

    version: str
    modules: Path
    image: Path
    device_trees: Path | None

    def dependencies(self) -> dict[str, tuple[str, ...]]:
        """What each module needs, by paths below `modules`; what is needed first stands last, as depmod writes it."""
        found = {}
        for line in (self.modules / "modules.dep").read_text().splitlines():
            name, _, needed = line.partition(":")
            found[name] = tuple(needed.split())
        return found


def find_kernel(unpacked: Path) -> Kernel:
    """The kernel in a folder into which Debian's packages were unpacked; depmod is run there once."""
    folders = sorted([*unpacked.glob("usr/lib/modules/*/kernel"), *unpacked.glob("lib/modules/*/kernel")])
    if len(folders) != 1:
        raise BuildError(f"{unpacked}: {len(folders)} kernels instead of one; remove the folder and build again")
    modules = folders[0].parent
    version = modules.name
    if not (modules / "modules.dep").exists():
        # depmod looks below lib/modules of its base.
        base = modules.parent.parent.parent
        subprocess.run(["depmod", "-b", base, version], check=True)
    images = [modules / "vmlinuz", unpacked / "boot" / f"vmlinuz-{version}"]
    trees = [modules / "dtb", unpacked / "usr/lib" / f"linux-image-{version}"]
    image = next((path for path in images if path.exists()), None)
    if image is None:
        raise BuildError(f"{unpacked}: no vmlinuz of {version}")
    return Kernel(version, modules, image, next((path for path in trees if path.is_dir()), None))


def module_name(path: str) -> str:
    """The name of a module by its path: `kernel/fs/nls/nls_iso8859-1.ko.xz` is nls_iso8859_1."""
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")


def chosen_modules(kernel: Kernel, patterns: tuple[str, ...]) -> list[str]:
    """The modules whose paths match one of the patterns, and everything they need; paths below the kernel's folder."""
    dependencies = kernel.dependencies()
    chosen: set[str] = set()
    for path, needed in dependencies.items():
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
            chosen.update((path, *needed))
    return sorted(chosen)


def copy_modules(kernel: Kernel, paths: list[str], root: Path) -> None:
    """Put the modules below `root`/usr/lib/modules with the indexes that modprobe and udev read."""
    target = root / "usr/lib/modules" / kernel.version
    for path in paths:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kernel.modules / path, target / path)
    for path in sorted(kernel.modules.glob("modules.*")):
        if path.name in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
            shutil.copyfile(path, target / path.name)
    subprocess.run(["depmod", "-b", root / "usr", kernel.version], check=True)


def load_order(kernel: Kernel, names: tuple[str, ...]) -> list[str]:
    """The modules with what they need, in the order of loading; a name that is built into the kernel falls away."""
    dependencies = kernel.dependencies()
    by_name = {module_name(path): path for path in dependencies}
    order: list[str] = []
    for name in names:
        path = by_name.get(name.replace("-", "_"))
        if path is None:
            continue
        for needed in (*reversed(dependencies[path]), path):
            if needed not in order:
                order.append(needed)
    return order


def initial_ram_disk(kernel: Kernel, names: tuple[str, ...], busybox: Path, init: Path) -> bytes:
    """The archive that the kernel unpacks first: busybox, the modules in their order, `init` and `slots` beside it."""
    executable, plain = stat.S_IFREG | 0o755, stat.S_IFREG | 0o644
    files = [RamFile(name, stat.S_IFDIR | 0o755) for name in ("bin", "dev", "modules", "proc", "sys", "run")]
    files.append(RamFile("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)))
    files.append(RamFile("bin/busybox", executable, busybox.read_bytes()))
    files.append(RamFile("bin/sh", stat.S_IFLNK | 0o777, b"busybox"))
    files.append(RamFile("init", executable, init.read_bytes()))
    files.append(RamFile("slots", plain, init.with_name("slots").read_bytes()))
    names_in_order = []
    for path in load_order(kernel, names):
        data = (kernel.modules / path).read_bytes()
        if path.endswith(".xz"):
            data = lzma.decompress(data)
        names_in_order.append(f"{module_name(path)}.ko")
        files.append(RamFile(f"modules/{names_in_order[-1]}", plain, data))
    files.append(RamFile("modules/order", plain, "".join(f"{name}\n" for name in names_in_order).encode()))
    return ram_disk(files)


def unpack_kernel(debs: list[Path], folder: Path) -> Kernel:
    """Unpack packages into `folder`, unless that was done before, and find the kernel in it."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
            for deb in debs:
                subprocess.run(["dpkg-deb", "-x", deb, f"{unfinished}/kernel"], check=True)
            find_kernel(Path(unfinished, "kernel"))
            Path(unfinished, "kernel").rename(folder)
    return find_kernel(folder)
