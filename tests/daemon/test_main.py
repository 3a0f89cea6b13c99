"""The daemon's whole life within the test's process: its loop in the main thread, a person in another one."""

import gc
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.control.client import ControlClient
from device.control.errors import ControlError
from device.daemon import main as daemon
from device.daemon.desk import Desk
from device.demo.system import free_port
from device.phone.states import PhoneState
from device.store.database import open_database
from device.store.settings import Settings
from tests.support.certificates import Authority
from tests.support.small_registrar import SmallRegistrar
from tests.support.turning import HandLoop, hand_loop
from tests.support.whole_phone import HOST, QUIET, FarEnd

CANARY = "c4n4ry-passw0rd"


class _Life:
    """Runs the daemon; `person` acts in a thread as soon as the control socket answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.store = folder / "phone.db"
        self.socket_path = folder / "phone.sock"
        self.client = ControlClient(str(self.socket_path), 5.0)
        self.fault: BaseException | None = None

    def arguments(self, **settings: str) -> list[str]:
        words = ["--store", str(self.store), "--socket", str(self.socket_path)]
        given = {**QUIET, "sip.port": str(self.port), **{k.replace("__", "."): v for k, v in settings.items()}}
        for key, value in given.items():
            words += ["--set", f"{key}={value}"]
        return words

    def run(self, person: Callable[[], None], **settings: str) -> int:
        """The exit status; whatever the person found wrong is raised here."""
        thread = threading.Thread(target=self._act, args=(person,), name="person")
        thread.start()
        try:
            status = daemon.main(self.arguments(**settings))
        finally:
            thread.join(10)
        if self.fault is not None:
            raise self.fault
        return status

    def _act(self, person: Callable[[], None]) -> None:
        try:
            self._reach()
            person()
        except BaseException as fault:
            self.fault = fault
        finally:
            self.client.close()
            os.kill(os.getpid(), signal.SIGTERM)

    def _reach(self) -> None:
        waiting = threading.Event()
        for _ in range(500):
            try:
                self.client.call("daemon.version")
            except ControlError:
                waiting.wait(0.01)
            else:
                return
        raise AssertionError("the daemon does not answer")

    def terminate(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[_Life]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, lambda *_: None)
    yield _Life(tmp_path)
    for number, handler in before.items():
        signal.signal(number, handler)
    gc.unfreeze()


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Starts a daemon that must not come up; its exit status and what it said."""

    def start(*words: str) -> tuple[int, str]:
        status = daemon.main([*words, "--store", str(tmp_path / "x.db"), "--socket", str(tmp_path / "x.sock")])
        return status, capsys.readouterr().err

    return start


# What keeps it from starting.


def test_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert daemon.main(["--help"]) == 0
    assert "usage: offhook run" in capsys.readouterr().out


def test_a_word_that_is_no_option_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert daemon.main(["--colour"]) == 2
    assert "offhook run: '--colour' is not an option" in capsys.readouterr().err


def test_every_bad_setting_is_told(refused: Callable[..., tuple[int, str]]) -> None:
    status, said = refused("--set", "sip.port=none", "--set", "sip.prot=1", "--log-level", "loud")
    assert status == 2
    for words in ("sip.port: 'none'", "did you mean sip.port?", "daemon.log_level: 'loud'"):
        assert words in said


def test_a_board_that_is_not_there_is_told(refused: Callable[..., tuple[int, str]]) -> None:
    status, said = refused("--set", "hardware.board=typewriter")
    assert status == 2
    assert "no such board profile" in said


def test_a_store_that_cannot_be_had_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    status = daemon.main(["--store", str(tmp_path / "file" / "x.db"), "--socket", str(tmp_path / "x.sock")])
    assert status == 1
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_a_port_in_use_is_told_and_all_is_closed(life: _Life, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, life.port))
        assert daemon.main(life.arguments()) == 1
    assert f"{HOST}:{life.port} is already in use" in capsys.readouterr().err
    assert not life.socket_path.exists()


def test_a_second_daemon_says_that_there_is_a_first(life: _Life, tmp_path: Path) -> None:
    def person() -> None:
        with pytest.raises(Exception, match="in use"), open_database(str(life.store)):
            pass

    assert life.run(person) == 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as first:
        first.bind(str(life.socket_path))
        first.listen(1)
        assert daemon.main(life.arguments()) == 1


# A life.


def test_it_comes_up_answers_and_stops_on_a_signal(life: _Life, capsys: pytest.CaptureFixture[str]) -> None:
    def person() -> None:
        status = life.client.call("status")
        assert status["port"] == life.port  # type: ignore[index, call-overload]

    assert life.run(person) == 0
    said = capsys.readouterr().err
    assert "SIP at port" in said
    assert said.rstrip().endswith("stopped")
    assert not life.socket_path.exists()
    with open_database(str(life.store)):
        pass


