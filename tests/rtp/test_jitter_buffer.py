"""The play-out buffer under seeded networks: order, loss, delay, drift, jumps."""

import random

import pytest

from device.records import dataclass, field
from device.rtp.jitter_buffer import MAX_PACKETS, Gap, JitterBuffer
from device.rtp.packet import RtpPacket

FRAME = 160
"""20 ms at 8 kHz."""


def packet(number: int, timestamp: int | None = None, base: int = 65_530, stamp: int = 2**32 - 800) -> RtpPacket:
    """The number-th packet of a stream whose counters both wrap soon; its payload is its number."""
    moment = FRAME * number if timestamp is None else timestamp
    return RtpPacket(0, (base + number) % 65536, (stamp + moment) % 2**32, 7, False, str(number).encode())


@dataclass
class Heard:
    """What came out of a buffer, tick by tick."""

    numbers: list[int] = field(default_factory=list)
    lost: int = 0
    other_gaps: int = 0
    delays_ms: list[float] = field(default_factory=list)


def play(
    buffer: JitterBuffer,
    arrivals: list[tuple[float, RtpPacket]],
    ticks: int,
    first_tick_ms: float = 0.0,
    ppm: float = 0,
) -> Heard:
    """Feed packets at their times (ms) and take a frame every 20 ms of a clock that may run fast."""
    heard = Heard()
    at: dict[int, float] = {int(p.payload): when for when, p in arrivals}
    waiting = sorted(arrivals, key=lambda arrival: arrival[0])
    ready = index = 0
    for tick in range(ticks):
        now = first_tick_ms + tick * 20 / (1 + ppm * 1e-6)
        while index < len(waiting) and waiting[index][0] <= now:
            buffer.put(waiting[index][1], FRAME)
            index += 1
        while ready < FRAME:
            item = buffer.take(ready)
            if isinstance(item, Gap):
                assert 0 < item.duration <= FRAME
                ready += item.duration
                heard.lost += item.lost
                heard.other_gaps += not item.lost
                continue
            number = int(item.payload)
            heard.numbers.append(number)
            heard.delays_ms.append(now + ready / 8 - at[number])
            # What the caller does about needless delay; here a whole packet passes unheard now and then.
            hurried = buffer.excess >= FRAME and tick % 3 == 0
            ready += 0 if hurried else FRAME
        ready -= FRAME
        buffer.tick(FRAME)
    return heard


def stream(count: int, delay_ms: float = 5.0) -> list[tuple[float, RtpPacket]]:
    return [(20 * n + delay_ms, packet(n)) for n in range(count)]


def new_buffer(start_ms: int = 40, min_ms: int = 20, max_ms: int = 300) -> JitterBuffer:
    return JitterBuffer(8000, start_ms, min_ms, max_ms)


def test_a_calm_stream_comes_out_whole_and_in_order() -> None:
    heard = play(new_buffer(), stream(200), 210)
    assert heard.numbers == list(range(200))
    assert heard.lost == 0
    assert 35 <= heard.delays_ms[0] <= 60
    assert heard.delays_ms[-1] <= 60


@pytest.mark.parametrize("waited", [2, 4, 12, 40])
def test_what_waited_while_the_card_was_opened_does_not_delay_the_call(waited: int) -> None:
    buffer = new_buffer()
    heard = play(buffer, stream(100), 60, first_tick_ms=20 * (waited - 1) + 5)
    assert heard.numbers == list(range(heard.numbers[0], 100))[: len(heard.numbers)]
    assert heard.numbers[0] == max(0, waited - 3)
    assert heard.lost == 0
    assert max(heard.delays_ms) <= 61
    assert buffer.counters.delay <= 40 * 8
    assert buffer.counters.discarded == heard.numbers[0]


def test_what_waited_out_of_order_is_played_in_order() -> None:
    arrivals = stream(60)
    arrivals[0:4] = [(5.0, packet(number)) for number in (1, 3, 0, 2)]
    heard = play(new_buffer(), arrivals, 40, first_tick_ms=65)
    assert heard.numbers == list(range(heard.numbers[0], heard.numbers[0] + len(heard.numbers)))
    assert heard.lost == 0
    assert max(heard.delays_ms[4:]) <= 61


def test_the_first_packets_out_of_order_are_put_right() -> None:
    arrivals = [(5.0, packet(1)), (10.0, packet(0)), (30.0, packet(3)), (35.0, packet(2))]
    assert play(new_buffer(), arrivals, 12).numbers == [0, 1, 2, 3]


@pytest.mark.parametrize("jitter_ms", [20, 40, 80, 160])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_jitter_with_reordering_is_taken_out(jitter_ms: int, seed: int) -> None:
    rng = random.Random(seed)
    arrivals = [(20 * n + rng.random() * jitter_ms, packet(n)) for n in range(1000)]
    buffer = new_buffer()
    heard = play(buffer, arrivals, 1020)
    assert heard.numbers == sorted(heard.numbers)
    assert len(heard.numbers) >= 970
    assert len(heard.numbers) + buffer.late + buffer.discarded == 1000
    assert max(heard.delays_ms[100:]) < jitter_ms + 80
    assert len(set(heard.numbers)) == len(heard.numbers)


