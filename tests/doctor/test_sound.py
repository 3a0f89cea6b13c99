"""Cards: none, another name, no rights, no microphone, taken by somebody."""

import pytest

from device.audio.conversion import CardFormat
from device.doctor.finding import Finding
from device.doctor.sound import examine_sound
from device.doctor.system_view import Node
from device.media.codecs import native
from tests.support.doctored_board import DoctoredBoard


def sick(board: DoctoredBoard) -> list[Finding]:
    return [finding for finding in examine_sound(board.case()) if finding.severity in ("warning", "error")]


def test_a_card_that_can_be_opened(board: DoctoredBoard) -> None:
    board.keep(audio__playback_device="plughw:CARD=Device")
    assert sick(board) == []
    assert "cards: Headphones, Device" in [finding.text for finding in examine_sound(board.case())]


def test_a_codec_without_its_library(board: DoctoredBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(native.LIBRARIES, "opus", (("libnowhere.so.0",), "libopus0"))
    monkeypatch.setattr(native, "_loaded", {})
    board.keep(audio__playback_device="plughw:CARD=Device", media__codecs="OPUS,PCMA")
    (fault,) = sick(board)
    assert fault.text == "codec OPUS: the library libnowhere.so.0 is missing"
    assert fault.remedy == "sudo apt install libopus0"


@pytest.mark.parametrize("kind", ["null", "wav"])
def test_files_and_silence_need_no_card(board: DoctoredBoard, kind: str) -> None:
    board.keep(audio__kind=kind)
    board.change("proc/asound/cards", "--- no soundcards ---\n")
    assert sick(board) == []


def test_no_card_and_audio_switched_off_at_boot(board: DoctoredBoard) -> None:
    board.keep()
    board.change("proc/asound/cards", "--- no soundcards ---\n")
    (fault,) = sick(board)
    assert fault.severity == "error"
    assert "snd-usb-audio" in fault.remedy
    board.change("boot/firmware/config.txt", "#dtparam=audio=on\n")
    (fault,) = sick(board)
    assert "echo dtparam=audio=on | sudo tee -a /boot/firmware/config.txt" in fault.remedy


def test_a_card_of_another_name(board: DoctoredBoard) -> None:
    board.keep(audio__capture_device="plughw:CARD=Codec,DEV=0")
    (fault,) = sick(board)
    assert "there is no card Codec; there are: Headphones, Device" in fault.text
    assert "audio.capture_device=plughw:CARD=" in fault.remedy


def test_a_card_without_rights(board: DoctoredBoard) -> None:
    board.keep()
    board.nodes["/dev/snd/pcmC1D0c"] = Node("root", 0o600)
    (fault,) = sick(board)
    assert "belongs to group root with mode 600, not to audio" in fault.text


def test_the_boards_own_sound_has_no_microphone(board: DoctoredBoard) -> None:
    board.keep(audio__capture_device="plughw:CARD=Headphones")
    (fault,) = sick(board)
    assert "has no microphone" in fault.text


def test_a_device_that_converts_nothing(board: DoctoredBoard) -> None:
    board.keep(audio__playback_device="hw:CARD=Device")
    (fault,) = sick(board)
    assert fault.remedy.endswith("audio.playback_device=plughw:CARD=Device")


def test_a_card_that_cannot_be_opened(board: DoctoredBoard) -> None:
    board.keep()
    board.sound_faults["capture"] = "plughw:CARD=Device is in use"
    (fault,) = sick(board)
    assert fault.text == "capture: plughw:CARD=Device is in use"
    assert "fuser" in fault.remedy


def told(board: DoctoredBoard, severity: str) -> list[str]:
    return [finding.text for finding in examine_sound(board.case()) if finding.severity == severity]


def test_what_the_card_itself_takes_is_told(board: DoctoredBoard) -> None:
    board.keep(audio__playback_device="plughw:CARD=Device")
    board.card_takes = {"capture": [CardFormat(48000, 1)], "playback": [CardFormat(8000, 1), CardFormat(48000, 2)]}
    capture, playback, _ = told(board, "ok")
    assert capture.endswith("(8 kHz, mono); the card itself takes 48 kHz mono")
    assert playback.endswith("(8 kHz, mono); the card itself takes 8 kHz mono, 48 kHz stereo")
    assert told(board, "note") == []


def test_a_card_that_is_too_slow_for_wide_band_sound_is_told(board: DoctoredBoard) -> None:
    board.keep(audio__playback_device="plughw:CARD=Device")
    board.card_takes = {"capture": [CardFormat(8000, 1)], "playback": [CardFormat(48000, 8)]}
    (slow,) = told(board, "note")
    assert slow.startswith("capture: the card itself takes at most 8 kHz")
    assert "the card itself takes 48 kHz in 8 channels" in told(board, "ok")[1]


def test_a_card_in_a_call_is_left_alone(board: DoctoredBoard) -> None:
    board.answers = {"status": {"audio": {"device_open": True}}, "settings.list": {"settings": []}}
    board.sound_faults = {"capture": "busy", "playback": "busy"}
    assert sick(board) == []
