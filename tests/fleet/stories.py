"""The three stories that a fleet lives through, and what is told of each afterwards."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.fleet.fleet import Fleet, Terms, Watch
from tests.fleet.journal import ANSWERED, FATES, Journal

HOUR_S = 3600.0
AWAY_HOURS = 1.0
DAY_HOURS = 24.0
PATIENCE_S = 1800.0
"""A story ends so long after the server is there, whoever is missing."""
QUIET_S = 60.0
"""What is shown before something happens."""
RESTART_S = 20.0
SWITCH = 0.05
"""The part of the phones that hang on one switch."""
RESTARTED_A_DAY = 0.02
"""The part of the phones that somebody unplugs, or that update themselves, in a day."""
DAY_STEP_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """One story as it was lived."""

    story: str
    terms: Terms
    journal: Journal
    began: float
    """When what the story is about happened: from then on phones come back."""
    ended: float
    unreachable: int
    """Phones that could not be called at the end."""

    def figures(self) -> dict[str, float | int | None]:
        """What the run is remembered for; times in seconds after `began`, rates in REGISTERs a second."""
        journal = self.journal
        return {
            "phones": self.terms.phones,
            "capacity_per_s": self.terms.capacity.per_s,
            "half_back_s": _rounded(journal.back_after(self.began, 0.5)),
            "nine_tenths_back_s": _rounded(journal.back_after(self.began, 0.9)),
            "all_back_s": _rounded(journal.back_after(self.began)),
            "missing": self.terms.phones - journal.registered,
            "unreachable": self.unreachable,
            "peak_per_s": journal.peak(self.began),
            "peak_registered_per_s": journal.peak(self.began, ANSWERED[:1]),
            **{name: journal.fates[name].total() for name in FATES},
            "copies": journal.copies.total(),
            "retries": journal.failures.total(),
            **{f"failures_{status}": count for status, count in sorted(journal.statuses.items())},
        }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def power(terms: Terms, watch: Watch | None = None) -> Outcome:
    """The power is restored everywhere at once: every phone boots to the same moment, the server is there."""
    fleet = Fleet(terms, watch=watch)
    fleet.restart(fleet.phones)
    fleet.live(PATIENCE_S, or_all_back=True)
    return _told("power", fleet, 0.0)


def away(terms: Terms, watch: Watch | None = None, *, refuses: bool = False) -> Outcome:
    """The server is away for an hour, and comes back with what it knew."""
    hours = terms.hours or AWAY_HOURS
    fleet = Fleet(terms, watch=watch)
    fleet.settle()
    gone_at = fleet.agenda.now + QUIET_S
    fleet.live(gone_at)
    fleet.server.close(refuses=refuses)
    back_at = gone_at + hours * HOUR_S
    fleet.live(back_at)
    fleet.server.restart()
    fleet.live(back_at + 1.0)
    fleet.live(back_at + PATIENCE_S, or_all_back=True)
    return _told("away", fleet, back_at)


def day(terms: Terms, watch: Watch | None = None) -> Outcome:
    """An ordinary day: refreshes, phones that are unplugged, a server's restart at three, a switch's at ten."""
    hours = terms.hours or DAY_HOURS
    fleet = Fleet(terms, DAY_STEP_S, watch)
    fleet.settle()
    midnight = fleet.agenda.now
    for phone in fleet.random.sample(fleet.phones, round(terms.phones * RESTARTED_A_DAY * hours / 24)):
        fleet.agenda.at(midnight + fleet.random.uniform(0, hours * HOUR_S), phone.start)
    if hours > 3:
        fleet.agenda.at(midnight + 3 * HOUR_S, fleet.server.close)
        fleet.agenda.at(midnight + 3 * HOUR_S + RESTART_S, fleet.server.restart)
    if hours > 10:
        at_switch = fleet.random.sample(fleet.phones, round(terms.phones * SWITCH))
        fleet.agenda.at(midnight + 10 * HOUR_S, lambda: fleet.change_network(at_switch))
    fleet.live(midnight + hours * HOUR_S)
    return _told("day", fleet, midnight)


Story = Callable[[Terms, Watch | None], Outcome]
STORIES: dict[str, Story] = {"power": power, "away": away, "day": day}


def _told(story: str, fleet: Fleet, began: float) -> Outcome:
    return Outcome(story, fleet.terms, fleet.journal, began, fleet.agenda.now, len(fleet.unreachable()))
