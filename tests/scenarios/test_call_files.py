"""Two daemons: a call recorded, a file played into it, and music for who is on hold, compared with what was said."""

import stat
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.media import pcm
from tests.support.daemons import CALLEE_WAV, CALLER_WAV, PhoneDaemon, running
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge, write_repeated

HEARD_S = 1.5


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Iterator[tuple[PhoneDaemon, PhoneDaemon]]:
    folder = tmp_path_factory.mktemp("pair")
    music = write_repeated(CALLEE_WAV, folder / "music.wav", 3)
    one = PhoneDaemon("1001", folder, {"media.hold_music": str(music)})
    other = PhoneDaemon("1002", folder, {"audio.wav_in": ""})
    with running(one, other):
        yield one, other


def connect(one: PhoneDaemon, other: PhoneDaemon) -> None:
    one.place(f"sip:offhook@127.0.0.1:{other.port}")
    other.expect_state("alerting")
    other.call("call.answer")
    for phone in (one, other):
        phone.expect_state("connected")


def likeness(sound: bytes, path: Path) -> float:
    """The best correlation of half-second pieces of what was heard with a file, over all places of it."""
    with wave.open(str(path)) as file:
        said = file.readframes(file.getnframes())
    best = 0.0
    for at in range(0, len(sound) - 8000, 4000):
        piece = sound[at : at + 8000]
        if pcm.rms(piece) < 300:
            continue
        offset, factor = pcm.fit(said, piece)
        found = said[2 * offset :][: len(piece)]
        best = max(best, abs(factor) * pcm.rms(piece) / max(1, pcm.rms(found)))
    return best


def test_a_call_is_recorded_with_both_sides(pair, tmp_path: Path) -> None:
    one, other = pair
    connect(one, other)
    path = Path(str(one.call("call.record")["path"]))
    assert path.parent == one.store_path.parent / "recordings"
    one.listen(TALK_S)
    one.call("call.hangup")
    one.expect("audio", "the recording", lambda told: told.get("recorded") == str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with wave.open(str(path)) as file:
        assert file.getnframes() >= 8000 * TALK_S
        stereo = file.readframes(file.getnframes())
    near = pcm.from_array(pcm.to_array(stereo)[1::2])
    assert likeness(near, CALLER_WAV) > GOOD_CORRELATION
    one.rest()
    other.rest()


def test_a_file_is_heard_by_the_far_end_and_here(pair) -> None:
    one, other = pair
    connect(one, other)
    one.call("call.play", path=str(CALLEE_WAV))
    here = one.listen(HEARD_S)
    assert likeness(here, CALLEE_WAV) > GOOD_CORRELATION
    one.expect("audio", "the end of the file", lambda told: told.get("played") == str(CALLEE_WAV))
    one.rest()
    other.rest()


def test_who_is_on_hold_hears_music_and_not_the_microphone(pair) -> None:
    one, other = pair
    connect(one, other)
    one.call("call.hold")
    one.expect_state("held")
    other.listen(0.5)
    heard = other.listen(HEARD_S)
    assert likeness(heard, CALLEE_WAV) > GOOD_CORRELATION
    assert likeness(heard, CALLER_WAV) < 0.7
    one.call("call.resume")
    one.expect_state("connected")
    since = time.monotonic()
    other.listen(TALK_S)
    said, heard_later = one.recordings()[0], other.recordings()[1]
    assert judge(said, heard_later, since).correlation > GOOD_CORRELATION
    one.rest()
    other.rest()
