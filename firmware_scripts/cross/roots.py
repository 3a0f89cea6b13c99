"""The two root file systems of a build: of this machine's kind with the compilers, of the board's to link with.

Both are unpacked, not installed: no script of a package runs, nothing of this machine's package system changes, and a
plain user may do it. Programs of the build root run in it by chroot, without a network, with the folders of the build
mounted there in a mount namespace of their own, which are gone when the program ends.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from firmware_scripts.cross.targets import ARCHITECTURES, Suite, Target
from firmware_scripts.cross.workplace import (
    BuildError,
    cache_folder,
    digest,
    need_programs,
    only_one,
    run,
    say,
    shared,
    unfinished,
)

RECIPE = "4"
"""Counted up whenever the way the roots are made changes, so that nobody builds in an old one."""

BUILD_PACKAGES = (
    *(
        "bash",
        "ca-certificates",
        "coreutils",
        "dash",
        "diffutils",
        "findutils",
        "gawk",
        "grep",
        "gzip",
        "sed",
        "tar",
        "xz-utils",
    ),
    *("gcc", "libc6-dev", "libffi-dev", "make", "pkgconf", "python3", "python3-dev", "python3-venv", "swig", "tcl"),
)
TARGET_PACKAGES = (
    *("libasound2-dev", "libc6-dev", "libffi-dev", "libsqlite3-0", "libsrtp2-dev", "libssl-dev", "zlib1g-dev"),
    *("ca-certificates", "netbase", "python3", "python3-dev", "tzdata"),
)
MERGED = ("bin", "lib", "sbin")
PACKAGE_LIST = "packages.list"
MOUNT = """
set -e
root=$1; shift
mkdir -p "$root/dev" "$root/proc" "$root/tmp"
mount --rbind /dev "$root/dev"; mount --rbind /proc "$root/proc"
while [ "$1" != -- ]; do mkdir -p "$root/$2"; mount --rbind "$1" "$root/$2"; shift 2; done
shift
exec chroot "$root" "$@"
"""


def build_root(suite: Suite) -> Path:
    """The root with the compilers, made when it is not in the cache."""
    if platform.machine() != "x86_64":
        raise BuildError(
            f"Debian has its cross compilers for x86-64; this is {platform.machine()}: build on another machine"
        )
    compilers = [
        package
        for architecture in ARCHITECTURES.values()
        for package in (
            f"gcc-{architecture.triplet}",
            f"g++-{architecture.triplet}",
            f"libc6-dev-{architecture.debian}-cross",
        )
    ]
    return _root(suite, "amd64", (*BUILD_PACKAGES, *compilers), "build root with compilers, 0.9 GB")


def system_root(target: Target) -> Path:
    """The root with the board's Python and libraries, made when it is not in the cache."""
    architecture = target.architecture
    if target.suite.name not in architecture.suites:
        raise BuildError(
            f"Debian {target.suite.name} does not have all packages for {architecture.name} ({architecture.debian}); "
            f"type: --suite {architecture.suites[0]} --arch {architecture.name}"
        )
    packages = (*TARGET_PACKAGES, f"libgcc-{target.suite.gcc}-dev")

    def compile_library(place: Path) -> None:
        # Without byte code each start of the board's Python would compile under qemu-user, which takes half a minute.
        library = f"/sysroot/usr/lib/{target.suite.interpreter}"
        command = (
            "-m",
            "compileall",
            "-q",
            "--invalidation-mode=unchecked-hash",
            "-s",
            "/sysroot",
            "-x",
            "/test/|lib2to3",
            library,
        )
        log = place.with_name(f"{place.name}.log")
        run_in(
            build_root(target.suite),
            f"/usr/bin/{target.suite.interpreter}",
            *command,
            mounted={"sysroot": place},
            log=log,
        )

    what = f"system root of {target.name}, 0.2 GB"
    return _root(target.suite, target.architecture.debian, packages, what, finish=compile_library)


