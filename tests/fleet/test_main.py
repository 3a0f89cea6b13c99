import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import plain_logging as logging
from tests.fleet.__main__ import main, parse_options, terms_of


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    before = logging.root.level
    yield
    logging.root.level = before


def test_a_story_is_told_drawn_and_written_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--story", "power", "--phones", "20", "--capacity", "50", "--out", str(tmp_path)]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "Power restored everywhere at once: 20 phones" in told
    figures = json.loads((tmp_path / "fleet-power.json").read_text())
    assert (figures["missing"], figures["registered"]) == (0, 20)
    assert f"all back s               {figures['all_back_s']}" in told
    assert ET.parse(tmp_path / "fleet-power.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize("arguments", [["--story", "flood"], ["--phones", "0"], ["--capacity", "0"]])
def test_what_cannot_be_simulated_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_the_phones_own_values_can_be_tried_out() -> None:
    terms = terms_of(parse_options(["--spread", "30", "--retry-cap", "300", "--loss", "0.02"]))
    assert (terms.settings.power_up_spread_s, terms.settings.retry_cap_s, terms.loss) == (30, 300, 0.02)
    with pytest.raises(SystemExit, match="power_up_spread_s"):
        terms_of(parse_options(["--spread", "100000"]))
