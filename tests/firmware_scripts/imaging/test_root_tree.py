"""A root file system as a list: read from a tar, changed, written again, the same bytes each time."""

import io
import tarfile
from pathlib import Path

import pytest

from firmware_scripts.imaging.root_tree import Content, RootTree

EPOCH = 1_700_000_000


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "base.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind, data, target in (
            ("./usr", tarfile.DIRTYPE, b"", ""),
            ("./usr/bin", tarfile.DIRTYPE, b"", ""),
            ("./usr/bin/tool", tarfile.REGTYPE, b"program", ""),
            ("./usr/bin/alias", tarfile.LNKTYPE, b"", "./usr/bin/tool"),
            ("./bin", tarfile.SYMTYPE, b"", "usr/bin"),
            ("./etc/passwd", tarfile.REGTYPE, b"root:x:0:0::/root:/bin/sh\n", ""),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname, entry.mtime = kind, len(data), target, EPOCH + 5
            entry.uid = 7 if name.endswith("passwd") else 0
            tar.addfile(entry, io.BytesIO(data))
    return path


def written(tree: RootTree) -> dict[str, tarfile.TarInfo]:
    out = io.BytesIO()
    tree.write_tar(out, EPOCH)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        return {entry.name: entry for entry in tar}


def test_what_was_read_is_written_again(archive: Path) -> None:
    tree = RootTree.from_tar(archive)
    entries = written(tree)
    assert set(entries) == {"usr", "usr/bin", "usr/bin/tool", "usr/bin/alias", "bin", "etc/passwd"}
    assert entries["etc/passwd"].uid == 7
    assert tree.read("usr/bin/alias") == b"program"


def test_no_file_is_younger_than_the_image(archive: Path) -> None:
    tree = RootTree.from_tar(archive)
    tree.add_file("new", "text")
    assert {entry.mtime for entry in written(tree).values()} == {EPOCH}


def test_the_same_tree_makes_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    first, second = io.BytesIO(), io.BytesIO()
    RootTree.from_tar(archive).write_tar(first, EPOCH)
    RootTree.from_tar(archive).write_tar(second, EPOCH)
    assert first.getvalue() == second.getvalue()


def test_files_go_through_links_of_folders(archive: Path) -> None:
    tree = RootTree.from_tar(archive)
    tree.add_file("bin/other", "text", 0o755)
    assert "usr/bin/other" in tree
    assert tree.read("bin/other") == b"text"


def test_links_in_a_circle_are_no_endless_work(archive: Path) -> None:
    tree = RootTree.from_tar(archive)
    tree.add_link("one", "two")
    tree.add_link("two", "one")
    with pytest.raises(KeyError):
        tree.read("one/file")


def test_a_folder_goes_with_what_is_in_it(archive: Path) -> None:
    tree = RootTree.from_tar(archive)
    assert tree.remove("usr") == 4
    assert set(tree) == {"bin", "etc/passwd"}


def test_what_is_to_be_kept_stays(archive: Path) -> None:
    tree = RootTree.from_tar(archive)
    tree.add_file("usr/share/doc/tool/copyright", "free")
    tree.add_file("usr/share/doc/tool/manual", "long")
    tree.remove("usr/share/doc/*", keep=("usr/share/doc/*/copyright",))
    assert [name for name in tree if name.startswith("usr/share/doc/tool/")] == ["usr/share/doc/tool/copyright"]


def test_a_folder_of_this_machine_becomes_roots(archive: Path, tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    (stage / "opt/bin").mkdir(parents=True)
    (stage / "opt/bin/run").write_text("#!/bin/sh\n")
    (stage / "opt/bin/run").chmod(0o700)
    (stage / "opt/link").symlink_to("bin/run")
    tree = RootTree.from_tar(archive)
    tree.add_below(stage)
    entries = written(tree)
    assert (entries["opt/bin/run"].mode, entries["opt/bin/run"].uid) == (0o755, 0)
    assert entries["opt/link"].linkname == "bin/run"
    assert tree.read("opt/link") == b"#!/bin/sh\n"


def test_a_file_takes_the_place_of_a_folder(archive: Path) -> None:
    tree = RootTree.from_tar(archive)
    tree.add_file("usr/bin", Content(b"flat"))
    assert [name for name in tree if name.startswith("usr")] == ["usr", "usr/bin"]
