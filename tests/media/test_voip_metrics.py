"""The VoIP metrics of RFC 3611 from the counters of a stream."""

from device.media.stream_parameters import StreamReport
from device.media.voip_metrics import voip_metrics
from device.rtp.extended_report import UNAVAILABLE, encode_blocks, parse_blocks
from tests.media.test_stream import parameters

HEARD = StreamReport(
    "PCMA",
    "192.0.2.2:6000",
    packets_late=10,
    buffer_ms=60,
    round_trip_ms=120.0,
    codec_received="PCMU",
    packets_expected=1000,
    packets_missing=50,
    burst_ratio=1.2,
    burst_density=0.5,
    burst_ms=84.4,
    gap_density=0.01,
    gap_ms=5000.0,
    speech_db=-26.0,
    remote_ssrc=77,
)


def test_each_figure_in_its_field() -> None:
    metrics = voip_metrics(HEARD, parameters())
    assert metrics is not None
    assert metrics.ssrc == 77
    assert (metrics.loss_rate, metrics.discard_rate) == (10, 2)
    assert (metrics.burst_density, metrics.gap_density, metrics.burst_ms, metrics.gap_ms) == (128, 2, 84, 5000)
    assert (metrics.round_trip_ms, metrics.end_system_ms) == (120, 100)
    assert (metrics.signal_db, metrics.noise_db) == (-20, UNAVAILABLE)
    assert 60 <= metrics.r_factor <= 80
    assert 30 <= metrics.mos_conversational <= metrics.mos_listening <= 41
    assert (metrics.buffer_nominal_ms, metrics.buffer_absolute_maximum_ms) == (60, 300)
    assert parse_blocks(encode_blocks([metrics])) == [metrics]


def test_before_anything_has_come_there_is_nothing_to_tell() -> None:
    assert voip_metrics(StreamReport("PCMA", ""), parameters()) is None


def test_silence_has_no_level_of_speech() -> None:
    quiet = StreamReport("PCMA", "", remote_ssrc=1, packets_expected=10)
    metrics = voip_metrics(quiet, parameters())
    assert metrics is not None
    assert metrics.signal_db == UNAVAILABLE
    assert metrics.r_factor >= 90
