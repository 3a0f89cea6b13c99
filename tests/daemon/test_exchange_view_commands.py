"""What went on and what goes on, as text, JSON and CSV."""

import csv
import io
import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from device.daemon.exchange_commands import HAVE_FORMS, Desk, run_command
from device.daemon.exchange_tables import Table, told
from device.daemon.options import UsageError
from device.exchange_model import AccountingRecord, CallDetail
from device.model import Binding
from device.records import replace
from device.store.accounting import Accounting, CallDetails
from device.store.bindings import Bindings
from device.store.database import Database, open_database
from tests.support.daemons import ExchangeDaemon, own_command, running
from tests.support.processes import PATIENCE_S, ROOT

NOW = 1_700_000_000.0
AOR = "sip:1001@pbx"
BINDING = Binding(AOR, "sip:1001@192.0.2.5", NOW + 90, "c", 1, received="udp:198.51.100.3:40000", user_agent="Phone, 1")
CALL = CallDetail("c1", "f", "t", AOR, "sip:1002@pbx", NOW - 70, "sip:1002@192.0.2.2", NOW - 60, 0.0, 200)
OVER = replace(CALL, call_id="c0", ended_at=NOW - 10, cause="ended normally", ended_by="caller")


class FakeLive:
    """An exchange with one phone, one call and one ban."""

    def __init__(self) -> None:
        self.banned = ["203.0.113.9"]

    def registrations(self) -> list[Binding]:
        return [BINDING, replace(BINDING, aor="sip:1002@pbx")]

    def calls(self) -> list[CallDetail]:
        return [CALL]

    def bans(self) -> list[tuple[str, float, str]]:
        return [(sender, 299.6, "wrong passwords") for sender in self.banned]

    def lift_ban(self, sender: str) -> bool:
        if sender not in self.banned:
            return False
        self.banned.remove(sender)
        return True


