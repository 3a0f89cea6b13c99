"""Verbs that are the console's own, run without a person: in words, in JSON, and how they end."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device import cli
from device.cli_commands.borrowed import BORROWED
from device.console.commands import COMMANDS as CONSOLE
from tests.support.answering_daemon import AnsweringDaemon
from tests.support.daemons import ExchangeDaemon, PhoneDaemon, own_command, running
from tests.support.processes import PATIENCE_S

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnsweringDaemon]:
    made = AnsweringDaemon(tmp_path / "control.sock")
    monkeypatch.setenv("OFFHOOK_SOCKET", made.path)
    yield made
    made.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_words(*words: str) -> tuple[int, str, str]:
        status = cli.main(words)
        told = capsys.readouterr()
        return status, told.out, told.err

    return run_words


def test_all_that_is_borrowed_is_there() -> None:
    assert set(BORROWED) <= {command.words for command in CONSOLE}


def test_what_shows_something_does_so_in_words_and_in_json(daemon: AnsweringDaemon, run: Run) -> None:
    status, out, err = run("show", "history")
    assert (status, err) == (0, "")
    assert out.splitlines()[0].split() == ["rollback", "when", "by", "comment"]
    status, out, _ = run("show", "history", "--json")
    assert [commit["number"] for commit in json.loads(out)["config.history"]["commits"]] == [2, 1]


def test_what_is_wrong_in_a_line_is_status_2(daemon: AnsweringDaemon, run: Run) -> None:
    status, _, err = run("test", "lamp", "nowhere")
    assert (status, "lamp: 'nowhere' is unknown; there is line" in err) == (2, True)
    assert daemon.calls == [("board.show", {})]
    status, _, err = run("show", "audio", "much")
    assert status == 2


def test_a_phone_that_does_not_answer_is_status_3(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_SOCKET", str(tmp_path / "gone.sock"))
    assert run("show", "network")[0] == 3


def asked(phone: PhoneDaemon, *words: str) -> tuple[int, list[str]]:
    command = own_command(*words, "--socket", str(phone.socket_path))
    done = subprocess.run(command, capture_output=True, text=True, timeout=3 * PATIENCE_S, check=False)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_tests_of_a_whole_phone_come_out_as_they_do_at_the_console(tmp_path: Path) -> None:
    exchange, phone = ExchangeDaemon(tmp_path, {"1001": "right one"}), PhoneDaemon("phone", tmp_path)
    with running(exchange, phone):
        account = {"user": "1001", "domain": exchange.address}
        phone.call("account.add", id="good", password="right one", **account)
        phone.expect_registration("registered")
        phone.call("account.add", id="bad", password="wrong one", **account)
        phone.expect_registration("failed")
        status, lines = asked(phone, "account", "test", "good")
        assert (status, lines[0]) == (0, "  Registering ...")
        assert f"  Registered as 1001@{exchange.address} at udp:{exchange.address}." in lines
        status, lines = asked(phone, "test", "register", "bad")
        assert status == 1
        assert any("Not registered" in line for line in lines)
        status, lines = asked(phone, "test", "register", "good", "--json")
        *events, answers = map(json.loads, lines)
        assert events[-1] == {**events[-1], "topic": "registration", "account": "good", "state": "registered"}
        assert answers["registration.refresh"] == {"accounts": ["good"]}
        status, lines = asked(phone, "options", f"sip:{exchange.address}")
        assert (status, lines[-1].startswith("4 of 4 answered")) == (0, True)
        assert asked(phone, "test", "ring", "uk", "1") == (0, ["the bell rings for 1 s (Ctrl-C ends it)"])
        assert json.loads(asked(phone, "test", "tone", "busy", "1", "--json")[1][0]) == {"test.tone": {"seconds": 1}}
        for what in ("audio", "network", "storage", "clock", "registrations", "configuration", "history"):
            status, lines = asked(phone, "show", what)
            assert (what, status, bool(lines)) == (what, 0, True)


def test_ctrl_c_ends_what_goes_on(tmp_path: Path) -> None:
    phone = PhoneDaemon("phone", tmp_path)
    with running(phone):
        command = own_command("trace", "gpio", "--socket", str(phone.socket_path))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as trace:
            assert trace.stdout is not None
            assert trace.stdout.readline() == "(Ctrl-C ends this)\n"
            phone.call("board.lift")
            assert "hook" in trace.stdout.readline()
            trace.send_signal(signal.SIGINT)
            assert trace.wait(PATIENCE_S) == 130
