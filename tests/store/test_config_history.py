from pathlib import Path

import pytest

from device.store.config_history import COMMITS_KEPT, Commit, ConfigHistory
from device.store.database import open_database
from device.store.errors import UnknownEntryError
from device.store.settings import Settings


def test_the_last_commits_are_kept_newest_first(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "s.db")) as database:
        history = ConfigHistory(database)
        assert (history.commits(), history.newest(), history.pending()) == ([], 0, None)
        with database.transaction():
            for number in range(1, COMMITS_KEPT + 3):
                assert history.add(Commit(0, float(number), "eve", f"c{number}"), f"content {number}") == number
        assert len(history.commits()) == COMMITS_KEPT
        assert history.commits()[0] == Commit(22, 22.0, "eve", "c22")
        assert history.content(3) == "content 3"
        with pytest.raises(UnknownEntryError, match="commit 2 is not kept"):
            history.content(2)


def test_what_waits_to_be_confirmed_leaves_no_trace(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "s.db")) as database:
        history = ConfigHistory(database)
        with database.transaction():
            history.set_pending(7, "the-secret-of-before")
        assert history.pending() == (7, "the-secret-of-before")
        assert Settings(database).is_unconfirmed()
        with database.transaction():
            history.clear_pending()
        assert not Settings(database).is_unconfirmed()
        assert b"the-secret-of-before" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
