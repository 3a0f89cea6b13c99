"""The way of a stream to the ear, with real sound: nothing is lost, doubled or clicked by following the network."""

import random
from array import array
from itertools import pairwise
from math import pi, sin

import pytest

from device.media import pcm
from device.media.codecs import new_codec
from device.media.playout import Playout, remove_repetition
from device.rtp.jitter_buffer import JitterBuffer
from device.rtp.packet import RtpPacket
from tests.media.goertzel import level_db

FRAME = 160


def sine(samples: int, frequency_hz: float = 400, start: int = 0) -> bytes:
    step = 2 * pi * frequency_hz / 8000
    return array("h", [round(10000 * sin(step * n)) for n in range(start, start + samples)]).tobytes()


def new_playout(start_ms: int = 40, min_ms: int = 20) -> Playout:
    return Playout({0: new_codec("PCMU"), 8: new_codec("PCMA")}, 8000, 8000, JitterBuffer(8000, start_ms, min_ms, 300))


def tone_packet(number: int, payload_type: int = 0, frames: int = 1, sequence: int | None = None) -> RtpPacket:
    length = FRAME * frames
    sound = sine(length, start=number * length)
    payload = new_codec("PCMA" if payload_type == 8 else "PCMU").encode(sound)
    return RtpPacket(
        payload_type, (number if sequence is None else sequence) % 65536, number * length, 1, False, payload
    )


def run(playout: Playout, arrivals: list[tuple[float, RtpPacket]], ticks: int) -> bytes:
    waiting = sorted(arrivals, key=lambda arrival: arrival[0])
    out = []
    for tick in range(ticks):
        while waiting and waiting[0][0] <= 20 * tick:
            playout.put(waiting.pop(0)[1])
        out.append(playout.next_frame())
        assert len(out[-1]) == 320
    return b"".join(out)


def test_sound_comes_out_as_it_went_in() -> None:
    playout = new_playout(60, 60)
    out = run(playout, [(20 * n, tone_packet(n)) for n in range(100)], 110)
    start = next(n for n, sample in enumerate(pcm.to_array(out)) if sample)
    heard = pcm.to_array(out)[start - 1 : start + 8000]
    assert max(abs(a - b) for a, b in zip(heard, pcm.to_array(sine(8001)), strict=True)) < 500
    assert (playout.frames_played, playout.frames_concealed) == (100, 7)


def test_packets_of_both_laws_mix_freely() -> None:
    out = run(new_playout(), [(20 * n, tone_packet(n, 8 if n % 2 else 0)) for n in range(50)], 50)
    assert level_db(out[320 * 10 : 320 * 50], 400, 8000) == pytest.approx(-10.3, abs=0.3)


@pytest.mark.parametrize("frames", [2, 3])
def test_longer_packets(frames: int) -> None:
    playout = new_playout()
    out = run(playout, [(20 * frames * n, tone_packet(n, 0, frames)) for n in range(50)], 45 * frames)
    assert level_db(out[320 * 10 :], 400, 8000) == pytest.approx(-10.3, abs=0.3)
    assert playout.frames_concealed == 0


def test_packets_of_half_a_frame() -> None:
    packets = []
    for number in range(100):
        payload = new_codec("PCMU").encode(sine(80, start=80 * number))
        packets.append((10.0 * number, RtpPacket(0, number, 80 * number, 1, False, payload)))
    playout = new_playout()
    out = run(playout, packets, 48)
    assert level_db(out[320 * 10 :], 400, 8000) == pytest.approx(-10.3, abs=0.3)
    assert playout.frames_concealed == 0


def test_a_lost_packet_is_concealed() -> None:
    playout = new_playout()
    out = run(playout, [(20 * n, tone_packet(n)) for n in range(60) if n != 40], 60)
    assert playout.frames_concealed == 1
    assert level_db(out[320 * 30 :], 400, 8000) == pytest.approx(-10.3, abs=0.5)


def test_needless_delay_is_worked_off_without_a_click() -> None:
    rng = random.Random(3)
    arrivals = [(20 * n + (rng.random() * 120 if n < 250 else 0.0), tone_packet(n)) for n in range(900)]
    playout = new_playout()
    out = run(playout, arrivals, 890)
    calm = pcm.to_array(out[320 * 500 : 320 * 880])
    slope = 10000 * 2 * pi * 400 / 8000
    assert max(abs(a - b) for a, b in pairwise(calm)) < 1.2 * slope
    assert playout.buffer.counters.delay == FRAME
    assert playout.frames_played > 880


def test_reset_forgets_what_was_waiting() -> None:
    playout = new_playout()
    for number in range(5):
        playout.put(tone_packet(number))
    playout.reset()
    assert playout.next_frame() == bytes(320)


def test_an_empty_packet_is_nothing() -> None:
    playout = new_playout()
    playout.put(RtpPacket(0, 1, 1, 1, False, b""))
    assert playout.buffer.counters.waiting == 0


def test_a_period_is_cut_out_of_a_tone_in_phase() -> None:
    sound = sine(320, 130)
    shorter = remove_repetition(sound, 8000, 2 * 120)
    removed = (len(sound) - len(shorter)) // 2
    assert removed == pytest.approx(8000 / 130, abs=2)
    samples = pcm.to_array(shorter)
    assert max(abs(a - b) for a, b in pairwise(samples)) < 1.2 * 10000 * 2 * pi * 130 / 8000


@pytest.mark.parametrize(("samples", "most"), [(100, 240), (320, 60), (0, 240)])
def test_what_cannot_be_shortened_stays(samples: int, most: int) -> None:
    sound = sine(samples)
    assert remove_repetition(sound, 8000, most) == sound
