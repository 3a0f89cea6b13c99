from collections.abc import Iterator
from pathlib import Path

import pytest

from device.daemon.exchange_commands import Desk, run_command
from device.daemon.options import UsageError
from device.store.database import open_database
from device.store.settings import Settings


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_database(str(tmp_path / "x.db")) as database:
        yield Desk(database, "pbx.lan", 1.0)


def typed(desk: Desk, line: str) -> str:
    return run_command(desk, tuple(line.split()))


def test_all_are_shown_with_their_values(desk: Desk) -> None:
    Settings(desk.database).set_many({"exchange.secret": "not to be told"})
    said = typed(desk, "setting")
    assert "follow_redirects      on          whether the exchange itself calls" in said
    assert "serial_ring_s         20          seconds that the phones of a user ring" in said
    assert "domain" not in said
    assert "not to be told" not in said


def test_some_are_changed_all_or_none(desk: Desk) -> None:
    said = typed(desk, "setting follow_redirects=off serial_ring_s=15")
    assert said.splitlines()[0] == "serial_ring_s         15"
    assert said.splitlines()[-1].startswith("in force from the next start")
    stored = {"exchange.follow_redirects": "off", "exchange.serial_ring_s": "15"}
    assert Settings(desk.database).get_all() == stored
    for line in ("setting serial_ring_s=1", "setting serial_ring_s=x follow_redirects=on", "setting domain=other"):
        with pytest.raises(UsageError, match="serial_ring_s"):
            typed(desk, line)
    assert Settings(desk.database).get_all() == stored
