"""What the tests of sockets share."""

from collections.abc import Iterator

import pytest

from tests.support.turning import HandLoop, Recorder, hand_loop


@pytest.fixture
def loop() -> Iterator[HandLoop]:
    with hand_loop() as loop:
        yield loop


@pytest.fixture
def heard() -> Recorder:
    return Recorder()
