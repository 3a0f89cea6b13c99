"""A folder of wheels for one target that pip installs from without a network, and what it says about them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from firmware_scripts.cross.cross_python import CrossPython, build_own_wheel, build_wheel, cross_python, own_files
from firmware_scripts.cross.downloads import fetch
from firmware_scripts.cross.lock_file import LockedPackage, read_lock, wanted
from firmware_scripts.cross.roots import packages_of
from firmware_scripts.cross.targets import Target
from firmware_scripts.cross.wheel_file import compiled_parts
from firmware_scripts.cross.workplace import (
    PROJECT,
    BuildError,
    cache_folder,
    digest,
    only_one,
    remove_tree,
    say,
    sha256,
    unfinished,
)

INDEX, SUMS = "index.json", "SHA256SUMS"
TOOLCHAIN = re.compile(r"(gcc-\d+-|binutils-|libc6-dev_|libasound2-dev_|libsrtp2-dev_|libffi-dev_|python3\.\d+_)")
DEBIAN_PACKAGES = {
    "libasound.so.2": {"trixie": "libasound2t64", "bookworm": "libasound2"},
    "libcrypto.so.3": {"trixie": "libssl3t64", "bookworm": "libssl3"},
    "libffi.so.8": {"trixie": "libffi8", "bookworm": "libffi8"},
    "libsrtp2.so.1": {"trixie": "libsrtp2-1", "bookworm": "libsrtp2-1"},
}
"""Which package of the board's system brings a library that a wheel is linked with."""
ALWAYS_THERE = re.compile(r"(libc|libm|libpthread|libgcc_s|ld-linux.*)\.so\.\d")
_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)")
_ARM_LEVEL = re.compile(r"Tag_CPU_arch: (\S+)")
LEVEL_LIMITS = {"armv6": {"v4", "v4T", "v5T", "v5TE", "v5TEJ", "v6", "v6KZ", "v6K"}}
"""What a processor may ask for, where the compiler could have chosen more than the board has."""


def make_wheelhouse(target: Target, out: Path) -> Path:
    """Build or take every wheel for a target and lay them into a folder; answers the folder."""
    packages = read_lock()
    place = cross_python(target, packages)
    with only_one(out), unfinished(out) as folder:
        entries = [_own_entry(place, folder)]
        entries += [_entry(place, package, folder) for package in wanted(packages, target, ["phone"])]
        _write_index(place, folder, entries)
    built = sum(1 for entry in entries if "built" in entry)
    say(f"{out}: {len(entries)} wheels for {target.name}, {built} of them built here")
    return out


def _own_entry(place: CrossPython, folder: Path) -> dict[str, object]:
    text = [part for path in own_files() for part in (str(path.relative_to(PROJECT)), path.read_bytes())]
    wheel, _ = _from_cache(place, "offhook", digest(place.target.suite.interpreter, place.key, *text), None)
    shutil.copyfile(wheel, folder / wheel.name)
    version = wheel.name.split("-")[1]
    return {"file": wheel.name, "name": "offhook", "version": version, "built": {"from": "this project"}}


def _entry(place: CrossPython, package: LockedPackage, folder: Path) -> dict[str, object]:
    file = package.file_for(place.target)
    about: dict[str, object] = {"name": package.name, "version": package.version}
    if file.is_wheel:
        wheel = fetch(package, file)
        about["taken"] = {"from": "Python package index", "file": file.name}
    else:
        key = digest(place.key, file.sha256, *(word for pair in package.environment for word in pair))
        wheel, _ = _from_cache(place, package.name, key, package)
        about["built"] = {"from": file.name, "sha256": file.sha256}
    shutil.copyfile(wheel, folder / wheel.name)
    return {"file": wheel.name, **about}


def _from_cache(place: CrossPython, name: str, key: str, package: LockedPackage | None) -> tuple[Path, bool]:
    """The wheel of this key, and whether it was there already."""
    folder = cache_folder() / "wheels" / place.target.name / f"{name}-{key}"
    with only_one(folder):
        there = folder.exists()
        if not there:
            say(f"building {name} for {place.target.name}")
            with unfinished(folder) as empty:
                wheel = built(place, package, empty / "work")
                wheel.rename(empty / wheel.name)
                remove_tree(empty / "work")
    return next(folder.glob("*.whl")), there


