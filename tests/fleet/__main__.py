"""`firmware_scripts/simulate-fleet`: thousands of phones and their registrar in virtual time.

Every phone is the product's own user agent, the registrar the product's own exchange; network, clock and the speed of
the registrar's machine are simulated. docs/scaling.md tells what was learnt by it.

Ten thousand phones take a minute (power), ten (away), and ten (day, without keep-alives unless --keepalive auto).
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from device import plain_logging as logging
from device.records import replace
from device.sip.settings import UserAgentSettings
from tests.fleet.chart import draw
from tests.fleet.fleet import Terms, Watch
from tests.fleet.server import Capacity
from tests.fleet.stories import STORIES, Outcome

TITLES = {
    "power": "Power restored everywhere at once",
    "away": "The registrar was away for an hour",
    "day": "An ordinary day",
}
SHOWN_BEFORE_S = 300.0
"""What is drawn of the time before the server is back."""
SHOWN_AFTER = 1.15
"""How much is drawn after what the story is about: so many times as long as until all were back."""
LEAST_SHOWN_S = 60.0
DEFAULTS = {"day": (3600, "off")}
"""Lifetime and keep-alives: ten thousand phones send 33 million of these in a day, which takes hours to live."""
REPORT_EVERY_S = 0.5
"""Seconds on the wall between two words of progress."""


class Progress:
    """Says on stderr how far a story is; on a terminal over and over on one line."""

    def __init__(self, story: str, phones: int) -> None:
        self._story, self._phones = story, phones
        self._is_terminal = sys.stderr.isatty()
        self._began = self._told = time.monotonic()

    def tell(self, at: float, registered: int) -> None:
        """The story has come to `at`."""
        now = time.monotonic()
        if now < self._told + (REPORT_EVERY_S if self._is_terminal else 20 * REPORT_EVERY_S):
            return
        self._told = now
        text = (
            f"{self._story}: {at:,.0f} s lived in {now - self._began:.0f} s, {registered} of {self._phones} registered"
        )
        sys.stderr.write(f"\r{text}\x1b[K" if self._is_terminal else f"{text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line clean."""
        if self._is_terminal:
            sys.stderr.write("\r\x1b[K")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="firmware_scripts/simulate-fleet",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--story", metavar="NAME,...", default=",".join(STORIES), help=f"some of {', '.join(STORIES)}")
    parser.add_argument("--phones", type=int, default=10_000, metavar="N", help="how many (10000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another one is another fleet (1)")
    parser.add_argument(
        "--capacity",
        type=float,
        default=1000.0,
        metavar="N",
        help="REGISTERs that the server can serve a second (1000)",
    )
    parser.add_argument("--queue", type=int, default=128, metavar="N", help="datagrams in its socket's buffer (128)")
    parser.add_argument(
        "--retry-after",
        type=int,
        default=0,
        metavar="S",
        help="a full server says so with its 503; 0 drops",
    )
    parser.add_argument("--expires", type=int, metavar="S", help="lifetime that phones ask for (600, in the day 3600)")
    parser.add_argument("--loss", type=float, default=0.0, metavar="PART", help="datagrams lost each way, as 0.02 (0)")
    parser.add_argument("--spread", type=int, metavar="S", help="another sip.power_up_spread_s than the phone's own")
    parser.add_argument("--retry-cap", type=int, metavar="S", help="another sip.retry_cap_s than the phone's own")
    parser.add_argument(
        "--keepalive", choices=("auto", "off"), help="as the account's (auto; off in the day, see below)"
    )
    parser.add_argument("--hours", type=float, metavar="N", help="how long the server is away (1) or the day is (24)")
    parser.add_argument(
        "--out", type=Path, default=Path("fleet-output"), metavar="FOLDER", help="for pictures and JSON"
    )
    options = parser.parse_args(arguments)
    options.story = options.story.split(",")
    for name in options.story:
        if name not in STORIES:
            parser.error(f"there is no story {name!r}: take some of {', '.join(STORIES)}")
    if options.phones < 1 or options.capacity <= 0 or options.queue < 1:
        parser.error("phones, capacity and queue must be at least 1")
    return options


def terms_of(options: argparse.Namespace, story: str = "power") -> Terms:
    """What the options say; where they say nothing a day has what lets it be lived in minutes."""
    settings = UserAgentSettings()
    if options.spread is not None:
        settings = replace(settings, power_up_spread_s=options.spread)
    if options.retry_cap is not None:
        settings = replace(settings, retry_cap_s=options.retry_cap)
    if faults := settings.faults():
        raise SystemExit("\n".join(faults))
    capacity = Capacity(options.capacity, options.queue, options.retry_after)
    expires_s, keepalive = DEFAULTS.get(story, (600, "auto"))
    expires_s, keepalive = options.expires or expires_s, options.keepalive or keepalive
    return Terms(options.phones, options.seed, capacity, settings, expires_s, keepalive, options.loss, options.hours)


def caption_of(outcome: Outcome) -> str:
    """What the picture is of, in one line."""
    terms = outcome.terms
    back = outcome.journal.back_after(outcome.began)
    when = "some never came back" if back is None else f"all back after {back:.1f} s"
    if outcome.story == "day":
        when = f"{outcome.journal.failures.total()} attempts given up"
    return (
        f"{terms.phones:,} phones, one server with {terms.capacity.per_s:,g} REGISTERs a second, lifetime "
        f"{terms.expires_s} s, seed {terms.seed}: {when}"
    )


def picture_of(outcome: Outcome) -> str:
    back = outcome.journal.back_after(outcome.began)
    first = 0.0 if outcome.story == "power" else outcome.began - SHOWN_BEFORE_S
    last = outcome.began + max(LEAST_SHOWN_S, SHOWN_AFTER * (back if back is not None else outcome.ended))
    span = (
        (outcome.began, outcome.ended) if outcome.story == "day" else (first, min(last, outcome.ended + LEAST_SHOWN_S))
    )
    return draw(TITLES[outcome.story], caption_of(outcome), outcome.journal, span, outcome.began)


def tell(story: str, terms: Terms, folder: Path) -> None:
    """Live one story, print its figures, and draw it."""
    progress = Progress(story, terms.phones)
    watch: Watch = progress.tell
    outcome = STORIES[story](terms, watch)
    progress.end()
    figures = outcome.figures()
    sys.stdout.write(f"{TITLES[story]}: {caption_of(outcome)}\n")
    for name, value in figures.items():
        sys.stdout.write(f"  {name.replace('_', ' '):24} {value if value is not None else 'never'}\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"fleet-{story}.svg").write_text(picture_of(outcome), encoding="utf-8")
    (folder / f"fleet-{story}.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"  drawn in                 {folder / f'fleet-{story}.svg'}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    options = parse_options(arguments)
    # Ten thousand phones say the same things as one; the figures tell them better.
    logging.root.level = logging.ERROR
    for story in options.story:
        tell(story, terms_of(options, story), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
