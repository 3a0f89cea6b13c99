import xml.etree.ElementTree as ET

import pytest

from tests.fleet.chart import COLOURS, WORDS, draw, nice_top, time_text
from tests.fleet.journal import FATES, Journal

SVG = "{http://www.w3.org/2000/svg}"


def a_journal() -> Journal:
    journal = Journal(phones=2)
    for at in (0.2, 0.4, 1.5):
        journal.note_fate("dropped", at)
    journal.note_fate("challenged", 1.7)
    journal.note_fate("registered", 1.9)
    journal.note_registered(0, 1.9)
    journal.note_failure(408, 3.0)
    return journal


def texts(picture: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(picture).iter(f"{SVG}text")]


def test_a_picture_says_what_it_is_of_and_names_what_happened() -> None:
    words = texts(draw("A <story>", "300 phones & one server", a_journal(), (0.0, 10.0), 0.0))
    assert words[:2] == ["A <story>", "300 phones & one server"]
    assert {WORDS[name] for name in ("dropped", "challenged", "registered")} <= set(words)
    assert WORDS["refused"] not in words, "what did not happen needs no colour"
    assert {"0 s", "10 s"} <= set(words)


def test_bars_stand_on_each_other_and_reach_as_high_as_the_busiest_second() -> None:
    picture = draw("", "", a_journal(), (0.0, 10.0), 0.0)
    fills = [path.get("fill") for path in ET.fromstring(picture).iter(f"{SVG}path")]
    assert fills[:3] == [COLOURS["registered"], COLOURS["challenged"], COLOURS["dropped"]]
    assert "3" in texts(picture), "three in the second second"


def test_every_fate_has_a_colour_and_a_word() -> None:
    assert set(COLOURS) == set(WORDS) == set(FATES)


def test_times_count_from_the_origin() -> None:
    words = texts(draw("", "", a_journal(), (-120.0, 120.0), 0.0))
    assert {"-2 min", "-1 min", "0 s", "1 min", "2 min"} <= set(words)


@pytest.mark.parametrize(("value", "top"), [(0.5, 1), (1, 1), (1.1, 1.2), (7, 8), (9, 10), (300, 300), (8390, 10_000)])
def test_axes_end_at_round_numbers(value: float, top: float) -> None:
    assert nice_top(value) == top


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (90, "90 s"), (120, "2 min"), (7200, "2 h"), (-60, "-1 min")]
)
def test_times_are_told_in_whole_units(seconds: float, text: str) -> None:
    assert time_text(seconds) == text
