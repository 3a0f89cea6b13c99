"""A store of its own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.store.database import Database, open_database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "offhook.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with open_database(str(path)) as opened:
        yield opened
