"""The E-model beside what the ITU has published of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media.e_model import (
    Transmission,
    delay_impairment,
    effective_equipment,
    opinion_score,
    rating,
    wide_band_rating,
)


def test_the_defaults_give_the_published_rating() -> None:
    """G.107 Table 2, note: with all defaults R = 93.2."""
    assert round(rating(Transmission()), 1) == 93.2


@pytest.mark.parametrize(
    ("r", "mos"),
    [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)],
)
def test_scores_are_those_of_table_b_1(r: float, mos: float) -> None:
    """G.107 Table B.1: the categories of user satisfaction."""
    assert opinion_score(r) == pytest.approx(mos, abs=0.01)


def test_the_score_of_the_best_narrow_band_call() -> None:
    assert opinion_score(93.2) == pytest.approx(4.41, abs=0.005)
    assert (opinion_score(-5), opinion_score(100), opinion_score(120)) == (1.0, 4.5, 4.5)


@pytest.mark.parametrize(
    ("delay_ms", "impairment"),
    [
        (0, 0.0),
        (100, 0.0),
        (200, 25 * (2 ** (1 / 6) - 3 * (1 + 3**-6) ** (1 / 6) + 2)),  # X = 1
        (400, 25 * (65 ** (1 / 6) - 3 * (1 + (2 / 3) ** 6) ** (1 / 6) + 2)),  # X = 2
        (800, 25 * (730 ** (1 / 6) - 3 * 2 ** (1 / 6) + 2)),  # X = 3
    ],
)
def test_delay_by_the_formula_of_clause_3_4(delay_ms: float, impairment: float) -> None:
    assert delay_impairment(delay_ms) == pytest.approx(impairment)
    assert rating(Transmission(ta_ms=delay_ms)) == pytest.approx(rating(Transmission()) - impairment)


@pytest.mark.parametrize(
    ("ie", "bpl", "ppl", "expected"),
    [
        (0, 4.3, 1, 17.9),  # G.711 without concealment
        (0, 25.1, 1, 3.6),  # with that of its Appendix I
        (0, 25.1, 5, 15.8),
        (11, 19.0, 2, 19.0),  # G.729A with VAD
    ],
)
def test_loss_by_the_formula_of_clause_3_5(ie: float, bpl: float, ppl: float, expected: float) -> None:
    assert effective_equipment(ie, bpl, ppl, 1.0) == pytest.approx(expected, abs=0.06)


def test_bursts_are_worse_than_chance_losses() -> None:
    assert effective_equipment(0, 10, 5, 2.0) > effective_equipment(0, 10, 5, 1.0)
    assert effective_equipment(7, 10, 0, 2.0) == 7


def test_echo_with_delay_is_heard() -> None:
    quiet, echo = Transmission(t_ms=100, ta_ms=100, tr_ms=200), Transmission(t_ms=100, ta_ms=100, tr_ms=200, telr_db=35)
    assert rating(Transmission()) - rating(quiet) < 6
    assert rating(quiet) - rating(echo) > 20


def test_side_tone_out_of_its_range_changes_the_echo() -> None:
    late = Transmission(t_ms=60, ta_ms=60, tr_ms=120, telr_db=45)
    for stmr_db in (5.0, 30.0):
        other = Transmission(t_ms=60, ta_ms=60, tr_ms=120, telr_db=45, stmr_db=stmr_db)
        assert rating(other) < rating(late)


def test_wide_band_begins_at_129() -> None:
    assert wide_band_rating(0, 10, 0, 1, 0) == 129
    assert wide_band_rating(13, 10, 0, 1, 0) == 116
    assert wide_band_rating(13, 10, 2, 1, 300) < 95


@given(st.floats(0, 100), st.floats(1, 5), st.floats(0, 2000), st.floats(0, 60), st.floats(0.5, 60))
def test_ratings_are_finite_and_fall_with_loss_and_delay(
    ppl: float, burst_r: float, ta_ms: float, ie: float, bpl: float
) -> None:
    def rated(ppl: float, ta_ms: float) -> float:
        path = Transmission(ta_ms=ta_ms, t_ms=ta_ms, tr_ms=2 * ta_ms, ie=ie, bpl=bpl, ppl=ppl, burst_r=burst_r)
        return rating(path)

    here = rated(ppl, ta_ms)
    assert here <= 93.3
    assert rated(ppl + 1, ta_ms) <= here + 1e-9
    assert rated(ppl, ta_ms + 50) <= here + 1e-9
    assert 1.0 <= opinion_score(here) <= 4.5
