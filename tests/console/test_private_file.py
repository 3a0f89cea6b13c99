"""Files that a person asks for: nobody else reads them, and no other file is lost."""

from pathlib import Path

import pytest

from device.console.private_file import open_private


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    with open_private(str(tmp_path / "new"), b"PK") as file:
        file.write(b"PK1")
    assert (tmp_path / "new").read_bytes() == b"PK1"
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("before", [b"", b"PK, and much more than before"])
def test_one_of_the_same_kind_is_written_over(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "again"
    path.write_bytes(before)
    with open_private(str(path), b"PK") as file:
        file.write(b"PK2")
    assert path.read_bytes() == b"PK2"


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    store = tmp_path / "offhook.db"
    store.write_bytes(b"SQLite format 3\x00")
    with pytest.raises(FileExistsError, match="another kind"):
        open_private(str(store), b"PK")
    assert store.read_bytes() == b"SQLite format 3\x00"


def test_what_is_no_plain_file_is_written_to() -> None:
    with open_private("/dev/null", b"PK") as file:
        assert file.write(b"PK") == 2
