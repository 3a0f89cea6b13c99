"""Sound: the card of the settings, its device files, and whether it can be opened for a call."""

import re
from collections.abc import Iterator

from device.audio.conversion import CardFormat
from device.doctor.case import Case
from device.doctor.finding import Finding, error, note, ok, warning
from device.doctor.gpio import boot_lines
from device.media.codecs import CODEC_NAMES, missing_library, needed_package
from device.media.settings import MediaSettings

AREA = "sound"
_CARD = re.compile(r"^\s*\d+\s*\[(\S+)\s*\]: (.*)$", re.MULTILINE)
_NAMED = re.compile(r"(?:CARD=|^(?:plug)?hw:(?!CARD=))([^,:\d][^,:]*)")
WIDE_BAND_HZ = 16_000
CHANNELS = {1: "mono", 2: "stereo"}
BUILT_IN = ("Headphones", "b1", "ALSA", "vc4hdmi", "vc4hdmi0", "vc4hdmi1")


def examine_sound(case: Case) -> Iterator[Finding]:
    """Everything about the sound card; files and silence need none."""
    yield from _codecs(case)
    kind = case.setting("audio.kind", "alsa")
    if kind != "alsa":
        yield note(
            AREA, f"audio.kind is {kind}: no card is used", "for a card: sudo offhook settings set audio.kind=alsa"
        )
        return
    view = case.view
    cards = dict(_CARD.findall(view.read("/proc/asound/cards") or ""))
    if not cards:
        yield from _no_card(case)
        return
    yield from _rights(case)
    faults = 0
    for direction in ("capture", "playback"):
        device = case.setting(f"audio.{direction}_device", "default")
        for finding in _device(case, cards, direction, device):
            faults += finding.severity != "ok"
            yield finding
    if not faults:
        yield ok(AREA, f"cards: {', '.join(cards)}")


def _codecs(case: Case) -> Iterator[Finding]:
    """Codecs of the settings whose library is not there: they are not offered to anybody."""
    for name in MediaSettings(codecs=case.setting("media.codecs", MediaSettings().codecs)).codec_names:
        if name in CODEC_NAMES and (text := missing_library(name)):
            yield warning(AREA, f"codec {name}: {text.partition(':')[0]}", f"sudo apt install {needed_package(name)}")


def _rights(case: Case) -> Iterator[Finding]:
    for name in case.view.names("/dev/snd"):
        node = case.view.node(f"/dev/snd/{name}")
        if not name.startswith(("pcm", "control")) or node is None:
            continue
        if node.group != "audio" or node.mode & 0o060 != 0o060:
            yield error(
                AREA,
                f"/dev/snd/{name} belongs to group {node.group} with mode {node.mode:03o}, not to audio with 660",
                "sudo firmware_scripts/install-system /",
            )
            return


def _no_card(case: Case) -> Iterator[Finding]:
    file, lines = boot_lines(case.view)
    if file and "dtparam=audio=on" not in lines:
        remedy = f"echo dtparam=audio=on | sudo tee -a {file} && sudo reboot   (or plug in a USB card)"
    else:
        remedy = "plug in a USB card, or load its driver: sudo modprobe snd-usb-audio"
    yield error(
        AREA, "the kernel knows no sound card; the phone rings and registers, but nobody hears anything", remedy
    )


def _device(case: Case, cards: dict[str, str], direction: str, device: str) -> Iterator[Finding]:
    if device == "none":
        return
    named = _NAMED.search(device)
    card = named.group(1) if named else ""
    setting = f"audio.{direction}_device"
    if card and card not in cards:
        yield error(
            AREA,
            f"{setting} is {device!r}, but there is no card {card}; there are: {', '.join(cards)}",
            f"sudo offhook settings set {setting}=plughw:CARD={next(iter(cards))}",
        )
        return
    if device.startswith("hw:"):
        yield warning(
            AREA,
            f"{setting} is {device!r}, which converts neither rate nor channels",
            f"sudo offhook settings set {setting}=plug{device}",
        )
    if direction == "capture" and card in BUILT_IN:
        yield error(
            AREA,
            f"{setting} is {device!r}, but the sound of the board itself has no microphone",
            "plug in a USB card; aplay -L lists the names",
        )
        return
    in_call = bool((case.status or {}).get("audio", {}).get("device_open"))
    if case.view.is_live and not in_call and case.view.has_module("alsaaudio"):
        fault = case.view.sound_fault(direction, device)
        if fault:
            yield error(AREA, f"{direction}: {fault}", "aplay -L lists the names; fuser -v /dev/snd/* tells who has it")
            return
        formats = case.view.card_formats(direction, device)
        takes = f"; the card itself takes {', '.join(map(_words, formats))}" if formats else ""
        yield ok(AREA, f"{direction} {device!r} can be opened for a call (8 kHz, mono){takes}")
        fastest = max((card.rate_hz for card in formats), default=WIDE_BAND_HZ)
        if fastest < WIDE_BAND_HZ:
            yield note(
                AREA,
                f"{direction}: the card itself takes at most {fastest / 1000:g} kHz: sound of more than telephone "
                "width gains nothing by it",
                "another card, such as a USB one of 48 kHz",
            )


def _words(card: CardFormat) -> str:
    """ "48 kHz stereo"."""
    channels = CHANNELS.get(card.channels, f"in {card.channels} channels")
    return f"{card.rate_hz / 1000:g} kHz {channels}"
