import pytest

from device.console.settings import ConsoleSettings


def test_the_defaults_are_the_safe_ones() -> None:
    assert ConsoleSettings() == ConsoleSettings(open=False, idle_log_out_s=600)
    assert ConsoleSettings().faults() == []
    assert set(ConsoleSettings.HELP) == {"open", "setup_done", "idle_log_out_s"}


@pytest.mark.parametrize(
    ("seconds", "fits"), [(0, True), (9, False), (10, True), (86_400, True), (86_401, False), (-1, False)]
)
def test_how_long_a_silence_may_last(seconds: int, fits: bool) -> None:
    assert (ConsoleSettings(idle_log_out_s=seconds).faults() == []) is fits
