"""What the tests of sound share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fakecard.card import FakeCard, build, why_not


@pytest.fixture(scope="session")
def fakecard_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if reason := why_not():
        pytest.skip(f"the fake sound card cannot be built: {reason}")
    return build(tmp_path_factory.mktemp("fakecard"))


@pytest.fixture
def card(fakecard_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCard]:
    """A fake card that ALSA knows by the names card8, card48, ..., plug48 and default."""
    fake = FakeCard(fakecard_library, tmp_path / "card")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(fake.configuration))
    return fake
