import os
from pathlib import Path

import pytest

from device.console.store_process import StoreProcess
from device.control.errors import ControlError


def test_it_is_started_by_the_first_question_and_ended_by_closing(tmp_path: Path) -> None:
    service = StoreProcess(["--store", str(tmp_path / "s.db")])
    assert service._process is None
    service.ask("settings.list")
    process = service._process
    assert process is not None
    service.close()
    assert process.returncode == 0
    service.close()


def test_one_that_was_killed_is_started_again(tmp_path: Path) -> None:
    service = StoreProcess(["--store", str(tmp_path / "s.db")])
    service.ask("settings.list")
    assert service._process is not None
    service._process.kill()
    service._process.wait()
    assert service.ask("settings.get", key="phone.hotline")["value"] == ""
    service.close()


def test_a_store_that_cannot_be_opened_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    service = StoreProcess(["--store", str(tmp_path / "file" / "s.db")])
    with pytest.raises(ControlError, match=r"the settings cannot be reached: .*file") as caught:
        service.ask("settings.list")
    assert "\n" not in str(caught.value)
    assert service._process is None


def test_a_program_that_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="ended at once"):
        StoreProcess([], ("true",)).ask("settings.list")


def test_nobody_else_can_reach_its_socket(tmp_path: Path) -> None:
    service = StoreProcess(["--store", str(tmp_path / "s.db")])
    service.ask("settings.list")
    assert service._folder is not None
    assert os.stat(service._folder.name).st_mode & 0o077 == 0
    service.close()
