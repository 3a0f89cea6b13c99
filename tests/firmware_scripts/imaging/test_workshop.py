"""What every step of a build uses."""

import os
import time
from pathlib import Path

import pytest

from firmware_scripts.imaging.workshop import BuildError, Workshop, need_programs


def test_a_missing_program_names_the_line_to_type() -> None:
    with pytest.raises(BuildError, match="sudo apt-get install no-such-package"):
        need_programs((("sh", "dash"), ("no-such-program", "no-such-package")))
    need_programs((("sh", "dash"),))


def test_a_program_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, tmp_path)
    with pytest.raises(BuildError, match=r"ended with status 3:\nno room"):
        workshop.run("sh", "-c", "echo no room >&2; exit 3")


def test_programs_know_the_age_of_the_image(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, tmp_path)
    workshop.epoch = 1234
    assert workshop.run("sh", "-c", "echo $SOURCE_DATE_EPOCH") == "1234\n"


def test_apt_is_asked_once_as_long_as_its_lists_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    deb = tmp_path / "some.deb"
    deb.touch()
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "fetch-debian").write_text(f'#!/bin/sh\necho "$@" >>{asked}\necho {deb}\n')
    (scripts / "fetch-debian").chmod(0o755)
    monkeypatch.setattr("firmware_scripts.imaging.workshop.SCRIPTS", scripts)
    workshop = Workshop(tmp_path / "cache", tmp_path)
    for _ in range(2):
        assert workshop.fetch("some") == [deb]
    assert asked.read_text() == "some\n"
    lists = tmp_path / "cache/debian/trixie-arm64/updated"
    lists.parent.mkdir(parents=True)
    lists.touch()
    later = time.time() + 60
    os.utime(lists, (later, later))
    workshop.fetch("some")
    assert asked.read_text() == "some\nsome\n"
    deb.unlink()
    workshop.fetch("some")
    assert asked.read_text().count("some") == 3
