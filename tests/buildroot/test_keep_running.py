"""keep-running: the phone comes back, its outputs are made safe, too many ends are rested from, a stop is orderly."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "buildroot" / "package" / "python-offhook" / "keep-running"
PATIENCE_S = 30

# The outside, played: whoever is started says so, `sleep` ends at once, and the log is a file.
PROGRAMS = {
    "start-stop-daemon": 'while [ "$1" != -x ]; do [ "$1" != -c ] || user=$2; shift; done; program=$2; shift 3\n'
    'echo "as $user" >>"$STORY"; exec "$program" "$@"',
    "logger": 'exec cat >>"$LOG"',
    "sleep": 'echo "sleep $1" >>"$STORY"',
    "offhook": 'echo "offhook $*" >>"$STORY"; case $1 in recover) exit "${RECOVER:-0}";; esac',
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    for name, text in PROGRAMS.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    return tmp_path


Keep = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def keep(place: Path) -> Iterator[Keep]:
    """Starts keep-running with a program made of the lines given."""
    started: list[subprocess.Popen[str]] = []

    def start(lines: str, name: str = "offhook", **more: str) -> "subprocess.Popen[str]":
        program = place / "program"
        program.write_text(f"#!/bin/sh\n{lines}\n")
        program.chmod(0o755)
        given = {
            "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
            "STORY": str(place / "story"),
            "LOG": str(place / "log"),
            "OFFHOOK_RUN": str(place),
            "OFFHOOK_COMMAND": str(place / "bin" / "offhook"),
            **more,
        }
        process = subprocess.Popen(["/bin/sh", SCRIPT, name, program, "run"], env=given, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def story(place: Path) -> list[str]:
    return (place / "story").read_text().splitlines()


# A program that ends three times and then asks its keeper (its parent) to stop.
ENDS_THREE_TIMES = (
    'echo "started $*" >>"$STORY"; echo "a word"; [ $(grep -c started "$STORY") -lt 3 ] || kill -TERM $PPID; exit 1'
)


def test_what_ends_is_started_again_after_its_outputs_are_safe(place: Path, keep: Keep) -> None:
    assert keep(ENDS_THREE_TIMES).wait(PATIENCE_S) == 0
    once = ["as offhook", "started run", "offhook board safe"]
    assert story(place) == [*once, "sleep 2", *once, "sleep 2", *once]


def test_what_it_says_is_in_the_log(place: Path, keep: Keep) -> None:
    # The logger is told to end when the story does; here it may read to its end before.
    process = keep(
        'echo "a word"; echo "a fault" >&2; while :; do grep -q fault "$LOG" && break; done; kill -TERM $PPID'
    )
    assert process.wait(PATIENCE_S) == 0
    assert (place / "log").read_text() == "a word\na fault\n"
    assert not (place / "offhook.log").exists(), "the pipe is taken away"


def test_a_stop_is_handed_on_and_waited_for(place: Path, keep: Keep) -> None:
    lines = 'trap \'echo unregistered >>"$STORY"; exit 0\' TERM\necho started >>"$STORY"; kill -TERM $PPID\n'
    process = keep(lines + "while :; do /bin/sleep 0.01; done")
    assert process.wait(PATIENCE_S) == 0
    assert story(place) == ["as offhook", "started", "unregistered", "offhook board safe"]


def test_ten_ends_are_rested_from_in_the_recovery(place: Path, keep: Keep) -> None:
    lines = 'echo started >>"$STORY"; [ $(grep -c started "$STORY") -lt 11 ] || kill -TERM $PPID; exit 1'
    assert keep(lines).wait(PATIENCE_S) == 0
    told = story(place)
    assert told.count("started") == 11
    at = told.index("offhook recover --for 600")
    assert told[:at].count("started") == 10
    assert told[at - 1] == "as offhook"
    assert "sleep 600" not in told, "the recovery has rested"


def test_where_the_recovery_cannot_run_the_rest_is_waited_for(place: Path, keep: Keep) -> None:
    lines = 'echo started >>"$STORY"; [ $(grep -c started "$STORY") -lt 2 ] || kill -TERM $PPID; exit 2'
    assert keep(lines, RECOVER="1").wait(PATIENCE_S) == 0
    told = story(place)
    # A command line that cannot be understood is one fault too many by itself.
    assert told[told.index("offhook recover --for 600") + 1] == "sleep 600"
    assert told.count("started") == 2


def test_only_the_phone_has_outputs(place: Path, keep: Keep) -> None:
    assert keep(ENDS_THREE_TIMES, name="offhook-exchange").wait(PATIENCE_S) == 0
    assert "offhook board safe" not in story(place)


def test_a_stop_in_the_rest_ends_it(place: Path, keep: Keep) -> None:
    (place / "bin" / "sleep").write_text('#!/bin/sh\n[ "$1" != 600 ] || { kill -TERM $PPID; exec /bin/sleep 60; }\n')
    process = keep("exit 2", name="offhook-exchange")
    assert process.wait(PATIENCE_S) == 0
    assert process.returncode != -signal.SIGKILL
