"""The exchange's process within the test's own: its loop turned by hand, or run in the main thread."""

import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest

from device.control.client import ControlClient
from device.control.errors import ControlError, DaemonUnreachableError
from device.daemon import exchange_main
from device.daemon.exchange_main import SECRET_KEY, ExchangeRuntime, main
from device.daemon.exchange_options import USAGE, parse_options
from device.demo.system import free_port
from device.exchange.exchange_events import BindingsChanged
from device.exchange.settings import ExchangeSettings
from device.ids import SystemIds
from device.model import Account, AccountId, Binding, CallId, Credential
from device.net.sip_sockets import SipSockets
from device.sip.digest import ha1
from device.sip.endpoint import SipEndpoint
from device.sip.events import CallEnded, CallEstablished, IncomingCall, RegistrationChanged, RegistrationState
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.user_agent import UserAgent
from device.store.bindings import Bindings
from device.store.database import Database, open_database
from device.store.errors import StoreError
from device.store.settings import Settings
from device.store.subscribers import Subscribers
from device.store.voicemail import Voicemail
from device.timing import earliest
from tests.support.turning import HandLoop

HOST = "127.0.0.1"
DOMAIN = "pbx.test"
LINE = AccountId("line")
CALL = CallId("call")
PASSWORDS = {"1001": "one", "1002": "two"}
SDP = b"v=0 an offer\r\n"


class Phone:
    """A user agent with sockets of its own in the test's loop."""

    def __init__(
        self, loop: HandLoop, user: str, exchange: "House", transport: str = "udp", password: str = ""
    ) -> None:
        ids, timers = SystemIds(), SipTimers()
        self.user = user
        self.loop = loop
        self.agent = UserAgent(UserAgentSettings(), timers, ids, lambda _transport, _host: (HOST, self.port))
        self.endpoint = SipEndpoint(self.agent, timers, ids, lambda _hop: (HOST, self.port))
        self.sockets = SipSockets(loop, self.endpoint, HOST)
        self.sockets.open(0)
        self.events: list[object] = []
        where = f"{HOST}:{exchange.port}"
        account = Account(LINE, user, DOMAIN, registrar=where, outbound_proxy=where, transport=transport)
        self.agent.add_account(account, Credential(user, password=password or PASSWORDS[user]))
        loop.add_participant(self)

    @property
    def port(self) -> int:
        return self.sockets.local_port

    def pump(self, now: float) -> float | None:
        self.endpoint.handle_timeout(now)
        self.sockets.handle_timeout(now)
        while (event := self.endpoint.next_event()) is not None:
            self.events.append(event)
            if isinstance(event, IncomingCall):
                self.agent.answer(event.call_id, SDP, now)
        for transmission in self.endpoint.transmissions_to_send():
            self.sockets.send(transmission)
        return earliest(self.endpoint.next_timeout(), self.sockets.next_timeout())

    def state(self) -> RegistrationState | None:
        states = [event.state for event in self.events if isinstance(event, RegistrationChanged)]
        return states[-1] if states else None

    def told(self, kind: type) -> list[object]:
        return [event for event in self.events if isinstance(event, kind)]

    def register(self) -> None:
        self.agent.start_registration(LINE, self.loop.now())
        self.loop.turn_until(lambda: self.state() is RegistrationState.REGISTERED, f"{self.user}'s registration")


