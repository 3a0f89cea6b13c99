"""The quality record of one call: what it came to, in the end or until now."""

from device.media.stream_parameters import FRAME_MS, StreamReport
from device.media.voice_quality import assess_stream
from device.records import dataclass
from device.rtp.extended_report import UNAVAILABLE


@dataclass(frozen=True, slots=True)
class CallQuality:
    """What is kept in the call log. Times are in ms; None where it is not known."""

    codec_sent: str
    codec_received: str
    packets_sent: int
    octets_sent: int
    packets_received: int
    octets_received: int
    lost: int
    """On the network; duplicates make it smaller."""
    late: int
    duplicate: int
    discarded: int
    """Not RTP, of a foreign source, or thrown away to cut a delay."""
    expected: int
    """Packets whose turn to be played came."""
    missing: int
    """Of these: lost or late."""
    burst_ratio: float
    concealed_ms: int
    jitter_mean_ms: float
    jitter_max_ms: float
    buffer_mean_ms: float
    buffer_max_ms: float
    round_trip_ms: float | None
    """Mean of what the far end's reports told."""
    round_trip_max_ms: float | None
    r_listening: float | None
    """None where nothing was heard."""
    r_conversational: float | None
    mos_listening: float | None
    mos_conversational: float | None
    speech_db: float | None
    """Mean level of the far end's speech, in dB below full scale."""
    capture_xruns: int
    playback_xruns: int
    remote_lost: int | None
    """Packets of ours that the far end missed."""
    remote_jitter_ms: float | None
    remote_mos_listening: float | None
    """What the far end says it hears (RFC 3611 section 4.7)."""
    remote_mos_conversational: float | None
    wide_band: bool
    """The ratings are out of 129 (ITU-T G.107.1)."""

    @property
    def loss_percent(self) -> float:
        """Share of what was not there in time."""
        return 100 * self.missing / self.expected if self.expected else 0.0


@dataclass(frozen=True, slots=True)
class Sampled:
    """A figure that was looked at once a second."""

    count: int = 0
    total: float = 0.0
    most: float = 0.0

    def mean(self, otherwise: float) -> float:
        """The mean, or else what is given."""
        return self.total / self.count if self.count else otherwise


def summarize(
    report: StreamReport, jitter: Sampled, buffer: Sampled, round_trip: Sampled, xruns: tuple[int, int]
) -> CallQuality:
    """The record of a call with these counters and samples; `xruns` are those of capture and playback."""
    buffer_ms = buffer.mean(report.buffer_ms)
    trip_ms = report.round_trip_ms if report.round_trip_ms is None else round_trip.mean(report.round_trip_ms)
    quality = assess_stream(report, trip_ms, buffer_ms)
    voice = report.remote_voice
    return CallQuality(
        codec_sent=report.codec,
        codec_received=report.codec_received,
        packets_sent=report.packets_sent,
        octets_sent=report.octets_sent,
        packets_received=report.packets_received,
        octets_received=report.octets_received,
        lost=report.packets_lost,
        late=report.packets_late,
        duplicate=report.packets_duplicate,
        discarded=report.packets_discarded,
        expected=report.packets_expected,
        missing=report.packets_missing,
        burst_ratio=round(report.burst_ratio, 2),
        concealed_ms=FRAME_MS * report.frames_concealed,
        jitter_mean_ms=round(jitter.mean(report.jitter_ms), 1),
        jitter_max_ms=round(max(jitter.most, report.jitter_ms), 1),
        buffer_mean_ms=round(buffer_ms, 1),
        buffer_max_ms=round(max(buffer.most, report.buffer_ms), 1),
        round_trip_ms=None if trip_ms is None else round(trip_ms, 1),
        round_trip_max_ms=None if trip_ms is None else round(max(round_trip.most, trip_ms), 1),
        r_listening=round(quality.r_listening, 1) if quality else None,
        r_conversational=round(quality.r_conversational, 1) if quality else None,
        mos_listening=round(quality.mos_listening, 2) if quality else None,
        mos_conversational=round(quality.mos_conversational, 2) if quality else None,
        speech_db=report.speech_db,
        capture_xruns=xruns[0],
        playback_xruns=xruns[1],
        remote_lost=report.remote_lost,
        remote_jitter_ms=report.remote_jitter_ms,
        remote_mos_listening=_told(voice.mos_listening) if voice else None,
        remote_mos_conversational=_told(voice.mos_conversational) if voice else None,
        wide_band=quality.wide_band if quality else False,
    )


def _told(tenths: int) -> float | None:
    return None if tenths == UNAVAILABLE else tenths / 10
