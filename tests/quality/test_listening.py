"""The receiver of the listening bench, with a tone in place of speech: no package is needed for it."""

import pytest

from device.media import pcm
from tests.media.goertzel import level_db
from tests.media.test_concealment import voiced
from tests.quality.impairment import Network
from tests.quality.listening import listen

TONE = voiced(200, 0, 8000 * 4)


def test_a_clean_network_changes_nothing() -> None:
    heard = listen("PCMU", TONE, Network("clean"), 1)
    assert heard.report.packets_lost == 0
    assert abs(level_db(heard.sound[32000:48000], 200, 8000) - level_db(TONE[32000:48000], 200, 8000)) < 0.3


@pytest.mark.parametrize("loss", [0.03, 0.1])
def test_a_vowel_goes_on_through_losses(loss: float) -> None:
    heard = listen("PCMU", TONE, Network("loss", loss=loss), 1)
    assert heard.report.frames_concealed > 4
    quietest = min(pcm.rms(heard.sound[at : at + 320]) for at in range(16000, 60000, 320))
    assert quietest > 0.5 * pcm.rms(TONE)


@pytest.mark.parametrize("drift_ppm", [300, -300])
def test_clocks_that_differ_leave_the_delay_where_it_was(drift_ppm: float) -> None:
    """Ten minutes at 300 ppm are 180 ms, nine packets too many or too few, of a tone that never pauses."""
    tone = voiced(200, 0, 8000)
    heard = listen("PCMU", tone * 600, Network("drift", drift_ppm=drift_ppm), 1)
    assert heard.report.buffer_ms <= 60
    assert heard.report.packets_discarded == 0
    assert heard.report.packets_late <= 12
    quietest = min(pcm.rms(heard.sound[at : at + 320]) for at in range(32000, 16000 * 599, 3200))
    assert quietest > 0.5 * pcm.rms(tone)


def test_packets_that_repeat_the_one_before_are_waited_for() -> None:
    """On a calm network, too: the first loss comes without a warning."""
    assert listen("PCMU", TONE * 2, Network("clean"), 1).report.buffer_ms == 20
    assert listen("OPUS", voiced(200, 0, 16000) * 6, Network("clean"), 1).report.buffer_ms == 40
