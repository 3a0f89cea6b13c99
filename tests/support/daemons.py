"""Our own programs as whole processes: the phone on a simulated board, and the embedded exchange."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from device.control.client import ControlClient, DaemonEvent
from device.control.errors import ControlError
from device.demo.measure import RATE_HZ, SAMPLE_BYTES, Recording, read_wav
from device.demo.system import free_port
from tests.support.processes import HOST, PATIENCE_S, ROOT, Program, wait_until

SOUNDS = ROOT / "device" / "demo" / "sounds"
CALLER_WAV = SOUNDS / "caller.wav"
CALLEE_WAV = SOUNDS / "callee.wav"

PERIOD_S = 0.02
WAV_HEADER_BYTES = 44

TOPICS = ["phone", "call", "registration", "sip", "audio"]


def own_command(*arguments: str) -> list[str]:
    """The command line of one of our programs."""
    return [sys.executable, "-m", "device", *arguments]


class Daemon:
    """One of our daemons, with a client at its control socket."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.socket_path = folder / f"{name}.sock"
        self.store_path = folder / f"{name}.db"
        self.port = free_port()
        self.prefix: tuple[str, ...] = ()
        """What its command is put behind, such as a change into a network namespace."""
        self.client = ControlClient(str(self.socket_path), PATIENCE_S)
        self.program: Program | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.program = Program(self.name, [*self.prefix, *own_command(*self.command())], self.folder)
        wait_until(f"{self.name} to answer at its control socket", self._answers)

    def _answers(self) -> bool:
        assert self.program is not None
        self.program.check()
        try:
            self.client.call("daemon.version")
        except ControlError:
            return False
        return True

    def stop(self) -> None:
        """End it as systemd would."""
        self.client.close()
        if self.program is not None:
            self.program.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.client.close()
        if self.program is not None:
            self.program.kill()

    def log(self) -> str:
        return self.program.log() if self.program is not None else ""


