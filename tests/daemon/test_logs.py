"""Where log lines go and how they look."""

import os
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from device import plain_logging as logging
from device.daemon.logs import (
    FLOOD_WINDOW_S,
    KEPT_LINES,
    LINES_OF_A_KIND,
    MAX_ENTRY,
    FloodFilter,
    RecentLines,
    set_level,
    start_logging,
)

logger = logging.getLogger("device.daemon.sample")


class _Stderr:
    """A file in the place of stderr, for the time of a `with`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", buffering=1)

    def __enter__(self) -> "_Stderr":
        self._before, sys.stderr = sys.stderr, self._file
        return self

    def __exit__(self, *_: object) -> None:
        sys.stderr = self._before

    def close(self) -> None:
        self._file.close()

    def environment(self) -> dict[str, str]:
        """What systemd would say of it."""
        status = os.fstat(self._file.fileno())
        return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}

    @property
    def text(self) -> str:
        return self._path.read_text()


@pytest.fixture
def stderr(tmp_path: Path) -> Iterator[_Stderr]:
    stderr = _Stderr(tmp_path / "stderr")
    yield stderr
    logging.root.handlers.clear()
    stderr.close()


def test_a_terminal_gets_time_level_and_name(stderr: _Stderr) -> None:
    with stderr:
        start_logging("info", {})
        logger.info("registered as %s", "1001")
        logger.debug("unheard")
        line = stderr.text
        assert line.endswith(" INFO    device.daemon.sample: registered as 1001\n")
        assert line[:4].isdigit()


def test_the_journal_gets_the_severity_and_adds_the_time_itself(stderr: _Stderr) -> None:
    with stderr:
        start_logging("debug", stderr.environment())
        logger.debug("d")
        logger.warning("two\nlines")
        logger.error("e")
        logger.log(25, "odd level")
        assert stderr.text.splitlines() == [
            "<7>device.daemon.sample: d",
            "<4>device.daemon.sample: two",
            "<4>lines",
            "<3>device.daemon.sample: e",
            "<6>device.daemon.sample: odd level",
        ]


def test_a_trace_back_has_the_severity_on_each_line(stderr: _Stderr) -> None:
    with stderr:
        start_logging("info", stderr.environment())
        try:
            raise ValueError("a bug")
        except ValueError:
            logger.exception("failed")
        lines = stderr.text.splitlines()
        assert len(lines) > 3
        assert all(line.startswith("<3>") for line in lines)


def test_a_shell_that_inherits_the_variable_is_no_journal(stderr: _Stderr) -> None:
    with stderr:
        start_logging("info", {"JOURNAL_STREAM": "9:9"})
        logger.info("seen by a person")
        assert not stderr.text.startswith("<")


@pytest.mark.parametrize("stream", [None, StringIO()])
def test_without_a_stderr_of_the_kernel_there_is_no_journal(
    monkeypatch: pytest.MonkeyPatch, stream: StringIO | None
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        assert isinstance(start_logging("info", {"JOURNAL_STREAM": "9:9"}), RecentLines)


def test_the_last_lines_are_remembered_and_passed_on(stderr: _Stderr) -> None:
    with stderr:
        recent = start_logging("debug", {})
        followed: list[tuple[str, str]] = []
        logger.info("before")
        recent.follower = lambda level, line: followed.append((level, line))
        for number in range(KEPT_LINES):
            logger.warning("line %d", number)
        assert len(recent.lines) == KEPT_LINES
        assert recent.lines[-1].endswith(f"line {KEPT_LINES - 1}")
        assert followed[0][0] == "warning"
        assert followed[0][1].endswith("line 0")


def test_a_line_that_cannot_be_written_ends_nothing(stderr: _Stderr) -> None:
    with stderr:
        recent = start_logging("info", {})
        logger.info("a number: %d", "none")
        recent.follower = lambda level, line: 1 / 0  # type: ignore[return-value]
        logger.info("good")
        assert recent.lines[-2].endswith("a number: %d ('none',)")
        assert recent.lines[-1].endswith("good")
        assert "could not be told: 'good'" in stderr.text
        assert "ZeroDivisionError" in stderr.text


@pytest.mark.parametrize(("level", "number"), [("debug", 10), ("error", 40), ("loud", 20), ("INFO", 20)])
def test_the_level_can_be_changed_and_a_word_that_is_none_is_info(level: str, number: int) -> None:
    set_level(level)
    assert logging.root.level == number


def test_control_characters_are_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    recent = start_logging("info", {})
    logging.getLogger("device.test").info("%s calls", "\x1b[2Jevil\x07\x9b")
    assert "\\x1b[2Jevil\\x07\\x9b calls" in recent.lines[-1]
    assert "\\x1b[2Jevil\\x07\\x9b calls" in capsys.readouterr().err


def test_a_stranger_cannot_make_an_entry_as_long_as_a_datagram(stderr: _Stderr) -> None:
    with stderr:
        recent = start_logging("info", {})
        logger.warning("wrong password for %s", "x" * 60_000)
        (line,) = recent.lines
        assert "wrong password for xxx" in line
        assert len(line) < MAX_ENTRY + 50
        assert line.endswith("characters more")


def test_what_is_told_over_and_over_is_left_out(stderr: _Stderr) -> None:
    with stderr:
        recent = start_logging("info", {})
        for number in range(2 * LINES_OF_A_KIND):
            logger.info("connection of %s closed", number)
        logger.info("registered")
        lines = stderr.text.splitlines()
        assert len(lines) == LINES_OF_A_KIND + 1
        assert lines[-2].endswith("closed (further lines of this kind are left out for a minute)")
        assert lines[-1].endswith("registered")
        assert list(recent.lines) == lines


def test_after_a_minute_it_is_told_again() -> None:
    now = 0.0
    flood = FloodFilter(lambda: now)

    def tell() -> list[bool]:
        records = [logging.LogRecord("device.sample", logging.INFO, "%s", (number,)) for number in range(100)]
        return [flood.passes(record) for record in records]

    logging.root.level = logging.INFO
    assert sum(tell()) == LINES_OF_A_KIND
    assert sum(tell()) == 0
    now = FLOOD_WINDOW_S
    assert sum(tell()) == LINES_OF_A_KIND


def test_whoever_debugs_gets_everything(stderr: _Stderr) -> None:
    with stderr:
        start_logging("debug", {})
        for number in range(2 * LINES_OF_A_KIND):
            logger.info("connection of %s closed", number)
        assert len(stderr.text.splitlines()) == 2 * LINES_OF_A_KIND
