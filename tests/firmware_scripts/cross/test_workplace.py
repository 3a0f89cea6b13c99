"""Steps that fail leave nothing half done behind and say what to do."""

from pathlib import Path

import pytest

from firmware_scripts.cross.workplace import BuildError, cache_folder, digest, need_programs, run, sha256, unfinished


def fail_half_way(wanted: Path) -> None:
    with unfinished(wanted) as place:
        (place / "file").write_text("half")
        raise ValueError("half way")


def test_a_folder_takes_its_place_only_when_all_went_well(tmp_path: Path) -> None:
    wanted = tmp_path / "made"
    with pytest.raises(ValueError, match="half way"):
        fail_half_way(wanted)
    assert not wanted.exists()
    with unfinished(wanted) as place:
        assert list(place.iterdir()) == []
        (place / "file").write_text("whole")
    assert (wanted / "file").read_text() == "whole"


def test_a_program_that_fails_is_quoted_with_its_last_lines_and_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(BuildError, match=r"(?s)ended with status 3.*went wrong.*whole story is in .*log"):
        run("sh", "-c", "echo went wrong >&2; exit 3", log=log)
    assert "went wrong" in log.read_text()


def test_a_missing_program_is_told_with_the_line_to_type() -> None:
    with pytest.raises(BuildError, match=r"firmware_scripts/prepare cross .*apt-get install frobnicate"):
        need_programs([("sh", "dash"), ("frob-the-nicate", "frobnicate")])


def test_the_cache_is_the_one_that_all_scripts_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "cross"


def test_names_depend_on_where_one_part_ends(tmp_path: Path) -> None:
    assert digest("ab", "c") != digest("a", "bc")
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