def test_it_stops_when_it_is_asked_to(life: _Life) -> None:
    def person() -> None:
        assert life.client.call("daemon.stop") == {"stopping": True}

    assert life.run(person) == 0


def test_a_signal_during_the_start_is_an_orderly_stop(life: _Life, monkeypatch: pytest.MonkeyPatch) -> None:
    start = Desk.start

    def interrupted(self: Desk, now: float) -> None:
        start(self, now)
        life.terminate()

    monkeypatch.setattr(Desk, "start", interrupted)
    assert daemon.main(life.arguments()) == 0
    assert not life.socket_path.exists()


class _World:
    """A far end and a registrar in the person's thread."""

    def __init__(self, loop: HandLoop, password: str = CANARY) -> None:
        self.loop = loop
        self.far_end = FarEnd(loop)
        self.registrar = SmallRegistrar(loop, {"1001": password})

    def __enter__(self) -> "_World":
        return self

    def __exit__(self, *_: object) -> None:
        self.far_end.close()
        self.registrar.close()

    def add_account(self, client: ControlClient) -> None:
        server = f"{HOST}:{self.registrar.port}"
        client.call("account.add", id="office", user="1001", domain=HOST, registrar=server, password=CANARY)
        self.loop.turn_until(lambda: self.account(client)["state"] == "registered", "the registration")

    @staticmethod
    def account(client: ControlClient) -> dict[str, object]:
        return client.call("account.show", id="office")  # type: ignore[return-value]


def test_a_signal_during_a_call_hangs_up_and_unregisters(life: _Life, capsys: pytest.CaptureFixture[str]) -> None:
    def person() -> None:
        with hand_loop() as loop, _World(loop) as world:
            world.add_account(life.client)
            life.client.call("call.place", target=world.far_end.target)
            world.far_end.answer()
            loop.turn_until(lambda: _state(life) == PhoneState.CONNECTED.value)
            life.terminate()
            world.far_end.ended()
            loop.turn_until(lambda: not world.registrar.contacts, "the end of the registration")
            loop.settle()

    assert life.run(person) == 0
    said = capsys.readouterr().err
    assert "stopping: hanging up and unregistering" in said
    assert CANARY not in said


def test_without_time_for_answers_bye_leaves_all_the_same(life: _Life) -> None:
    def person() -> None:
        with hand_loop() as loop, _World(loop) as world:
            life.client.call("call.place", target=world.far_end.target)
            world.far_end.answer()
            loop.turn_until(lambda: _state(life) == PhoneState.CONNECTED.value)
            life.terminate()
            world.far_end.ended()

    assert life.run(person, daemon__stop_timeout_s="0") == 0


def _state(life: _Life) -> object:
    return life.client.call("status")["phone"]["state"]  # type: ignore[index, call-overload]


