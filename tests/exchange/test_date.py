"""The Date header field against the calendar of the standard library."""

from email.utils import formatdate
from random import Random

import pytest

from device.exchange.date import sip_date


@pytest.mark.parametrize(
    ("unix_s", "text"),
    [
        (0.0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1289690940.9, "Sat, 13 Nov 2010 23:29:00 GMT"),
        (951782400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (1735689599, "Tue, 31 Dec 2024 23:59:59 GMT"),
    ],
)
def test_turns_of_day_month_and_year(unix_s: float, text: str) -> None:
    assert sip_date(unix_s) == text


def test_any_time_reads_as_the_calendar_has_it() -> None:
    chance = Random(17)
    for _ in range(500):
        unix_s = chance.randrange(0, 8_000_000_000)
        assert sip_date(unix_s) == formatdate(unix_s, usegmt=True)
