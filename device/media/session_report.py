"""The session report of RFC 6035 (application/vq-rtcpxr): how a call sounded, for a collector."""

from device.media.call_quality import CallQuality
from device.media.codecs import CODEC_NAMES, codec_class
from device.media.stream_parameters import FRAME_MS, StreamReport
from device.media.voice_quality import SOUND_CARDS_MS, mouth_to_ear_ms
from device.media.voip_metrics import ADAPTIVE_BUFFER, BUFFER_RATE, DBM0_OF_FULL_RMS, STANDARD_CONCEALMENT
from device.records import dataclass
from device.rtp.extended_report import UNAVAILABLE, VoipMetrics
from device.rtp.loss_pattern import MIN_GAP

PACKAGE = "vq-rtcpxr"
CONTENT_TYPE = "application/vq-rtcpxr"
SAMPLE_CODECS = ("PCMA", "PCMU", "G722", "G726-32", "L16", "L16/16000")
"""Codecs without frames: a packet is one frame, as long as it is (RFC 3551 section 4.4)."""


@dataclass(frozen=True, slots=True)
class Session:
    """What SIP knows of the call."""

    call_id: str
    local: str
    """URIs without tags."""
    remote: str
    local_tag: str
    remote_tag: str
    is_caller: bool
    local_media: tuple[str, int]
    group: str
    """What this phone belongs to, such as its account."""
    start: str
    """As RFC 3339 writes it, in UTC."""
    stop: str


def session_report(session: Session, report: StreamReport, quality: CallQuality, buffer_max_ms: int) -> bytes:
    """The body; `buffer_max_ms` is the limit of the jitter buffer."""
    host, port = session.local_media
    remote_host, _, remote_port = report.remote.rpartition(":")
    origin = session.local if session.is_caller else session.remote
    to_tag, from_tag = session.remote_tag, session.local_tag
    if not session.is_caller:
        to_tag, from_tag = from_tag, to_tag
    lines = [
        "VQSessionReport: CallTerm",
        f"CallID: {session.call_id}",
        f"LocalID: <{session.local}>",
        f"RemoteID: <{session.remote}>",
        f"OrigID: <{origin}>",
        f"LocalAddr: IP={host} PORT={port} SSRC=0x{report.ssrc:08x}",
        f"RemoteAddr: IP={remote_host.strip('[]')} PORT={remote_port} SSRC=0x{report.remote_ssrc or 0:08x}",
        f"LocalGroup: {session.group}",
        "RemoteGroup: unknown",
        "LocalMetrics:",
        f"Timestamps:START={session.start} STOP={session.stop}",
        *_description(report),
        *_local_metrics(report, quality, buffer_max_ms),
    ]
    if report.remote_voice is not None:
        lines += ["RemoteMetrics:", f"Timestamps:START={session.start} STOP={session.stop}"]
        lines += _remote_metrics(report.remote_voice)
    lines.append(f"DialogID: {session.call_id};to-tag={to_tag};from-tag={from_tag}")
    return "".join(line + "\r\n" for line in lines).encode()


def _description(report: StreamReport) -> list[str]:
    """What was received; nothing where nothing came."""
    name, number, packet_ms = report.codec_received, report.received_type, report.received_ms
    if number is None or name not in CODEC_NAMES or not packet_ms:
        return []
    frame_ms = packet_ms if name in SAMPLE_CODECS else FRAME_MS
    octets = report.octets_received * frame_ms / max(1, report.packets_received) / packet_ms
    return [
        f"SessionDesc:PT={number} PD={name.partition('/')[0]} SR={codec_class(name).sample_rate_hz} FD={frame_ms:.0f}"
        f" FO={octets:.0f} FPP={max(1, round(packet_ms / frame_ms))} PPS={1000 / packet_ms:.0f}"
        f" PLC={STANDARD_CONCEALMENT} SSUP=off"
    ]


def _local_metrics(report: StreamReport, quality: CallQuality, buffer_max_ms: int) -> list[str]:
    expected, late = max(1, quality.expected), min(quality.late, quality.missing)
    nominal, most = round(quality.buffer_mean_ms), round(quality.buffer_max_ms)
    here_ms = quality.buffer_mean_ms + report.ptime_ms + SOUND_CARDS_MS
    trip = "" if quality.round_trip_ms is None else f"RTD={quality.round_trip_ms:.0f} "
    one_way = mouth_to_ear_ms(quality.round_trip_ms, quality.buffer_mean_ms, report.ptime_ms)
    lines = [
        f"JitterBuffer:JBA={ADAPTIVE_BUFFER} JBR={BUFFER_RATE} JBN={nominal} JBM={most} JBX={max(most, buffer_max_ms)}",
        f"PacketLoss:NLR={100 * (quality.missing - late) / expected:.1f} JDR={100 * late / expected:.1f}",
        f"BurstGapLoss:BLD={100 * report.burst_density:.1f} BD={report.burst_ms:.0f}"
        f" GLD={100 * report.gap_density:.1f} GD={report.gap_ms:.0f} GMIN={MIN_GAP}",
        f"Delay:{trip}ESD={here_ms:.0f}"
        + ("" if quality.round_trip_ms is None else f" SOWD={one_way:.0f}")
        + f" IAJ={quality.jitter_mean_ms:.0f}",
    ]
    if quality.speech_db is not None:
        lines.append(f"Signal:SL={quality.speech_db + DBM0_OF_FULL_RMS:.0f}")
    if quality.r_listening is not None and quality.r_conversational is not None:
        lines.append(
            f"QualityEst:RLQ={quality.r_listening:.0f} RCQ={quality.r_conversational:.0f}"
            f" MOSLQ={quality.mos_listening:.1f} MOSCQ={quality.mos_conversational:.1f}"
            f" QoEEstAlg={'G.107.1' if quality.wide_band else 'G.107'}"
        )
    return lines


def _remote_metrics(voice: VoipMetrics) -> list[str]:
    """What the far end told of our sound by RTCP XR."""
    configuration = voice.receiver_configuration
    lines = [
        f"JitterBuffer:JBA={configuration >> 4 & 3} JBR={configuration & 15} JBN={voice.buffer_nominal_ms}"
        f" JBM={voice.buffer_maximum_ms} JBX={voice.buffer_absolute_maximum_ms}",
        f"PacketLoss:NLR={voice.loss_rate / 2.56:.1f} JDR={voice.discard_rate / 2.56:.1f}",
        f"BurstGapLoss:BLD={voice.burst_density / 2.56:.1f} BD={voice.burst_ms} GLD={voice.gap_density / 2.56:.1f}"
        f" GD={voice.gap_ms} GMIN={voice.min_gap}",
        f"Delay:RTD={voice.round_trip_ms} ESD={voice.end_system_ms}",
    ]
    signal = (("SL", voice.signal_db), ("NL", voice.noise_db), ("RERL", voice.return_loss_db))
    if known := [f"{name}={value}" for name, value in signal if value != UNAVAILABLE]:
        lines.append(f"Signal:{' '.join(known)}")
    scores = (("MOSLQ", voice.mos_listening), ("MOSCQ", voice.mos_conversational))
    estimates = [f"RCQ={voice.r_factor}"] if voice.r_factor != UNAVAILABLE else []
    if estimates := estimates + [f"{name}={value / 10:.1f}" for name, value in scores if value != UNAVAILABLE]:
        lines.append(f"QualityEst:{' '.join(estimates)}")
    return lines
