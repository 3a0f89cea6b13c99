"""What was fetched once is not asked for again while it is fresh."""

import os
import stat
import time
from pathlib import Path

import pytest

from tests.board import parts


@pytest.fixture
def debian(tmp_path, monkeypatch) -> Path:
    """A Debian that notes each question and has one package."""
    package = tmp_path / "busybox_1_arm64.deb"
    package.write_text("")
    script = tmp_path / "fetch-debian"
    script.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n[ "$1" != nothing ] || exit 1\necho {package}\n')
    script.chmod(stat.S_IRWXU)
    monkeypatch.setattr(parts, "SCRIPTS", tmp_path)
    monkeypatch.setenv("OFFHOOK_CACHE", str(tmp_path / "cache"))
    return tmp_path


def asked(debian: Path) -> int:
    return len((debian / "asked").read_text().splitlines())


def test_the_same_question_is_asked_once(debian) -> None:
    first = parts.fetch("busybox")
    assert parts.fetch("busybox") == first == [debian / "busybox_1_arm64.deb"]
    assert asked(debian) == 1
    parts.fetch("--suite", "trixie", "busybox")
    assert asked(debian) == 2


def test_an_answer_is_forgotten_after_a_day_or_without_its_package(debian) -> None:
    (path,) = parts.fetch("busybox")
    known = next((debian / "cache" / "rig" / "fetched").iterdir())
    os.utime(known, (0, time.time() - parts.DAY_S - 1))
    parts.fetch("busybox")
    assert asked(debian) == 2
    path.unlink()
    parts.fetch("busybox")
    assert asked(debian) == 3


def test_what_debian_has_not_is_a_failure_with_its_words(debian) -> None:
    with pytest.raises(AssertionError, match="fetch-debian failed"):
        parts.fetch("nothing")
