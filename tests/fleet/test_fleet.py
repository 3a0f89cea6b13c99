"""Some hundred phones through the stories of the fleet, and what must hold for any number of them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from device import plain_logging as logging
from device.sip.settings import UserAgentSettings
from tests.fleet.fleet import Fleet, Terms
from tests.fleet.journal import ANSWERED
from tests.fleet.server import Capacity
from tests.fleet.stories import Outcome, away, day, power

PHONES = 300
DAY_PHONES = 100
T1_S = 0.5
T2_S = 4.0
ATTEMPT_S = 32.0
"""Timer F: so long a phone asks before it gives an attempt up."""
SETTINGS = UserAgentSettings()


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Hundreds of phones complain at once."""
    before, logging.root.level = logging.root.level, logging.ERROR
    yield
    logging.root.level = before


def terms(per_phone_s: float, **more: object) -> Terms:
    """A server that would need `per_phone_s` times the phones to serve one REGISTER of each; its queue is short."""
    per_s = PHONES / per_phone_s
    return replace(Terms(PHONES, capacity=Capacity(per_s, max(2, int(per_s * T1_S / 4)))), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def busy() -> Outcome:
    """Ten seconds of work for the server in each REGISTER of all, as ten thousand phones are for a board."""
    return power(terms(10.0))


@pytest.fixture(scope="module")
def forsaken() -> Outcome:
    return away(terms(10.0, hours=0.5))


def everybody_is_back(outcome: Outcome) -> bool:
    return not outcome.journal.missing() and not outcome.unreachable


def test_nobody_starves_when_the_power_comes_back(busy: Outcome) -> None:
    assert everybody_is_back(busy)
    back = busy.journal.back_after(0.0)
    assert back is not None
    # Two REGISTERs of each have to be served, and the last phones hear of room at their next copy.
    assert 20.0 <= back <= 20.0 * 1.5


def test_an_overloaded_server_works_for_new_phones_alone(busy: Outcome) -> None:
    counts = busy.journal.fates
    assert counts["registered"].total() == PHONES
    assert counts["challenged"].total() <= PHONES * 1.1, "each phone is challenged once, whoever else is there"
    assert counts["dropped"].total() > PHONES, "it has been overloaded"


def test_the_peak_is_bounded(busy: Outcome) -> None:
    # While the phones begin, one after the other, each sends its first REGISTER and at most three copies in a second.
    assert busy.journal.peak() <= 4 * PHONES / SETTINGS.power_up_spread_s * 1.3
    later = busy.journal.peak(SETTINGS.power_up_spread_s + T2_S)
    assert later <= PHONES / T2_S * 1.5 + busy.terms.capacity.per_s, "copies come every four seconds"


def test_phones_that_need_not_wait_are_back_within_seconds() -> None:
    outcome = power(terms(0.5))
    assert everybody_is_back(outcome)
    assert outcome.journal.fates["dropped"].total() == 0
    back = outcome.journal.back_after(0.0)
    assert back is not None
    assert back <= SETTINGS.power_up_spread_s + 1.0


def test_a_run_is_the_same_for_the_same_seed_and_another_for_another(busy: Outcome) -> None:
    again = power(terms(10.0))
    assert again.figures() == busy.figures()
    assert again.journal.changes == busy.journal.changes
    other = power(terms(10.0, seed=2))
    assert other.journal.changes != busy.journal.changes
    assert everybody_is_back(other)


def test_after_a_long_outage_all_are_back_within_a_pause_and_an_attempt(forsaken: Outcome) -> None:
    journal = forsaken.journal
    assert everybody_is_back(forsaken)
    back = journal.back_after(forsaken.began)
    assert back is not None
    assert back <= SETTINGS.retry_cap_s + ATTEMPT_S
    half = journal.back_after(forsaken.began, 0.5)
    assert half is not None
    assert half <= back / 2


def test_phones_do_not_come_all_at_once_after_a_long_outage(forsaken: Outcome) -> None:
    hopeless = forsaken.journal.fates["unheard"]
    last_minutes = [count for at, count in hopeless.items() if forsaken.began - 300 <= at < forsaken.began - 1]
    mean = sum(last_minutes) / len(last_minutes)
    assert max(last_minutes) < 2.5 * mean, "their attempts are spread evenly"
    # Eleven copies an attempt of 32 s, and half to all of the longest pause before the next.
    assert mean <= PHONES * 11 / (ATTEMPT_S + SETTINGS.retry_cap_s / 2) * 1.1
    assert forsaken.journal.peak(forsaken.began) <= 3 * mean


def test_phones_that_an_outage_brought_together_do_not_stay_so(forsaken: Outcome) -> None:
    """They all noticed within half a minute, and would else come in waves for as long as it lasts."""
    hopeless = forsaken.journal.fates["unheard"]
    tens: Counter[int] = Counter()
    for at, count in hopeless.items():
        if forsaken.began - 600 <= at < forsaken.began:
            tens[int(forsaken.began - at - 1) // 10] += count
    mean = sum(tens.values()) / len(tens)
    assert len(tens) == 60
    assert min(tens.values()) > 0.7 * mean
    assert max(tens.values()) < 1.35 * mean


def test_a_server_whose_end_the_network_tells_of_is_found_again_as_well() -> None:
    outcome = away(terms(10.0, hours=0.25), refuses=True)
    assert everybody_is_back(outcome)
    back = outcome.journal.back_after(outcome.began)
    assert back is not None
    assert back <= SETTINGS.retry_cap_s + ATTEMPT_S


def test_a_short_restart_of_the_server_costs_nobody_the_registration() -> None:
    fleet = Fleet(terms(2.0, expires_s=120))
    fleet.settle()
    gone_at = fleet.agenda.now
    fleet.server.close()
    fleet.live(gone_at + 20.0)
    fleet.server.restart()
    fleet.live(gone_at + 120.0)
    assert fleet.journal.changes == [], "every phone stays registered throughout"
    assert fleet.unreachable() == []
    assert fleet.journal.failures.total() == 0


def test_a_server_that_says_503_is_believed() -> None:
    plain = terms(10.0)
    polite = replace(plain, capacity=replace(plain.capacity, retry_after_s=10))
    outcome = power(polite)
    assert everybody_is_back(outcome)
    refused, dropped = (outcome.journal.fates[name].total() for name in ("refused", "dropped"))
    assert refused > dropped, "who is told stays silent"
    assert outcome.journal.statuses[503] == refused


def test_a_lossy_network_delays_and_starves_nobody() -> None:
    outcome = power(terms(2.0, loss=0.1))
    assert everybody_is_back(outcome)
    back = outcome.journal.back_after(0.0)
    assert back is not None
    assert back <= SETTINGS.power_up_spread_s + ATTEMPT_S


def test_an_ordinary_day_is_quiet() -> None:
    outcome = day(replace(terms(10.0, hours=3.2, keepalive="off"), phones=DAY_PHONES))
    journal = outcome.journal
    assert everybody_is_back(outcome)
    assert journal.failures.total() == 0, "the restart at three is shorter than an attempt"
    # Each phone comes once between 7/8 and all of its lifetime less 75 s, and is challenged.
    refreshes = journal.fates[ANSWERED[0]].total() / DAY_PHONES / (3.2 * 3600)
    assert 1 / 525 <= refreshes <= 1 / (525 * 0.9) * 1.05
    busiest = max(count for at, count in journal.load().items()) / journal.step_s
    assert busiest <= 4 * 2 * DAY_PHONES * refreshes
