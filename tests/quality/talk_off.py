"""Keys heard in speech where nobody pressed one: `python -m tests.quality.talk_off`; there should be none.

People of four languages, recorded for Debian's packages of telephone sounds, which `firmware_scripts/prepare quality`
installs: some 100 minutes. Fails when a key is heard, or when there are less than 30 minutes.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from device.media import pcm
from device.media.codecs import new_codec
from device.media.dtmf_detector import DigitDetector
from device.media.resample import Resampler
from tests.quality.speech import FOLDER, SPEAKERS

LEAST_MINUTES = 30
FRAME_OCTETS = 320
"""20 ms at 8 kHz."""


def recordings() -> Iterator[Path]:
    """Every recording of the speakers of the listening bench."""
    for speaker in SPEAKERS.values():
        yield from sorted((FOLDER / speaker).parent.rglob("*.g722"))


def speech(path: Path) -> bytes:
    """A recording at 8 kHz, as a telephone line would carry it."""
    codec, octets = new_codec("G722"), path.read_bytes()
    wide = b"".join(codec.decode(octets[at : at + 160]) for at in range(0, len(octets), 160))
    return pcm.decode_ulaw(pcm.encode_ulaw(Resampler(16000, 8000).convert(wide)))


def main() -> int:
    frames, busy_s, heard = 0, 0.0, []
    for path in recordings():
        sound, detector = speech(path), DigitDetector(8000)
        begin = time.process_time()
        for at in range(0, len(sound) - FRAME_OCTETS + 1, FRAME_OCTETS):
            frames += 1
            if digits := detector.take(sound[at : at + FRAME_OCTETS]):
                heard.append(f"{path.name} at {at / 16000:.2f} s: {digits}")
        busy_s += time.process_time() - begin
    minutes = frames / 3000
    sys.stdout.write(
        f"keys heard in {minutes:.0f} minutes of speech: {len(heard)}; {1e6 * busy_s / max(1, frames):.1f} us a frame\n"
    )
    sys.stdout.writelines(f"{line}\n" for line in heard)
    return 1 if heard or minutes < LEAST_MINUTES else 0


if __name__ == "__main__":
    sys.exit(main())
