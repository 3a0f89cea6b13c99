"""How a call sounded, in words: the figures of call.report, for the console and `offhook call-report`. Pure."""

import time
from collections.abc import Mapping

from device.annotations import Any
from device.console.layout import duration, fields, printable
from device.media.voice_quality import assess, mouth_to_ear_ms

SCORES = ((4.3, "very good"), (4.0, "good"), (3.6, "some are dissatisfied"), (3.1, "many are dissatisfied"))
"""The categories of ITU-T G.107 Annex B by the score that they begin with, in fewer words."""
POOR = "nearly all are dissatisfied"


def report_lines(report: Mapping[str, Any]) -> list[str]:
    """The whole of it."""
    number = report.get("number")
    heading = f"call {number} back, {which_call(report)}" if number else which_call(report)
    quality = report.get("quality")
    if not quality:
        return [heading, "nothing is known of its sound: it was not answered, or the phone has not kept it"]
    return [heading, "", *fields(_figures(quality))]


def which_call(report: Mapping[str, Any]) -> str:
    """When, with whom, how long."""
    call = report["call"]
    whom = printable(f"{call['remote_name']} <{call['remote']}>" if call.get("remote_name") else call["remote"])
    way = "from" if call["direction"] == "in" else "to"
    if not report.get("number"):
        return f"call of now {way} {whom}, {duration(call['seconds'])}"
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(call["started_at"]))
    talked = f", talked {duration(call['ended_at'] - call['answered_at'])}" if call["answered_at"] else ""
    return f"{when} {way} {whom}{talked}: {call['cause']}"


def summary(quality: Mapping[str, Any]) -> str:
    """What matters most, in one line."""
    mos, talking, trip = quality["mos_listening"], quality["mos_conversational"], quality["round_trip_ms"]
    parts = [
        "nothing was heard" if mos is None else f"MOS {mos:.2f} listening, {talking:.2f} conversational",
        f"{quality['codec_received'] or quality['codec_sent']}",
        f"{quality['loss_percent']:.1f} % missing in play-out",
        "round trip not known" if trip is None else f"round trip {trip:.0f} ms",
    ]
    return "  ·  ".join(parts)


def _figures(quality: Mapping[str, Any]) -> dict[str, str]:
    received, sent = quality["codec_received"] or "nothing", quality["codec_sent"]
    return {
        "MOS listening": _score(quality["mos_listening"], quality, "r_listening"),
        "MOS conversational": _score(quality["mos_conversational"], quality, "r_conversational"),
        "codec": f"{received} heard, {sent} sent",
        "heard": _heard(quality),
        "lost": f"{max(0, quality['lost'])} on the network, {quality['late']} late, {quality['discarded']} discarded, "
        f"{quality['duplicate']} twice",
        "missing in play-out": f"{quality['missing']} of {quality['expected']} ({quality['loss_percent']:.1f} %), "
        f"burst ratio {quality['burst_ratio']:.1f}, {quality['concealed_ms'] / 1000:.1f} s concealed",
        "jitter": f"{quality['jitter_mean_ms']} ms, at most {quality['jitter_max_ms']} ms",
        "jitter buffer": f"{quality['buffer_mean_ms']} ms, at most {quality['buffer_max_ms']} ms",
        "round trip": _pair(quality["round_trip_ms"], quality["round_trip_max_ms"]),
        "level of the other side": "-" if quality["speech_db"] is None else f"{quality['speech_db']} dB",
        "sent": f"{quality['packets_sent']} packets, {_octets(quality['octets_sent'])}",
        "the other side lost": _far(quality),
        "the other side's MOS": _far_score(quality),
        "sound card": f"{quality['capture_xruns']} overruns, {quality['playback_xruns']} underruns",
    }


def _heard(quality: Mapping[str, Any]) -> str:
    return f"{quality['packets_received']} packets, {_octets(quality['octets_received'])}"


def _octets(count: int) -> str:
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"


def _score(mos: float | None, quality: Mapping[str, Any], rating: str) -> str:
    if mos is None:
        return "- (nothing was heard)"
    scale = "129, wide-band" if quality["wide_band"] else "93"
    return f"{mos:.2f}, {verdict(mos)} (R {quality[rating]:.0f} of {scale})"


def verdict(mos: float) -> str:
    """What a score means."""
    return next((words for least, words in SCORES if mos >= least - 0.005), POOR)


def _pair(mean: float | None, most: float | None) -> str:
    return "not known: the other side sends no RTCP" if mean is None else f"{mean} ms, at most {most} ms"


def _far(quality: Mapping[str, Any]) -> str:
    if quality["remote_lost"] is None:
        return "not known: the other side sends no RTCP"
    return f"{quality['remote_lost']} packets of ours, jitter {quality['remote_jitter_ms']} ms"


def _far_score(quality: Mapping[str, Any]) -> str:
    if quality["remote_mos_listening"] is None:
        return "not told (RTCP XR, RFC 3611)"
    conversational = quality["remote_mos_conversational"]
    more = "" if conversational is None else f", {conversational:.1f} conversational"
    return f"{quality['remote_mos_listening']:.1f} listening{more}"


def live_score(report: Mapping[str, Any]) -> str:
    """The listening and conversational score so far of the counters of a call in progress; "-" before it has sound."""
    expected = report.get("packets_expected")
    if not expected:
        return "-"
    quality = assess(
        str(report.get("codec_received") or report.get("codec")),
        report["packets_missing"] / expected,
        report["burst_ratio"],
        mouth_to_ear_ms(report.get("round_trip_ms"), report["buffer_ms"], report["ptime_ms"]),
    )
    return f"{quality.mos_listening:.2f}/{quality.mos_conversational:.2f}"
