"""Levels of what is heard and said."""

import pytest

from device.media.level import FRAMES_A_SECOND, SILENCE_DB, SoundLevel
from tests.media.test_stream import tone


def test_a_tone_has_its_level_from_the_first_second_on_and_then_second_by_second() -> None:
    level, voice = SoundLevel(), tone()
    assert level.db == SILENCE_DB
    for _ in range(FRAMES_A_SECOND):
        level.take(voice.next_frame(160))
        assert level.db == pytest.approx(-13, abs=0.7), "a sine of -10 dB below full scale has an RMS 3 dB lower"
    for _ in range(FRAMES_A_SECOND - 1):
        level.take(bytes(320))
        assert level.db == pytest.approx(-13, abs=0.2), "until the next second is over"
    level.take(bytes(320))
    assert level.db == SILENCE_DB
    assert level.speech_db == pytest.approx(-13, abs=0.2)


def test_pauses_lower_the_second_and_not_the_speech() -> None:
    level, voice = SoundLevel(), tone()
    for n in range(FRAMES_A_SECOND):
        level.take(voice.next_frame(160) if n % 2 else bytes(320))
    assert level.db == pytest.approx(-16, abs=0.2)
    assert level.speech_db == pytest.approx(-13, abs=0.2)


def test_silence() -> None:
    level = SoundLevel()
    for _ in range(3 * FRAMES_A_SECOND):
        level.take(bytes(320))
    assert (level.db, level.speech_db) == (SILENCE_DB, None)
