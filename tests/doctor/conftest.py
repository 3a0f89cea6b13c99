"""A healthy board for every test to spoil."""

from pathlib import Path

import pytest

from tests.support.doctored_board import DoctoredBoard


@pytest.fixture
def board(tmp_path: Path) -> DoctoredBoard:
    return DoctoredBoard(tmp_path / "root")
