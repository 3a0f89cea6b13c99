from pathlib import Path

import pytest

from device.daemon.exchange_commands import Desk, run_command
from device.daemon.options import UsageError
from device.exchange_model import StoredText
from device.store.database import open_database
from device.store.texts import Texts


def test_counted_and_dropped_but_never_read(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "x.db")) as database:
        desk = Desk(database, "pbx.lan", 1.0)
        assert run_command(desk, ("text", "list")) == "no text waits for anybody\n"
        Texts(database, "pbx.lan").add(StoredText("1002", "<sip:1001@pbx.lan>", "text/plain", b"psst", 1.0, 100.0))
        assert run_command(desk, ("text", "list")) == "1002  1\n"
        assert run_command(desk, ("text", "drop", "1002")) == "1 text(s) for 1002 are gone\n"
        with pytest.raises(UsageError, match="no text waits for 1002"):
            run_command(desk, ("text", "drop", "1002"))
