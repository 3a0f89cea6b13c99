"""What the services say: prompts of the house, or of a folder of the administrator's own, and how long they are."""

import os
from collections.abc import Iterable

from device import exchange
from device.annotations import Final
from device.audio.programs import CLIP_RATE_HZ, Segment
from device.audio.wav_format import open_wav
from device.exchange.services.orders import Part, Pause, SoundFile
from device.media import pcm
from device.media.tones import ToneGenerator, TonePattern, ToneSegment

FOLDER: Final = os.path.join(os.path.dirname(exchange.__file__), "services", "prompts")
"""The prompts that come with the program: G.711 mu-law at 8 kHz without a header; firmware_scripts/make-prompts."""
BEEP: Final = "beep"
BEEP_TONE: Final = TonePattern((ToneSegment((800,), 400),), repeat=False)
BEEP_DB: Final = -14.0
_BEEP_S: Final = 0.4


class PromptBook:
    """Prompts by their names. One that is nowhere is a beep, so that a call goes on."""

    def __init__(self, own_folder: str = "") -> None:
        """WAV files of `own_folder` come before those of the house."""
        self._own_folder = own_folder

    def has(self, word: str) -> bool:
        """Whether there is a prompt of that name."""
        return word == BEEP or bool(self._own(word)) or os.path.exists(_shipped(word))

    def seconds(self, parts: Iterable[Part]) -> float:
        """How long it takes to say these."""
        return sum(map(self._seconds_of, parts))

    def segments(self, parts: Iterable[Part]) -> tuple[Segment, ...]:
        """The same as the hub wants them."""
        return tuple(map(self._segment, parts))

    def _own(self, word: str) -> str:
        """The administrator's own file for a word, "" for none."""
        path = os.path.join(self._own_folder, f"{word}.wav")
        return path if self._own_folder and os.path.exists(path) else ""

    def _seconds_of(self, part: Part) -> float:
        if isinstance(part, Pause):
            return part.seconds
        path = part.path if isinstance(part, SoundFile) else self._own(part)
        try:
            if path:
                file, layout = open_wav(path)
                file.close()
                return layout.data_bytes / (pcm.SAMPLE_BYTES * layout.channels * layout.rate_hz)
            if part != BEEP and isinstance(part, str):
                return os.path.getsize(_shipped(part)) / CLIP_RATE_HZ
        except (OSError, ValueError):
            pass
        return _BEEP_S

    def _segment(self, part: Part) -> Segment:
        if isinstance(part, Pause):
            return pcm.silence(int(part.seconds * CLIP_RATE_HZ))
        if isinstance(part, SoundFile):
            return part.path
        if path := self._own(part):
            return path
        try:
            with open(_shipped(part), "rb") as file:
                return pcm.decode_ulaw(file.read())
        except OSError:
            return ToneGenerator(BEEP_TONE, CLIP_RATE_HZ, BEEP_DB).next_frame(int(_BEEP_S * CLIP_RATE_HZ))


def _shipped(word: str) -> str:
    return os.path.join(FOLDER, f"{word}.ulaw")
