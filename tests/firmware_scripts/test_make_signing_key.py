"""The keys that upgrades are signed with: made once, never overwritten, never in a repository."""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "firmware_scripts" / "make-signing-key"


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SCRIPT), *map(str, words)], capture_output=True, text=True, check=False)


def test_a_pair_is_made_that_signs_and_verifies(tmp_path: Path) -> None:
    key = tmp_path / "maker.key"
    done = run(key, "--no-password")
    assert done.returncode == 0, done.stderr
    assert f"build-image --board rpi3 --upgrade-key {key}.pub" in done.stderr
    assert os.stat(key).st_mode & 0o777 == 0o600
    message = tmp_path / "message"
    message.write_text("hello")
    subprocess.run(["minisign", "-S", "-s", key, "-m", message], check=True, capture_output=True)
    subprocess.run(["minisign", "-V", "-p", f"{key}.pub", "-m", message], check=True, capture_output=True)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    key = tmp_path / "maker.key"
    assert run(key, "--no-password").returncode == 0
    before = key.read_bytes()
    done = run(key, "--no-password")
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert key.read_bytes() == before


def test_a_repository_is_no_place_for_a_key(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    done = run(tmp_path / "maker.key", "--no-password")
    assert done.returncode == 1
    assert "inside of a git repository" in done.stderr
    assert not (tmp_path / "maker.key").exists()


def test_a_missing_folder_and_no_name_are_told(tmp_path: Path) -> None:
    assert "mkdir -p" in run(tmp_path / "none" / "key").stderr
    assert run().returncode == 2
    assert "example:" in run("--help").stdout
