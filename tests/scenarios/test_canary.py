"""A phone with secrets in every place is asked everything there is to ask; nothing that it leaves behind tells them.

The secrets: an account's password and what a digest makes of it, a wrong password, the console's password, the code of
the door, the passphrase of an export.
"""

import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.canary import CANARY, MAY_HOLD, search
from tests.support.consoles import ADMIN, Person, terminal_console
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, own_command, running
from tests.support.processes import PATIENCE_S, ROOT, Program, wait_until

PASSWORD, WRONG, CONSOLE, PASSPHRASE = (f"{word} {CANARY}" for word in ("right", "wrong", "technician", "wire"))
DOOR_CODE = "73914662"

CRASH = """
import os
from device.daemon.logs import RecentLines, start_logging
from device import plain_logging as logging
from device.model import Account, AccountId, Credential
from device.plain_threads import Thread
start_logging(RecentLines(), os.environ)
credential = Credential("1001", password=os.environ["SECRET"])

def work():
    raise ValueError(f"cannot use {credential!r} of {Account(AccountId('a'), '1001', 'pbx')!r}")

thread = Thread(work)
thread.start()
thread.join(5.0)
try:
    work()
except ValueError:
    logging.getLogger("device.x").exception("a fault with %s", credential)
work()
"""


def told(folder: Path, name: str, *words: str, typed: str = "") -> str:
    """What a program of ours says, kept in a file beside the others."""
    done = subprocess.run(
        own_command(*words), input=typed, capture_output=True, text=True, timeout=3 * PATIENCE_S, cwd=ROOT, check=False
    )
    said = done.stdout + done.stderr
    (folder / f"{name}.said").write_text(said)
    return said


@contextmanager
def followers(folder: Path, phone: PhoneDaemon) -> Iterator[None]:
    """Those who look on meanwhile: traces and events into files."""
    where = ("--socket", str(phone.socket_path))
    commands = {
        "trace": ("trace", "sip", "--full"),
        "trace-json": ("trace", "sip", "--json"),
        "capture": ("trace", "sip", "--pcap", str(folder / "cli.pcap")),
        "events": ("events", "--json", *("phone", "call", "registration", "log", "config", "sip", "notify")),
        "log": ("log", "-f"),
    }
    programs = [Program(name, own_command(*words, *where), folder) for name, words in commands.items()]
    try:
        wait_until("the capture to begin", (folder / "cli.pcap").exists)
        yield
    finally:
        for program in programs:
            program.stop()


def at_the_console(folder: Path, phone: PhoneDaemon, server: str) -> None:
    """A technician's evening."""
    with terminal_console(phone.socket_path, phone.store_path, lines=900, columns=200) as person:
        person.choose_password(CONSOLE)
        person.run(f"set account office address 1001@{server}")
        hidden(person, "set account office password", "Password of office: ", PASSWORD)
        hidden(person, "set phone.door_code", "phone.door_code: ", DOOR_CODE)
        for line in ("show changes", "commit check", "commit secrets", "show history", "show configuration", "export"):
            person.run(line)
        phone.expect_registration("registered")
        person.type(f"trace sip file {folder / 'console.pcap'}\r")
        person.expect("(Ctrl-C ends this)")
        phone.call("registration.refresh")
        phone.expect_registration("registered")
        person.type("\x03")
        person.expect("digests of passwords are left out", "# ")
        person.type("trace full\r")
        person.expect("(Ctrl-C ends this)")
        phone.call("registration.refresh")
        person.expect("200 OK")
        person.type("\x03")
        person.expect("# ")
        hidden(person, "export sealed", "Passphrase for the secrets: ", PASSPHRASE, "The same again: ", PASSPHRASE)
        for line in ("show accounts office", "show settings", "show log 500", "why", "test register", "test dns"):
            person.run(line)
        person.run(f"support bundle {folder / 'console-bundle.tar.gz'}")
        person.type("exit\r")
        (folder / "console.typescript").write_text(person.seen)


def hidden(person: Person, line: str, *questions: str) -> None:
    """A line that asks for what is not shown."""
    person.type(f"{line}\r")
    for question, answer in zip(questions[::2], questions[1::2], strict=True):
        person.expect(question)
        person.type(f"{answer}\r")
    person.expect(ADMIN)