@pytest.mark.parametrize("loss", [0.01, 0.1, 0.3])
def test_lost_packets_are_told_as_lost_and_nothing_else_suffers(loss: float) -> None:
    rng = random.Random(5)
    arrivals = [arrival for arrival in stream(1000) if rng.random() >= loss]
    heard = play(new_buffer(60, 60), arrivals, 1020)
    assert heard.numbers == [int(p.payload) for _, p in arrivals]
    missing = 1000 - len(arrivals)
    assert 0.95 * missing - 1 <= heard.lost <= missing


def test_duplicates_are_played_once() -> None:
    arrivals = stream(50)
    buffer = new_buffer()
    for when, copied in arrivals[:]:
        arrivals.append((when + 25, copied))
    assert play(buffer, arrivals, 60).numbers == list(range(50))
    assert buffer.counters.duplicate == 50


def test_a_pause_of_the_sender_is_a_pause_and_no_loss() -> None:
    arrivals = [(20 * n + 5.0, packet(n)) for n in range(50)]
    arrivals += [(20 * n + 3005.0, packet(n, FRAME * (n + 150))) for n in range(50, 100)]
    buffer = new_buffer()
    heard = play(buffer, arrivals, 260)
    assert heard.numbers == list(range(100))
    assert (heard.lost, buffer.late, buffer.discarded) == (0, 0, 0)
    assert heard.delays_ms[50] <= 65


def test_packets_without_sound_are_not_missing() -> None:
    buffer = new_buffer(60, 60)
    arrivals = [(when, p) for when, p in stream(40) if int(p.payload) not in (20, 21, 22)]
    heard = Heard()
    for tick in range(45):
        if tick in (20, 21, 22):
            buffer.skip(packet(tick).sequence)
        elif tick < 40:
            buffer.put(packet(tick), FRAME)
        item = buffer.take(0)
        heard.lost += isinstance(item, Gap) and item.lost
        heard.numbers += [] if isinstance(item, Gap) else [int(item.payload)]
        buffer.tick(FRAME)
    assert heard.numbers == [int(p.payload) for _, p in arrivals]
    assert heard.lost == 0
    assert (buffer.losses().expected, buffer.losses().missing) == (40, 0)


@pytest.mark.parametrize("ptime_frames", [1, 2, 3])
def test_longer_packets_need_no_special_case(ptime_frames: int) -> None:
    buffer = new_buffer()
    numbers = []
    ready = 0
    for tick in range(150):
        if tick % ptime_frames == 0:
            number = tick // ptime_frames
            buffer.put(packet(number, FRAME * ptime_frames * number), FRAME * ptime_frames)
        while ready < FRAME:
            item = buffer.take(ready)
            ready += item.duration if isinstance(item, Gap) else FRAME * ptime_frames
            numbers += [] if isinstance(item, Gap) else [int(item.payload)]
        ready -= FRAME
        buffer.tick(FRAME)
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 150 // ptime_frames - 4


@pytest.mark.parametrize("ppm", [3000, -3000])
def test_a_sender_with_another_crystal_is_followed(ppm: int) -> None:
    """Six minutes at 3000 ppm drift as far as an hour at 300."""
    count = 18_000
    arrivals = [(20 * n + 5.0, packet(n, FRAME * n)) for n in range(count)]
    buffer = new_buffer()
    heard = play(buffer, arrivals, count, ppm=ppm)
    assert len(heard.numbers) >= count - 60
    assert buffer.late + buffer.discarded < 20
    assert max(heard.delays_ms[1000:]) < 110
    assert min(heard.delays_ms[1000:]) >= 0


def test_a_calmer_network_gets_its_delay_back() -> None:
    rng = random.Random(4)
    arrivals = [(20 * n + (rng.random() * 120 if n < 500 else 0.0), packet(n)) for n in range(2000)]
    buffer = new_buffer()
    heard = play(buffer, arrivals, 2010)
    assert max(heard.delays_ms[400:500]) > 100
    assert max(heard.delays_ms[-200:]) <= 60
    assert buffer.counters.delay == 160


