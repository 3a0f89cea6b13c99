"""`offhook upgrade` as it is typed: what it answers, asks, refuses, and what it leaves behind."""

import fcntl
import json
import os
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from device.annotations import Any
from device.model import Account, AccountId, Credential
from device.records import replace
from device.store.accounts import Accounts
from device.store.database import newest_schema, open_database
from device.upgrade import spool
from device.upgrade.image_system import ImageSystem
from device.upgrade.main import main
from device.upgrade.records_file import PendingUpgrade, StoreCopy, UpgradeRecords, WayBack
from device.upgrade.slot_state import SlotState, SlotStateFile
from device.upgrade.spool import read_answer, write_request
from tests.support.answering_daemon import AnsweringDaemon
from tests.upgrade.board import make_key, make_system, make_upgrade, trust


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageSystem:
    monkeypatch.setenv("OFFHOOK_SOCKET", str(tmp_path / "none"))
    # The restart is a program that leaves a trace.
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/systemctl.log\n')
    (tools / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    return make_system(tmp_path / "board")


@pytest.fixture
def upgrade(system: ImageSystem, tmp_path: Path) -> Path:
    key = make_key(tmp_path)
    trust(system, key)
    path = tmp_path / "new.upgrade"
    path.write_bytes(make_upgrade(key))
    return path


def restarts(tmp_path: Path) -> list[str]:
    log = tmp_path / "systemctl.log"
    return log.read_text().splitlines() if log.exists() else []


def test_an_upgrade_is_written_and_started(
    system: ImageSystem, upgrade: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(upgrade), "--yes"], system.root) == 0
    said = capsys.readouterr().err
    assert "version 2.0 for virt, signed by maker.key.pub; running is 1.0" in said
    assert "100 %" in said
    assert "written and verified" in said
    assert restarts(tmp_path) == ["reboot"]
    assert SlotStateFile(system.state_path).read().kind("b") == "trial"


def test_it_can_be_written_for_the_next_restart(system: ImageSystem, upgrade: Path, tmp_path: Path) -> None:
    assert main([str(upgrade), "--yes", "--no-restart"], system.root) == 0
    assert restarts(tmp_path) == []


def test_nobody_to_ask_means_no(system: ImageSystem, upgrade: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(upgrade)], system.root) == 1
    assert "say --yes" in capsys.readouterr().err
    assert SlotStateFile(system.state_path).read() == SlotState()


