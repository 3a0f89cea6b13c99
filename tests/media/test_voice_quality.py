"""What the E-model makes of codecs, loss and delay."""

import pytest

from device.media.codecs import CODEC_NAMES
from device.media.voice_quality import IMPAIRMENTS, UNKNOWN, assess, mouth_to_ear_ms


def test_every_codec_that_we_have_is_rated() -> None:
    assert set(CODEC_NAMES) <= set(IMPAIRMENTS)


def test_a_clean_call_of_g_711() -> None:
    quality = assess("PCMA", 0.0, 1.0, 80.0)
    assert round(quality.r_listening, 1) == 93.2
    assert round(quality.mos_listening, 2) == 4.41
    assert 4.3 < quality.mos_conversational < 4.41
    assert not quality.wide_band


def test_loss_with_concealment_by_the_figures_of_g_113() -> None:
    """Ie-eff of 5 % chance losses with Bpl 25.1: 95 * 5 / 30.1."""
    assert assess("PCMU", 0.05, 1.0, 0.0).r_listening == pytest.approx(93.2 - 15.8, abs=0.1)


def test_wide_band_codecs_stand_on_their_own_scale() -> None:
    quality = assess("G722", 0.0, 1.0, 80.0)
    assert quality.wide_band
    assert quality.r_listening == 116
    assert quality.mos_listening == pytest.approx(4.34, abs=0.01)


@pytest.mark.parametrize("codec", [*CODEC_NAMES, "G729"])
def test_more_loss_longer_runs_and_more_delay_are_never_better(codec: str) -> None:
    scores = [assess(codec, share, 1.0, 100.0).mos_listening for share in (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[2] > scores[-1] >= 1.0
    assert assess(codec, 0.05, 2.0, 100.0).mos_listening < assess(codec, 0.05, 1.0, 100.0).mos_listening
    talking = [assess(codec, 0.01, 1.0, delay).mos_conversational for delay in (50.0, 150.0, 300.0, 600.0, 5000.0)]
    assert talking == sorted(talking, reverse=True)
    assert talking[0] > talking[2] > talking[3]


def test_a_codec_that_nobody_rated_is_taken_for_a_middling_one() -> None:
    assert "G729" not in IMPAIRMENTS
    assert assess("G729", 0.0, 1.0, 0.0).r_listening == pytest.approx(93.2 - UNKNOWN.ie, abs=0.05)


def test_delay_from_mouth_to_ear() -> None:
    assert mouth_to_ear_ms(100.0, 40, 20) == 130
    assert mouth_to_ear_ms(None, 40, 20) == 80
