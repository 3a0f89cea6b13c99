import io
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from device import __version__, cli
from device.cli_commands.borrowed import BORROWED
from device.cli_commands.output import Output
from device.cli_commands.verbs import COMMANDS, GROUPS, PROGRAMS
from device.console.happenings import message_line
from device.console.layout import duration, printable, shown
from device.control.errors import INVALID_PARAMS, REFUSED, ControlError
from device.control.schema import METHODS
from tests.support.answering_daemon import ESCAPE, MESSAGE, PLAIN_SETTING, AnsweringDaemon

PROJECT = Path(__file__).parents[1]
OUTCOMES: dict[str, tuple[str, dict[str, object]]] = {
    "transfer": ("call", {"event": "transferred", "call": "c7", "status": 200, "text": "answered"}),
    "test dns": ("dns", {"test": 1, "target": 0, "hops": ["udp:192.0.2.7:5060"]}),
    "message send": ("message", {"event": "sent", "message": "m-1", "status": 200, "text": "delivered"}),
}
"""What the verbs wait for that tell how something came out."""


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnsweringDaemon]:
    made = AnsweringDaemon(tmp_path / "control.sock")
    monkeypatch.setenv("OFFHOOK_SOCKET", made.path)
    yield made
    made.close()


class Terminal(io.StringIO):
    """Standard input that says it is a terminal."""

    def isatty(self) -> bool:
        return True


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command; answers exit status, standard output and standard error."""

    def run_words(*words: str) -> tuple[int, str, str]:
        status = cli.main(words)
        told = capsys.readouterr()
        return status, told.out, told.err

    return run_words


@pytest.mark.parametrize(
    ("line", "method", "params"),
    [
        ("status", "status", {}),
        ("call 1002", "call.place", {"target": "1002"}),
        ("call sip:a@b --account home", "call.place", {"target": "sip:a@b", "account": "home"}),
        ("answer", "call.answer", {}),
        ("answer c7", "call.answer", {"call": "c7"}),
        ("hangup", "call.hangup", {}),
        ("hangup c7", "call.hangup", {"call": "c7"}),
        ("call 1002 --anonymous", "call.place", {"target": "1002", "anonymous": True}),
        ("hold", "call.hold", {}),
        ("resume c7", "call.resume", {"call": "c7"}),
        ("conference", "call.conference", {}),
        ("message list", "message.list", {}),
        ("dtmf '12*#'", "call.digits", {"digits": "12*#"}),
        ("record", "call.record", {}),
        ("record door.wav --call c7", "call.record", {"path": "door.wav", "call": "c7"}),
        ("record /media/a.wav", "call.record", {"path": "/media/a.wav"}),
        ("record --stop", "call.record_stop", {}),
        ("play /media/a.wav", "call.play", {"path": "/media/a.wav"}),
        ("play --stop --call c7", "call.play_stop", {"call": "c7"}),
        ("register", "registration.refresh", {}),
        ("register office", "registration.refresh", {"account": "office"}),
        ("stop", "daemon.stop", {}),
        ("version", "daemon.version", {}),
        ("--version", "daemon.version", {}),
        ("account list", "account.list", {}),
        ("account show office", "account.show", {"id": "office"}),
        ("account remove office", "account.remove", {"id": "office"}),
        (
            "account add door 192.0.2.7 --no-register --display-name 'Front door'",
            "account.add",
            {"id": "door", "user": "", "domain": "192.0.2.7", "register": False, "display_name": "Front door"},
        ),
        (
            "account add office sip:1001@pbx --no-password --transport tcp --registrar r:5070 --outbound-proxy p"
            " --auth-user a --expires 300 --no-enabled",
            "account.add",
            {
                "id": "office",
                "user": "1001",
                "domain": "pbx",
                "transport": "tcp",
                "registrar": "r:5070",
                "outbound_proxy": "p",
                "auth_user": "a",
                "expires_s": 300,
                "enabled": False,
            },
        ),
        ("account set office --expires 60", "account.update", {"id": "office", "expires_s": 60}),
        (
            "account set office --outbound-proxy p --proxy-mode always --transport auto --keepalive stun"
            " --keepalive-interval 25 --privacy id --no-outbound --mwi",
            "account.update",
            {
                "id": "office",
                "outbound_proxy": "p",
                "proxy_mode": "always",
                "transport": "auto",
                "keepalive": "stun",
                "keepalive_s": 25,
                "privacy": "id",
                "outbound": False,
                "mwi": True,
            },
        ),
        ("account set office --privacy none", "account.update", {"id": "office", "privacy": ""}),
        ("account set office --enabled", "account.update", {"id": "office", "enabled": True}),
        ("account set office --address 9@x", "account.update", {"id": "office", "user": "9", "domain": "x"}),
        ("settings list", "settings.list", {}),
        ("settings get a.b", "settings.get", {"key": "a.b"}),
        ("settings set a.b=1 'c.d=x = y' e.f=", "settings.set", {"values": {"a.b": "1", "c.d": "x = y", "e.f": ""}}),
        ("settings reset a.b c.d", "settings.set", {"values": {"a.b": None, "c.d": None}}),
        ("confirm", "config.confirm", {"author": "the command line"}),
        ("password monitor --none", "console.password", {"role": "monitor", "verifier": ""}),
        ("factory reset --erase", "store.reset", {"keep_board": True}),
        ("factory reset --erase --with-board", "store.reset", {"keep_board": False}),
        ("phonebook list", "phonebook.list", {}),
        ("phonebook add Anna 1002", "phonebook.add", {"name": "Anna", "target": "1002"}),
        ("phonebook add A 1 --code 7", "phonebook.add", {"name": "A", "target": "1", "short_code": "7"}),
        ("phonebook remove Anna", "phonebook.remove", {"name": "Anna"}),
        ("calls", "calllog.list", {"limit": 20}),
        ("calls --limit 5", "calllog.list", {"limit": 5}),
        ("call-report", "call.report", {}),
        ("call-report 3", "call.report", {"number": 3}),
        ("log", "log.tail", {"lines": 50}),
        ("log -n 7", "log.tail", {"lines": 7}),
        ("board show", "board.show", {}),
        ("board lift", "board.lift", {}),
        ("board replace", "board.replace", {}),
        ("board press 12#", "board.press", {"digits": "12#"}),
        ("board drive hook on", "board.drive", {"line": "hook", "active": True}),
        ("board drive hook off", "board.drive", {"line": "hook", "active": False}),
    ],
)
def test_every_verb_is_one_call_to_the_daemon(
    daemon: AnsweringDaemon, run: Run, line: str, method: str, params: dict[str, object]
) -> None:
    status, out, err = run(*shlex.split(line))
    assert (status, err) == (0, "")
    assert out
    assert daemon.calls == [(method, params)]
    status, out, err = run(*shlex.split(line), "--json")
    assert (status, err) == (0, "")
    assert isinstance(json.loads(out), dict)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_verb_has_help_with_an_example_that_works(
    daemon: AnsweringDaemon, run: Run, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Somewhere to write pictures to, on a machine that is a Raspberry Pi.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").write_text("Raspberry Pi 3 Model B Rev 1.2")
    monkeypatch.setattr("device.hardware.board_data.DEVICE_TREE", str(tmp_path))
    status, out, err = run("help", *words.split())
    assert (status, err) == (0, "")
    (example,) = re.findall(r"^example: offhook (.*)$", out, re.MULTILINE)
    assert run(*words.split(), "--help") == (0, out, "")
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("device.cli_commands.command.getpass", lambda _prompt: "hunter2-and-more")
    daemon.events = [("log", {"line": "x"}), ("sip", {}), ("phone", {})]
    if words in BORROWED:
        # Those are tried in tests/cli_commands/test_borrowed.py; some go on until Ctrl-C.
        return
    endless = words in ("trace sip", "events") or "-f" in example
    if endless:
        daemon.events = [({"trace sip": "sip", "events": "phone"}.get(words, "log"), {})]
    if words in OUTCOMES:
        daemon.events = [OUTCOMES[words]]
    status, _, err = run(*shlex.split(example))
    # `why` finds the account of this phone that is refused.
    assert status == (3 if endless else 1 if words == "why" else 0), err


@pytest.mark.parametrize(
    ("line", "event", "status", "said"),
    [
        ("transfer 1003", OUTCOMES["transfer"], 0, "transferred"),
        ("transfer", OUTCOMES["transfer"], 0, "transferred"),
        (
            "transfer 1003",
            ("call", {"event": "transfer-failed", "text": "busy"}),
            1,
            "not transferred: busy; the call goes on",
        ),
        ("message send 1002 hi", OUTCOMES["message send"], 0, "delivered"),
        (
            "message send 1002 hi",
            ("message", {"event": "failed", "message": "m-1", "text": "busy"}),
            1,
            "not sent: busy",
        ),
    ],
)
def test_verbs_that_wait_for_an_outcome(
    daemon: AnsweringDaemon, run: Run, line: str, event: tuple[str, dict[str, object]], status: int, said: str
) -> None:
    other: tuple[str, dict[str, object]] = (event[0], {"event": "ringing", "message": "m-0"})
    daemon.events = [other, event]
    got, out, err = run(*shlex.split(line))
    assert (got, said in out + err) == (status, True)


def test_an_outcome_that_never_comes(daemon: AnsweringDaemon, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.console.outcomes.MESSAGE_PATIENCE_S", 0.0)
    monkeypatch.setattr("device.console.outcomes.TRANSFER_PATIENCE_S", 0.0)
    assert "no answer came in time" in run("message", "send", "1002", "hi")[2]
    assert "not known yet" in run("transfer", "1003")[2]


@pytest.mark.parametrize("words", [*GROUPS, *PROGRAMS, "methods", "topics"])
def test_groups_programs_and_topics_have_help(run: Run, words: str) -> None:
    status, out, err = run("help", words)
    assert (status, err) == (0, "")
    assert len(out) > 40


def test_the_overview_names_every_verb_and_an_example(run: Run) -> None:
    status, out, err = run("help")
    assert (status, err) == (0, "")
    for words in (*COMMANDS, *PROGRAMS):
        assert f"  {words} " in out
    assert "example: offhook account add" in out
    assert run("--help") == (0, out, "")
    assert run() == (2, out, "")


def test_help_on_methods_names_every_method_and_param(run: Run) -> None:
    _, out, _ = run("help", "methods")
    for method in METHODS.values():
        assert method.name in out
        for param in method.params:
            assert f"{param.name} ({param.kind}" in out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("stauts", "no command 'stauts', did you mean 'status'? (`offhook help`"),
        ("xyzzy", "no command 'xyzzy' (`offhook help`"),
        ("account", "what about account? (there are: list, add, show, set, remove, test; see `offhook help account`)"),
        ("account ad", "no account ad, did you mean 'add'?"),
        ("call", "TARGET; see `offhook help call`"),
        ("call 1 2", "unrecognized arguments: 2; see `offhook help call`"),
        ("call 1 --acc home", "unrecognized arguments"),
        ("calls --limit many", "invalid int value"),
        ("board drive hook up", "invalid choice"),
        ("--socket", "--socket is no option here, or lacks its value"),
        ("--colour status", "--colour is no option here"),
        ("--json run", "with run first"),
        ("settings set phone.hotline", "write it as KEY=VALUE, such as"),
        ("settings set =5", "write it as KEY=VALUE"),
        ("settings list nothing", "no section 'nothing': `offhook settings list`"),
        ("account add office 1001@ --no-password", "is no address: write it as user@domain"),
        ("account add office sip: --no-password", "is no address"),
        ("account set office", "nothing to change was given: `offhook help account set`"),
        ("account add office 1@x --password=hunter2", "can be read by every user"),
        ("account set office --password=hunter2", "pipe it in with --password-stdin"),
        ("account add office 1@x", "no terminal to ask for the password: pipe it in"),
        ("events phone wether", "no topic wether: there are phone"),
        ("factory reset", "nothing brings them back: say --erase if you mean it"),
        ("rollback 7", "7 is none of the commits that are kept (0 to 1: `offhook show history` lists them)"),
        ("password --none", "admin keeps a password"),
        ("export --passphrase-file /nonexistent", "No such file or directory"),
        ("help nonsense", "no help on 'nonsense'; `offhook help`"),
    ],
)
def test_what_is_not_understood_names_the_next_step(daemon: AnsweringDaemon, run: Run, line: str, words: str) -> None:
    status, out, err = run(*shlex.split(line))
    assert (status, out) == (2, "")
    assert words in err
    assert err.startswith("offhook: ")
    assert err.count("\n") == 1
    assert "hunter2" not in err
    assert all(name in ("settings.list", "config.history") for name, _ in daemon.calls)


def test_nobody_there_is_status_3_and_names_the_next_step(run: Run, tmp_path: Path) -> None:
    status, out, err = run("status", "--socket", str(tmp_path / "none.sock"))
    assert (status, out) == (3, "")
    assert "start it with `offhook run`" in err


def test_the_socket_may_be_named_before_and_after_the_verb(daemon: AnsweringDaemon, run: Run, tmp_path: Path) -> None:
    os.environ["OFFHOOK_SOCKET"] = str(tmp_path / "none.sock")
    for words in (
        ("--socket", daemon.path, "register"),
        (f"--socket={daemon.path}", "register"),
        ("register", "--socket", daemon.path),
        ("--json", "--socket", daemon.path, "register"),
    ):
        assert run(*words)[0] == 0


def test_a_refusal_is_status_1_with_every_fault(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.answers["settings.set"] = ControlError(
        INVALID_PARAMS, "nothing was changed: a: wrong; b: no", {"faults": ["a: wrong", "b: no"]}
    )
    status, out, err = run("settings", "set", "a=1", "b=2")
    assert (status, out) == (1, "")
    assert err.splitlines() == ["offhook: nothing was changed:", "offhook:   a: wrong", "offhook:   b: no"]


def test_a_refusal_in_words(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.answers["call.answer"] = ControlError(REFUSED, f"nobody rings{ESCAPE}")
    assert run("answer") == (1, "", "offhook: nobody rings\\x1b[2J\n")


def test_status_tells_what_a_person_wants_to_know(daemon: AnsweringDaemon, run: Run) -> None:
    _, out, _ = run("status")
    assert out.splitlines() == [
        "daemon   offhook 0.1.0, process 42, up 1 h 02 min",
        "phone    idle",
        "handset  on-hook",
        "board    desk (mock)",
        "",
        "account  address                   state",
        "office   sip:1001@pbx.example.com  registered  for 9 min 00 s at udp:192.0.2.10:5060",
        "home     sip:1001@pbx.example.com  failed      403 Forbidden",
        "",
        "call      with         state      since",
        "c7    in  Anna\\x1b[2J  connected  3 min 05 s",
        "",
        "note: the last good copy was taken",
    ]


def test_a_new_phone_says_what_to_do_first(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.answers["status"] = {"version": "0.1.0", "pid": 42, "accounts": []}
    _, out, _ = run("status")
    assert "add one with `offhook account add`" in out
    assert "handset" not in out
    assert "board" not in out


def test_empty_books_say_so(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.answers.update({"phonebook.list": {"entries": []}, "calllog.list": {"calls": []}})
    daemon.answers.update({"account.list": {"accounts": []}})
    assert "fill it with `offhook phonebook add`" in run("phonebook", "list")[1]
    assert run("calls")[1] == "no calls yet\n"
    assert "`offhook account add`" in run("account", "list")[1]


def test_settings_are_listed_by_section_and_marked_when_changed(daemon: AnsweringDaemon, run: Run) -> None:
    _, out, _ = run("settings", "list")
    assert re.search(r"^phone\.hotline  1002   \*  number called at once$", out, re.MULTILINE)
    assert re.search(r"^audio\.kind     alsa      kind of device$", out, re.MULTILINE)
    _, out, _ = run("settings", "list", "phone")
    assert "audio.kind" not in out
    assert json.loads(run("settings", "list", "audio", "--json")[1]) == {"settings": [PLAIN_SETTING]}


def test_one_setting_is_only_its_value_for_scripts(daemon: AnsweringDaemon, run: Run) -> None:
    assert run("settings", "get", "phone.hotline") == (0, "1002\n", "")


def test_a_setting_that_waits_for_a_restart_says_so(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.answers["settings.set"] = {"changed": ["sip.port"], "restart": ["sip.port"]}
    assert run("settings", "set", "sip.port=5070")[1] == "changed: sip.port; after a restart of the daemon: sip.port\n"


def test_the_call_log_reads_as_a_list(daemon: AnsweringDaemon, run: Run) -> None:
    _, out, _ = run("calls")
    assert re.search(r"^1 .* in  sip:1002@pbx +- +- +- +no answer\n", out, re.MULTILINE)
    assert re.search(r"^2 .* in  Anna <sip:1002@pbx>  1 min 00 s  4\.2  2\.5 %  answered\n", out, re.MULTILINE)


def test_version_needs_no_daemon(run: Run, tmp_path: Path) -> None:
    words = ("version", "--socket", str(tmp_path / "none.sock"))
    assert run(*words) == (0, f"offhook {__version__} (no daemon answers)\n", "")
    assert json.loads(run(*words, "--json")[1]) == {"version": __version__, "daemon": None}


def test_a_password_comes_from_standard_input(
    daemon: AnsweringDaemon, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (
        ("account", "add", "office", "1001@pbx", "--password-stdin"),
        ("account", "add", "office", "1001@pbx", "--password-stdin", "--no-register"),
        ("account", "set", "office", "--password-stdin"),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO("hunter 2 \r\nnext line\n"))
        status, out, err = run(*words)
        assert status == 0
        assert daemon.calls[-1][1]["password"] == "hunter 2 "
        assert "hunter" not in out + err


def test_an_empty_standard_input_is_no_password(
    daemon: AnsweringDaemon, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    status, _, err = run("account", "add", "office", "1001@pbx", "--password-stdin")
    assert status == 2
    assert "no password in its first line" in err
    assert daemon.calls == []


def test_a_password_is_asked_for_and_not_echoed(daemon: AnsweringDaemon) -> None:
    """With a real terminal, as a person has it."""
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [sys.executable, "-m", "device.cli", "account", "add", "office", "1001@pbx"],
        cwd=PROJECT,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert command.stderr is not None
    prompt = b""
    while not prompt.endswith(b": "):
        letter = os.read(command.stderr.fileno(), 1)
        assert letter, prompt
        prompt += letter
    os.write(ours, b"hunter2\n")
    out, _ = command.communicate(timeout=10)
    echoed = os.read(ours, 100) if select.select([ours], [], [], 0)[0] else b""
    os.close(ours)
    os.close(theirs)
    assert command.returncode == 0
    assert b"Password of 1001@pbx" in prompt
    assert daemon.calls[-1][1]["password"] == "hunter2"
    assert b"hunter2" not in out + echoed


def test_following_the_log_shows_each_line_once(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.events = [("log", {"level": "info", "line": "third\nwith a second line"})]
    status, out, err = run("log", "-f")
    assert out.splitlines() == ["first", "second\\x1b[2J", "third", "with a second line"]
    assert status == 3
    assert "closed the connection" in err


def test_following_the_log_for_programs(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.events = [("log", {"level": "info", "line": "third"})]
    _, out, _ = run("log", "-f", "-n", "2", "--json")
    assert [json.loads(line)["line"] for line in out.splitlines()] == ["first", f"second{ESCAPE}", "third"]


SIP_EVENT: dict[str, object] = {
    "at": 1_700_000_000.25,
    "direction": "in",
    "peer": "UDP 192.0.2.1:5060",
    "bytes": 100,
    "first_line": "SIP/2.0 200 OK",
    "text": MESSAGE,
}


def test_a_trace_is_one_line_a_message_or_all_of_it(daemon: AnsweringDaemon, run: Run) -> None:
    request = {**SIP_EVENT, "direction": "out", "first_line": f"INVITE sip:{ESCAPE} SIP/2.0"}
    daemon.events = [("sip", SIP_EVENT), ("sip", request)]
    _, out, _ = run("trace", "sip")
    first, second = out.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:20\.250 <- UDP 192\.0\.2\.1:5060  200 OK \(7 REGISTER\)", first)
    assert second.endswith("-> UDP 192.0.2.1:5060  INVITE sip:\\x1b[2J SIP/2.0")


def test_a_full_trace_shows_every_header(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.events = [("sip", SIP_EVENT)]
    _, out, _ = run("trace", "sip", "--full")
    assert out.splitlines()[1:] == [f"    {line}".rstrip() for line in MESSAGE.splitlines()]


def test_a_trace_for_programs_is_the_event(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.events = [("sip", SIP_EVENT)]
    assert json.loads(run("trace", "sip", "--json")[1]) == SIP_EVENT


def test_a_response_without_cseq_is_shown_as_it_is() -> None:
    assert message_line({**SIP_EVENT, "text": ""}, 0.0).endswith("  SIP/2.0 200 OK")


def test_events_are_one_line_each(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.events = [("phone", {"state": "alerting", "call": None}), ("audio", {"report": {"lost": 3}, "ended": True})]
    _, out, _ = run("events")
    first, second = out.splitlines()
    assert first.endswith(" phone state=alerting call=-")
    assert second.endswith(' audio report={"lost": 3} ended=yes')


def test_events_leave_out_the_text_of_messages(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.events = [("sip", SIP_EVENT)]
    _, out, _ = run("events", "sip")
    assert "first_line=SIP/2.0 200 OK" in out
    assert "CSeq" not in out


def test_events_for_programs_name_their_topic(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.events = [("phone", {"state": "idle"})]
    assert json.loads(run("events", "phone", "--json")[1]) == {"topic": "phone", "state": "idle"}


def test_ctrl_c_ends_what_looks_on(daemon: AnsweringDaemon) -> None:
    # Tests that run in the background of a shell have Ctrl-C ignored, and so would the command.
    listening = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code = listening + "from device.cli import main; sys.exit(main(['log', '-f']))"
    command = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert command.stdout is not None
    assert command.stdout.readline() == b"first\n"
    assert command.stdout.readline() == b"second\\x1b[2J\n"
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=10)
    assert (command.returncode, err) == (130, b"")


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = subprocess.Popen(
        [sys.executable, "-m", "device.cli", "help", "methods"], cwd=PROJECT, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    _, err = command.communicate(timeout=10)
    assert (command.returncode, err) == (0, b"")


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_get_the_words_after_their_name(run: Run, program: str) -> None:
    status, out, err = run(program, "--help")
    assert (status, err) == (0, "")
    assert "usage:" in out


def test_a_program_answers_the_exit_status(run: Run) -> None:
    status, _, err = run("run", "--nonsense")
    assert status == 2
    assert "--nonsense" in err


def test_starting_the_daemon_brings_in_nothing_that_only_the_command_line_needs() -> None:
    code = (
        "import sys; before = set(sys.modules); from device.cli import main; main(['run', '--help'])\n"
        "heavy = {'argparse', 'getpass', 'device.cli_commands', 'asyncio', 'dataclasses', 'inspect', 'ssl'}\n"
        "sys.stderr.write(repr(heavy & (set(sys.modules) - before)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert answer.stderr == "set()"


def test_the_words_of_the_process_are_used(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sys, "argv", ["offhook", "help", "status"])
    assert cli.main() == 0
    assert "offhook status" in capsys.readouterr().out


def test_a_terminal_without_unicode_gets_escapes() -> None:
    raw = io.BytesIO()
    terminal = io.TextIOWrapper(raw, "ascii")
    Output(terminal, sys.stderr).line("Bücher \u202e \t")
    assert raw.getvalue() == b"B\\xfccher \\u202e \\t\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (86399, "23 h 59 min"),
        (266400, "3 d 02 h"),
    ],
)
def test_durations_read_as_a_person_says_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_values_read_as_a_person_says_them() -> None:
    assert [shown(value) for value in (None, "", True, False, 0, 1.5, "x", ["a"])] == [
        "-", "-", "yes", "no", "0", "1.5", "x", '["a"]',
    ]  # fmt: skip
    assert printable("a\nb\x00 é") == "a\\nb\\x00 é"


def test_times_are_told_in_the_zone_of_the_phone(daemon: AnsweringDaemon, run: Run) -> None:
    daemon.zone = "AWST-8"
    assert "2023-11-15 06:13:20" in run("calls")[1]
    daemon.zone = "EST5"
    assert "2023-11-14 17:13:20" in run("calls")[1]


def test_a_rollback_is_a_commit_of_what_held_then(daemon: AnsweringDaemon, run: Run) -> None:
    status, out, _ = run("rollback", "1")
    assert (status, out) == (0, "commit 3: phone.hotline; after a restart of the daemon: phone.hotline\n")
    name, params = daemon.calls[-1]
    assert (name, params["from"], params["comment"]) == ("config.commit", 1, "back to commit 1")
    daemon.answers["config.commit"] = {"number": 0, "changed": [], "restart": [], "registering": []}
    assert "all of it held already" in run("rollback", "0")[1]


def test_a_password_of_the_console_reaches_the_daemon_as_a_verifier(
    daemon: AnsweringDaemon, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("wire and solder\n"))
    assert run("password", "monitor", "--password-stdin")[0] == 0
    name, params = daemon.calls[-1]
    assert (name, params["role"], params["verifier"].split(":")[0]) == ("console.password", "monitor", "scrypt")
    assert "solder" not in str(daemon.calls)
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert run("password", "--password-stdin")[0] == 2


def test_an_export_may_carry_its_secrets_sealed(daemon: AnsweringDaemon, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_text("wire and solder\nanother line\n")
    out = run("export", "--passphrase-file", str(path))[1]
    assert '[sealed]\nsecrets = "offhook-sealed-1:AAAA"' in out
    assert ("store.seal", {"passphrase": "wire and solder"}) in daemon.calls
    assert json.loads(run("export", "--json", "--passphrase-file", str(path))[1])["sealed"] == "offhook-sealed-1:AAAA"
    assert "sealed" not in json.loads(run("export", "--json")[1])
    path.write_text("\n")
    assert run("export", "--passphrase-file", str(path))[0] == 2
