"""What the tests with foreign programs share."""

from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.support.daemons import PhoneDaemon
from tests.support.sipp import Sipp


@pytest.fixture
def play(tmp_path) -> Iterator[Callable[..., Sipp]]:
    """Starts SIPp with a scenario; what still runs at the end of the test is stopped."""
    started: list[Sipp] = []

    def start(scenario: str, remote: str = "", **more: object) -> Sipp:
        started.append(Sipp(scenario, tmp_path, remote, **more))
        return started[-1]

    yield start
    for sipp in started:
        sipp.stop()


@pytest.fixture
def start_phone(tmp_path) -> Iterator[Callable[..., PhoneDaemon]]:
    """Starts a phone with settings of its own, for this test alone."""
    started: list[PhoneDaemon] = []

    def start(settings: Mapping[str, str] | None = None, name: str = "phone", **more: object) -> PhoneDaemon:
        started.append(PhoneDaemon(name, tmp_path, settings, **more))
        started[-1].start()
        return started[-1]

    yield start
    for phone in started:
        phone.stop()
