"""The flows that everybody draws: each is played, and its picture in docs/flows is what the run gives."""

import pytest

from tests.scenarios.textbook.catalogue import EXAMPLES
from tests.scenarios.textbook.example import FOLDER, STEPS, Example, page

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


@every_example
def test_what_is_on_the_wire_and_in_the_picture(example: Example) -> None:
    performance = example.perform()
    assert example.rungs(performance) == example.expected()
    performance.play.check_end()
    drawn = (FOLDER / f"{example.name}.svg").read_text()
    assert drawn == example.picture(performance), "firmware_scripts/draw-flows draws it anew"


@every_example
def test_a_picture_tells_nothing_that_changes_from_run_to_run(example: Example) -> None:
    assert example.picture(example.perform()) == example.picture(example.perform())


def test_the_page_shows_every_picture_and_there_are_no_others() -> None:
    names = {example.name for example in EXAMPLES}
    assert (FOLDER / "README.md").read_text() == page(EXAMPLES), "firmware_scripts/draw-flows writes it anew"
    assert {path.stem for path in FOLDER.glob("*.svg")} == names
    assert {path.stem for path in STEPS.glob("*.txt")} == names


def test_every_message_of_a_flow_is_drawn() -> None:
    for example in EXAMPLES:
        drawn = (FOLDER / f"{example.name}.svg").read_text()
        assert drawn.count('marker-end="url(#head)"') == len(example.expected()), example.name
