"""Recordings: what is in the file, who may read it, and how they end. The disk is real."""

import os
import stat
import wave
from array import array
from pathlib import Path

import pytest

from device.audio import recording as module
from device.audio.errors import DeviceUnavailable
from device.audio.recording import FRAMES_A_WRITE, MAX_WAITING, Recording
from tests.support.processes import wait_until

PATIENCE_S = 10.0


def frame(level: int, rate_hz: int = 8000) -> bytes:
    return array("h", [level] * (rate_hz // 50)).tobytes()


class Taken:
    """A recording, and what it told."""

    def __init__(self, path: Path, reserve_bytes: int = 0) -> None:
        self.path = path
        self.told: list[tuple[str, float, str]] = []
        self.recording = Recording(str(path), reserve_bytes, lambda *told: self.told.append(told))

    def end(self) -> tuple[str, float, str]:
        self.recording.close()
        self.recording.join(PATIENCE_S)
        (told,) = self.told
        return told

    def sound(self) -> tuple[int, list[int], list[int]]:
        with wave.open(str(self.path)) as file:
            assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
            samples = array("h", file.readframes(file.getnframes()))
            return file.getframerate(), list(samples[::2]), list(samples[1::2])


def test_the_far_end_is_left_and_this_side_right(tmp_path: Path) -> None:
    taken = Taken(tmp_path / "a.wav")
    for n in range(100):
        taken.recording.put(frame(1000 + n), frame(-2000 - n), 8000)
    assert taken.end() == (str(tmp_path / "a.wav"), 2.0, "")
    rate_hz, left, right = taken.sound()
    assert rate_hz == 8000
    assert left == [1000 + n for n in range(100) for _ in range(160)]
    assert right == [-2000 - n for n in range(100) for _ in range(160)]


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        taken = Taken(tmp_path / "a.wav")
    finally:
        os.umask(before)
    taken.end()
    assert stat.S_IMODE((tmp_path / "a.wav").stat().st_mode) == 0o600


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("precious")
    (tmp_path / "link.wav").symlink_to(tmp_path / "elsewhere")
    for name, why in (("a.wav", "exists"), ("link.wav", "exists"), ("no/a.wav", "No such")):
        with pytest.raises(DeviceUnavailable, match=f"{name} cannot be recorded to: .*{why}.*; choose another name"):
            Taken(tmp_path / name)
    assert (tmp_path / "a.wav").read_text() == "precious"
    assert not (tmp_path / "elsewhere").exists()


def test_the_file_is_valid_while_it_grows(tmp_path: Path) -> None:
    taken = Taken(tmp_path / "a.wav")
    for _ in range(2 * FRAMES_A_WRITE):
        taken.recording.put(frame(1), frame(2), 8000)

    def half_a_second_is_there() -> bool:
        return len((tmp_path / "a.wav").read_bytes()) == 44 + 4 * 160 * 2 * FRAMES_A_WRITE

    wait_until("a second on the disk", half_a_second_is_there)
    assert len(taken.sound()[1]) == 160 * 2 * FRAMES_A_WRITE
    taken.end()


def test_a_call_that_becomes_wide_band_goes_on_at_the_rate_of_the_file(tmp_path: Path) -> None:
    taken = Taken(tmp_path / "a.wav")
    for rate_hz in (8000, 16000, 8000):
        for _ in range(50):
            taken.recording.put(frame(5000, rate_hz), frame(-5000, rate_hz), rate_hz)
    assert taken.end()[1] == 3.0
    rate_hz, left, right = taken.sound()
    assert (rate_hz, len(left)) == (8000, 24000)
    assert left[12000] == pytest.approx(5000, abs=50)
    assert right[12000] == pytest.approx(-5000, abs=50)


def test_a_slow_disk_costs_silence_and_keeps_both_sides_in_step(tmp_path: Path, monkeypatch) -> None:
    held: list[bool] = []
    gate = module.SimpleQueue()  # type: ignore[var-annotated]
    write = Recording._write

    def slow(self: Recording, data: bytes) -> None:
        if not held:
            held.append(True)
            gate.get()
        write(self, data)

    monkeypatch.setattr(Recording, "_write", slow)
    taken = Taken(tmp_path / "a.wav")
    for _ in range(FRAMES_A_WRITE):
        taken.recording.put(frame(7), frame(7), 8000)
    wait_until("the disk to hang", lambda: bool(held))
    for _ in range(MAX_WAITING + 30):
        taken.recording.put(frame(8), frame(8), 8000)
    gate.put(None)
    wait_until("the disk to catch up", taken.recording._queue.empty)
    taken.recording.put(frame(9), frame(9), 8000)
    assert taken.end()[2] == ""
    _, left, _ = taken.sound()
    frames = left[::160]
    assert frames == [7] * FRAMES_A_WRITE + [8] * MAX_WAITING + [0] * 30 + [9]


def test_a_full_disk_is_told_before_it_begins(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable, match=r"less than 10\d+ MB are left on the disk \(media.record_reserve_mb\)"):
        Taken(tmp_path / "a.wav", reserve_bytes=10**18)
    assert not (tmp_path / "a.wav").exists()


def test_a_disk_that_becomes_full_ends_the_recording_with_all_that_was_said(tmp_path: Path, monkeypatch) -> None:
    taken = Taken(tmp_path / "a.wav")
    monkeypatch.setattr(taken.recording, "_no_room", lambda: "less than 64 MB are left")
    for _ in range(FRAMES_A_WRITE):
        taken.recording.put(frame(3), frame(4), 8000)
    wait_until("the end", lambda: bool(taken.told))
    assert taken.told == [(str(tmp_path / "a.wav"), 0.5, "less than 64 MB are left")]
    taken.recording.put(frame(3), frame(4), 8000)
    taken.recording.close()
    assert len(taken.sound()[1]) == 4000


def test_a_disk_that_fails_ends_the_recording(tmp_path: Path, monkeypatch) -> None:
    taken = Taken(tmp_path / "a.wav")

    def fail(self: Recording, data: bytes) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Recording, "_write", fail)
    for _ in range(FRAMES_A_WRITE):
        taken.recording.put(frame(3), frame(4), 8000)
    wait_until("the end", lambda: bool(taken.told))
    assert taken.told[0][2] == "the disk cannot be written: Input/output error"


def test_a_recording_without_sound_is_an_empty_file(tmp_path: Path) -> None:
    taken = Taken(tmp_path / "a.wav")
    assert taken.end()[1:] == (0.0, "")
    assert taken.sound() == (8000, [], [])


def test_the_far_end_alone_and_without_the_silence_at_its_end(tmp_path: Path) -> None:
    """As a message of a voicemail box is kept."""
    path, told = tmp_path / "a.wav", []
    recording = Recording(str(path), 0, lambda *news: told.append(news), channels=1, durable=True)
    for _ in range(250):
        recording.put(frame(700), frame(-9), 8000)
    recording.close(cut_s=3.5)
    recording.join(PATIENCE_S)
    assert told == [(str(path), 1.5, "")]
    with wave.open(str(path)) as file:
        assert file.getnchannels() == 1
        assert list(array("h", file.readframes(20_000))) == [700] * 12_000
    assert path.stat().st_size == 44 + 24_000


def test_a_durable_recording_is_on_the_disk_while_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = os.fsync
    monkeypatch.setattr(module.os, "fsync", lambda file: (sizes.append(os.fstat(file).st_size), real(file))[1])
    recording = Recording(str(tmp_path / "a.wav"), 0, lambda *_: None, channels=1, durable=True)
    for _ in range(200):
        recording.put(frame(1), b"", 8000)
    recording.close()
    recording.join(PATIENCE_S)
    assert sizes == [44 + 32_000, 44 + 64_000, 44 + 64_000]
