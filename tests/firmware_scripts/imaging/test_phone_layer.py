"""The phone in the root file system: wheels unpacked, units in order, nothing to do anew at the first start."""

import shutil
import zipfile
from pathlib import Path

import pytest

from firmware_scripts.imaging import phone_layer
from firmware_scripts.imaging.boards import BOARDS
from firmware_scripts.imaging.phone_layer import PhoneOptions, _add_system_files, _install_wheels
from firmware_scripts.imaging.root_tree import RootTree
from firmware_scripts.imaging.workshop import BuildError

EPOCH = 1_700_000_000


def make_wheel(folder: Path, name: str, files: dict[str, str]) -> None:
    with zipfile.ZipFile(folder / f"{name}-1.0-cp313-cp313-linux_aarch64.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def test_the_wanted_wheels_are_unpacked_and_no_others(tmp_path: Path) -> None:
    wheelhouse, site = tmp_path / "wheels", tmp_path / "site"
    wheelhouse.mkdir()
    site.mkdir()
    make_wheel(wheelhouse, "pyalsaaudio", {"alsaaudio.so": "ELF", "pyalsaaudio-1.0.data/scripts/tool": "#!"})
    make_wheel(wheelhouse, "audioop_lts", {"audioop-lts.data/platlib/audioop/__init__.py": "x = 1"})
    make_wheel(wheelhouse, "RPi.GPIO", {"RPi/GPIO/__init__.py": "wrong"})
    make_wheel(wheelhouse, "rpi_lgpio", {"RPi/GPIO/__init__.py": "right"})
    _install_wheels(wheelhouse, site)
    found = {str(path.relative_to(site)): path.read_text() for path in site.rglob("*") if path.is_file()}
    assert found == {"alsaaudio.so": "ELF", "audioop/__init__.py": "x = 1", "RPi/GPIO/__init__.py": "right"}


def test_a_wheelhouse_without_sound_is_refused(tmp_path: Path) -> None:
    make_wheel(tmp_path, "audioop_lts", {"audioop.py": ""})
    with pytest.raises(BuildError, match="no wheel of pyalsaaudio in it; type: firmware_scripts/build-wheels"):
        _install_wheels(tmp_path, tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> RootTree:
    made = RootTree()
    made.add_link(
        "etc/systemd/system/timers.target.wants/e2scrub_all.timer", "/usr/lib/systemd/system/e2scrub_all.timer"
    )
    key = tmp_path / "maker.key.pub"
    key.write_text("public")
    _add_system_files(made, BOARDS["rpi3"], PhoneOptions(tmp_path, (key,), "ssh-ed25519 AAAA me", "1.5"), EPOCH)
    return made


def test_the_image_knows_board_version_and_keys(tree: RootTree) -> None:
    assert b'"board": "rpi3"' in tree.read("usr/lib/offhook/image.json")
    assert b'"version": "1.5"' in tree.read("usr/lib/offhook/image.json")
    assert tree.read("etc/offhook/upgrade-keys/maker.key.pub") == b"public"
    assert tree.read("root/.ssh/authorized_keys") == b"ssh-ed25519 AAAA me"


def test_no_identity_is_built_in(tree: RootTree) -> None:
    assert tree.read("etc/machine-id") == b""
    assert not [name for name in tree if "ssh_host_" in name]


def test_what_is_not_wanted_is_masked_and_not_pulled_in(tree: RootTree) -> None:
    assert "etc/systemd/system/timers.target.wants/e2scrub_all.timer" not in tree
    for unit in ("e2scrub_all.timer", "serial-getty@ttyS1.service"):
        assert f"etc/systemd/system/{unit}" in tree


def test_every_unit_of_the_image_that_is_wanted_is_there(tree: RootTree) -> None:
    place = "usr/lib/systemd/system"
    wanted = [name for name in tree if name.startswith(f"{place}/multi-user.target.wants/offhook")]
    assert len(wanted) == 5
    assert all(f"{place}/{name.rpartition('/')[2]}" in tree for name in wanted)


def test_a_tree_that_has_lost_its_links_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(phone_layer.FILES, tmp_path / "files", symlinks=False)
    monkeypatch.setattr(phone_layer, "FILES", tmp_path / "files")
    options = PhoneOptions(tmp_path, (), "", "1.0")
    with pytest.raises(BuildError, match=r"offhook-upgrade-trial.service.* is no link"):
        _add_system_files(RootTree(), BOARDS["rpi3"], options, EPOCH)


def test_what_persists_is_named_with_a_way_that_the_first_program_knows(tree: RootTree) -> None:
    lines = tree.read("usr/lib/offhook/persist").decode().split("\n")[:-1]
    assert "bind /var/lib/offhook" in lines
    assert {line.split()[0] for line in lines} == {"bind", "overlay"}


def test_systemd_has_nothing_to_bring_up_to_date(tree: RootTree) -> None:
    for folder in ("etc", "var"):
        assert f"TIMESTAMP_NSEC={EPOCH * 10**9}\n".encode() in tree.read(f"{folder}/.updated")
