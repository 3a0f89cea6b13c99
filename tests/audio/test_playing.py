"""Files played into calls: their sound at any rate, their end, and files that are none."""

import os
import wave
from array import array
from math import pi, sin
from pathlib import Path

import pytest

from device.audio.errors import DeviceUnavailable
from device.audio.playing import BLOCKS_AHEAD, Player, check_playable
from tests.media.goertzel import level_db
from tests.support.processes import wait_until

PATIENCE_S = 10.0


def wav(path: Path, samples: list[int], rate_hz: int = 8000, channels: int = 1) -> str:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(array("h", samples).tobytes())
    return str(path)


class Heard:
    """A player driven as the audio thread does, but never before the reader has come."""

    def __init__(self, path: str, loop: bool = False) -> None:
        self.told: list[tuple[str, str]] = []
        self.player = Player(path, loop, lambda *told: self.told.append(told))

    def frames(self, count: int, rate_hz: int = 8000) -> list[int]:
        sound, player, need = b"", self.player, 2 * (rate_hz // 50)
        for _ in range(count):
            wait_until(
                "the reader",
                lambda: player._all_read or len(player._pending) >= need or not player._ready.empty(),
            )
            sound += self.player.next_frame(rate_hz, rate_hz // 50)
        return list(array("h", sound))

    def end(self) -> None:
        self.player.close()
        self.player.join(PATIENCE_S)
        assert not self.player.is_open


def test_a_file_is_heard_once_from_beginning_to_end(tmp_path: Path) -> None:
    samples = [n % 30000 for n in range(8000 * 2 + 100)]
    heard = Heard(wav(tmp_path / "a.wav", samples))
    assert heard.frames(101) == samples + [0] * 60
    assert heard.player.finished
    heard.player.join(PATIENCE_S)
    assert heard.told == [(str(tmp_path / "a.wav"), "")]


def test_music_begins_again_at_its_end(tmp_path: Path) -> None:
    samples = list(range(1, 3001))
    heard = Heard(wav(tmp_path / "a.wav", samples), loop=True)
    assert heard.frames(100) == (samples * 6)[:16000]
    heard.end()


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_stereo_at_another_rate(tmp_path: Path, rate_hz: int) -> None:
    sine = [round(8000 * sin(2 * pi * 500 * n / 44100)) for n in range(44100) for _ in "LR"]
    heard = Heard(wav(tmp_path / "a.wav", sine, 44100, 2))
    sound = array("h", heard.frames(40, rate_hz)).tobytes()
    assert level_db(sound[6400:], 500, rate_hz) == pytest.approx(-12.2, abs=0.3)
    heard.end()


def test_a_reader_is_never_far_ahead(tmp_path: Path) -> None:
    heard = Heard(wav(tmp_path / "a.wav", [1] * 8000 * 20))
    wait_until("the reader to have read ahead", lambda: heard.player._ready.qsize() == BLOCKS_AHEAD)
    heard.frames(5)
    wait_until("one block more", lambda: heard.player._ready.qsize() == BLOCKS_AHEAD)
    heard.end()
    assert heard.told == [(str(tmp_path / "a.wav"), "")]


def test_a_reader_that_is_late_is_silence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never")
    heard = Heard(str(tmp_path / "never"))
    assert heard.player.next_frame(8000, 160) == bytes(320)
    heard.end()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b"", "it is no WAV file"),
        (b"RIFF\0\0\0\0WAVE", "it has no sound in it"),
        ("pipe", "it is no file"),
        ("folder", "Is a directory|it is no file"),
        ("empty", "it has no sound"),
    ],
)
def test_what_cannot_be_played(tmp_path: Path, content: bytes | str | None, why: str) -> None:
    path = tmp_path / "a.wav"
    if content == "pipe":
        os.mkfifo(path)
    elif content == "folder":
        path.mkdir()
    elif content == "empty":
        wav(path, [])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(DeviceUnavailable, match=f"cannot be played: .*({why})"):
        check_playable(str(path))
    heard = Heard(str(path), loop=True)
    assert heard.frames(3) == [0] * 480
    heard.end()
    assert heard.told[0][1], "the reason is told"
