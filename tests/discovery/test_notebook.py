import json
import os
from pathlib import Path

import pytest

from device.discovery.errors import DiscoveryError
from device.discovery.house import Member
from device.discovery.notebook import FILE_NAME, Notebook

ID = "0123456789abcdef"


def test_what_was_saved_is_there_after_a_restart_and_nobody_else_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    notebook = Notebook(str(folder))
    notebook.load()
    notebook.mode = "on"
    notebook.members[ID] = Member("11", "a secret")
    notebook.passwords["host"] = "another"
    notebook.save()
    again = Notebook(str(folder))
    again.load()
    assert (again.mode, again.members, again.passwords) == ("on", notebook.members, notebook.passwords)
    assert (folder / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("values", [[], {"mode": "loud"}, {"members": 5, "passwords": [1]}])
def test_what_is_not_understood_is_left_out(tmp_path: Path, values: object) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(values))
    notebook = Notebook(str(tmp_path))
    notebook.load()
    assert (notebook.mode, notebook.members, notebook.passwords) == ("auto", {}, {})


def test_a_damaged_file_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{")
    with pytest.raises(DiscoveryError, match="remove it to begin anew"):
        Notebook(str(tmp_path)).load()


def test_status(tmp_path: Path) -> None:
    notebook = Notebook(str(tmp_path))
    assert notebook.read_status() == {}
    notebook.write_status({"role": "host"})
    assert notebook.read_status() == {"role": "host"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_writes_belongs_to_the_service(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12346)
    Notebook(str(tmp_path)).save()
    found = (tmp_path / FILE_NAME).stat()
    assert (found.st_uid, found.st_gid) == (12345, 12346)
