"""The bell of the board rings as that of the country does."""

import itertools
from statistics import median

import pytest

from device.hardware.cadences import COUNTRY_CADENCES
from tests.board.board_phone import BELL_TABLE, RINGER, SECOND_COIL

pytestmark = pytest.mark.board

LATE_S = 0.15
"""A loop that comes late lengthens a burst or pause by so much at most, on a machine of its own."""


@pytest.fixture
def ringing(house):
    """The house with the cadence of a country; the board's own again afterwards."""

    def ring_as(country: str) -> None:
        house.rewire(settings={"hardware.cadence": country})

    yield ring_as
    house.far.rest()
    house.rewire(settings={"hardware.cadence": ""})


@pytest.mark.parametrize("country", ["uk", "jp", "us", "de"])
def test_the_ringer_follows_the_cadence_of_the_country(house, ringing, country) -> None:
    ringing(country)
    steps = COUNTRY_CADENCES[country].steps
    wanted = [length / 1000 for step in steps for length in step]
    since = house.rig.agent.inside(house.ring())
    edges, high = [since], False
    for length in [0.0, *wanted]:
        high = not high
        edges.append(house.phone.wait_output(RINGER, high, edges[-1], length + 5.0))
    lengths = [later - sooner for sooner, later in itertools.pairwise(edges[1:])]
    late_s = LATE_S * house.rig.patience
    assert lengths == [pytest.approx(length, abs=late_s) for length in wanted]
    bursts = [at for at, _, on in house.rig.agent.edges([RINGER], since, edges[-1]) if on]
    assert bursts == edges[1::2]
    house.figures.note(
        "cadence: largest deviation", max(abs(a - b) for a, b in zip(lengths, wanted, strict=True)) * 1000, "ms"
    )


def test_the_coils_of_a_mechanical_bell_take_turns(house) -> None:
    """25 Hz by two lines that are never on together, for as long as the burst of the cadence lasts."""
    house.rewire(settings={"hardware.cadence": "uk"}, ringer=BELL_TABLE)
    try:
        since = house.rig.agent.inside(house.ring())
        first = house.phone.wait_output(RINGER, True, since)
        # The first burst of 400 ms and the pause of 200 ms; a busy machine begins late and ends on time.
        within_second = house.phone.wait_output(RINGER, True, first + 0.6)
        edges = house.rig.agent.edges([RINGER, SECOND_COIL], first, within_second)
        levels = {RINGER: False, SECOND_COIL: False}
        silences = []
        for (at, line, high), (until, _, _) in itertools.pairwise(edges):
            levels[line] = high
            assert not all(levels.values())
            silences.append((until - at, any(levels.values())))
        # The longest of them is the pause between the bursts, wherever a busy machine has put it.
        pause_s, is_on = max(silences)
        assert not is_on
        assert pause_s == pytest.approx(0.2, abs=LATE_S * house.rig.patience)
        turns = [at for at, line, high in edges if line == RINGER and high]
        periods = [later - sooner for sooner, later in itertools.pairwise(turns)]
        assert median(periods) == pytest.approx(0.04, rel=0.1 * house.rig.patience)
        house.figures.note("bell: frequency", 1 / median(periods), "Hz")
    finally:
        house.far.rest()
        house.rewire(settings={"hardware.cadence": ""})