class House:
    """An exchange in the test's loop, on the loopback interface, its store in `folder`."""

    def __init__(self, loop: HandLoop, folder: Path) -> None:
        self.loop = loop
        self.folder = folder
        self.socket_path = str(folder / "exchange.sock")
        self.database: Database = open_database(str(folder / "exchange.db"))
        subscribers = Subscribers(self.database)
        for user, password in PASSWORDS.items():
            values = {name: ha1(name, user, DOMAIN, password) for name in ("MD5", "SHA-256")}
            subscribers.put(user, DOMAIN, values)
        self.runtime: ExchangeRuntime
        self.start()

    def start(self) -> None:
        words = ["run", "--listen", f"{HOST}:0", "--socket", self.socket_path, "--store", "unused"]
        options = parse_options(words, {})
        self.runtime = ExchangeRuntime(options, ExchangeSettings(domain=DOMAIN), self.database, self.loop)
        self.runtime.open(0)
        self.loop.add_participant(self.runtime)

    @property
    def port(self) -> int:
        return self.runtime.sockets.local_port

    def ask(self, method: str, **params: object) -> dict[str, object]:
        """Ask something at the control socket, as a client in another thread does; ControlErrors are raised here."""
        answers: list[object] = []

        def client() -> None:
            try:
                with ControlClient(self.socket_path, 5.0) as control:
                    answers.append(control.call(method, **params))
            except ControlError as error:
                answers.append(error)

        thread = threading.Thread(target=client)
        thread.start()
        try:
            self.loop.turn_until(lambda: answers, method)
        finally:
            thread.join(6.0)
        (answer,) = answers
        if isinstance(answer, ControlError):
            raise answer
        assert isinstance(answer, dict)
        return answer

    def contacts(self, user: str) -> list[str]:
        answer = self.ask("exchange.registrations")
        return [one["contact"] for one in answer["registrations"] if one["aor"] == f"sip:{user}@{DOMAIN}"]  # type: ignore[attr-defined]

    def close(self) -> None:
        self.runtime.close()
        self.database.close()


@pytest.fixture
def house(loop: HandLoop, tmp_path: Path) -> Iterator[House]:
    house = House(loop, tmp_path)
    yield house
    house.close()


@pytest.fixture
def phones(loop: HandLoop, house: House) -> Iterator[Callable[..., Phone]]:
    made: list[Phone] = []

    def make(user: str, transport: str = "udp", password: str = "") -> Phone:
        made.append(Phone(loop, user, house, transport, password))
        return made[-1]

    yield make
    for phone in made:
        phone.sockets.close()


class TestCalls:
    @pytest.mark.parametrize("transport", ["udp", "tcp"])
    def test_two_phones_register_and_talk(
        self, loop: HandLoop, house: House, phones: Callable[..., Phone], transport: str
    ) -> None:
        alice, bob = phones("1001"), phones("1002", transport)
        alice.register()
        bob.register()
        alice.agent.invite(CALL, "1002", SDP, LINE, loop.now())
        loop.turn_until(lambda: alice.told(CallEstablished) and bob.told(CallEstablished), "the call")
        bob.agent.hang_up(CallId("in-1"), loop.now())
        loop.turn_until(lambda: alice.told(CallEnded), "the end of the call")
        assert house.ask("status")["requests_under_way"] != 0

    def test_a_wrong_password(self, loop: HandLoop, house: House, phones: Callable[..., Phone]) -> None:
        mallory = phones("1001", password="guess")
        mallory.agent.start_registration(LINE, loop.now())
        loop.turn_until(lambda: mallory.state() is RegistrationState.FAILED, "the refusal")
        assert house.contacts("1001") == []

    def test_a_phone_that_is_called_by_a_name(self, loop: HandLoop, house: House, phones: Callable[..., Phone]) -> None:
        alice = phones("1001")
        alice.register()
        callee = phones("1002")
        house.runtime.exchange.location.replace(
            f"sip:1002@{DOMAIN}",
            [Binding(f"sip:1002@{DOMAIN}", f"sip:1002@localhost:{callee.port}", time.time() + 60, "c", 1)],
        )
        alice.agent.invite(CALL, "1002", SDP, LINE, loop.now())
        loop.turn_until(lambda: alice.told(CallEstablished), "the call")

    def test_a_stream_of_nonsense_is_closed(self, loop: HandLoop, house: House) -> None:
        with socket.create_connection((HOST, house.port), timeout=5.0) as connection:
            connection.sendall(b"x" * 70_000 + b"\r\n\r\n")
            connection.setblocking(False)
            gone: list[bool] = []

            def look() -> bool:
                try:
                    gone.append(connection.recv(100) == b"")
                except BlockingIOError:
                    pass
                except ConnectionResetError:
                    gone.append(True)
                return bool(gone)

            loop.turn_until(look, "the end of the connection")
        assert gone == [True]


