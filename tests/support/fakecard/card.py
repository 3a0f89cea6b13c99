"""The fake sound card as a test sees it: builds the plug-in, writes the ALSA configuration, moves the switches."""

import mmap
import shutil
import struct
import subprocess
from array import array
from pathlib import Path

HERE = Path(__file__).parent
RATES = {"card8": (8000, 1, "S16_LE"), "card16": (16000, 1, "S16_LE"), "card48": (48000, 2, "S16_LE")}
PCMS = {**RATES, "card32": (48000, 2, "S32_LE"), "card4": (48000, 4, "S16_LE"), "card24": (48000, 2, "S24_3LE")}
"""What the configuration offers, and "plug48": ALSA's own conversion on top of card48."""

# The words of `enum control` in pcm_fakecard.c.
(UNPLUGGED, STALLED, CAPTURE_XRUN, PLAYBACK_XRUN, SUSPEND, IMPULSE, RECORD, CAPTURE_PPM, PLAYBACK_PPM, OPENED, OPEN) = (
    range(11)
)


def why_not() -> str:
    """Why the card cannot be built here; empty when it can."""
    if not (shutil.which("cc") or shutil.which("gcc")):
        return "no C compiler"
    if not Path("/usr/include/alsa/pcm_external.h").exists():
        return "the headers of ALSA (libasound2-dev) are not installed"
    try:
        import alsaaudio  # noqa: F401, PLC0415
    except ImportError:
        return "pyalsaaudio is not installed"
    return ""


def build(directory: Path) -> Path:
    """Compile the plug-in; raises CalledProcessError with the compiler's words."""
    subprocess.run([HERE / "build", directory], check=True, capture_output=True, text=True)
    return directory / "libasound_module_pcm_fakecard.so"


class FakeCard:
    """One card in a directory of its own. Set ALSA_CONFIG_PATH to `configuration` before ALSA is used."""

    def __init__(self, library: Path, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        with open(directory / "control", "w+b") as file:
            file.truncate(4 * (OPEN + 1))
            self._control = mmap.mmap(file.fileno(), 4 * (OPEN + 1))
        self.configuration = directory / "asound.conf"
        lines = ["</usr/share/alsa/alsa.conf>", f'pcm_type.fakecard {{ lib "{library}" }}']
        lines += [
            f'pcm.{name} {{ type fakecard directory "{directory}" rate {rate} channels {channels} format {form} }}'
            for name, (rate, channels, form) in PCMS.items()
        ]
        lines += ['pcm.plug48 { type plug slave.pcm "card48" }', 'pcm.!default { type plug slave.pcm "card48" }']
        self.configuration.write_text("\n".join(lines) + "\n")

    def __getitem__(self, word: int) -> int:
        return int(struct.unpack_from("<i", self._control, 4 * word)[0])

    def __setitem__(self, word: int, value: int) -> None:
        struct.pack_into("<i", self._control, 4 * word, value)

    def hear(self, samples: list[int]) -> None:
        """What the microphone hears from the next opening on: mono at the card's rate, looped."""
        (self.directory / "capture.raw").write_bytes(array("h", samples).tobytes())

    def played(self) -> "array[int]":
        """What was played while RECORD was set, first channel."""
        return array("h", (self.directory / "playback.raw").read_bytes())