def test_a_call_that_is_up_comes_first(
    system: ImageSystem,
    upgrade: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    socket = tmp_path / "control.sock"
    monkeypatch.setenv("OFFHOOK_SOCKET", str(socket))
    with closing(AnsweringDaemon(socket)):
        assert main([str(upgrade), "--yes"], system.root) == 1
        assert "a call is up" in capsys.readouterr().err
        assert main([str(upgrade), "--yes", "--force"], system.root) == 0
    pending = UpgradeRecords(system).pending()
    assert pending is not None
    assert pending.registered == ["office"]


def test_an_address_is_streamed(system: ImageSystem, upgrade: Path, tmp_path: Path) -> None:
    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/new.upgrade"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(upgrade.read_bytes() if found else b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the library's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        assert main([f"{address}/missing", "--yes"], system.root) == 1
        assert main([f"{address}/new.upgrade", "--yes"], system.root) == 0
        server.shutdown()
    assert restarts(tmp_path) == ["reboot"]


def test_an_address_that_breaks_off_is_told(
    system: ImageSystem, upgrade: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Server(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"100000\r\n" + upgrade.read_bytes()[:300_000])
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the library's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        assert main([f"http://127.0.0.1:{server.server_address[1]}/new.upgrade", "--yes"], system.root) == 1
        server.shutdown()
    assert "ends too soon" in capsys.readouterr().err
    assert SlotStateFile(system.state_path).read().kind("b") == "empty"


def test_two_at_once_are_refused(system: ImageSystem, upgrade: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path(system.path("data/upgrade")).mkdir()
    with open(system.path("data/upgrade/lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main([str(upgrade), "--yes"], system.root) == 1
    assert "another upgrade is being written" in capsys.readouterr().err


def test_status_for_a_person_and_for_programs(system: ImageSystem, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"], system.root) == 0
    assert capsys.readouterr().out.startswith("running   version 1.0 for virt, slot a (proven)\n")
    assert main(["status", "--json"], system.root) == 0
    assert json.loads(capsys.readouterr().out)["slot"] == "a"


@pytest.fixture
def upgraded(system: ImageSystem) -> ImageSystem:
    """Slot a runs 1.0, slot b holds a version that has proven itself and reads a store as new as this one's."""
    SlotStateFile(system.state_path).write(SlotState("a", "good", "good"))
    UpgradeRecords(system).note_kept_store(StoreCopy("b", "2.0", newest_schema(), 1_800_014_400))
    return system


def test_back_to_the_version_before(upgraded: ImageSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["back", "--yes"], upgraded.root) == 0
    assert "stay as they are" in capsys.readouterr().err
    assert SlotStateFile(upgraded.state_path).read().slot == "b"
    assert UpgradeRecords(upgraded).way_back() == WayBack("b", "1.0", newest_schema())
    assert restarts(tmp_path) == ["reboot"]


def test_the_board_is_restarted_and_nothing_else(
    system: ImageSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = SlotStateFile(system.state_path).read()
    socket = tmp_path / "control.sock"
    monkeypatch.setenv("OFFHOOK_SOCKET", str(socket))
    with closing(AnsweringDaemon(socket)):
        assert main(["restart", "--yes"], system.root) == 1
        assert "a call is up" in capsys.readouterr().err
        assert restarts(tmp_path) == []
        assert main(["restart", "--yes", "--force"], system.root) == 0
    assert restarts(tmp_path) == ["reboot"]
    assert SlotStateFile(system.state_path).read() == state


def test_back_to_a_version_that_has_not_proven_itself_is_refused(
    system: ImageSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["back", "--yes"], system.root) == 1
    assert "holds no version that has proven itself" in capsys.readouterr().err


def test_back_says_before_that_an_older_store_comes_back(
    upgraded: ImageSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    UpgradeRecords(upgraded).note_kept_store(StoreCopy("b", "0.9", 1, 1_800_014_400))
    assert main(["back"], upgraded.root) == 1
    said = capsys.readouterr().err
    assert "version 0.9 cannot read the store of today: the one as it was on 2027-01-15" in said
    assert SlotStateFile(upgraded.state_path).read().slot == "a"


def test_back_without_a_copy_of_the_store_has_to_be_forced(
    upgraded: ImageSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    UpgradeRecords(upgraded).note_kept_store(StoreCopy("a", "0.9", 1))
    assert main(["back", "--yes"], upgraded.root) == 1
    assert "--force goes back all the same" in capsys.readouterr().err
    assert main(["back", "--yes", "--force"], upgraded.root) == 0


def test_back_out_of_a_trial_gives_the_new_version_up(system: ImageSystem, tmp_path: Path) -> None:
    SlotStateFile(system.state_path).write(SlotState("a", "trial", "good", 2))
    records = UpgradeRecords(system)
    records.begin(PendingUpgrade("a", "0.9", "1.0"))
    records.note_kept_store(StoreCopy("b", "0.9", newest_schema()))
    assert main(["back", "--yes"], system.root) == 0
    state = SlotStateFile(system.state_path).read()
    assert (state.slot, state.a, state.b, state.tries) == ("b", "bad", "good", 0)
    pending = records.pending()
    assert pending is not None
    assert pending.verdict == "`offhook upgrade back` was typed"
    assert records.way_back() is None


def test_a_restart_that_systemd_refuses_is_forced(
    upgraded: ImageSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = tmp_path / "tools/systemctl"
    tool.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/systemctl.log\n[ "$*" = "reboot --force --force" ]\n')
    assert main(["back", "--yes"], upgraded.root) == 0
    assert restarts(tmp_path) == ["reboot", "reboot --force", "reboot --force --force"]
    tool.write_text("#!/bin/sh\nexit 1\n")
    assert main(["back", "--yes", "--force"], upgraded.root) == 1
    assert "take its power away" in capsys.readouterr().err


def test_a_phone_that_does_not_answer_must_register_what_was_at_a_server_before(
    system: ImageSystem, upgrade: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_database(system.path("var/lib/offhook/offhook.db")) as database:
        accounts = Accounts(database)
        plain = Account(AccountId("office"), "1001", "example.com")
        off, trunk = (
            replace(plain, id=AccountId("off"), enabled=False),
            replace(plain, id=AccountId("trunk"), register=False),
        )
        for account in (plain, off, trunk, replace(plain, id=AccountId("new"))):
            accounts.add(account, Credential("1001", password="secret"))
            if account.id != "new":
                accounts.seal(account.id, "example.com", {"MD5": "0" * 32})
    assert main([str(upgrade), "--yes"], system.root) == 0
    assert "the new version must register: office" in capsys.readouterr().err
    pending = UpgradeRecords(system).pending()
    assert pending is not None
    assert pending.registered == ["office"]


def ask(system: ImageSystem, *words: str) -> dict[str, Any]:
    """What is answered to a request of the phone."""
    for name in ("run/offhook", "run/offhook-upgrade"):
        Path(system.path(name)).mkdir(exist_ok=True)
    write_request(system.root, "7", words)
    main(["request"], system.root)
    answer = read_answer(system.root, "7")
    assert answer is not None
    assert not answer["running"]
    return answer


def test_a_disk_that_fails_is_told_without_a_traceback(
    system: ImageSystem, upgrade: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: str) -> None:
        raise OSError(5, "Input/output error", "/data")

    monkeypatch.setattr(os, "statvfs", fail)
    assert main([str(upgrade), "--yes"], system.root) == 1
    assert capsys.readouterr().err.endswith("offhook upgrade: /data: Input/output error\n")


def test_the_phone_asks_for_the_state_of_the_slots(system: ImageSystem) -> None:
    answer = ask(system, "status")
    assert answer["status"] == 0
    assert answer["lines"][0] == "running   version 1.0 for virt, slot a (proven)"


def test_the_phone_asks_for_an_upgrade(
    system: ImageSystem, upgrade: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "PLACES", (f"{tmp_path}/",))
    answer = ask(system, str(upgrade))
    assert (answer["status"], answer["percent"]) == (0, 100)
    assert "version 2.0 is written and verified" in answer["lines"]
    assert restarts(tmp_path) == ["reboot"]
    assert SlotStateFile(system.state_path).read().kind("b") == "trial"


def test_the_phone_is_told_what_is_wrong(system: ImageSystem) -> None:
    answer = ask(system, "/media/usb/none.upgrade")
    assert answer["status"] == 1
    assert "/media/usb/none.upgrade cannot be read" in answer["lines"][-1]


def test_no_request_is_nothing_to_do(system: ImageSystem, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["request"], system.root) == 0
    Path(system.path("run/offhook")).mkdir()
    Path(system.path("run/offhook/upgrade-request.json")).write_text("{")
    assert main(["request"], system.root) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_a_damaged_state_is_repaired(system: ImageSystem, capsys: pytest.CaptureFixture[str]) -> None:
    Path(system.state_path).write_bytes(bytes(8 << 20))
    assert main(["status"], system.root) == 1
    assert "offhook upgrade repair" in capsys.readouterr().err
    assert main(["repair"], system.root) == 0
    state = SlotStateFile(system.state_path).read()
    assert (state.slot, state.a, state.b) == ("a", "good", "empty")
    assert main(["repair"], system.root) == 0
    assert "in order" in capsys.readouterr().err


def test_a_trial_that_is_over_restarts_nothing(system: ImageSystem, tmp_path: Path) -> None:
    assert main(["prepare-store"], system.root) == 0
    assert main(["settle"], system.root) == 0
    assert restarts(tmp_path) == []


def test_on_another_system_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["some.upgrade"], str(tmp_path)) == 1
    assert "not started from an offhook image" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--what"], ["one", "two"], ["--yes"]])
def test_what_is_not_understood_names_the_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("offhook upgrade: ")


def test_a_file_that_is_not_there(system: ImageSystem, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["none.upgrade", "--yes"], system.root) == 1
    assert "none.upgrade cannot be read: No such file" in capsys.readouterr().err


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "example: sudo offhook upgrade /media/usb" in capsys.readouterr().out
    assert main([]) == 2