def built(place: CrossPython, package: LockedPackage | None, work: Path) -> Path:
    """Build the wheel of a package (or of offhook itself, when there is none) in the folder `work`."""
    if package is None:
        return build_own_wheel(place, work)
    if package.source is None:
        raise BuildError(f"{package.name}: the lock file has no source to build it from")
    return build_wheel(place, package, package.source, work)


def _write_index(place: CrossPython, folder: Path, entries: list[dict[str, object]]) -> None:
    facts = _compiled_facts(place, folder)
    for entry in entries:
        name = str(entry["file"])
        entry["sha256"] = sha256(folder / name)
        entry.update(facts.get(name, {}))
    entries.sort(key=lambda entry: str(entry["file"]).lower())
    roots = (place.build_root, place.system_root)
    tools = sorted({name for root in roots for name in packages_of(root) if TOOLCHAIN.match(name)})
    about = {
        "suite": place.target.suite.name,
        "architecture": place.target.architecture.name,
        "python": place.target.suite.interpreter.removeprefix("python"),
        "wheels": entries,
        "built_with": tools,
    }
    (folder / INDEX).write_text(json.dumps(about, indent=1) + "\n")
    names = sorted(path.name for path in folder.iterdir())
    (folder / SUMS).write_text("".join(f"{sha256(folder / name)}  {name}\n" for name in names))


def _compiled_facts(place: CrossPython, folder: Path) -> Mapping[str, dict[str, object]]:
    """For each wheel with machine code: the libraries and the C library that it asks for, as readelf tells them."""
    work = folder.with_name(f"{folder.name}.elf")
    remove_tree(work)
    work.mkdir()
    facts: dict[str, dict[str, object]] = {}
    for wheel in sorted(folder.glob("*.whl")):
        parts = compiled_parts(wheel)
        if not parts:
            continue
        shutil.unpack_archive(wheel, work / wheel.name, "zip")
        told = place.run(
            "readelf", "-d", "-V", "-A", *(f"/build/{wheel.name}/{part}" for part in parts), work=work, log=work / "log"
        )
        facts[wheel.name] = elf_facts(told, {Path(part).name for part in parts}, place.target)
    remove_tree(work)
    return facts


def elf_facts(readelf: str, own: set[str], target: Target) -> dict[str, object]:
    """What the text of `readelf -d -V -A` says of libraries; raises BuildError when the board could not satisfy it."""
    needed = {name for name in _NEEDED.findall(readelf) if name not in own and not ALWAYS_THERE.match(name)}
    if unknown := needed - DEBIAN_PACKAGES.keys():
        raise BuildError(f"linked with {', '.join(sorted(unknown))}, of which the wheelhouse does not know the package")
    facts: dict[str, object] = {}
    if needed:
        facts["debian_packages"] = sorted(DEBIAN_PACKAGES[name][target.suite.name] for name in needed)
    if versions := [(int(major), int(minor)) for major, minor in _GLIBC.findall(readelf)]:
        if max(versions) > target.suite.glibc:
            raise BuildError(
                f"asks for the C library {max(versions)}, and {target.suite.name} has {target.suite.glibc}"
            )
        facts["glibc"] = "{}.{}".format(*max(versions))
    if levels := set(_ARM_LEVEL.findall(readelf)):
        if levels - LEVEL_LIMITS.get(target.architecture.name, levels):
            raise BuildError(
                f"machine code for ARM {', '.join(sorted(levels))}, which {target.architecture.name} does not run"
            )
        facts["arm"] = sorted(levels)
    return facts


def verify(target: Target, folder: Path) -> None:
    """Build every wheel again, in another folder with another crossenv; raises BuildError when bytes differ."""
    packages = read_lock()
    apart = cache_folder() / "verify" / "at-another-place"
    remove_tree(apart)
    place = cross_python(target, packages, apart=apart)
    different, count = [], 0
    for package in (None, *wanted(packages, target, ["phone"])):
        if package is not None and package.file_for(target).is_wheel:
            continue
        say(f"building {package.name if package else 'offhook'} again")
        wheel = built(place, package, apart / "built" / (package.name if package else "offhook"))
        count += 1
        if not (folder / wheel.name).exists() or sha256(folder / wheel.name) != sha256(wheel):
            different.append(wheel.name)
    if different:
        raise BuildError(f"not the same bytes twice: {', '.join(different)}; the second build is in {apart}")
    remove_tree(apart)
    say(f"{count} wheels built twice, byte for byte the same")
