"""Kills a writer at random moments, as a power cut does, and looks at what is left.

SIGKILL loses nothing that the kernel already has, so this shows that a commit is whole and ordered; that it is synced
to the card is what `PRAGMA synchronous=FULL` in test_database.py is for.
"""

import os
import random
import select
import signal
import subprocess
import sys
from pathlib import Path

from device.model import CallRecord
from device.store.accounts import Accounts
from device.store.call_log import CallLog
from device.store.database import open_database
from device.store.settings import Settings

ROUNDS = int(os.environ.get("OFFHOOK_KILLS", "12"))
"""`make kills` takes a thousand; a few are enough to see that nothing has become worse."""

WRITER = """
import sys
from device.model import Account, AccountId, CallRecord, Credential
from device.store.accounts import Accounts
from device.store.call_log import CallLog
from device.store.database import open_database
from device.store.settings import Settings

database = open_database(sys.argv[1], backup_interval_s=0.0)
accounts, log, settings = Accounts(database), CallLog(database, rows_kept=20), Settings(database)
number = int(settings.get("number") or 0)
while True:
    number += 1
    settings.set_many({"number": str(number), "twin": str(number), "ballast": "x" * (number * 37 % 3000)})
    log.add(CallRecord("in", str(number), "", "", 0.0, 0.0, 0.0, "answered"))
    if number % 5 == 0:
        accounts.add(Account(AccountId(str(number)), "u", "d"), Credential("u", password="clear"))
        accounts.seal(AccountId(str(number)), "realm", {"MD5": "0" * 32})
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def acknowledged(writer: "subprocess.Popen[bytes]", lifetime_s: float) -> int:
    """Let the writer live for so long after its first commit, kill it, and return the last number it told."""
    assert writer.stdout is not None
    told = writer.stdout.readline()
    select.select([], [], [], lifetime_s)
    os.kill(writer.pid, signal.SIGKILL)
    told += writer.stdout.read()
    writer.stdout.close()
    writer.wait()
    return int(told[: told.rindex(b"\n")].split()[-1])


def test_what_was_acknowledged_is_there_and_whole_after_each_cut(path: Path) -> None:
    chance = random.Random(20)
    last = 0
    promised: set[str] = set()
    for _ in range(ROUNDS):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE
        )
        number = acknowledged(writer, chance.uniform(0.0, 0.15))
        assert number > last
        promised |= {str(added) for added in range(last + 1, number + 1) if added % 5 == 0}
        with open_database(str(path)) as database:
            settings = Settings(database).get_all()
            assert database.notice == ""
            assert database.query("PRAGMA integrity_check") == [("ok",)]
            last = int(settings["number"])
            # The transaction in flight may or may not have made it; what was told has.
            assert last in (number, number + 1)
            assert settings["twin"] == settings["number"]
            newest: CallRecord = CallLog(database).recent(1)[0]
            assert number <= int(newest.remote) <= last
            kept = {str(account.id) for account in Accounts(database).list()}
            assert kept >= promised
            assert all(account_id in kept for account_id in Accounts(database).pending())


def test_a_log_cut_off_at_any_byte_leaves_a_whole_store(path: Path, tmp_path: Path) -> None:
    with open_database(str(path)) as database:
        for number in range(8):
            with database.transaction(precious=False):
                database.execute("INSERT OR REPLACE INTO setting VALUES ('number', ?)", (str(number),))
                database.execute("INSERT OR REPLACE INTO setting VALUES ('twin', ?)", (str(number),))
        image, wal = path.read_bytes(), path.with_name("offhook.db-wal").read_bytes()
    chance = random.Random(7)
    seen = set()
    for cut in [0, 31, 32, len(wal) - 1, len(wal), *(chance.randrange(len(wal)) for _ in range(30))]:
        place = tmp_path / f"cut-{cut}"
        place.mkdir(exist_ok=True)
        (place / "offhook.db").write_bytes(image)
        (place / "offhook.db-wal").write_bytes(wal[:cut])
        with open_database(str(place / "offhook.db")) as database:
            assert database.notice == ""
            assert database.was_cut_off == (cut > 0)
            settings = Settings(database).get_all()
        assert settings.get("number") == settings.get("twin")
        seen.add(settings.get("number"))
    assert {None, "7"} < seen


def test_a_store_that_was_closed_was_not_cut_off(path: Path) -> None:
    for _ in range(2):
        with open_database(str(path)) as database:
            assert not database.was_cut_off
