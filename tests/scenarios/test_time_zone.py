"""The phone tells times in its own zone: log, console and command line, at once and without a restart."""

import re
import time
from pathlib import Path

from tests.support.consoles import terminal_console
from tests.support.daemons import PhoneDaemon, running

EAST, WEST = "AAA-11", "BBB11"
"""Zones 22 hours apart: no test of any hour takes one for the other."""


def hour(zone_hours: int) -> set[str]:
    """The hour of now there, and the next one, should it begin this moment."""
    return {time.strftime("%H", time.gmtime(time.time() + 3600 * zone_hours + late)) for late in (0, -60)}


def newest_hour(phone: PhoneDaemon) -> str:
    (line,) = phone.call("log.tail", lines=1)["lines"]  # type: ignore[misc]
    found = re.match(r"\d{4}-\d\d-\d\d (\d\d):", line)
    assert found is not None
    return found[1]


def log_something(phone: PhoneDaemon) -> None:
    phone.call("account.add", id="a", user="1", domain="127.0.0.1:9", password="x")
    phone.call("account.remove", id="a")


def test_log_console_and_clock_follow_the_setting(tmp_path: Path) -> None:
    phone = PhoneDaemon("phone", tmp_path, {"daemon.time_zone": EAST})
    with running(phone):
        assert newest_hour(phone) in hour(11)
        with terminal_console(phone.socket_path, phone.store_path, columns=200) as person:
            person.choose_password()
            person.run(f"set daemon.time_zone {WEST}")
            assert "counts from the next start" not in person.run("commit")
            assert "BBB" in person.run("show clock")
            log_something(phone)
            assert newest_hour(phone) in hour(-11)
            said = person.run("set daemon.time_zone Nowhere/Atlantis")
            assert "there is no time zone 'Nowhere/Atlantis'" in said or "tzdata" in said
            person.run("discard")
            phone.call("settings.set", values={"daemon.time_zone": EAST})
            assert "AAA" in person.run("show clock")
