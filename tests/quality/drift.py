"""Hours of a call between two crystals that differ: `python -m tests.quality.drift`, in compressed time.

Talk with pauses, packet by packet, through our receiver; every hour the depth of its buffer, what was taken out of the
sound or put in, and the loudest jump from one sample to the next beside that of the talk itself. Fails when the depth
grows, or a packet is lost to it.
"""

import argparse
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

from device.media import pcm, playout
from device.media.stream import MediaStream
from device.media.stream_parameters import FRAME_MS
from tests.media.test_concealment import voiced
from tests.quality.listening import PEER, PHASE_S, packets_of, parameters_of

HOURS = 10
PPM = (200.0, -200.0, 300.0, -300.0)
FRAMES_AN_HOUR = 3600 * 1000 // FRAME_MS
DEEPEST_MS = 80
MOST_GROWTH_MS = 10
FLOOR = 300
"""Steps between samples below this are never heard as a click beside the talk."""


@dataclass
class Hour:
    """One hour of the call."""

    depths_ms: list[int] = field(default_factory=list)
    removed: int = 0
    removed_ms: float = 0.0
    concealed: int = 0
    step: int = 0


def talk() -> bytes:
    """Twelve seconds: voices of several pitches with pauses between them, at 8 kHz."""
    pieces = []
    for number, pitch_hz in enumerate((110, 180, 140, 230)):
        pieces += [voiced(pitch_hz, number, 8000 * 2), bytes(2 * 8000)]
    return b"".join(pieces)


def steepest(sound: bytes) -> int:
    """The largest step from one sample to the next."""
    samples = pcm.to_array(sound)
    return max(abs(later - sooner) for sooner, later in pairwise(samples))


def run(ppm: float, hours: float) -> list[Hour]:
    """A call with a sender whose crystal is so much faster than the sound card's."""
    stream = MediaStream(parameters_of("PCMU"))
    datagrams = packets_of("PCMU", talk())
    found = [Hour()]
    whole = playout.remove_repetition

    def counted(sound: bytes, rate_hz: int, most_octets: int) -> bytes:
        shorter = whole(sound, rate_hz, most_octets)
        if len(shorter) < len(sound):
            found[-1].removed += 1
            found[-1].removed_ms += (len(sound) - len(shorter)) / 2 / rate_hz * 1000
        return shorter

    playout.remove_repetition = counted
    try:
        _play(stream, datagrams, ppm, hours, found)
    finally:
        playout.remove_repetition = whole
    report = stream.counters()
    assert report.packets_lost == report.packets_discarded == 0, report
    return found[:-1] if not found[-1].depths_ms else found


def _play(stream: MediaStream, datagrams: list[bytes], ppm: float, hours: float, found: list[Hour]) -> None:
    interval_s = FRAME_MS / 1000 / (1 + ppm / 1e6)
    number, before, concealed = 0, b"", 0
    for tick in range(int(FRAMES_AN_HOUR * hours)):
        now = tick * FRAME_MS / 1000
        while number * interval_s + PHASE_S <= now:
            stream.receive_rtp(numbered(datagrams[number % len(datagrams)], number), PEER, now)
            number += 1
        frame = stream.next_frame()
        if tick and tick % FRAMES_AN_HOUR == 0:
            found.append(Hour())
        hour = found[-1]
        if tick > 500:  # the call has settled
            hour.depths_ms.append(stream._buffer.counters.waiting * FRAME_MS)
            if tick % 7 == 0 or stream._playout.frames_concealed != concealed:
                hour.step = max(hour.step, steepest(before[-2:] + frame))
        hour.concealed += stream._playout.frames_concealed - concealed
        before, concealed = frame, stream._playout.frames_concealed


def numbered(datagram: bytes, number: int) -> bytes:
    """A datagram with the sequence number and the time stamp of its place in a long call."""
    sequence, timestamp = number & 0xFFFF, number * 160 & 0xFFFFFFFF
    first = bytes([datagram[0], datagram[1] & 0x7F | (0 if number else 0x80)])
    return first + sequence.to_bytes(2, "big") + timestamp.to_bytes(4, "big") + datagram[8:]


def judge(hours: list[Hour], own_step: int) -> list[str]:
    """What is wrong; empty when all is well."""
    found = []
    deepest = max(max(hour.depths_ms) for hour in hours)
    growth = fmean(hours[-1].depths_ms) - fmean(hours[0].depths_ms)
    if deepest > DEEPEST_MS:
        found.append(f"the buffer was {deepest} ms deep")
    if growth > MOST_GROWTH_MS:
        found.append(f"from the first hour to the last the depth grew by {growth:.0f} ms")
    loudest = max(hour.step for hour in hours)
    if loudest > max(FLOOR, 1.5 * own_step):
        found.append(f"a step of {loudest} beside {own_step} in the talk itself")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.drift", description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=HOURS)
    parser.add_argument("--ppm", type=float, action="append", help=f"may be repeated; default {PPM}")
    options = parser.parse_args()
    own_step = steepest(talk())
    out, faults = sys.stdout, []
    out.write("| drift | depth: mean, first and last hour | deepest | taken out | put in | steepest step (talk) |\n")
    out.write("|---|---|---|---|---|---|\n")
    for ppm in options.ppm or PPM:
        hours = run(ppm, options.hours)
        first, last = fmean(hours[0].depths_ms), fmean(hours[-1].depths_ms)
        removed, taken_ms = sum(hour.removed for hour in hours), sum(hour.removed_ms for hour in hours)
        out.write(
            f"| {ppm:+g} ppm, {options.hours:g} h | {first:.1f} and {last:.1f} ms | "
            f"{max(max(hour.depths_ms) for hour in hours)} ms | {removed} times, {taken_ms / 1000:.1f} s | "
            f"{sum(hour.concealed for hour in hours)} frames | {max(hour.step for hour in hours)} ({own_step}) |\n"
        )
        out.flush()
        faults += [f"{ppm:+g} ppm: {fault}" for fault in judge(hours, own_step)]
    out.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
