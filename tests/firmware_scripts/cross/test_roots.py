"""A root that was unpacked is usable from outside of it."""

import os
from pathlib import Path

from firmware_scripts.cross.roots import make_links_relative


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
