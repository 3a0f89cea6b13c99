"""Files in place of a card, read back with Python's own reader."""

import os
import subprocess
import sys
import warnings
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.audio.errors import DeviceUnavailable
from device.audio.pacer import Pacer
from device.audio.wav import WavSink, WavSource, read_wav_format

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import wave


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a file shall not take as long as hearing it."""
    monkeypatch.setattr(Pacer, "wait", lambda self: None)


def write_wav(path: Path, samples: list[int], rate_hz: int = 8000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(array("h", samples).tobytes())
    return path


def read_wav(path: Path) -> tuple[int, "array[int]"]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), array("h", file.readframes(file.getnframes()))


@pytest.fixture
def listen() -> Iterator[Callable[..., WavSource]]:
    """Open a file as the microphone, for periods of 20 ms at 8 kHz."""
    opened: list[WavSource] = []

    def opener(path: Path, loop: bool = False) -> WavSource:
        source = WavSource(str(path), loop)
        opened.append(source)
        source.open(8000, 160)
        return source

    yield opener
    for source in opened:
        source.close()


Listen = Callable[..., WavSource]


def read_periods(source: WavSource, count: int) -> "array[int]":
    return array("h", b"".join(source.read() for _ in range(count)))


def test_a_file_is_heard_once_then_silence(listen: Listen, tmp_path: Path) -> None:
    source = listen(write_wav(tmp_path / "in.wav", list(range(1, 201))))
    heard = read_periods(source, 3)
    assert list(heard) == [*range(1, 201), *[0] * 280]


def test_a_looped_file_goes_on_without_a_gap(listen: Listen, tmp_path: Path) -> None:
    source = listen(write_wav(tmp_path / "in.wav", [1, 2, 3]), loop=True)
    assert list(read_periods(source, 2)) == ([1, 2, 3] * 107)[:320]


def test_opening_again_begins_at_the_beginning(listen: Listen, tmp_path: Path) -> None:
    source = listen(write_wav(tmp_path / "in.wav", list(range(1000))))
    first = source.read()
    source.read()
    source.open(8000, 160)
    assert source.read() == first


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_rates_and_channels_are_converted(listen: Listen, tmp_path: Path, rate_hz: int, channels: int) -> None:
    path = write_wav(tmp_path / "in.wav", [4000] * rate_hz * channels, rate_hz, channels)
    source = listen(path)
    heard = read_periods(source, 60)
    assert sum(abs(sample) > 2000 for sample in heard) == pytest.approx(8000, abs=40)
    assert sorted(heard)[len(heard) // 2] == pytest.approx(4000, abs=40)


def test_an_empty_file_is_silence(listen: Listen, tmp_path: Path) -> None:
    source = listen(write_wav(tmp_path / "in.wav", []), loop=True)
    assert source.read() == bytes(320)


def test_a_file_cut_short_while_it_plays_is_silence(listen: Listen, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "in.wav", [7] * 40000)
    source = listen(path)
    source.read()
    os.truncate(path, 44 + 320)
    assert read_periods(source, 100)[-160:] == array("h", [0] * 160)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no WAV file"),
        (b"OggS" + bytes(40), "no WAV file"),
        (b"RIFF\0\0\0\0WAVE", "no sound"),
        (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0", "no sound"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0\0\0\0\0", "no sound"),
    ],
)
def test_what_is_no_sound_is_refused_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "in.wav"
    path.write_bytes(content)
    with pytest.raises(DeviceUnavailable, match=reason):
        WavSource(str(path), loop=False).open(8000, 160)


def test_another_sample_width_is_refused(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "in.wav", [1, 2, 3], width=1)
    with pytest.raises(DeviceUnavailable, match="16 bit"):
        WavSource(str(path), loop=False).open(8000, 160)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable, match=r"none\.wav: No such file.*audio\.wav_in"):
        WavSource(str(tmp_path / "none.wav"), loop=False).open(8000, 160)


def test_a_closed_source_is_silent_and_counts_no_loss(tmp_path: Path) -> None:
    source = WavSource(str(write_wav(tmp_path / "in.wav", [1])), loop=False)
    assert source.read() == b""
    assert source.xruns == 0


def test_other_chunks_are_passed_over_and_a_size_of_zero_means_to_the_end(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "in.wav", [1, 2, 3])
    content = path.read_bytes()
    broken = content[:36] + b"LIST\3\0\0\0abc\0" + b"data\0\0\0\0" + content[44:]
    path.write_bytes(broken)
    with open(path, "rb") as file:
        found = read_wav_format(file)
    assert (found.rate_hz, found.channels, found.data_bytes) == (8000, 1, 6)


def test_what_is_heard_is_written(tmp_path: Path) -> None:
    sink = WavSink(str(tmp_path / "out.wav"))
    sink.open(8000, 160)
    sink.write(array("h", range(160)).tobytes())
    sink.close()
    sink.close()
    assert read_wav(tmp_path / "out.wav") == (8000, array("h", range(160)))


def test_the_next_call_is_written_behind_the_last(tmp_path: Path) -> None:
    for value in (1, 2):
        sink = WavSink(str(tmp_path / "out.wav"))
        sink.open(8000, 160)
        sink.write(array("h", [value] * 160).tobytes())
        sink.close()
    assert list(read_wav(tmp_path / "out.wav")[1]) == [1] * 160 + [2] * 160


def test_a_file_of_another_rate_is_begun_anew(tmp_path: Path) -> None:
    write_wav(tmp_path / "out.wav", [9] * 100, 48000)
    sink = WavSink(str(tmp_path / "out.wav"))
    sink.open(8000, 160)
    sink.write(bytes(320))
    sink.close()
    assert read_wav(tmp_path / "out.wav") == (8000, array("h", [0] * 160))


def test_a_killed_writer_leaves_a_valid_file(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    program = (
        "import os, signal\n"
        "from device.audio.wav import WavSink\n"
        f"sink = WavSink({str(path)!r})\n"
        "sink.open(8000, 160)\n"
        "for _ in range(70): sink.write(bytes(320))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=False)
    rate_hz, samples = read_wav(path)
    assert rate_hz == 8000
    assert len(samples) == 8000  # the header told of the last whole second
    sink = WavSink(str(path))
    sink.open(8000, 160)
    sink.close()
    assert len(read_wav(path)[1]) == 8000


@pytest.mark.parametrize("place", ["", "missing/out.wav"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, place: str) -> None:
    with pytest.raises(DeviceUnavailable, match=r"audio\.wav_out"):
        WavSink(str(tmp_path / place)).open(8000, 160)


def test_writing_before_opening_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable):
        WavSink(str(tmp_path / "out.wav")).write(bytes(2))


def test_a_full_file_system_is_told() -> None:
    sink = WavSink("/dev/full")
    with pytest.raises(DeviceUnavailable, match="No space left"):
        sink.open(8000, 160)


def test_a_file_that_fails_while_it_is_written_is_told_and_can_be_closed(tmp_path: Path) -> None:
    sink = WavSink(str(tmp_path / "out.wav"))
    sink.open(8000, 160)
    assert sink._file is not None
    os.close(sink._file.fileno())
    with pytest.raises(DeviceUnavailable, match="Bad file descriptor"):
        sink.write(bytes(320))
    sink.close()


def test_a_recording_ends_where_the_format_ends(tmp_path: Path) -> None:
    sink = WavSink(str(tmp_path / "out.wav"))
    sink.open(8000, 160)
    sink.write(bytes(320))
    sink._data_bytes = 0xFFFFFF00
    sink.write(bytes(320))
    sink._data_bytes = 320
    sink.close()
    assert sink.xruns == 0
    assert len(read_wav(tmp_path / "out.wav")[1]) == 160


def test_a_file_keeps_its_rate_when_the_calls_change_theirs(tmp_path: Path) -> None:
    sink = WavSink(str(tmp_path / "out.wav"))
    sink.open(8000, 160)
    sink.write(bytes(320))
    sink.open(16000, 320)
    sink.write(array("h", [1000] * 320).tobytes())
    sink.close()
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 320)
        assert array("h", file.readframes(320))[-1] == pytest.approx(1000, abs=60)


def test_a_new_file_takes_the_rate_that_was_asked_for(tmp_path: Path) -> None:
    sink = WavSink(str(tmp_path / "out.wav"), 16000)
    sink.open(8000, 160)
    sink.write(bytes(320))
    sink.close()
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert (file.getframerate(), file.getnframes()) == (16000, 320)
