"""What a live machine tells, with a sound card by script."""

import sys

import pytest

from device.audio.conversion import CardFormat
from device.doctor.system_view import SystemView
from tests.support import scripted_alsa
from tests.support.scripted_alsa import PCM


@pytest.fixture(autouse=True)
def script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alsaaudio", scripted_alsa)
    scripted_alsa.reset()


def test_the_card_below_the_plug_device_is_asked_and_left() -> None:
    # It insists on two channels, and has no rate of 16 kHz.
    stereo = {"channels": 2}
    PCM.formats.extend([stereo, {}, stereo | {"rate": 8000}, {}, stereo, {}])
    found = SystemView().card_formats("playback", "plughw:CARD=Device,DEV=0")
    assert found == [CardFormat(8000, 2), CardFormat(48000, 2)]
    assert all(pcm.closed for pcm in PCM.instances)
    assert {pcm.wanted["device"] for pcm in PCM.instances} == {"hw:CARD=Device,DEV=0"}


def test_a_device_that_names_no_card_tells_nothing_of_one() -> None:
    assert SystemView().card_formats("capture", "default") == []
    assert PCM.instances == []


def test_a_card_that_is_busy_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise scripted_alsa.ALSAAudioError("Device or resource busy [hw:CARD=Device]")

    monkeypatch.setattr(scripted_alsa, "PCM", refuse)
    assert SystemView().card_formats("capture", "hw:CARD=Device") == []