class TestStore:
    def test_registrations_outlive_the_process(
        self, loop: HandLoop, house: House, phones: Callable[..., Phone]
    ) -> None:
        alice = phones("1001")
        alice.register()
        before = house.contacts("1001")
        house.runtime.close()
        loop.settle()
        house.start()
        assert before == house.contacts("1001") == [f"sip:1001@{HOST}:{alice.port}"]

    def test_a_wrong_clock_of_before_makes_none_eternal(self, house: House) -> None:
        aor = f"sip:1001@{DOMAIN}"
        far = Binding(aor, "sip:1001@192.0.2.1", time.time() + 1e7, "c", 1)
        Bindings(house.database).replace(aor, [far], time.time())
        house.runtime.close()
        house.start()
        (binding,) = house.runtime.exchange.location.everything()
        assert binding.expires_at <= time.time() + ExchangeSettings().max_expires_s

    def test_what_ran_out_while_it_was_off_is_cleaned_away(self, house: House) -> None:
        aor = f"sip:1001@{DOMAIN}"
        over = Binding(aor, "sip:1001@192.0.2.1", time.time() - 5, "c", 1)
        house.runtime.close()
        Bindings(house.database).replace(aor, [over], time.time())
        house.start()
        assert house.database.query("SELECT count(*) FROM location") == [(0,)]

    def test_what_is_accounted_is_written_before_the_end(
        self, loop: HandLoop, house: House, phones: Callable[..., Phone]
    ) -> None:
        alice = phones("1001")
        alice.register()
        alice.agent.invite(CALL, "9999", SDP, LINE, loop.now())
        loop.turn_until(lambda: alice.told(CallEnded), "the end of the call")
        house.runtime.close()
        assert house.database.query("SELECT method, sip_code, src_user FROM acc ORDER BY id") == [
            ("REGISTER", "200", "1001"),
            ("INVITE", "404", "1001"),
        ]
        assert house.database.query("SELECT called, sip_code, ended_at > 0 FROM cdr") == [
            (f"sip:9999@{DOMAIN}", 404, 1)
        ]
        house.start()

    def test_the_secret_is_made_once(self, house: House) -> None:
        secret = Settings(house.database).get(SECRET_KEY)
        house.runtime.close()
        house.start()
        assert secret
        assert Settings(house.database).get(SECRET_KEY) == secret

    def test_a_store_that_fails_ends_no_call(
        self,
        loop: HandLoop,
        house: House,
        phones: Callable[..., Phone],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fail(*_: object) -> None:
            raise StoreError("the card is full")

        alice = phones("1001")
        monkeypatch.setattr(Bindings, "replace", fail)
        alice.register()
        assert "kept in memory only: the card is full" in caplog.text
        monkeypatch.setattr(Subscribers, "credential", fail)
        alice.agent.invite(CALL, "9999", SDP, LINE, loop.now())
        loop.turn_until(lambda: alice.told(CallEnded), "the end of the call")
        assert "cannot be looked up: the card is full" in caplog.text

    def test_phones_that_come_together_wait_for_the_card_once(self, house: House) -> None:
        statements: list[str] = []
        house.database._connection.set_trace_callback(statements.append)
        now = house.loop.now()
        aors = [f"sip:{user}@{DOMAIN}" for user in PASSWORDS]
        for aor in aors:
            binding = Binding(aor, f"sip:there@{HOST}", time.time() + 600.0, "c", 1)
            house.runtime.exchange._events.append(BindingsChanged(aor, (binding,)))
        house.runtime.pump(now)
        assert statements.count("COMMIT") == 1
        assert {binding.aor for binding in Bindings(house.database).load(time.time())} == set(aors)


class TestControl:
    def test_the_state_is_told(self, house: House, phones: Callable[..., Phone]) -> None:
        phones("1001").register()
        status = house.ask("status")
        assert (status["domain"], status["port"], status["pid"]) == (DOMAIN, house.port, os.getpid())
        assert status["tls_port"] == 0
        assert (status["users"], status["registrations"], status["notices"]) == (2, 1, [])
        assert status["messages"]["received"] >= 2  # type: ignore[index]
        assert house.ask("daemon.version")["version"] == status["version"]

    def test_a_user_is_added_while_it_runs(self, house: House, phones: Callable[..., Phone]) -> None:
        values = {name: ha1(name, "1003", DOMAIN, "three") for name in ("MD5", "SHA-256")}
        house.ask("exchange.user.put", user="1003", domain=DOMAIN, ha1s=values)
        assert {"user": "1003", "domain": DOMAIN} in house.ask("exchange.user.list")["users"]  # type: ignore[operator]
        phones("1003", password="three").register()

    def test_a_user_who_is_removed_is_registered_no_more(self, house: House, phones: Callable[..., Phone]) -> None:
        phones("1001").register()
        house.ask("exchange.user.remove", user="1001", domain=DOMAIN)
        assert house.contacts("1001") == []
        house.loop.settle()
        assert Bindings(house.database).load(time.time()) == []
        with pytest.raises(ControlError, match="1001"):
            house.ask("exchange.user.remove", user="1001", domain=DOMAIN)

    def test_whoever_gets_the_name_of_a_removed_user_gets_no_pin_of_theirs(self, house: House) -> None:
        Voicemail(house.database).set_pin("1001", "salt", "0" * 64)
        house.ask("exchange.user.remove", user="1001", domain=DOMAIN)
        assert Voicemail(house.database).pin("1001") is None

    def test_a_user_of_a_former_domain_can_be_removed(self, house: House) -> None:
        Subscribers(house.database).put("1009", "old.test", {"MD5": "0" * 32})
        house.ask("exchange.user.remove", user="1009", domain="old.test")
        assert {"user": "1009", "domain": "old.test"} not in house.ask("exchange.user.list")["users"]  # type: ignore[operator]

    @pytest.mark.parametrize(
        ("params", "named"),
        [
            ({"domain": DOMAIN, "ha1s": {}}, "user: is not text"),
            ({"user": "x", "domain": 5, "ha1s": {}}, "domain: is not text"),
            ({"user": "x", "domain": DOMAIN}, "ha1s: is not digest values"),
            ({"user": "x", "domain": DOMAIN, "ha1s": {"MD5": 5}}, "ha1s: is not digest values"),
            ({"user": "x", "domain": "other.test", "ha1s": {}}, f"serves {DOMAIN}, not other.test"),
        ],
    )
    def test_what_cannot_be_done_is_said(self, house: House, params: dict[str, object], named: str) -> None:
        with pytest.raises(ControlError, match=named):
            house.ask("exchange.user.put", **params)

    def test_messages_can_be_followed_without_secrets(
        self, loop: HandLoop, house: House, phones: Callable[..., Phone]
    ) -> None:
        traced: list[str] = []
        ready, done = threading.Event(), threading.Event()

        def follow() -> None:
            with ControlClient(house.socket_path, 5.0) as client:
                client.subscribe(["sip"])
                ready.set()
                while not any("SIP/2.0 200" in text for text in traced):
                    event = client.next_event(5.0)
                    if event is None:
                        break
                    traced.append(str(event.params["text"]))
            done.set()

        thread = threading.Thread(target=follow)
        thread.start()
        loop.turn_until(ready.is_set, "the subscription")
        phones("1001").register()
        loop.turn_until(done.is_set, "the trace")
        thread.join(6.0)
        assert any(text.startswith("REGISTER") and 'response="***"' in text for text in traced)


class Process:
    """`offhook exchange run` in the main thread, and somebody in another one who ends it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.socket_path = str(folder / "exchange.sock")
        self.where = ["--store", str(folder / "exchange.db"), "--socket", self.socket_path]

    def run(self, person: Callable[[], None], *words: str) -> int:
        faults: list[BaseException] = []

        def act() -> None:
            try:
                self._reach()
                person()
            except BaseException as fault:
                faults.append(fault)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=act)
        thread.start()
        try:
            status = main(["run", "--listen", f"{HOST}:{self.port}", *self.where, *words])
        finally:
            thread.join(10.0)
        if faults:
            raise faults[0]
        return status

    def _reach(self) -> None:
        waiting = threading.Event()
        for _ in range(500):
            try:
                with ControlClient(self.socket_path, 5.0) as client:
                    client.call("daemon.version")
            except DaemonUnreachableError:
                waiting.wait(0.01)
            else:
                return
        raise AssertionError("the exchange does not answer")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, lambda *_: None)
    yield Process(tmp_path)
    for number, handler in before.items():
        signal.signal(number, handler)
    gc.unfreeze()


class TestProcess:
    def test_users_are_managed_while_it_runs(
        self, process: Process, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        said: list[tuple[int, str]] = []

        def command(*words: str) -> None:
            monkeypatch.setattr(sys, "stdin", StringIO("secret\n"))
            status = main([*process.where, *words])
            said.append((status, capsys.readouterr().out))

        def person() -> None:
            command("user", "add", "1001", "--password-stdin")
            command("user", "list")
            command("user", "add", "1002", "--password-stdin", "--domain", "other.test")
            command("user", "remove", "1001")
            command("user", "list")
            command("user", "add", "1003", "--password-stdin", "--domain", "x.test", "--store", other)
            command("user", "list")

        other = process.where[1] + ".other"
        assert process.run(person, "--domain", DOMAIN) == 0
        assert said == [
            (0, f"1001@{DOMAIN} may register now\n"),
            (0, f"1001@{DOMAIN}\n"),
            (1, ""),
            (0, f"1001@{DOMAIN} is removed\n"),
            (0, ""),
            (0, "1003@x.test may register now\n"),
            (0, ""),
        ]
        assert not os.path.exists(process.socket_path)

    def test_it_answers_at_its_port_and_stops_when_told(self, process: Process) -> None:
        answers: list[bytes] = []

        def person() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
                phone.bind((HOST, 0))
                phone.settimeout(5.0)
                phone.sendto(
                    b"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx;rport\r\n"
                    b"From: <sip:a@b>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n",
                    (HOST, process.port),
                )
                answers.append(phone.recv(2000))
            with ControlClient(process.socket_path, 5.0) as client:
                answers.append(str(client.call("status")).encode())
                client.call("daemon.stop")

        assert process.run(person, "--log-level", "error") == 0
        assert answers[0].startswith(b"SIP/2.0 200 OK\r\n")
        assert b"'domain': '127.0.0.1'" in answers[1]

    def test_a_store_that_was_damaged_is_told(
        self, process: Process, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        (tmp_path / "exchange.db").write_bytes(b"nothing that SQLite knows" * 200)
        notices: list[object] = []

        def person() -> None:
            with ControlClient(process.socket_path, 5.0) as client:
                status = client.call("status")
                assert isinstance(status, dict)
                notices.extend(status["notices"])

        assert process.run(person) == 0
        (notice,) = notices
        assert str(notice) in capsys.readouterr().err

    def test_what_is_wrong_with_the_domain_is_said(self, process: Process, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["run", *process.where, "--domain", "pbx:5060"]) == 2
        assert "exchange.domain" in capsys.readouterr().err


def test_a_second_one_is_told_about_the_first(
    house: House, process: Process, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = ["--store", str(tmp_path / "other.db"), "--socket", house.socket_path]
    assert main(["run", "--listen", f"{HOST}:0", *other]) == 1
    assert "a daemon answers" in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(
    house: House, process: Process, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = ["--store", str(tmp_path / "other.db"), "--socket", str(tmp_path / "other.sock")]
    assert main(["run", "--listen", f"{HOST}:{house.port}", *other]) == 1
    assert f"{HOST}:{house.port} is already in use" in capsys.readouterr().err
    assert not (tmp_path / "other.sock").exists()


@pytest.mark.parametrize(("words", "status"), [([], 2), (["help"], 0), (["--help"], 0), (["run", "-h"], 0)])
def test_help(words: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == status
    assert capsys.readouterr().out == USAGE


def test_a_wrong_word_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--colour"]) == 2
    assert "offhook exchange: --colour is no option" in capsys.readouterr().err


def test_the_exchange_is_a_program_of_the_command() -> None:
    assert exchange_main.main is main
