"""Processes in the background, and the demonstration with all of its own."""

import os
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from device import demo
from device.demo import system as module
from device.demo.system import (
    HOST,
    DemoError,
    DemoPhone,
    DemoSystem,
    Process,
    free_port,
    is_registered,
    wait_for_socket,
)
from tests.support.processes import wait_until


def test_a_free_port_is_free_for_both_transports_and_so_is_the_next() -> None:
    port = free_port()
    assert port % 2 == 0
    for number in (port, port + 1):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind((HOST, number))
            tcp.bind((HOST, number))


def test_a_machine_without_free_ports_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Taken:
        def __init__(self, *_: object) -> None:
            pass

        def __enter__(self) -> "Taken":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def bind(self, _address: object) -> None:
            raise OSError("taken")

    monkeypatch.setattr(module.socket, "socket", Taken)
    with pytest.raises(DemoError, match="no free port"):
        free_port()


def test_a_program_that_ends_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    process = Process("phone", ["no-such-verb"], tmp_path)
    process._process.wait(10)
    with pytest.raises(DemoError, match=r"phone ended by itself; the end of .*phone\.log"):
        process.check()
    with pytest.raises(DemoError, match="ended by itself"):
        wait_for_socket(tmp_path / "phone.sock", process)
    process.stop()


def test_a_program_that_does_not_answer_in_time_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_TIMEOUT_S", 0.05)
    silent = SimpleNamespace(name="phone", log_path="x.log", check=lambda: None)
    with pytest.raises(DemoError, match="phone does not answer"):
        wait_for_socket(tmp_path / "none.sock", silent)  # type: ignore[arg-type]


def test_a_program_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_TIMEOUT_S", 0.05)
    stubborn = (
        "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); [signal.pause() for _ in '12']"
    )
    popen = module.subprocess.Popen
    words = [sys.executable, "-c", stubborn]
    monkeypatch.setattr(module.subprocess, "Popen", lambda _words, **how: popen(words, **how))
    process = Process("stubborn", [], tmp_path)
    wait_until("it to be up", lambda: "up" in process.log_path.read_text())
    process.stop()
    assert process._process.returncode == -9


def _phone(*states: str) -> SimpleNamespace:
    events = [(0.0, SimpleNamespace(topic="registration", params={"state": state})) for state in states]
    return SimpleNamespace(events=events)


def test_the_last_news_of_a_registration_count() -> None:
    assert is_registered(_phone("registering", "registered"))  # type: ignore[arg-type]
    assert not is_registered(_phone("registered", "failed"))  # type: ignore[arg-type]
    assert not is_registered(_phone())  # type: ignore[arg-type]


def test_waiting_in_vain_tells_where_to_look(tmp_path: Path) -> None:
    system = DemoSystem(tmp_path, print)
    with pytest.raises(DemoError, match=f"waited 0 s in vain for a miracle.*{tmp_path}"):
        system.wait("a miracle", lambda: False, timeout_s=0.01)
    system.listen(0.01)
    system.stop()


def test_a_user_that_cannot_be_added_is_told(tmp_path: Path) -> None:
    system = DemoSystem(tmp_path, print)
    (tmp_path / "file").write_text("")
    with pytest.raises(DemoError, match="cannot add user 1001"):
        system._add_user("1001", "x", ["--store", str(tmp_path / "file" / "x.db")])


def test_a_phone_that_cannot_be_made_leaves_the_other_one_to_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    closed: list[str] = []

    class Fragile:
        def __init__(self, number: str, *_: object) -> None:
            if made:
                raise OSError("no more processes")
            made.append(number)

        def close(self) -> None:
            closed.append(made[0])

    class Quiet:
        def __init__(self, *_: object) -> None:
            pass

        def stop(self) -> None:
            closed.append("exchange")

    monkeypatch.setattr(module, "DemoPhone", Fragile)
    monkeypatch.setattr(module, "Process", Quiet)
    monkeypatch.setattr(DemoSystem, "_add_user", lambda *_: None)
    system = DemoSystem(tmp_path, print)
    with pytest.raises(OSError, match="no more processes"):
        system.start()
    system.stop()
    assert closed == ["1001", "exchange"]


# The whole, with real processes.


def test_both_phones_come_up_by_hand_and_go_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: reading))
    os.write(writing, b"as")
    lifted: list[str] = []
    take = DemoPhone.take_events

    def follow(phone: DemoPhone) -> object:
        """The person quits when it hears dial tone."""
        taken = take(phone)
        if phone.state == "dial-tone" and not lifted:
            lifted.append(phone.number)
            os.write(writing, b"q")
        return taken

    monkeypatch.setattr(DemoPhone, "take_events", follow)
    assert demo.main(["--interactive", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "two phones are registered" in said
    assert lifted == ["1001"]
    assert ">1001 up" in said
    assert not list((tmp_path / "out").glob("*.sock"))
    os.close(reading)
    os.close(writing)


def test_a_phone_that_dies_ends_the_demonstration_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connect = DemoPhone.connect

    def die(phone: DemoPhone) -> None:
        connect(phone)
        phone.process._process.kill()
        phone.process._process.wait(10)

    monkeypatch.setattr(DemoPhone, "connect", die)
    assert demo.main(["--out", str(tmp_path)]) == 1
    assert "demo: " in capsys.readouterr().err
