"""Requests of a phone without rights: what may be asked for, and what root reads of it."""

import json
import os
from pathlib import Path

import pytest

from device.upgrade.errors import UpgradeError
from device.upgrade.spool import ANSWER_FILE, REQUEST_FILE, check_words, read_answer, take_request, write_request


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("run/offhook", "run/offhook-upgrade"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["back", "--force"],
        ["restart"],
        ["https://updates.example.com/a.upgrade", "--allow-downgrade"],
        ["/media/usb/a.upgrade", "--no-restart", "--yes"],
        ["/run/media/stick/a.upgrade"],
    ],
)
def test_what_may_be_asked_for(words: list[str]) -> None:
    assert check_words(words) == words


def test_a_path_is_made_plain() -> None:
    assert check_words(["/media//usb/./a.upgrade", "--force"]) == ["/media/usb/a.upgrade", "--force"]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--yes"],
        ["one", "two"],
        ["settle"],
        ["prepare-store"],
        ["request"],
        ["-"],
        ["/etc/shadow"],
        ["/media/../etc/shadow"],
        ["/media"],
        ["media/usb/a.upgrade"],
        ["file:///etc/shadow"],
        ["ftp://example.com/a"],
        ["/media/" + "x" * 1000],
        ["status", "--json"],
        ["status", *["--yes"] * 8],
    ],
)
def test_what_may_not(words: list[str]) -> None:
    with pytest.raises(UpgradeError):
        check_words(words)


def test_a_request_is_taken_once(root: Path) -> None:
    assert take_request(str(root)) is None
    write_request(str(root), "7", ["status"])
    assert take_request(str(root)) == ("7", ["status"])
    assert take_request(str(root)) is None


def test_a_link_in_the_place_of_a_request_is_not_followed(root: Path) -> None:
    secret = root / "secret"
    secret.write_text(json.dumps({"id": "1", "words": ["status"]}))
    (root / REQUEST_FILE).symlink_to(secret)
    with pytest.raises(UpgradeError, match="no plain file"):
        take_request(str(root))
    assert secret.exists()
    assert take_request(str(root)) is None


def test_a_pipe_in_its_place_holds_nothing_up(root: Path) -> None:
    os.mkfifo(root / REQUEST_FILE)
    with pytest.raises(UpgradeError, match="no plain file"):
        take_request(str(root))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"id": "1"}',
        '{"id": "1", "words": [1]}',
        '{"id": "1", "words": 5}',
        '{"id": "1", "words": ["/etc/shadow"]}',
        '{"id": "1", "words": ["status"]}' + " " * 20_000,
    ],
)
def test_what_is_no_request_goes(root: Path, text: str) -> None:
    (root / REQUEST_FILE).write_text(text)
    with pytest.raises(UpgradeError):
        take_request(str(root))
    assert take_request(str(root)) is None


def test_only_the_answer_to_this_request_counts(root: Path) -> None:
    assert read_answer(str(root), "1") is None
    (root / ANSWER_FILE).write_text('{"id": "1", "running": true}')
    assert read_answer(str(root), "1") == {"id": "1", "running": True}
    assert read_answer(str(root), "2") is None
    (root / ANSWER_FILE).write_text('{"id": "1"')
    assert read_answer(str(root), "1") is None
