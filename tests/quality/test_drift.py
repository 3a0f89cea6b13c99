"""An hour of drift, which is judged as the ten of `make quality` are."""

import pytest

from tests.quality.drift import Hour, judge, numbered, run, steepest, talk
from tests.quality.listening import packets_of


@pytest.mark.parametrize("ppm", [200.0, -200.0])
def test_an_hour_at_200_ppm_leaves_the_depth_where_it_was(ppm: float) -> None:
    """720 ms: what is too much is taken out in pieces, what is too little put in."""
    (hour,) = run(ppm, 1.0)
    assert judge([hour], steepest(talk())) == []
    if ppm > 0:
        assert 600 < hour.removed_ms < 900
        assert hour.concealed == 0
    else:
        assert 30 <= hour.concealed <= 42
        assert hour.removed_ms < 100


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (Hour([20], step=1000), Hour([100], step=1000), ["the buffer was 100 ms deep", "the depth grew by 80 ms"]),
        (Hour([20], step=1000), Hour([20], step=9000), ["a step of 9000 beside 1000"]),
        (Hour([20], step=1000), Hour([20], step=1000), []),
    ],
)
def test_what_is_wrong_is_found(first: Hour, last: Hour, words: list[str]) -> None:
    faults = judge([first, last], 1000)
    assert len(faults) == len(words)
    assert all(wanted in fault for wanted, fault in zip(words, faults, strict=True))


def test_packets_of_a_long_call_go_on_counting() -> None:
    datagram = packets_of("PCMU", talk())[0]
    late = numbered(datagram, 70_000)
    assert late[2:4] == (70_000 - 65_536).to_bytes(2, "big")
    assert late[4:8] == (70_000 * 160).to_bytes(4, "big")
    assert late[8:] == datagram[8:]
