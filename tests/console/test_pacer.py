import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.console.pacer import BURST_S, Pacer


def test_a_line_without_a_speed_is_not_paced() -> None:
    pacer = Pacer(0, 0.0)
    assert pacer.allowance(1.0) is None
    pacer.sent(1_000_000)
    assert pacer.next_timeout() is None


@pytest.mark.parametrize(("baud", "burst"), [(300, 1), (9600, 19), (115_200, 230)])
def test_a_burst_and_then_the_speed_of_the_line(baud: int, burst: int) -> None:
    pacer = Pacer(baud, 0.0)
    assert pacer.allowance(0.0) == burst
    pacer.sent(burst)
    assert pacer.allowance(0.0) == 0
    at = pacer.next_timeout()
    assert at is not None
    assert pacer.allowance(at) == burst


def test_silence_saves_nothing_up() -> None:
    pacer = Pacer(1200, 0.0)
    assert pacer.allowance(3600.0) == pacer.allowance(3600.0) == 2


@given(st.sampled_from([50, 300, 9600, 115_200]), st.lists(st.floats(0.0001, 2.0), max_size=200))
def test_whenever_it_is_asked_it_is_never_faster_than_the_line(baud: int, waits: list[float]) -> None:
    pacer, now, sent = Pacer(baud, 0.0), 0.0, 0
    for wait in waits:
        now += wait
        allowed = pacer.allowance(now)
        assert allowed is not None
        pacer.sent(allowed)
        sent += allowed
        assert sent <= now * baud / 10 + max(1.0, BURST_S * baud / 10) + 0.001
