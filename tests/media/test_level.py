"""Levels of what is heard and said."""

import pytest

from device.media.level import FRAMES_A_SECOND, SILENCE_DB, SoundLevel
from tests.media.test_stream import tone


def test_a_tone_has_its_level_after_a_second_and_not_before() -> None:
    level, voice = SoundLevel(), tone()
    for _ in range(FRAMES_A_SECOND - 1):
        level.take(voice.next_frame(160))
    assert level.db == SILENCE_DB
    level.take(voice.next_frame(160))
    assert level.db == pytest.approx(-13, abs=0.2), "a sine of -10 dB below full scale has an RMS 3 dB lower"
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
