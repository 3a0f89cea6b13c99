"""Time zones of this process: names, rules, what is refused, and the way back."""

import os
import time
from pathlib import Path

import pytest

from device import local_time
from device.local_time import use_zone, zone_fault

SUMMER = 1_751_371_200.0
"""2025-07-01 12:00 UTC."""
RULES = (
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0",
    "<-03>3",
    "AWST-8",
    "NST3:30NDT,M3.2.0,M11.1.0",
    "UTC0",
)


def shown() -> str:
    return time.strftime("%H:%M %Z", time.localtime(SUMMER))


@pytest.mark.parametrize("rule", RULES)
def test_rules_need_no_files(rule: str, tmp_path: Path) -> None:
    assert zone_fault(rule, str(tmp_path / "none")) == ""


def test_times_are_told_in_the_zone_and_in_the_systems_again() -> None:
    before = os.environ.get("TZ"), shown()
    use_zone("CET-1CEST,M3.5.0,M10.5.0/3")
    assert shown() == "14:00 CEST"
    use_zone("AWST-8")
    assert shown() == "20:00 AWST"
    use_zone("")
    assert (os.environ.get("TZ"), shown()) == before


def test_a_zone_that_the_system_was_started_with_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_time, "_system_zone", "EST5")
    use_zone("AWST-8")
    use_zone("")
    assert shown() == "07:00 EST"


def test_names_are_files_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Berlin").write_bytes(b"TZif2" + bytes(40))
    (tmp_path / "tzdata.zi").write_text("# no zone\n")
    files = str(tmp_path)
    assert zone_fault("Europe/Berlin", files) == ""
    assert "there is no time zone 'Europe/Berln'" in zone_fault("Europe/Berln", files)
    assert "there is no time zone" in zone_fault("tzdata", files)
    assert "install tzdata" in zone_fault("Europe/Berlin", str(tmp_path / "none"))


@pytest.mark.parametrize("text", ["/etc/passwd", "Europe/../Berlin", "CET-1CEST,M3", "two words", ":x"])
def test_what_is_neither_a_name_nor_a_rule_is_refused(text: str) -> None:
    assert "neither a name such as Europe/Berlin" in zone_fault(text)
