"""What all tests share."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from device import plain_logging

# Byte code as it is shipped has no docstrings, which some tests read: the tests keep a cache of their own. The daemons
# that they start do not, and run what a user would run.
sys.pycache_prefix = str(Path(__file__).parent.parent / ".venv" / "pycache")

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("offhook", deadline=None)
settings.load_profile("offhook")


@pytest.fixture(autouse=True)
def log_goes_to_the_library() -> Iterator[None]:
    """What is logged reaches `caplog` by way of the library's `logging`; whatever a test sets up is over with it."""
    from device import plain_logging  # noqa: PLC0415  # not before the cache of byte code is another one

    root = plain_logging.root
    before = root.level, root.handlers[:], root.passes
    root.level, root.handlers[:] = plain_logging.DEBUG, [_pass_on]
    yield
    root.level, root.handlers[:], root.passes = before


@pytest.fixture(autouse=True)
def time_zone_is_the_systems() -> Iterator[None]:
    """Whoever sets a zone of its own sets it for the whole process."""
    yield
    from device.local_time import use_zone  # noqa: PLC0415  # see above

    use_zone("")


@pytest.fixture(scope="session", autouse=True)
def nothing_tells_the_canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever the run has left behind, logs, traces, bundles, captures, holds no password of the accounts."""
    yield
    from tests.support.canary import search  # noqa: PLC0415  # see above

    found = search(tmp_path_factory.getbasetemp())
    assert found == [], f"these files tell the password of an account: {', '.join(map(str, found))}"


def _pass_on(record: "plain_logging.LogRecord") -> None:
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(logger.makeRecord(record.name, record.levelno, "", 0, record.message(), (), None))
