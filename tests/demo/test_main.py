"""The front door of the demonstration."""

import os
from pathlib import Path

import pytest

from device import demo
from device.demo import interactive, story, system
from device.demo.story import CallResult
from device.demo.system import DemoError
from tests.demo.small_system import SmallSystem


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_is_shown(capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert demo.main([word]) == 0
    assert "usage: ./run" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--colour"], ["play"]])
def test_a_wrong_word_is_told(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert demo.main(words) == 2
    assert f"{words[0]!r} is not understood" in capsys.readouterr().err


def test_a_folder_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--out"]) == 2
    assert "--out needs a folder" in capsys.readouterr().err


class _System(SmallSystem):
    """A world that starts and stops."""

    stopped = 0
    start_error: BaseException | None = None

    def __init__(self, folder: Path, _say: object) -> None:
        super().__init__(folder)

    def start(self) -> None:
        if self.start_error is not None:
            raise self.start_error

    def stop(self) -> None:
        type(self).stopped += 1


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> type[_System]:
    class World(_System):
        pass

    monkeypatch.setattr(system, "DemoSystem", World)
    return World


def _main(tmp_path: Path, *words: str) -> int:
    return demo.main([*words, "--out", str(tmp_path / "out")])


def test_the_story_is_told_and_everything_stopped(
    world: type[_System], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[_System] = []
    play = story.Story.play

    def follow(self: story.Story) -> CallResult:
        made.append(self.system)  # type: ignore[arg-type]
        monkeypatch.setattr(story, "time", made[0].clock)
        return play(self)

    monkeypatch.setattr(story.Story, "play", follow)
    assert _main(tmp_path) == 0
    said = capsys.readouterr().out
    assert "Result of the call" in said
    assert str(tmp_path / "out" / "call.svg") in said
    assert world.stopped == 1


def test_a_call_that_was_no_good_is_a_failure(
    world: type[_System], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(story.Story, "play", lambda self: CallResult(1.0, 1.0, {}, {}))
    monkeypatch.setattr(CallResult, "faults", lambda self: ["1001 heard nothing"])
    assert _main(tmp_path) == 1
    assert "demo: 1001 heard nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (DemoError("no free port"), 1, "demo: no free port"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_goes_wrong_is_told_and_everything_stopped(
    world: type[_System],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    words: str,
) -> None:
    world.start_error = error
    assert _main(tmp_path) == status
    assert words in capsys.readouterr().err
    assert world.stopped == 1


@pytest.mark.parametrize("number", demo.STOP_SIGNALS)
def test_a_signal_ends_it_and_all_that_it_started(
    world: type[_System], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(world, "start", lambda self: os.kill(os.getpid(), number))
    assert _main(tmp_path) == 130
    assert world.stopped == 1


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert demo.main(["--out", str(tmp_path / "file" / "x")]) == 1
    assert "demo: " in capsys.readouterr().err


def test_by_hand_is_by_hand(world: type[_System], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    monkeypatch.setattr(interactive, "Keyboard", lambda: None)
    monkeypatch.setattr(interactive.Session, "run", lambda self, keyboard: runs.append("run"))
    assert _main(tmp_path, "--interactive") == 0
    assert runs == ["run"]
    assert world.stopped == 1