def plain(value: object) -> str:
    """A value of JSON as CSV has it."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


@pytest.fixture
def database(tmp_path: Path):
    with open_database(str(tmp_path / "x.db")) as database:
        yield database


def desk(database: Database, form: str = "text", live: FakeLive | None = None) -> Desk:
    return Desk(database, "pbx", NOW, live=live, form=form)


def rows(database: Database, *words: str, live: FakeLive | None = None) -> list[dict[str, object]]:
    ((_, found),) = json.loads(run_command(desk(database, "json", live), words)).items()
    return found


class TestRegistrations:
    def test_of_the_exchange_that_runs(self, database: Database) -> None:
        found = rows(database, "registrations", live=FakeLive())
        assert [row["user"] for row in found] == ["1001@pbx", "1002@pbx"]
        assert (found[0]["contact"], found[0]["expires_s"]) == ("sip:1001@192.0.2.5", 90)

    def test_of_one_user(self, database: Database) -> None:
        assert [row["user"] for row in rows(database, "registrations", "1002", live=FakeLive())] == ["1002@pbx"]

    def test_of_the_store_where_none_runs(self, database: Database) -> None:
        Bindings(database).replace(AOR, [BINDING], NOW)
        assert [row["contact"] for row in rows(database, "registrations")] == ["sip:1001@192.0.2.5"]

    def test_for_people(self, database: Database) -> None:
        head, first, _ = run_command(desk(database, live=FakeLive()), ("registrations",)).splitlines()
        assert re.split(r"  +", head) == ["user", "contact", "expires s", "q", "received", "phone"]
        assert first.startswith("1001@pbx  sip:1001@192.0.2.5  90")
        assert run_command(desk(database), ("registrations",)) == "nobody is registered\n"


class TestCalls:
    def test_now(self, database: Database) -> None:
        (call,) = rows(database, "calls", live=FakeLive())
        assert (call["caller"], call["called"], call["state"], call["for_s"]) == (AOR, "sip:1002@pbx", "talking", 60)

    def test_that_are_over_as_json(self, database: Database) -> None:
        CallDetails(database).put(OVER)
        CallDetails(database).put(CALL)
        (record,) = rows(database, "records")
        assert (record["set_up"], record["answer"], record["end"]) == (NOW - 70, NOW - 60, NOW - 10)
        assert (record["duration_s"], record["cause"], record["status"]) == (50.0, "ended normally", 200)
        assert record["ended_by"] == "caller"

    def test_that_are_over_as_csv(self, database: Database) -> None:
        CallDetails(database).put(replace(OVER, answered_at=0.0, cause='busy, "really"', called="=1+1"))
        text = run_command(desk(database, "csv"), ("records",))
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["cause"], row["answer"], row["duration_s"]) == ('busy, "really"', "", "0.0")
        assert row["called"] == "'=1+1"

    def test_so_many(self, database: Database) -> None:
        for number in range(60):
            CallDetails(database).put(replace(OVER, call_id=f"c{number}"))
        assert len(rows(database, "records")) == 50
        assert [row["call_id"] for row in rows(database, "records", "2")] == ["c59", "c58"]
        with pytest.raises(UsageError, match="say how many"):
            rows(database, "records", "many")


class TestAccounting:
    def test_of_either_kind(self, database: Database) -> None:
        for method in ("REGISTER", "INVITE", "BYE"):
            Accounting(database).add(
                AccountingRecord(method, "f", "t", "c", "200", "OK", int(NOW), 2500, 1, "1001", "1002", "192.0.2.1")
            )
        assert [row["method"] for row in rows(database, "accounting")] == ["BYE", "INVITE", "REGISTER"]
        assert [row["method"] for row in rows(database, "accounting", "registrations")] == ["REGISTER"]
        assert [row["method"] for row in rows(database, "accounting", "calls", "1")] == ["BYE"]
        assert "192.0.2.1" in run_command(desk(database), ("accounting",))


class TestBans:
    def test_they_are_shown_and_lifted(self, database: Database) -> None:
        live = FakeLive()
        assert rows(database, "ban", "list", live=live) == [
            {"sender": "203.0.113.9", "for_s": 300, "reason": "wrong passwords"}
        ]
        assert "is heard again" in run_command(desk(database, live=live), ("ban", "lift", "203.0.113.9"))
        assert run_command(desk(database, live=live), ("ban", "list")) == "nobody is banned\n"
        with pytest.raises(UsageError, match="is not banned"):
            run_command(desk(database, live=live), ("ban", "lift", "203.0.113.9"))

    def test_where_none_runs_there_are_none(self, database: Database) -> None:
        with pytest.raises(UsageError, match="no exchange runs here"):
            run_command(desk(database), ("ban", "list"))


class TestForms:
    def test_a_command_without_other_forms_says_which_have_them(self, database: Database) -> None:
        with pytest.raises(UsageError, match="has no answer in JSON; these have: registrations, calls"):
            run_command(desk(database, "json"), ("overview",))

    @pytest.mark.parametrize("command", HAVE_FORMS)
    def test_each_list_is_json_for_programs(self, command: str, database: Database) -> None:
        for words in (
            ("user", "add", "1001"),
            ("user", "add", "1002"),
            ("alias", "add", "9", "1001"),
            ("group", "set", "600", "all", "1001", "1002"),
            ("forward", "set", "1001", "busy", "1002"),
            ("domain", "set", "example.com", "192.0.2.20"),
            ("trunk", "add", "other", "192.0.2.20"),
            ("route", "add", "0", "other"),
            ("number", "add", "015", "mobile"),
            ("page", "add", "7001", "members=1001"),
        ):
            run_command(replace(desk(database), secret="secret" if words[0] == "user" else ""), words)
        Bindings(database).replace(AOR, [BINDING], NOW)
        CallDetails(database).put(OVER)
        CallDetails(database).put(CALL)
        Accounting(database).add(AccountingRecord("BYE", "f", "t", "c", "200", "OK", int(NOW)))
        words = tuple(command.split())
        found = rows(database, *words, live=FakeLive())
        assert found or command in ("text list", "voicemail list", "service calls")
        text = run_command(desk(database, "csv", FakeLive()), words)
        assert list(csv.DictReader(io.StringIO(text))) == [
            {name: plain(value) for name, value in row.items()} for row in found
        ] or command in ("records", "accounting")

    def test_what_others_sent_does_not_move_the_cursor(self) -> None:
        assert told(Table("x", [{"phone": "a\x1b[2Jb"}], ""), "text") == "phone\na?[2Jb\n"

    def test_nothing_as_csv_is_nothing(self) -> None:
        assert told(Table("x", [], "none"), "csv") == ""


def test_the_live_view_goes_on_until_it_is_told_to_end(tmp_path: Path) -> None:
    exchange = ExchangeDaemon(tmp_path, {"1001": "secret"})
    with running(exchange):
        command = own_command("exchange", "watch", "--socket", str(exchange.socket_path))
        watch = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert watch.stdout is not None
        seen: list[str] = []
        while seen.count("there is no call now\n") < 2:
            seen.append(watch.stdout.readline())
            assert seen[-1], "it ended by itself"
        watch.send_signal(signal.SIGINT)
        assert watch.wait(PATIENCE_S) == 0
        watch.stdout.close()
    assert "nobody is registered\n" in seen
    assert any("(Ctrl-C ends)" in line for line in seen)
