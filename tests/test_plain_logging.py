"""The log by itself: before it is set up, without a stderr, from two threads, and what it brings into memory."""

import subprocess
import sys
import threading

import pytest

from device import plain_logging as logging

logger = logging.getLogger("device.sample")

NOT_WANTED = ("logging", "threading", "weakref", "string", "warnings", "traceback", "contextlib", "dataclasses")


def run(program: str) -> subprocess.CompletedProcess[str]:
    # -S: what the test environment loads at every start is not ours to judge.
    words = [sys.executable, "-S", "-c", f"import sys\nfrom device import plain_logging as logging\n{program}"]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[logging.LogRecord]:
    """Every line that is told, as the only handler gets it."""
    lines: list[logging.LogRecord] = []
    monkeypatch.setattr(logging.root, "handlers", [lines.append])
    monkeypatch.setattr(logging.root, "level", logging.INFO)
    return lines


def test_nothing_large_comes_with_it() -> None:
    result = run(f"print(sorted(set({NOT_WANTED}) & set(sys.modules)))")
    assert result.stdout == "[]\n", result.stderr


def test_before_it_is_set_up_warnings_go_to_stderr_as_they_are() -> None:
    result = run("log = logging.getLogger('a'); log.info('unheard'); log.warning('%d left', 2); log.error('none left')")
    assert result.stderr == "2 left\nnone left\n"


def test_without_a_stderr_nothing_fails() -> None:
    result = run("sys.stderr = None\nlogging.getLogger('a').error('unheard')\nprint('on')")
    assert result.stdout == "on\n"


def test_a_closed_stderr_keeps_nobody_from_his_work() -> None:
    result = run("sys.stderr.close()\nlogging.getLogger('a').error('unheard')\nprint('on')")
    assert result.stdout == "on\n"


@pytest.mark.parametrize(
    ("level", "name"),
    [(10, "DEBUG"), (20, "INFO"), (30, "WARNING"), (40, "ERROR"), (25, "Level 25")],
)
def test_levels_have_the_names_of_the_library(level: int, name: str) -> None:
    assert logging.LogRecord("a", level, "text").levelname == name


def test_what_is_less_important_is_not_told(told: list[logging.LogRecord]) -> None:
    logger.debug("one")
    logger.info("two")
    logging.root.level = logging.ERROR
    logger.warning("three")
    logger.log(logging.ERROR, "four %s", "4")
    assert [line.message() for line in told] == ["two", "four 4"]
    assert {line.name for line in told} == {"device.sample"}


def test_a_percent_sign_without_arguments_is_one(told: list[logging.LogRecord]) -> None:
    logger.info("100 % of %s")
    assert told[0].message() == "100 % of %s"


@pytest.mark.parametrize("arguments", [("a",), (1, 2)])
def test_arguments_that_do_not_fit_are_told_beside_the_form(
    told: list[logging.LogRecord], arguments: tuple[object, ...]
) -> None:
    logger.info("%d left", *arguments)
    assert told[0].message() == f"%d left {arguments!r}"


def test_an_exception_is_told_with_its_trace(told: list[logging.LogRecord]) -> None:
    try:
        raise ValueError("a bug")
    except ValueError:
        logger.exception("call %s", "in-1")
    first, *_, last = told[0].message().splitlines()
    assert (first, last) == ("call in-1", "ValueError: a bug")
    assert told[0].levelno == logging.ERROR


def test_an_exception_is_as_important_as_an_error(told: list[logging.LogRecord]) -> None:
    logging.root.level = logging.ERROR + 1
    logger.exception("unheard")
    assert not told


def test_a_handler_may_say_something_itself(told: list[logging.LogRecord]) -> None:
    def chatty(record: logging.LogRecord) -> None:
        if record.msg == "one":
            logger.info("two")

    logging.root.handlers.append(chatty)
    logger.info("one")
    assert [line.msg for line in told] == ["one", "two"]


def test_a_handler_that_fails_is_reported_and_the_next_one_is_told(
    told: list[logging.LogRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    logging.root.handlers.insert(0, lambda record: 1 / 0)
    logger.info("told")
    assert [line.msg for line in told] == ["told"]
    assert "a log line of device.sample could not be told: 'told'" in capsys.readouterr().err


def test_what_does_not_pass_reaches_nobody(told: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.root, "passes", lambda record: record.msg != "again")
    logger.info("again")
    logger.info("new")
    assert [line.msg for line in told] == ["new"]


def test_lines_of_two_threads_are_told_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = 0, 0

    def handler(_record: logging.LogRecord) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        threading.Event().wait(0.0001)
        inside -= 1

    monkeypatch.setattr(logging.root, "handlers", [handler])
    threads = [
        threading.Thread(target=lambda: [logger.error("a line") for _ in range(50)])  # type: ignore[func-returns-value]
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
