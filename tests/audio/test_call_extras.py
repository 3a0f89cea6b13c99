"""Recording and playing in the bridge: who hears what, and what is in the file."""

import wave
from array import array
from pathlib import Path

import pytest

from device.audio.commands import (
    DetachStream,
    SetMuted,
    StartPlaying,
    StartRecording,
    StopPlaying,
    StopRecording,
    UpdateStream,
)
from device.audio.playing import Player
from device.audio.recording import Recording
from device.media import pcm
from device.model import CallId
from tests.audio.test_bridge import Bench, frame
from tests.audio.test_playing import wav
from tests.media.goertzel import level_db
from tests.support.processes import wait_until
from tests.support.streams import FAR_RTP, stream_parameters

CALL = CallId("a")


@pytest.fixture
def taken(tmp_path: Path):
    made = Recording(str(tmp_path / "r.wav"), 0, lambda *told: None)
    yield made
    made.close()
    made.join(10)


def both_sides(recording: Recording) -> tuple[list[int], list[int]]:
    """The first sample of each frame, of the far end and of this side."""
    recording.join(10)
    with wave.open(recording.path) as file:
        samples = array("h", file.readframes(file.getnframes()))
    return list(samples[::320]), list(samples[1::320])


def test_both_sides_are_in_the_file_and_nothing_changes_for_them(taken: Recording) -> None:
    bench = Bench()
    rtp, _ = bench.attach()
    bench.obey(StartRecording(CALL, taken))
    for n in range(5):
        rtp.arrived.append((frame(100 + n), FAR_RTP))
        assert bench.period(frame(200 + n)) == frame(100 + n)
        assert rtp.sent[-1][0] == frame(200 + n)
    bench.obey(StopRecording(CALL))
    assert not bench.bridge._extras
    bench.period(frame(999))
    assert both_sides(taken) == ([100, 101, 102, 103, 104], [200, 201, 202, 203, 204])


def test_neither_a_muted_microphone_nor_one_on_hold_is_in_the_file(taken: Recording) -> None:
    bench = Bench()
    bench.attach()
    bench.obey(StartRecording(CALL, taken))
    bench.period(frame(1))
    bench.obey(SetMuted(True))
    bench.period(frame(2))
    bench.obey(SetMuted(False))
    bench.obey(UpdateStream(CALL, stream_parameters(on_hold=True)))
    bench.period(frame(3))
    bench.obey(UpdateStream(CALL, stream_parameters()))
    bench.period(frame(4))
    bench.obey(DetachStream(CALL))
    assert both_sides(taken)[1] == [1, 0, 0, 4]


def test_only_the_call_that_is_meant_is_recorded(taken: Recording) -> None:
    bench = Bench()
    bench.attach("a")
    other, _ = bench.attach("b")
    bench.obey(StartRecording(CALL, taken))
    other.arrived.append((frame(77), FAR_RTP))
    assert bench.period(frame(5)) == frame(77)
    bench.obey(DetachStream(CALL))
    assert both_sides(taken) == ([0], [5])


def test_a_recording_of_no_call_ends_at_once(taken: Recording) -> None:
    Bench().obey(StartRecording(CALL, taken))
    assert both_sides(taken) == ([], [])


def test_both_sides_hear_that_they_are_recorded_where_that_is_set(taken: Recording) -> None:
    bench = Bench()
    rtp, _ = bench.attach()
    bench.obey(StartRecording(CALL, taken, notice=True))
    heard = b"".join(bench.period() for _ in range(50 * 16))
    sent = b"".join(data for data, _ in rtp.sent)
    for sound in (heard, sent):
        for begin_s, is_there in ((0.05, True), (1.0, False), (14.0, False), (15.05, True)):
            piece = sound[int(16000 * begin_s) :][:6400]
            assert (level_db(piece, 1400, 8000) > -30) is is_there, begin_s
    bench.obey(StopRecording(CALL))


def test_a_file_is_heard_by_both_sides_beside_what_they_say(tmp_path: Path, taken: Recording) -> None:
    bench = Bench()
    rtp, _ = bench.attach()
    player = Player(wav(tmp_path / "p.wav", [1000] * 8000))
    wait_until("the reader", lambda: player._ready.qsize() > 2)
    bench.obey(StartRecording(CALL, taken))
    bench.obey(StartPlaying(CALL, player))
    rtp.arrived.append((frame(30), FAR_RTP))
    assert bench.period(frame(7)) == frame(1030)
    assert rtp.sent[-1][0] == frame(1007)
    bench.obey(StopPlaying(CALL))
    assert bench.period(frame(7)) == frame(0)
    player.join(10)
    bench.obey(StopRecording(CALL))
    assert both_sides(taken) == ([30, 0], [1007, 7])


def test_a_file_ends_by_itself(tmp_path: Path) -> None:
    bench = Bench()
    rtp, _ = bench.attach()
    player = Player(wav(tmp_path / "p.wav", [1000] * 320))
    bench.obey(StartPlaying(CALL, player))
    wait_until("the reader", lambda: player._ready.qsize() == 2)
    sent = [bench.period() and pcm.to_array(rtp.sent[-1][0])[0] for _ in range(4)]
    assert sent == [1000, 1000, 0, 0]
    player.join(10)
    assert not player.is_open


def test_a_call_that_ends_ends_what_plays(tmp_path: Path) -> None:
    bench = Bench()
    bench.attach()
    player = Player(wav(tmp_path / "p.wav", [1000] * 80000))
    bench.obey(StartPlaying(CALL, player))
    bench.obey(DetachStream(CALL))
    player.join(10)
    assert not player.is_open


# Music on hold.


def test_who_is_on_hold_hears_music_and_nothing_of_the_microphone(tmp_path: Path) -> None:
    path = wav(tmp_path / "m.wav", [500] * 800)
    bench = Bench()
    rtp, _ = bench.attach(hold_music=path)
    bench.period(frame(7))
    assert rtp.sent[-1][0] == frame(7)
    bench.obey(UpdateStream(CALL, stream_parameters(on_hold=True, hold_music=path)))
    music = bench.bridge._legs[CALL]._music
    assert music is not None
    for _ in range(100):
        wait_until("the reader", lambda: len(music._pending) >= 320 or not music._ready.empty())
        bench.period(frame(7))
        assert rtp.sent[-1][0] == frame(500)
    bench.obey(UpdateStream(CALL, stream_parameters(hold_music=path)))
    bench.period(frame(7))
    assert rtp.sent[-1][0] == frame(7)
    music.join(10)
    assert not music.is_open


def test_a_missing_file_of_music_is_silence(tmp_path: Path) -> None:
    bench = Bench()
    rtp, _ = bench.attach(on_hold=True, hold_music=str(tmp_path / "none.wav"))
    for _ in range(10):
        bench.period(frame(7))
        assert rtp.sent[-1][0] == frame(0)
    bench.obey(DetachStream(CALL))


def test_no_music_for_who_holds_us(tmp_path: Path) -> None:
    bench = Bench()
    bench.attach(on_hold=True, sending=False, hold_music=wav(tmp_path / "m.wav", [500] * 800))
    assert bench.bridge._legs[CALL]._music is None