def test_the_service_manager_is_told_and_the_watchdog_fed(
    life: _Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        told: list[bytes] = []

        def person() -> None:
            while told.count(b"WATCHDOG=1") < 3:
                told.append(manager.recv(100))

        assert life.run(person) == 0
        while b"STOPPING=1\nSTATUS=stopping" not in told:
            told.append(manager.recv(100))
    assert b"READY=1\nSTATUS=started" in told
    assert b"STATUS=no account, idle" in told


# What the store holds.


def _store(life: _Life, **values: str) -> None:
    with open_database(str(life.store)) as database:
        Settings(database).set_many({key.replace("__", "."): value for key, value in values.items()})


def test_settings_that_fit_no_more_are_left_out_and_told(life: _Life, capsys: pytest.CaptureFixture[str]) -> None:
    _store(life, sip__prot="1", phone__hotline="1002", media__ptime_ms="7")

    def person() -> None:
        notices = life.client.call("status")["notices"]  # type: ignore[index, call-overload]
        assert len(notices) == 2
        assert "media.ptime_ms: 7" in str(notices)
        # The others can be changed all the same, and what is wrong can be taken away.
        life.client.call("settings.set", values={"phone.hotline": "1003"})
        life.client.call("settings.set", values={"sip.prot": None, "media.ptime_ms": "20"})

    assert life.run(person) == 0
    assert "stored setting ignored: sip.prot" in capsys.readouterr().err
    with open_database(str(life.store)) as database:
        assert Settings(database).get_all() == {"phone.hotline": "1003", "media.ptime_ms": "20"}


def test_a_stored_board_that_is_gone_does_not_keep_the_phone_down(life: _Life) -> None:
    _store(life, hardware__board="/gone.toml")
    arguments = life.arguments()
    index = arguments.index("hardware.board=simulated")
    del arguments[index - 1 : index + 1]
    life.arguments = lambda **_: arguments  # type: ignore[method-assign]

    def person() -> None:
        status = life.client.call("status")
        assert "/gone.toml" in str(status["notices"])  # type: ignore[index, call-overload]
        assert status["board"]["driver"] == "mock"  # type: ignore[index, call-overload]

    assert life.run(person) == 0


def test_what_the_store_tells_of_itself_is_a_notice(life: _Life) -> None:
    with open_database(str(life.store)) as database:
        Settings(database).set_many({"phone.hotline": "1"})
    life.store.write_bytes(b"no database at all" * 1000)

    def person() -> None:
        notices = life.client.call("status")["notices"]  # type: ignore[index, call-overload]
        assert "was damaged" in str(notices)

    assert life.run(person) == 0


def test_port_0_takes_a_high_one_and_keeps_it(life: _Life) -> None:
    def person() -> None:
        ports = {life.client.call("status")["port"] for _ in range(2)}  # type: ignore[index, call-overload]
        (port,) = ports
        assert 1024 <= port <= 65535
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as peer, pytest.raises(OSError, match="in use"):
                peer.bind(("127.0.0.1", port))

    assert life.run(person, sip__port="0") == 0


def test_it_listens_for_tls_with_a_certificate(life: _Life, tmp_path: Path) -> None:
    ours = Authority(tmp_path / "ca").issue("DNS:phone.example")
    port = free_port()

    def person() -> None:
        with socket.create_connection(("127.0.0.1", port), 2) as plain:
            context = ssl.create_default_context(cafile=tmp_path / "ca" / "ca.pem")
            with context.wrap_socket(plain, server_hostname="phone.example") as secured:
                secured.sendall(b"\r\n\r\n")
                assert secured.recv(10) == b"\r\n"
        status = life.client.call("status")
        assert (status["notices"], status["tls_port"]) == ([], port)  # type: ignore[index, call-overload]

    settings = {"sip__tls_certificate": str(ours.path), "sip__tls_key": str(ours.key), "sip__tls_port": str(port)}
    assert life.run(person, **settings) == 0


def test_a_certificate_that_is_gone_does_not_keep_the_phone_down(life: _Life, tmp_path: Path) -> None:
    def person() -> None:
        notices = life.client.call("status")["notices"]  # type: ignore[index, call-overload]
        assert f"nobody can call by TLS: sip.tls_certificate: {tmp_path}/none.pem: No such file" in str(notices)

    assert life.run(person, sip__tls_certificate=str(tmp_path / "none.pem")) == 0


def test_servers_that_are_not_checked_are_a_notice(life: _Life) -> None:
    def person() -> None:
        assert "sip.tls_verify is off" in str(life.client.call("status")["notices"])  # type: ignore[index, call-overload]

    assert life.run(person, sip__tls_verify="off") == 0


@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_password_comes_into_log_or_trace(life: _Life, capsys: pytest.CaptureFixture[str], level: str) -> None:
    traced: list[str] = []

    def person() -> None:
        with hand_loop() as loop, _World(loop) as world:
            life.client.subscribe(["sip", "log", "registration", "call", "phone"])
            world.add_account(life.client)
            world.registrar.passwords["1001"] = CANARY + "2"
            life.client.call("registration.refresh")
            loop.turn_until(lambda: world.account(life.client)["state"] == "failed")
            life.client.call("account.update", id="office", password=CANARY + "2", auth_user="x")
            loop.turn_until(lambda: world.account(life.client)["state"] == "registered")
            for method, params in (
                ("status", {}),
                ("account.list", {}),
                ("account.show", {"id": "office"}),
                ("settings.list", {}),
                ("log.tail", {"lines": 1000}),
            ):
                traced.append(str(life.client.call(method, **params)))
            with pytest.raises(ControlError) as caught:
                life.client.call("account.add", id="office", user="1", domain="x", password=CANARY)
            traced.append(str(caught.value))
            with pytest.raises(ControlError) as caught:
                life.client.call("account.add", id="y", user="1", domain="", password=CANARY, nonsense=CANARY[:3])
            traced.append(str(caught.value))
            while (event := life.client.next_event(0.0)) is not None:
                traced.append(str(event))
            responses = [
                value.partition('response="')[2][:32]
                for request in world.registrar.requests
                if (value := request.headers.get("Authorization"))
            ]
            assert len(responses) >= 2
            everything = "".join(traced)
            for response in responses:
                assert response not in everything

    assert life.run(person, daemon__log_level=level, daemon__stop_timeout_s="0") == 0
    everything = "".join(traced) + capsys.readouterr().err
    assert CANARY not in everything
    assert "REGISTER" in everything
    assert 'response="***"' in everything
