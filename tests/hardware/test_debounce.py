"""The glitch filter: what is shorter than the debounce time leaves no trace, what is longer is dated evenly."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.debounce import Debounce


@pytest.mark.parametrize("spike_s", [10e-6, 100e-6, 1e-3, 5e-3, 9.9e-3])
@pytest.mark.parametrize("level", [False, True])
def test_spike_shorter_than_the_debounce_time_leaves_no_trace(spike_s, level):
    debounce = Debounce(10, level)
    assert debounce.receive_edge(not level, 1.0) == []
    assert debounce.receive_edge(level, 1.0 + spike_s) == []
    assert debounce.handle_timeout(9.0) == []
    assert debounce.next_timeout() is None
    assert debounce.level is level


def test_level_counts_when_it_was_stable_for_the_debounce_time():
    debounce = Debounce(10)
    debounce.receive_edge(True, 1.0)
    assert debounce.next_timeout() == pytest.approx(1.010)
    assert debounce.handle_timeout(1.009) == []
    assert debounce.handle_timeout(1.011) == [(True, pytest.approx(1.010))]
    assert debounce.next_timeout() is None


def test_each_bounce_starts_the_time_again():
    debounce = Debounce(10)
    for at, level in ((0.0, True), (0.004, False), (0.006, True), (0.011, False), (0.013, True)):
        assert debounce.receive_edge(level, at) == []
    assert debounce.handle_timeout(0.02) == []
    assert debounce.handle_timeout(0.1) == [(True, pytest.approx(0.023))]


def test_late_call_still_gives_both_edges_of_a_pulse_with_its_length():
    debounce = Debounce(10)
    debounce.receive_edge(True, 1.0)
    settled = debounce.receive_edge(False, 1.060) + debounce.handle_timeout(5.0)
    assert settled == [(True, pytest.approx(1.010)), (False, pytest.approx(1.070))]


def test_without_debounce_time_every_edge_counts_at_once():
    debounce = Debounce(0)
    assert debounce.receive_edge(True, 1.0) == [(True, 1.0)]
    assert debounce.receive_edge(True, 1.1) == []
    assert debounce.receive_edge(False, 1.2) == [(False, 1.2)]


def test_dismissed_level_does_not_come_back():
    debounce = Debounce(10)
    debounce.receive_edge(True, 1.0)
    debounce.dismiss()
    assert debounce.handle_timeout(2.0) == []
    assert debounce.level is False


def test_line_has_the_last_word_when_the_time_is_over():
    debounce = Debounce(10)
    debounce.receive_edge(True, 1.0)
    debounce.receive_edge(False, 1.001)
    debounce.confirm(True)
    assert debounce.handle_timeout(1.02) == [(True, pytest.approx(1.011))]


@given(st.lists(st.tuples(st.floats(0.0001, 0.05), st.booleans()), max_size=60))
def test_changes_alternate_and_none_is_shorter_than_its_level_was_stable(edges):
    debounce, at, settled = Debounce(10), 0.0, []
    for gap, level in edges:
        at += gap
        settled += debounce.receive_edge(level, at)
    settled += debounce.handle_timeout(at + 1)
    assert [level for level, _ in settled] == [place % 2 == 0 for place in range(len(settled))]
    assert all(later - earlier >= 0.0099 for (_, earlier), (_, later) in itertools.pairwise(settled))
