"""The VoIP metrics of an extended report (RFC 3611 section 4.7) from the counters of a stream."""

from device.media.dtmf import FULL_SCALE_DBM0
from device.media.e_model import WIDE_BAND_SCALE
from device.media.stream_parameters import StreamParameters, StreamReport
from device.media.voice_quality import SOUND_CARDS_MS, assess_stream
from device.rtp.extended_report import UNAVAILABLE, VoipMetrics

STANDARD_CONCEALMENT = ADAPTIVE_BUFFER = 3
"""Codes of the loss concealment and of the jitter buffer (section 4.7.6)."""
BUFFER_RATE = 2
"""The jitter buffer comes down by a frame within so many frames of 2 x 20 ms (section 4.7.7)."""
DBM0_OF_FULL_RMS = FULL_SCALE_DBM0 + 3
"""A sine at full scale is 3 dB below a square wave, whose RMS is that of full scale."""


def voip_metrics(report: StreamReport, parameters: StreamParameters) -> VoipMetrics | None:
    """What we hear of the far end; None while nothing has come."""
    quality = assess_stream(report, report.round_trip_ms, report.buffer_ms)
    if report.remote_ssrc is None or quality is None:
        return None
    late = min(report.packets_late, report.packets_missing)
    nominal = report.buffer_ms
    return VoipMetrics(
        ssrc=report.remote_ssrc,
        loss_rate=_share(report.packets_missing - late, report.packets_expected),
        discard_rate=_share(late, report.packets_expected),
        burst_density=int(256 * report.burst_density),
        gap_density=int(256 * report.gap_density),
        burst_ms=round(report.burst_ms),
        gap_ms=round(report.gap_ms),
        round_trip_ms=round(report.round_trip_ms or 0),
        end_system_ms=round(report.buffer_ms + parameters.ptime_ms + SOUND_CARDS_MS),
        signal_db=UNAVAILABLE if report.speech_db is None else round(report.speech_db + DBM0_OF_FULL_RMS),
        r_factor=round(min(100.0, quality.r_conversational / (WIDE_BAND_SCALE if quality.wide_band else 1))),
        mos_listening=round(10 * quality.mos_listening),
        mos_conversational=round(10 * quality.mos_conversational),
        receiver_configuration=STANDARD_CONCEALMENT << 6 | ADAPTIVE_BUFFER << 4 | BUFFER_RATE,
        buffer_nominal_ms=nominal,
        buffer_maximum_ms=max(nominal, parameters.jitter_start_ms),
        buffer_absolute_maximum_ms=parameters.jitter_max_ms,
    )


def _share(part: int, whole: int) -> int:
    return min(255, 256 * max(0, part) // whole)
