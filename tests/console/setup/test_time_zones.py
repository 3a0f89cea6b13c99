"""The zones of the countries are those of the IANA database, where the system has it."""

from pathlib import Path

import pytest

from device.console.setup.time_zones import ZONES
from device.local_time import ZONE_FILES, zone_fault
from device.media.tone_plan import COUNTRIES

RULES = [(name, rule) for zones in ZONES.values() for name, rule in zones.items()]


def test_every_country_whose_tones_there_are_has_a_zone() -> None:
    assert set(ZONES) == set(COUNTRIES) - {"itu"}


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_names_and_rules_are_as_the_database_has_them(name: str, rule: str) -> None:
    assert zone_fault(rule, "/none") == ""
    path = Path(ZONE_FILES) / name
    if not path.exists():
        pytest.skip("this system has no tzdata")
    # A compiled file ends with the rule for all times that come (RFC 8536 section 3.3).
    assert path.read_bytes().rstrip(b"\n").rpartition(b"\n")[2].decode() == rule
