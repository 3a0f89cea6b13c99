"""`offhook exchange export` on a store, without a running exchange; with one see tests/interop/test_way_out.py."""

import json
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from device.daemon.exchange_commands import Desk, run_command
from device.daemon.exchange_main import main
from device.daemon.options import UsageError
from device.sip.digest import ha1
from device.store.database import open_database
from device.store.subscribers import Subscribers

Command = Callable[..., tuple[int, str]]
DOMAIN = "pbx.lan"


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    store = tmp_path / "exchange.db"
    with open_database(str(store)) as database:
        for domain in (DOMAIN, "former.lan"):
            Subscribers(database).put("1001", domain, {"MD5": ha1("MD5", "1001", domain, "secret")})

    def run(*words: str) -> tuple[int, str]:
        where = ("--store", str(store), "--socket", str(tmp_path / "nobody.sock"), "--domain", DOMAIN)
        status = main(["export", *words, *where])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def test_the_files_are_written_for_their_owner_alone(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "way-out"
    status, said = command("--to", "kamailio", "--database", "sqlite", "--output", str(out))
    assert (status, "1 users and 0 other names of pbx.lan move to Kamailio" in said) == (0, True)
    assert {path.name for path in out.iterdir()} == {"schema.sql", "data.sql", "kamailio.cfg", "README.txt"}
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}
    connection = sqlite3.connect(":memory:")
    connection.executescript((out / "schema.sql").read_text() + (out / "data.sql").read_text())
    assert connection.execute("SELECT username, domain, ha1 FROM subscriber").fetchall() == [
        ("1001", DOMAIN, ha1("MD5", "1001", DOMAIN, "secret"))
    ]


def test_each_move_has_a_secret_of_its_own(command: Command, tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        command("--to", "kamailio", "--output", str(tmp_path / name))
        texts.append((tmp_path / name / "kamailio.cfg").read_text())
    assert texts[0] != texts[1]


def test_the_url_of_the_database_goes_into_the_configuration(command: Command, tmp_path: Path) -> None:
    url = "postgres://sip:pw@db.lan/sip"
    command("--to", "opensips", "--database-url", url, "--output", str(tmp_path / "a"))
    assert f'modparam("usrloc", "db_url", "{url}")' in (tmp_path / "a" / "opensips.cfg").read_text()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--output", "a"], "say where to: --to kamailio or opensips or asterisk"),
        (["--to", "freeswitch", "--output", "a"], "say where to"),
        (["--to", "kamailio"], "--output way-out"),
        (["--to", "kamailio", "--database", "oracle", "--output", "a"], "choose one of postgresql, mysql, sqlite"),
        (["everything", "--to", "kamailio", "--output", "a"], "'everything' is too much"),
    ],
)
def test_what_is_missing_is_said(command: Command, words: list[str], named: str) -> None:
    status, said = command(*words)
    assert (status, named in said) == (2, True), said


def test_a_folder_with_files_in_it_is_left_alone(command: Command, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "data.sql").write_text("precious")
    status, said = command("--to", "kamailio", "--output", str(tmp_path / "full"))
    assert (status, "name a new folder" in said) == (2, True)
    assert (tmp_path / "full" / "data.sql").read_text() == "precious"


@pytest.mark.skipif(sys.platform != "linux", reason="the name of a file cannot be a folder anywhere, but errors differ")
def test_a_folder_that_cannot_be_made_is_said(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, said = command("--to", "kamailio", "--output", os.path.join(str(tmp_path / "file"), "x"))
    assert (status, "cannot be written (Not a directory)" in said) == (1, True)


def test_the_exchange_itself_checks_what_it_is_asked(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "x.db")) as database:
        desk = Desk(database, DOMAIN, 0.0)
        with pytest.raises(UsageError, match="give one of kamailio, opensips, asterisk"):
            run_command(desk, ("export", "freeswitch", "sqlite", "url"))
        assert set(json.loads(run_command(desk, ("export", "asterisk", "sqlite", "url")))["files"]) >= {"pjsip.conf"}