def _root(
    suite: Suite,
    architecture: str,
    packages: Sequence[str],
    what: str,
    finish: Callable[[Path], None] = lambda place: None,
) -> Path:
    name = f"{suite.name}-{architecture}-{digest(RECIPE, *packages)}"
    folder = cache_folder() / "roots" / name
    if folder.exists():
        return folder
    need_programs([("mmdebstrap", "mmdebstrap")])
    with only_one(folder):
        if not folder.exists():
            say(f"unpacking the {what}; a minute, this once")
            with unfinished(folder) as place:
                _unpack(suite, architecture, packages, place)
                finish(place)
    return folder


def _unpack(suite: Suite, architecture: str, packages: Sequence[str], place: Path) -> None:
    listed = place.with_name(f"{place.name}.sources.list")
    listed.write_text(shared("debian_sources", suite.name))
    log = place.with_name(f"{place.name}.log")
    log.unlink(missing_ok=True)
    command: list[str | Path] = [
        "mmdebstrap",
        *(
            "--variant=extract",
            f"--mode={'root' if os.geteuid() == 0 else 'chrootless'}",
            "--skip=check/qemu,check/chrooted",
        ),
        *(
            f"--architectures={architecture}",
            f"--include={','.join(packages)}",
            '--aptopt=APT::Install-Recommends "false"',
        ),
        f'--extract-hook=ls "$1/var/cache/apt/archives" | grep deb$ | LC_ALL=C sort >"$1/{PACKAGE_LIST}"',
        *(suite.name, place, listed),
    ]
    try:
        run(*command, log=log)
    except BuildError as error:
        if "Mirror sync in progress" not in str(error):
            raise
        say(f"the mirror's lists of {suite.name}-updates for {architecture} are not whole; the release alone is used")
        listed.write_text(
            "".join(line for line in listed.read_text().splitlines(keepends=True) if f" {suite.name} " in line)
        )
        run("rm", "-rf", place)
        place.mkdir()
        run(*command, log=log)
    for name in MERGED:
        _merge(place, name)
    # Programs of the board run with this root in front of this machine's own: an empty folder would hide a full one.
    for name in ("boot", "dev", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "tmp"):
        run("rm", "-rf", place / name)
    shell = place / "usr/bin/sh"
    if not shell.exists() and (place / "usr/bin/dash").exists():
        shell.symlink_to("dash")
    _bundle_certificates(place)
    make_links_relative(place)


def _bundle_certificates(root: Path) -> None:
    """The file that a script of ca-certificates would make; Debian's pip does not start without it."""
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    certificates = sorted(root.glob("usr/share/ca-certificates/mozilla/*.crt"))
    bundle.write_bytes(b"".join(path.read_bytes() for path in certificates))


def _merge(root: Path, name: str) -> None:
    """/bin is /usr/bin, as the packages that are not unpacked would make it; what was unpacked apart moves there."""
    apart = root / name
    if apart.is_symlink():
        return
    if apart.is_dir():
        run("cp", "-a", f"{apart}/.", root / "usr" / name)
        run("rm", "-r", apart)
    apart.symlink_to(f"usr/{name}")


def make_links_relative(root: Path) -> None:
    """A link to /usr/lib/x would leave the root when it is used from outside."""
    for parent, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink() and (goal := os.readlink(path)).startswith("/"):
                path.unlink()
                path.symlink_to(os.path.relpath(f"{root}{goal}", parent))


def packages_of(root: Path) -> list[str]:
    """The files of the packages that were unpacked into a root, such as `gcc-14-base_14.2.0-19_arm64.deb`."""
    return (root / PACKAGE_LIST).read_text().split()


def run_in(
    root: Path, *command: str, mounted: Mapping[str, Path], log: Path, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program inside of a root with nothing of this machine but these folders (place: folder) mounted."""
    mapping = [] if os.geteuid() == 0 else ["--map-root-user"]
    folders = [word for place, folder in mounted.items() for word in (os.fspath(folder), place)]
    clean = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/build",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "/downloads /usr/share/python-wheels",
        **(environment or {}),
    }
    words = [f"{name}={value}" for name, value in clean.items()]
    apart = ("unshare", "--net", "--mount", "--propagation", "private", *mapping, "--")
    return run(
        *(*apart, "sh", "-c", MOUNT, "sh", os.fspath(root)),
        *(*folders, "--", "/usr/bin/env", "-i", *words, *command),
        log=log,
    )
