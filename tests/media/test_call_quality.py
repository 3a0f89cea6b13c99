"""The quality record: counters and samples put together."""

import pytest

from device.media.call_quality import Sampled, summarize
from device.media.stream_parameters import StreamReport
from device.records import replace
from tests.media.test_voip_metrics import HEARD

NONE = Sampled()


def test_a_call_with_everything() -> None:
    report = replace(HEARD, packets_lost=40, frames_concealed=55, jitter_ms=4.0, remote_lost=3, remote_jitter_ms=1.5)
    quality = summarize(report, Sampled(4, 20.0, 11.0), Sampled(2, 100.0, 60.0), Sampled(2, 200.0, 130.0), (1, 2))
    assert (quality.codec_sent, quality.codec_received) == ("PCMA", "PCMU")
    assert (quality.lost, quality.late, quality.missing, quality.expected) == (40, 10, 50, 1000)
    assert quality.loss_percent == 5.0
    assert quality.concealed_ms == 1100
    assert (quality.jitter_mean_ms, quality.jitter_max_ms) == (5.0, 11.0)
    assert (quality.buffer_mean_ms, quality.buffer_max_ms) == (50.0, 60.0)
    assert (quality.round_trip_ms, quality.round_trip_max_ms) == (100.0, 130.0)
    assert quality.r_listening == pytest.approx(93.2 - 95 * 5 / (5 / 1.2 + 25.1), abs=0.1)
    assert quality.mos_listening is not None
    assert quality.mos_conversational is not None
    assert quality.mos_conversational < quality.mos_listening
    assert (quality.capture_xruns, quality.playback_xruns, quality.remote_lost) == (1, 2, 3)
    assert quality.remote_mos_listening is None


def test_who_heard_nothing_cannot_say_how_it_was() -> None:
    quality = summarize(StreamReport("PCMA", "", packets_sent=100), NONE, NONE, NONE, (0, 0))
    assert (quality.mos_listening, quality.r_conversational, quality.round_trip_ms) == (None, None, None)
    assert quality.loss_percent == 0.0


def test_a_call_of_less_than_a_second_is_told_by_its_counters() -> None:
    quality = summarize(replace(HEARD, jitter_ms=3.0), NONE, NONE, NONE, (0, 0))
    assert (quality.jitter_mean_ms, quality.jitter_max_ms) == (3.0, 3.0)
    assert (quality.buffer_mean_ms, quality.buffer_max_ms) == (60.0, 60.0)
    assert (quality.round_trip_ms, quality.round_trip_max_ms) == (120.0, 120.0)
