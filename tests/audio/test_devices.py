"""From settings to devices."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from device.audio.devices import make_device
from device.audio.errors import AudioError
from device.audio.null import NullSink, NullSource
from device.audio.settings import AudioSettings
from device.audio.wav import WavSink, WavSource


def test_null() -> None:
    device = make_device(AudioSettings(kind="null"))
    assert device.name == "null"
    assert isinstance(device.source, NullSource)
    assert isinstance(device.sink, NullSink)


def test_wav_files_are_optional_each(tmp_path: Path) -> None:
    both = make_device(AudioSettings(kind="wav", wav_in="in.wav", wav_out=str(tmp_path / "out.wav")))
    assert isinstance(both.source, WavSource)
    assert isinstance(both.sink, WavSink)
    neither = make_device(AudioSettings(kind="wav"))
    assert isinstance(neither.source, NullSource)
    assert isinstance(neither.sink, NullSink)


def test_alsa_devices_are_named_and_may_be_left_out() -> None:
    pytest.importorskip("alsaaudio")
    from device.audio.alsa import AlsaCapture, AlsaPlayback  # noqa: PLC0415

    same = make_device(AudioSettings(kind="alsa"))
    assert same.name == "default"
    assert isinstance(same.source, AlsaCapture)
    assert isinstance(same.sink, AlsaPlayback)
    speaker = make_device(AudioSettings(kind="alsa", capture_device="none", playback_device="hw:1"))
    assert speaker.name == "hw:1 and none"
    assert isinstance(speaker.source, NullSource)
    deaf = make_device(AudioSettings(kind="alsa", playback_device="none"))
    assert isinstance(deaf.sink, NullSink)


def test_a_missing_package_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alsaaudio", None)
    with pytest.raises(AudioError, match=r"pip install pyalsaaudio.*audio\.kind"):
        make_device(AudioSettings(kind="alsa"))


def test_an_old_package_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    old = ModuleType("alsaaudio")
    old.PCM = type("PCM", (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "alsaaudio", old)
    with pytest.raises(AudioError, match=r"older than 0\.11.*--upgrade"):
        make_device(AudioSettings(kind="alsa"))


def test_a_device_that_opens_only_half_is_closed_whole(tmp_path: Path) -> None:
    heard = tmp_path / "out.wav"
    device = make_device(AudioSettings(kind="wav", wav_in=str(tmp_path / "none.wav"), wav_out=str(heard)))
    with pytest.raises(AudioError, match=r"none\.wav"):
        device.open(8000, 160)
    with pytest.raises(AudioError, match="not open"):
        device.sink.write(bytes(320))
