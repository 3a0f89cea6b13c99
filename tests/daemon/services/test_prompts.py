"""Prompts: every word that an act says is there, as long as it says, and an administrator's own come first."""

import ast
import os
import wave
from pathlib import Path

import pytest

from device.daemon.services.prompts import FOLDER, PromptBook
from device.exchange import services
from device.exchange.services.orders import Pause, SoundFile
from device.media import pcm

SCRIPT = Path(__file__).parents[3] / "firmware_scripts" / "make-prompts"
NOT_SAID = {"", "sip:", "@"}


def shipped() -> set[str]:
    return {name.removesuffix(".ulaw") for name in os.listdir(FOLDER)}


def said() -> set[str]:
    """Texts with the look of a prompt's name in what the acts are made of."""
    found = set()
    for name in ("acts", "conference", "paging", "spoken", "voicemail", "voicemail_menu"):
        tree = ast.parse(Path(services.__file__).with_name(f"{name}.py").read_text())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) in (
                *("Say", "_leave", "_ask", "_move", "_count", "counted"),
            ):
                found |= {
                    one.value for one in ast.walk(call) if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
    return found


def test_every_word_that_is_said_is_there() -> None:
    book = PromptBook()
    words = said()
    assert {"goodbye", "enter-pin", "message-keys", "hour"} <= words
    assert [word for word in words - NOT_SAID if not book.has(word)] == []
    assert all(book.has(str(number)) for number in (*range(21), *range(30, 100, 10)))
    assert all(book.has(f"{noun}s") for noun in ("hour", "minute", "second", "new-message", "old-message"))


def test_the_script_makes_what_is_there() -> None:
    texts = {
        node.value
        for statement in ast.parse(SCRIPT.read_text()).body
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "SPOKEN"
        for node in statement.value.keys  # type: ignore[attr-defined]
        if isinstance(node, ast.Constant)
    }
    numbers = {str(number) for number in (*range(21), *range(30, 100, 10))}
    assert texts | numbers == shipped()


@pytest.mark.parametrize("word", sorted(shipped()))
def test_each_is_speech_without_long_silence_at_its_ends(word: str) -> None:
    (segment,) = PromptBook().segments((word,))
    assert isinstance(segment, bytes)
    assert 0.2 < PromptBook().seconds((word,)) < 8
    assert PromptBook().seconds((word,)) == len(segment) / 16_000
    assert pcm.peak(segment) > 10_000
    assert pcm.peak(segment[:16_00]) > 100
    assert pcm.peak(segment[-16_00:]) > 100


def test_pauses_beeps_and_words_that_are_nowhere() -> None:
    book = PromptBook()
    pause, beep, unknown = book.segments((Pause(0.5), "beep", "no-such-word"))
    assert pause == bytes(8000)
    assert isinstance(beep, bytes)
    assert beep == unknown
    assert pcm.peak(beep) > 3000
    assert book.seconds((Pause(0.5), "beep")) == pytest.approx(0.9)
    assert not book.has("no-such-word")


def test_own_files_come_first(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "21.wav"), "wb") as file:
        file.setparams((2, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(4 * 24_000))
    book = PromptBook(str(tmp_path))
    assert book.has("21")
    assert not PromptBook().has("21")
    assert book.seconds(("21", SoundFile(str(tmp_path / "21.wav")))) == 3.0
    assert book.segments(("21",)) == (str(tmp_path / "21.wav"),)
    assert book.segments(("20",)) == PromptBook().segments(("20",))
    assert book.seconds((SoundFile(str(tmp_path / "gone.wav")),)) > 0