@pytest.mark.parametrize("outage_ms", [100, 300, 900, 5000])
def test_after_an_outage_the_delay_stays_below_its_limit(outage_ms: int) -> None:
    arrivals = [(max(20 * n + 5.0, 2000.0 + outage_ms) if n >= 100 else 20 * n + 5.0, packet(n)) for n in range(1500)]
    buffer = new_buffer(max_ms=300)
    heard = play(buffer, arrivals, 1520)
    after = heard.numbers.index(next(n for n in heard.numbers if n > 100 + outage_ms // 20))
    assert max(heard.delays_ms[after:]) <= 300 + 60
    assert heard.numbers[-1] == 1499
    assert max(heard.delays_ms[-50:]) <= 60


@pytest.mark.parametrize("jump", [10**6, -(10**6), 2**31 - 1, 9000, -20_000])
def test_a_jump_of_the_time_stamps_begins_anew(jump: int) -> None:
    arrivals = [(20 * n + 5.0, packet(n, FRAME * n + (jump if n >= 100 else 0))) for n in range(300)]
    heard = play(new_buffer(), arrivals, 320)
    assert len(heard.numbers) >= 290
    assert heard.numbers[-1] == 299
    assert max(heard.delays_ms[-50:]) <= 80


@pytest.mark.parametrize("pause_ms", [100, 280, 340, 460, 900, 4000])
def test_time_stamps_that_stand_still_in_a_pause_are_understood(pause_ms: int) -> None:
    """As those of a phone that was held up do, whose card lost what was said meanwhile."""
    arrivals = [(20 * n + 5.0 + (0 if n < 100 else pause_ms), packet(n)) for n in range(600)]
    heard = play(new_buffer(), arrivals, 620 + pause_ms // 20)
    assert len(heard.numbers) >= 598
    assert max(heard.delays_ms[110:]) <= 80
    assert heard.lost == 0
    # Besides the pause itself and the twenty ticks after the end there is little to be filled.
    assert heard.other_gaps <= pause_ms // 20 + 30


def test_a_very_old_straggler_changes_nothing() -> None:
    arrivals = stream(300)
    arrivals.append((4000.0, packet(-100)))
    buffer = new_buffer()
    assert play(buffer, arrivals, 310).numbers == list(range(300))
    assert buffer.late == 1


def test_a_flood_is_bounded() -> None:
    buffer = new_buffer(max_ms=2000)
    for number in range(5000):
        buffer.put(packet(number, 10 * number % 7000), 10)
    assert buffer.counters.waiting <= MAX_PACKETS


def test_two_packets_for_the_same_moment_are_played_once() -> None:
    buffer = new_buffer(20, 20)
    for number in (0, 1, 2):
        buffer.put(packet(number, 0), FRAME)
    heard = []
    for _ in range(5):
        item = buffer.take(0)
        heard += [] if isinstance(item, Gap) else [int(item.payload)]
        buffer.tick(FRAME)
    assert heard == [0]
    assert buffer.discarded == 2


def test_reset_forgets_the_source() -> None:
    buffer = new_buffer()
    for number in range(3):
        buffer.put(packet(number), FRAME)
    buffer.reset()
    assert buffer.counters.discarded == 3
    item = buffer.take(0)
    assert isinstance(item, Gap)
    assert not item.lost
    assert play(buffer, [(5.0, packet(70, base=9, stamp=5))], 5).numbers == [70]


def test_any_stream_is_survived() -> None:
    rng = random.Random(9)
    buffer = new_buffer()
    for _ in range(20_000):
        action = rng.random()
        if action < 0.5:
            wild = RtpPacket(0, rng.getrandbits(16), rng.getrandbits(32), 1, False, b"")
            near = packet(rng.randrange(50), rng.randrange(8000))
            buffer.put(wild if rng.random() < 0.1 else near, rng.choice([80, 160, 480]))
        elif action < 0.6:
            buffer.skip(rng.getrandbits(16))
        else:
            item = buffer.take(rng.randrange(160))
            assert not isinstance(item, Gap) or 0 < item.duration <= FRAME
            buffer.tick(FRAME)
        assert buffer.counters.waiting <= MAX_PACKETS


@pytest.mark.parametrize("jitter_ms", [0, 30, 90])
@pytest.mark.parametrize("loss", [0.0, 0.02, 0.15])
def test_what_was_never_played_is_counted_as_missing(loss: float, jitter_ms: int) -> None:
    network = random.Random(f"{loss} {jitter_ms}")
    count = 3000
    arrivals = [(20.0 * n + network.uniform(0, jitter_ms), packet(n)) for n in range(count) if network.random() >= loss]
    buffer = new_buffer()
    heard = play(buffer, arrivals, count - 50)
    figures = buffer.losses()
    played = range(heard.numbers[0], heard.numbers[-1] + 1)
    never = [n for n in played if n not in set(heard.numbers)]
    assert (figures.expected, figures.missing) == (len(played), len(never))
    assert figures.runs == sum(n - 1 not in never for n in never)


def test_what_waited_while_the_card_was_opened_does_not_stop_the_count() -> None:
    buffer = new_buffer()
    arrivals = [(0.0, packet(n)) for n in range(20)] + [(20.0 * (n - 20) + 5, packet(n)) for n in range(20, 200)]
    heard = play(buffer, arrivals, 170)
    assert heard.numbers[0] > 5
    figures = buffer.losses()
    assert (figures.expected, figures.missing) == (len(heard.numbers), 0)


def test_a_tenth_of_the_spread_is_kept_in_reserve() -> None:
    arrivals = [(20 * n + 100.0 * (n % 7 == 0), packet(n)) for n in range(400)]
    buffer = new_buffer()
    play(buffer, arrivals, 380)
    assert buffer.counters.delay == FRAME * 110 // 20
