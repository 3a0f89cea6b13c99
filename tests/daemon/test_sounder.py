"""A ringer on a sound card of its own."""

import math
import struct
from collections.abc import Callable

import pytest

from device.audio.errors import DeviceUnavailable
from device.daemon.sounder import FRAME_SAMPLES, RATE_HZ, SounderDrive, open_sounder
from device.hardware.board import Board
from device.hardware.errors import LineError
from device.hardware.mock_chip import MockChip
from device.hardware.profile import BoardProfile, RingerProfile
from device.hardware.ringer import RingDrive


class Card:
    """A sink that keeps what is played; `broken` is what it says instead."""

    def __init__(self) -> None:
        self.played = b""
        self.is_open = False
        self.opened = 0
        self.broken = ""
        self.xruns = 0

    def open(self, rate_hz: int, period_samples: int) -> None:
        assert (rate_hz, period_samples) == (RATE_HZ, FRAME_SAMPLES)
        self._complain()
        self.is_open = True
        self.opened += 1

    def write(self, pcm: bytes) -> None:
        assert self.is_open
        assert len(pcm) == 2 * FRAME_SAMPLES
        self._complain()
        self.played += pcm

    def close(self) -> None:
        self.is_open = False

    def _complain(self) -> None:
        if self.broken:
            raise DeviceUnavailable(self.broken)


@pytest.fixture
def card() -> Card:
    return Card()


def make_board(card: Card) -> Board:
    profile = BoardProfile.from_mapping(
        {"driver": "mock", "ringer": {"kind": "sounder", "device": "hw:1", "tones_hz": [1000, 500], "turn_ms": 50}}
    )

    def open_drive(ringer: RingerProfile) -> RingDrive:
        return SounderDrive(card, ringer.device, ringer.tones_hz, ringer.turn_ms, ringer.gain_db)

    return Board(profile, MockChip(), open_drive)


def run(board: Board, until: float, late: Callable[[float], float] = lambda at: at) -> None:
    while (deadline := board.next_timeout()) is not None and deadline <= until:
        board.handle_timeout(late(deadline))


def level(samples: tuple[int, ...], tone_hz: int) -> float:
    """The amplitude of a tone in `samples`, by correlation."""
    turns = [2 * math.pi * tone_hz * n / RATE_HZ for n in range(len(samples))]
    real = sum(value * math.cos(turn) for value, turn in zip(samples, turns, strict=True))
    imaginary = sum(value * math.sin(turn) for value, turn in zip(samples, turns, strict=True))
    return 2 * math.hypot(real, imaginary) / len(samples)


def test_two_tones_take_turns_for_as_long_as_the_burst_lasts(card: Card) -> None:
    board = make_board(card)
    board.ringer.start("eu", 0.0)
    run(board, 0.99)
    assert card.is_open
    samples = struct.unpack(f"={len(card.played) // 2}h", card.played)
    assert len(samples) == 50 * FRAME_SAMPLES
    expected = 32767 * 10 ** (-6 / 20)
    assert level(samples[:400], 1000) == pytest.approx(expected, rel=0.02)
    assert level(samples[:400], 500) < expected / 50
    assert level(samples[400:800], 500) == pytest.approx(expected, rel=0.02)
    run(board, 1.0)
    assert not card.is_open
    run(board, 5.5)
    assert card.is_open
    assert card.opened == 2
    board.ringer.stop()
    assert not card.is_open
    board.close()


def test_a_loop_that_is_late_writes_no_row_of_frames(card: Card) -> None:
    board = make_board(card)
    board.ringer.start("eu", 0.0)
    board.handle_timeout(0.5)
    board.handle_timeout(0.5)
    assert len(card.played) // 2 <= 3 * FRAME_SAMPLES
    board.close()


def test_a_card_that_is_away_is_told_and_tried_at_the_next_burst(card: Card, caplog: pytest.LogCaptureFixture) -> None:
    board = make_board(card)
    card.broken = "sound card hw:1 is away"
    with pytest.raises(LineError, match="the sounder on hw:1 is silent: sound card hw:1 is away"):
        board.ringer.start("eu", 0.0)
    run(board, 4.9)
    card.broken = ""
    run(board, 5.2)
    assert card.played
    card.broken = "unplugged"
    run(board, 5.4)
    assert "unplugged" in caplog.text
    assert not card.is_open
    board.close()


def test_the_drive_of_a_profile_opens_no_card_yet() -> None:
    drive = open_sounder(RingerProfile(kind="sounder", device="hw:NoSuchCard", tones_hz=(1000,)))
    assert drive.next_timeout() is None
    with pytest.raises(LineError, match="NoSuchCard"):
        drive.start(0.0)
    drive.stop()