class ExchangeDaemon(Daemon):
    """The embedded exchange with some users."""

    def __init__(
        self,
        folder: Path,
        passwords: Mapping[str, str],
        name: str = "exchange",
        domain: str = "",
        host: str = HOST,
        options: Sequence[str] = (),
    ) -> None:
        super().__init__(name, folder)
        self.domain = domain or host
        self.address = f"{host}:{self.port}"
        self.options = list(options)
        self.passwords = dict(passwords)
        for user, password in passwords.items():
            self.add_user(user, password)

    def command(self) -> list[str]:
        where = ["--listen", self.address, "--domain", self.domain]
        files = ["--store", str(self.store_path), "--socket", str(self.socket_path)]
        return ["exchange", "run", *where, *files, *self.options]

    def add_user(self, user: str, password: str) -> None:
        """Let a user register."""
        where = ["--store", str(self.store_path), "--socket", str(self.socket_path), "--domain", self.domain]
        done = subprocess.run(
            own_command("exchange", "user", "add", user, *where, "--password-stdin"),
            input=password + "\n",
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def manage(self, *words: str, typed: str = "") -> str:
        """Type `offhook exchange` with these words; answers what it said."""
        where = ["--store", str(self.store_path), "--socket", str(self.socket_path), "--domain", self.domain]
        command = own_command("exchange", *words, *where, *(["--password-stdin"] if typed else []))
        done = subprocess.run(command, input=typed, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def contacts(self, user: str) -> list[str]:
        """The contacts that a user has registered."""
        answer = self.client.call("exchange.registrations")
        bindings = answer["registrations"]  # type: ignore[index]
        return [binding["contact"] for binding in bindings if binding["aor"] == f"sip:{user}@{self.domain}"]


class PhoneDaemon(Daemon):
    """A phone on a simulated board, its microphone and earpiece WAV files.

    `expect_...` methods take what the phone tells in order: what was expected once is not found again.
    """

    def __init__(
        self, name: str, folder: Path, settings: Mapping[str, str] | None = None, microphone: Path = CALLER_WAV
    ) -> None:
        super().__init__(name, folder)
        self.microphone = microphone
        self.heard_path = folder / f"{name}-heard.wav"
        self.events: list[DaemonEvent] = []
        self._taken: dict[str, int] = {}
        self.settings = {
            "sip.bind_address": HOST,
            "sip.port": str(self.port),
            "hardware.board": "simulated",
            "hardware.flash": "off",
            "audio.kind": "wav",
            "audio.wav_in": str(microphone),
            "audio.wav_out": str(self.heard_path),
            "daemon.stop_timeout_s": "0.5",
            **(settings or {}),
        }

    def command(self) -> list[str]:
        words = ["run", "--store", str(self.store_path), "--socket", str(self.socket_path)]
        for key, value in self.settings.items():
            words += ["--set", f"{key}={value}"]
        return words

    def start(self) -> None:
        super().start()
        self.begin_to_listen()

    def begin_to_listen(self) -> None:
        """Be told what happens from now on."""
        self.client.subscribe(TOPICS)
        self.events = []
        self._taken = {}
        self._state = str(self.status()["phone"]["state"])  # type: ignore[index]

    # What a person or an installer does.

    def call(self, method: str, **params: object) -> dict[str, object]:
        """Ask something of the control socket."""
        return self.client.call(method, **params)  # type: ignore[return-value]

    def status(self) -> dict[str, object]:
        return self.call("status")

    def lift(self) -> None:
        self.call("board.lift")

    def replace(self) -> None:
        self.call("board.replace")

    def dial(self, digits: str) -> None:
        """Press keys; the board takes some 150 ms for each."""
        self.call("board.press", digits=digits)

    def place(self, target: str) -> None:
        """Call hands-free, without the keypad's delays."""
        self.call("call.place", target=target)

    def add_account(self, server: str, user: str, password: str, **more: object) -> None:
        """Register at `server`, given as host:port; everything is sent there first."""
        fields = {"id": "office", "user": user, "domain": HOST, "registrar": server, "outbound_proxy": server}
        self.call("account.add", **{**fields, "password": password, **more})

    def account(self) -> dict[str, object]:
        return self.call("account.show", id="office")

    def call_log(self) -> list[dict[str, object]]:
        return self.call("calllog.list")["calls"]  # type: ignore[return-value]

    def rest(self) -> None:
        """Back to where every test begins: no call, handset down, and nothing told that is not taken."""
        with suppress(ControlError):
            self.call("call.hangup")
        self.replace()
        wait_until(f"{self.name} to be at rest", self._is_at_rest)
        self.collect()
        self._taken = dict.fromkeys(TOPICS, len(self.events))
        self._state = "idle"

    def _is_at_rest(self) -> bool:
        status: dict[str, Any] = self.status()
        return status["phone"]["state"] == "idle" and not status["phone"]["lifted"] and not status["calls"]

    # What it tells.

    @property
    def target(self) -> str:
        """The address for calls straight by IP."""
        return f"sip:offhook@{HOST}:{self.port}"

    def _take(self, topic: str, deadline: float) -> Iterator[DaemonEvent]:
        """Events of a topic that have not been taken yet, as they come, until the deadline."""
        while True:
            index = self._taken.get(topic, 0)
            while index < len(self.events):
                event = self.events[index]
                index += 1
                self._taken[topic] = index
                if event.topic == topic:
                    yield event
            self._taken[topic] = index
            event = self.client.next_event(max(0.0, deadline - time.monotonic()))
            if event is None:
                return
            self.events.append(event)

    def collect(self) -> None:
        """Take in what has come, without waiting."""
        while (event := self.client.next_event(0.0)) is not None:
            self.events.append(event)

    def expect(
        self, topic: str, what: str, wanted: Callable[[dict[str, object]], bool], timeout_s: float = PATIENCE_S
    ) -> dict[str, object]:
        """Wait for an event; what comes before it is passed over."""
        for event in self._take(topic, time.monotonic() + timeout_s):
            if wanted(event.params):
                return event.params
        raise AssertionError(f"{self.name}: waited {timeout_s:g} s in vain for {what}; see {self.folder}")

    def expect_state(self, state: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait until the phone is in a state, or has passed through it."""
        self.collect()
        unread = any(event.topic == "phone" for event in self.events[self._taken.get("phone", 0) :])
        if self._state == state and not unread:
            return
        passed = []
        for event in self._take("phone", time.monotonic() + timeout_s):
            self._state = str(event.params["state"])
            passed.append(self._state)
            if self._state == state:
                return
        raise AssertionError(
            f"{self.name}: not {state} within {timeout_s:g} s, but {' '.join(passed) or self._state}; see {self.folder}"
        )

    def expect_registration(self, state: str, timeout_s: float = PATIENCE_S) -> dict[str, object]:
        return self.expect("registration", f"registration {state}", lambda news: news["state"] == state, timeout_s)

    def expect_message(self, direction: str, start: str, part: str = "", timeout_s: float = PATIENCE_S) -> str:
        """Wait for a SIP message, "in" or "out", that begins with `start` and has `part` in it; answers all of it."""

        def wanted(message: dict[str, object]) -> bool:
            text = str(message["text"])
            return message["direction"] == direction and text.startswith(start) and part in text

        return str(self.expect("sip", f"SIP {direction} {start} {part}", wanted, timeout_s)["text"])

    def messages(self, direction: str, start: str = "") -> list[str]:
        """Every SIP message so far, taken or not."""
        self.collect()
        texts = [e.params for e in self.events if e.topic == "sip" and e.params["direction"] == direction]
        return [str(params["text"]) for params in texts if str(params["text"]).startswith(start)]

    # What it says and hears.

    def listen(self, seconds: float) -> bytes:
        """Let so much more sound be heard, and give its PCM."""
        before = len(self.heard_pcm())
        wanted = int(seconds * RATE_HZ) * SAMPLE_BYTES
        wait_until(
            f"{self.name} to hear {seconds:g} s",
            lambda: self._heard_bytes() >= WAV_HEADER_BYTES + before + wanted,
            seconds + PATIENCE_S,
        )
        return self.heard_pcm()[before : before + wanted]

    def _heard_bytes(self) -> int:
        return self.heard_path.stat().st_size if self.heard_path.exists() else 0

    def recordings(self) -> tuple[Recording, Recording]:
        """What it says and what it has heard, both with the monotonic time of their first sample."""
        audio: dict[str, Any] = self.status()["audio"]  # type: ignore[assignment]
        opened_at = float(audio["opened_at"])
        before_s = audio["periods_before"] * PERIOD_S
        return read_wav(self.microphone, opened_at), Recording(self.heard_pcm(), opened_at - before_s)

    def heard_pcm(self) -> bytes:
        """All that it has heard, also what the file's header does not tell of yet."""
        return self.heard_path.read_bytes()[WAV_HEADER_BYTES:] if self.heard_path.exists() else b""


@contextmanager
def running(*daemons: Daemon) -> Iterator[None]:
    """Start daemons in order and stop them in the opposite one."""
    started: list[Daemon] = []
    try:
        for daemon in daemons:
            started.append(daemon)
            daemon.start()
        yield
    finally:
        for daemon in reversed(started):
            daemon.stop()
