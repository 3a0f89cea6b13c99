"""How long an announcement is, and one that is none."""

import wave
from pathlib import Path

import pytest

from device.daemon.announcement import seconds_of


@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 1), (16_000, 1), (44_100, 2)])
def test_the_length_of_a_file(tmp_path: Path, rate_hz: int, channels: int) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((channels, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(bytes(2 * channels * rate_hz * 3))
    assert seconds_of(str(tmp_path / "a.wav")) == 3.0


def test_what_cannot_be_played_is_told_and_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    for name in ("text.wav", "gone.wav", "."):
        assert seconds_of(str(tmp_path / name)) == 0.0
    assert caplog.text.count("phone.announcement") == 3
