"""SIPp as fifty phones at once: the exchange loses no call, whatever else the machine does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.exchange import CALLEE, HOUSE_CALLS_PER_S, HOUSE_TALK_MS, USERS, Ours, Site
from tests.support.kamailio import DOMAIN

pytestmark = [pytest.mark.interop, pytest.mark.slow]

CALLS = 10 * HOUSE_CALLS_PER_S


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    server = Ours(tmp_path)
    server.start()
    yield Site(server, tmp_path)
    server.stop()


def test_fifty_users_and_twenty_calls_a_second(site: Site) -> None:
    """A busy machine may make SIPp repeat a message, which the bench counts; none may be lost for good."""
    with site.answering():
        load = site.load("load-call", HOUSE_CALLS_PER_S, CALLS, talk_ms=HOUSE_TALK_MS, target=f"sip:{CALLEE}@{DOMAIN}")
        counts = load.finish(CALLS / HOUSE_CALLS_PER_S + HOUSE_TALK_MS / 1000)
        assert (counts.successful, counts.failed) == (CALLS, 0)
        server = site.server
        assert isinstance(server, Ours)
        registered = server.client.call("exchange.registrations")["registrations"]  # type: ignore[index]
        assert {binding["aor"] for binding in registered} == {f"sip:{user}@{DOMAIN}" for user, _ in USERS}
