"""What our receiver makes of a stream: packets in at their times, frames out every 20 ms, in no real time at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from device.media.codecs import codec_class, configurable, new_codec
from device.media.stream import MediaStream
from device.media.stream_parameters import FRAME_MS, StreamParameters, StreamReport
from device.rtp.packet import encode_rtp
from tests.quality.impairment import Network

PEER = ("192.0.2.1", 4000)
TAIL_S = 1.0
PHASE_S = 0.007
"""Arrivals fall between two frames of the card."""
REPORT_S = 5.0
"""Between two reports of the hearer to the speaker (RFC 3550 section 6.2)."""


@dataclass(frozen=True)
class Heard:
    """The sound at the ear and the counters at the end."""

    sound: bytes
    report: StreamReport


def packets_of(
    codec_name: str, sound: bytes, ptime_ms: int = FRAME_MS, reports: Mapping[int, float] = MappingProxyType({})
) -> list[bytes]:
    """RTP datagrams of a clip; `reports`: the share that was lost lately, as told before the packet of that number."""
    codec = new_codec(codec_name)
    told = configurable(codec)
    size = 2 * codec.sample_rate_hz * ptime_ms // 1000
    units = codec.clock_rate_hz * ptime_ms // 1000
    payload_type = payload_type_of(codec_name)
    packets = []
    for number, at in enumerate(range(0, len(sound) - size + 1, size)):
        if told and number in reports:
            told.expect_loss(reports[number])
        payload = codec.encode(sound[at : at + size])
        packets.append(encode_rtp(payload_type, 1000 + number, 5000 + number * units, 77, not number, payload))
    return packets


def reports_of(arrivals: list[tuple[float, int]], packets: int, ptime_ms: int) -> dict[int, float]:
    """What a hearer tells of its losses, by the number of the next packet that is made."""
    interval = round(1000 * REPORT_S / ptime_ms)
    came = {number for _, number in arrivals}
    return {
        end: sum(number not in came for number in range(end - interval, end)) / interval
        for end in range(interval, packets, interval)
    }


def payload_type_of(codec_name: str) -> int:
    number = new_codec(codec_name).payload_type
    return 96 if number is None else number


def parameters_of(codec_name: str) -> StreamParameters:
    codec = new_codec(codec_name)
    payload_type = payload_type_of(codec_name)
    return StreamParameters(
        codec_name=codec_name,
        payload_type=payload_type,
        receive_formats=((payload_type, codec_name),),
        clock_rate_hz=codec.clock_rate_hz,
        sample_rate_hz=codec.sample_rate_hz,
        remote=PEER,
        remote_rtcp=(PEER[0], PEER[1] + 1),
        sending=True,
        receiving=True,
        on_hold=False,
        ptime_ms=FRAME_MS,
        telephone_event_pt=None,
        receive_telephone_event_pts=(),
        ssrc=1,
        sequence=1,
        timestamp=1,
        seed=1,
        cname="listener",
    )


def listen(codec_name: str, sound: bytes, network: Network, seed: int, ptime_ms: int = FRAME_MS) -> Heard:
    """Our receiver behind a network, whose losses it reports to the sender."""
    count = len(sound) // (2 * codec_class(codec_name).sample_rate_hz * ptime_ms // 1000)
    arrivals = network.deliveries(count, ptime_ms, seed)
    datagrams = packets_of(codec_name, sound, ptime_ms, reports_of(arrivals, count, ptime_ms))
    stream = MediaStream(parameters_of(codec_name))
    frames = []
    at = 0
    for number in range(int((len(datagrams) * ptime_ms / 1000 + TAIL_S) * 1000 / FRAME_MS)):
        now = number * FRAME_MS / 1000
        while at < len(arrivals) and arrivals[at][0] + PHASE_S <= now:
            stream.receive_rtp(datagrams[arrivals[at][1]], PEER, arrivals[at][0] + PHASE_S)
            at += 1
        frames.append(stream.next_frame())
    return Heard(b"".join(frames), stream.counters())