def everything_asked(folder: Path, phone: PhoneDaemon) -> None:
    """Every verb that shows something, and some that are wrong."""
    where = ("--socket", str(phone.socket_path))
    for words in (
        *(("account", "show", "office"), ("account", "list"), ("settings", "list"), ("log", "-n", "1000"), ("calls",)),
        *(("status",), ("export",), ("show", "history"), ("show", "configuration"), ("why",), ("message", "list")),
        *(("settings", "get", "phone.door_code"), ("test", "register"), ("test", "dns")),
    ):
        told(folder, "-".join(words), *words, *where)
        told(folder, "-".join((*words, "json")), *words, "--json", *where)
    told(folder, "support", "support", "--out", str(folder / "cli-bundle.tar.gz"), *where)
    told(folder, "a-password-in-words", "account", "add", "x", "1@pbx", f"--password={WRONG}", *where)
    told(folder, "an-empty-account", "account", "add", "x", "@", "--password-stdin", *where, typed=f"{WRONG}\n")
    told(folder, "no-such-field", "settings", "set", "phone.door_cod=1", *where)
    broken = folder / "broken.toml"
    broken.write_text(f'[accounts.a]\naddress = "1@pbx"\npassword = "{WRONG}\n')
    told(folder, "broken-file", "provision", "--store", str(folder / "other.db"), str(broken))
    broken.write_text(f'[accounts.a]\npassword = ["{WRONG}"]\nadress = "{CANARY}@pbx"\n'.replace(f"{CANARY}@", "1@"))
    told(folder, "wrong-file", "provision", "--store", str(folder / "other.db"), str(broken))


def crashed(folder: Path) -> None:
    """A thread, a log line and a whole program that die with a credential at hand."""
    with (folder / "crash.trace").open("w") as trace:
        environment = {"SECRET": PASSWORD, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", CRASH], stderr=trace, env=environment, timeout=PATIENCE_S, check=False)
    assert "cannot use Credential(username='1001'" in (folder / "crash.trace").read_text()


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder of a whole evening, and what of its secrets would be worth money."""
    folder = tmp_path_factory.mktemp("evening")
    exchange = ExchangeDaemon(folder, {"1001": PASSWORD, "1002": PASSWORD})
    phone = PhoneDaemon("phone", folder, {"daemon.log_level": "debug"})
    other = PhoneDaemon("other", folder, {"daemon.log_level": "debug"}, microphone=CALLEE_WAV)
    with running(exchange, phone, other):
        with followers(folder, phone):
            at_the_console(folder, phone, exchange.address)
            other.add_account(exchange.address, "1002", WRONG)
            other.expect_registration("failed")
            other.call("account.update", id="office", password=PASSWORD)
            other.expect_registration("registered")
            phone.place("1002")
            other.expect_state("alerting")
            other.lift()
            phone.expect_state("connected")
            phone.call("call.digits", digits="1")
            phone.call("call.hangup")
            phone.expect_state("idle")
        everything_asked(folder, phone)
        realm = str(phone.call("account.show", id="office")["realm"])
        assert phone.program is not None
        phone.program._process.send_signal(signal.SIGABRT)
    crashed(folder)
    ha1 = hashlib.md5(f"1001:{realm}:{PASSWORD}".encode()).hexdigest()
    sha256 = hashlib.sha256(f"1001:{realm}:{PASSWORD}".encode()).hexdigest()
    return folder, [CANARY, DOOR_CODE, ha1, sha256]


def test_nothing_tells_a_secret(left_behind: tuple[Path, list[str]]) -> None:
    folder, secrets = left_behind
    assert search(folder, secrets) == []


def test_the_evening_has_left_what_could_have_told_it(left_behind: tuple[Path, list[str]]) -> None:
    """A search in empty files proves nothing."""
    folder, secrets = left_behind
    for name in ("phone.log", "exchange.log", "trace.log", "trace-json.log", "events.log", "log.log"):
        assert "REGISTER" in (folder / name).read_text() or name in ("exchange.log", "phone.log", "log.log"), name
        assert (folder / name).stat().st_size > 100, name
    for name in ("cli.pcap", "console.pcap"):
        assert b"Authorization: Digest" in (folder / name).read_bytes(), name
    assert "Authorization: Digest" in (folder / "console.typescript").read_text()
    assert '"response"' not in (folder / "trace-json.log").read_text()
    assert len(list(folder.glob("*.said"))) > 30
    assert {path.name for path in folder.glob("*.tar.gz")} == {"cli-bundle.tar.gz", "console-bundle.tar.gz"}
    # The stores alone have what is worth money, and the search finds it there.
    stores = {path.name for path in search(folder, secrets, allowed=[name for name in MAY_HOLD if name != "*.db"])}
    assert {"phone.db", "exchange.db"} <= stores


def test_what_is_planted_is_found(left_behind: tuple[Path, list[str]]) -> None:
    folder, secrets = left_behind
    for secret in secrets:
        planted = folder / "planted.log"
        planted.write_text(f"registered with {secret}\n")
        assert search(folder, secrets) == [planted]
        planted.unlink()
