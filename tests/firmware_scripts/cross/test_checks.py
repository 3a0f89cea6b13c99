"""A wheelhouse that was changed since it was made is not checked further; the tests for boards are there."""

from pathlib import Path

import pytest

from firmware_scripts.cross.checks import ARM_TESTS, check_sums
from firmware_scripts.cross.workplace import BuildError, sha256

ROOT = Path(__file__).parents[3]


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    folder = tmp_path / "trixie-arm64"
    folder.mkdir()
    for name in ("a-1-py3-none-any.whl", "index.json"):
        (folder / name).write_text(name)
    lines = [f"{sha256(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return folder


def test_a_wheelhouse_as_it_was_made_passes(wheelhouse: Path) -> None:
    check_sums(wheelhouse)


def test_another_content_a_missing_file_and_a_stranger_are_found(wheelhouse: Path) -> None:
    (wheelhouse / "b-1-py3-none-any.whl").write_text("b")
    with pytest.raises(BuildError, match=r"b-1-py3-none-any.whl is not in SHA256SUMS"):
        check_sums(wheelhouse)
    (wheelhouse / "a-1-py3-none-any.whl").write_text("other")
    with pytest.raises(BuildError, match="is not what SHA256SUMS says"):
        check_sums(wheelhouse)
    (wheelhouse / "a-1-py3-none-any.whl").unlink()
    with pytest.raises(BuildError, match="is not what SHA256SUMS says"):
        check_sums(wheelhouse)


def test_a_folder_that_is_no_wheelhouse_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="type: firmware_scripts/build-wheels"):
        check_sums(tmp_path)


@pytest.mark.parametrize("path", ARM_TESTS)
def test_every_test_for_boards_exists(path: str) -> None:
    assert (ROOT / path).exists()
