"""What can be built for: the lines of Debian, the kinds of ARM processor, and the pairs of both."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suite:
    """A release of Debian (and of Raspberry Pi OS): its Python, its C library, its compiler."""

    name: str
    python: tuple[int, int]
    glibc: tuple[int, int]
    gcc: int

    @property
    def interpreter(self) -> str:
        """The name of the program, such as `python3.13`."""
        return "python{}.{}".format(*self.python)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A kind of processor: Debian's name for it, the compiler's, the kernel's, and who runs its programs here."""

    name: str
    debian: str
    triplet: str
    machine: str
    """What `uname -m` says there; the end of a wheel's name, too."""
    emulator: tuple[str, ...]
    flags: tuple[str, ...] = ()
    """For the compiler, beyond Debian's own choice of processor."""
    suites: tuple[str, ...] = ("trixie", "bookworm")
    """The releases of Debian that have it whole."""
    takes_foreign_wheels: bool = True
    """Whether wheels of the Python package index may be used as they are."""


@dataclass(frozen=True, slots=True)
class Target:
    """One suite on one architecture."""

    suite: Suite
    architecture: Architecture

    @property
    def name(self) -> str:
        """Such as `trixie-arm64`; names folders in the cache and the wheelhouse."""
        return f"{self.suite.name}-{self.architecture.name}"


SUITES = {
    suite.name: suite
    for suite in (
        Suite("trixie", python=(3, 13), glibc=(2, 41), gcc=14),
        Suite("bookworm", python=(3, 11), glibc=(2, 36), gcc=12),
    )
}

ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        Architecture("arm64", "arm64", "aarch64-linux-gnu", "aarch64", ("qemu-aarch64-static",)),
        Architecture("armhf", "armhf", "arm-linux-gnueabihf", "armv7l", ("qemu-arm-static",)),
        # Debian's armhf asks for ARMv7; what it has for the ARM1176 of Pi Zero and Pi 1 is armel, which hands floating
        # point numbers over in integer registers. Raspberry Pi OS uses the other convention: docs/cross-building.md.
        Architecture(
            "armv6",
            "armel",
            "arm-linux-gnueabi",
            "armv6l",
            ("qemu-arm-static", "-cpu", "arm1176"),
            flags=("-march=armv6kz+fp", "-mfloat-abi=softfp", "-marm"),
            suites=("bookworm",),
            takes_foreign_wheels=False,
        ),
    )
}


def target(suite: str, architecture: str) -> Target:
    """The target of these names; raises KeyError."""
    return Target(SUITES[suite], ARCHITECTURES[architecture])
