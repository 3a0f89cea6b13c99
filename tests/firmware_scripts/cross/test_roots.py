"""A root that was unpacked is usable from outside of it."""

import os
from pathlib import Path

import pytest

from firmware_scripts.cross.roots import make_links_relative, system_root
from firmware_scripts.cross.targets import target
from firmware_scripts.cross.workplace import BuildError


def test_what_debian_does_not_have_is_told_with_what_it_has() -> None:
    with pytest.raises(BuildError, match="type: --suite bookworm --arch armv6"):
        system_root(target("trixie", "armv6"))


def test_links_stay_within_the_root(tmp_path: Path) -> None:
    (tmp_path / "usr/lib/arm").mkdir(parents=True)
    (tmp_path / "usr/lib/arm/libm.so.6").write_text("library")
    (tmp_path / "usr/lib/arm/libm.so").symlink_to("/usr/lib/arm/libm.so.6")
    (tmp_path / "usr/lib/arm/near").symlink_to("libm.so.6")
    (tmp_path / "etc").symlink_to("/usr/lib")
    make_links_relative(tmp_path)
    assert (tmp_path / "usr/lib/arm/libm.so").read_text() == "library"
    assert os.readlink(tmp_path / "usr/lib/arm/near") == "libm.so.6"
    assert os.readlink(tmp_path / "etc") == "usr/lib"
