from pathlib import Path

import pytest

from device.hardware.toml_file import read_toml_file


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "profile.toml"
    path.write_text(text)
    return str(path)


def test_tables_lists_and_numbers_come_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, 'name = "desk"\n[keypad]\nrows = [5, 6]\nsettle_us = 1.5\non = true\n')
    assert read_toml_file(path) == {"name": "desk", "keypad": {"rows": [5, 6], "settle_us": 1.5, "on": True}}


def test_a_long_file_comes_whole(tmp_path: Path) -> None:
    path = write(tmp_path, "\n".join(f'line{n} = "{"x" * 100}"' for n in range(3000)))
    assert len(read_toml_file(path)) == 3000


def test_a_fault_names_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line 2"):
        read_toml_file(write(tmp_path, "name = 1\nrows = ]\n"))


def test_bytes_that_are_no_text_are_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(ValueError, match="utf-8"):
        read_toml_file(str(path))


def test_a_file_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_toml_file(str(tmp_path / "absent.toml"))
