"""Opening a PCM of ALSA through pyalsaaudio: which rate, channels and width it takes, and why it cannot be used."""

import os
import re
from errno import EACCES, EBUSY, EINVAL, ENODEV, ENOENT, ENXIO, EPERM

from device.annotations import Any, Literal
from device.audio.conversion import CardFormat, usable
from device.audio.errors import AudioError, DeviceUnavailable
from device.records import dataclass

Direction = Literal["capture", "playback"]

_REASONS = {os.strerror(number): number for number in (EACCES, EBUSY, EINVAL, ENODEV, ENOENT, ENXIO, EPERM)}
"""pyalsaaudio tells errors only as text; that text is the C library's."""

_CARD_IN_NAME = re.compile(r"(?:CARD=|^(?:plug)?hw:(?!CARD=))([^,:]+)")
_SAMPLE_BYTES = {"S16_LE": 2, "S32_LE": 4}


@dataclass(frozen=True, slots=True)
class OpenPcm:
    """An open PCM and what the card agreed to."""

    pcm: Any
    """alsaaudio.PCM, non-blocking."""
    card: CardFormat
    period_frames: int
    buffer_frames: int


def load_alsaaudio() -> Any:
    """The module `alsaaudio`, imported only when a card is really used. Raises AudioError when it cannot be."""
    try:
        import alsaaudio  # noqa: PLC0415  # a daemon on null or WAV audio does not need it
    except ImportError as error:
        raise AudioError(
            f"sound cards need the Python package pyalsaaudio ({error}): run "
            '"pip install pyalsaaudio" (with gcc and libasound2-dev installed), or set audio.kind to "null" or "wav"'
        ) from error
    if not hasattr(alsaaudio.PCM, "avail"):
        # Before 0.11 it hid overruns and raised at underruns.
        raise AudioError('pyalsaaudio is older than 0.11: run "pip install --upgrade pyalsaaudio"')
    return alsaaudio


def open_pcm(direction: Direction, name: str, rate_hz: int, period_ms: float, buffer_ms: float) -> OpenPcm:
    """Open the PCM `name`, as near to mono of 16 bit at `rate_hz` as the card allows. Raises DeviceUnavailable.

    ALSA's plug devices ("default", "plughw:...") convert by themselves and give just that; a bare "hw:..." device
    gives what the card has, and the caller converts.
    """
    alsaaudio = load_alsaaudio()
    _check_presence(alsaaudio, direction, name)
    wanted = CardFormat(rate_hz, 1)
    for _ in range(3):
        opened = _open_as(alsaaudio, direction, name, wanted, period_ms, buffer_ms)
        if opened.card == wanted:
            return opened
        # The card insists on another format: ask for exactly that, so that the period is counted in its frames.
        opened.pcm.close()
        wanted = opened.card
    raise DeviceUnavailable(f"sound card {name} does not settle on a {direction} format; {_use_plughw(name)}")


def _open_as(
    alsaaudio: Any, direction: Direction, name: str, wanted: CardFormat, period_ms: float, buffer_ms: float
) -> OpenPcm:
    period_frames = max(16, round(wanted.rate_hz * period_ms / 1000))
    try:
        pcm = alsaaudio.PCM(
            alsaaudio.PCM_CAPTURE if direction == "capture" else alsaaudio.PCM_PLAYBACK,
            # An open that waits for a busy card would stop every thread: pyalsaaudio keeps Python's lock meanwhile.
            alsaaudio.PCM_NONBLOCK,
            device=name,
            rate=wanted.rate_hz,
            channels=wanted.channels,
            format=alsaaudio.PCM_FORMAT_S32_LE if wanted.sample_bytes == 4 else alsaaudio.PCM_FORMAT_S16_LE,
            periodsize=period_frames,
            periods=max(2, round(buffer_ms / period_ms)),
        )
    except alsaaudio.ALSAAudioError as error:
        raise DeviceUnavailable(explain(alsaaudio, str(error), direction, name)) from error
    info = pcm.info()
    card = CardFormat(info["rate"], info["channels"], _SAMPLE_BYTES.get(info["format_name"], 0))
    if not usable(card):
        pcm.close()
        raise DeviceUnavailable(
            f"sound card {name} offers for {direction} only {info['format_name']}, {info['channels']} channels, "
            f"{info['rate']} Hz; {_use_plughw(name)}"
        )
    return OpenPcm(pcm, card, info["period_size"], info["buffer_size"])


def explain(alsaaudio: Any, text: str, direction: Direction, name: str) -> str:
    """What is wrong with a card, and the next step, from the text of an ALSAAudioError."""
    reason = text.removesuffix(f" [{name}]")
    number = _REASONS.get(reason)
    if number in (ENOENT, ENODEV, ENXIO):
        return _absent(alsaaudio, direction, name)
    if number == EBUSY:
        return (
            f"sound card {name} is in use by another program ({direction}): end that program, "
            f'or set audio.{direction}_device to a shared device such as "default"'
        )
    if number in (EACCES, EPERM):
        return f"sound card {name} may not be opened ({direction}): add the user of offhook to the group audio"
    if number == EINVAL:
        return f"sound card {name} refuses the {direction} format; {_use_plughw(name)}"
    return f"sound card {name} ({direction}): {reason}; check its connection, then audio.{direction}_device"


def _check_presence(alsaaudio: Any, direction: Direction, name: str) -> None:
    """Spare the attempt when the card in the name is not there: ALSA writes a line to stderr for each."""
    match = _CARD_IN_NAME.search(name)
    if not match:
        return
    card = match.group(1)
    try:
        present = alsaaudio.card_indexes() if card.isdigit() else alsaaudio.cards()
    except alsaaudio.ALSAAudioError as error:
        raise DeviceUnavailable(_unlisted(str(error))) from error
    if card not in map(str, present):
        raise DeviceUnavailable(_absent(alsaaudio, direction, name))


def _absent(alsaaudio: Any, direction: Direction, name: str) -> str:
    try:
        cards = ", ".join(f'"plughw:CARD={card}"' for card in alsaaudio.cards())
    except alsaaudio.ALSAAudioError as error:
        return _unlisted(str(error))
    return f"sound card {name} is not there ({direction}): plug it in, or set audio.{direction}_device; " + (
        f"present: {cards}" if cards else "this machine shows no sound card"
    )


def _unlisted(reason: str) -> str:
    """ALSA knows a card by its own configuration; without that it opens none, not even one that the kernel has."""
    return (
        f"ALSA cannot tell which sound cards there are ({reason}): most likely its configuration is missing; "
        "install libasound2-data, or alsa-lib whole, so that /usr/share/alsa/alsa.conf is there"
    )


def _use_plughw(name: str) -> str:
    converting = name.replace("hw:", "plughw:", 1) if name.startswith("hw:") else "plughw:..."
    return f'use "{converting}", which converts'
