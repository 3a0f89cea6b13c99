"""What a wheelhouse says of its libraries is what readelf says, and what the board cannot satisfy is refused."""

import pytest

from firmware_scripts.cross.targets import target
from firmware_scripts.cross.wheelhouse import DEBIAN_PACKAGES, elf_facts
from firmware_scripts.cross.workplace import BuildError

ALSA = """
 0x0000000000000001 (NEEDED)             Shared library: [libasound.so.2]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [ld-linux-aarch64.so.1]
  0x0010:   Name: GLIBC_2.17  Flags: none  Version: 3
  0x0020:   Name: GLIBC_2.34  Flags: none  Version: 4
"""
V7 = "  Tag_CPU_arch: v7\n"
V6 = "  Tag_CPU_arch: v6KZ\n"


def test_libraries_are_named_by_the_package_that_brings_them() -> None:
    facts = {"debian_packages": ["libasound2t64"], "glibc": "2.34"}
    assert elf_facts(ALSA, set(), target("trixie", "arm64")) == facts
    assert elf_facts(ALSA, set(), target("bookworm", "arm64"))["debian_packages"] == ["libasound2"]


def test_a_library_within_the_wheel_is_nobody_elses() -> None:
    assert "debian_packages" not in elf_facts(ALSA, {"libasound.so.2"}, target("trixie", "arm64"))


def test_a_newer_c_library_than_the_boards_is_refused() -> None:
    with pytest.raises(BuildError, match=r"asks for the C library \(2, 38\)"):
        elf_facts("Name: GLIBC_2.38", set(), target("bookworm", "arm64"))


def test_a_library_that_no_package_is_known_for_is_refused() -> None:
    with pytest.raises(BuildError, match=r"linked with libfrob\.so\.1"):
        elf_facts("(NEEDED) Shared library: [libfrob.so.1]", set(), target("trixie", "arm64"))


def test_machine_code_that_a_pi_zero_cannot_run_is_refused_for_it_alone() -> None:
    assert elf_facts(V7, set(), target("trixie", "armhf")) == {"arm": ["v7"]}
    assert elf_facts(V6, set(), target("trixie", "armv6")) == {"arm": ["v6KZ"]}
    with pytest.raises(BuildError, match="machine code for ARM v6KZ, v7, which armv6 does not run"):
        elf_facts(V6 + V7, set(), target("trixie", "armv6"))


def test_every_suite_has_a_package_for_every_library() -> None:
    for packages in DEBIAN_PACKAGES.values():
        assert packages.keys() == {"trixie", "bookworm"}
