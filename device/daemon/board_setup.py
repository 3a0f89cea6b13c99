"""What a person who sets up a board asks: which boards and profiles there are, which cards, which pin just moved.

Loaded with the first question. A participant of the loop while pins are watched.
"""

import re
from collections.abc import Callable

from device.annotations import Any, cast
from device.control.errors import INVALID_PARAMS, REFUSED, ControlError
from device.daemon.account_fields import Params
from device.daemon.device_facts import read_text
from device.hardware.drivers import open_chip
from device.hardware.errors import HardwareError
from device.hardware.interfaces import HEADER_CHIP, HEADER_LABELS, InputLine, LineSpec
from device.hardware.toml_file import in_child

LOOK_S = 0.02
"""How often pins are looked at: a pulse of a rotary dial lasts three times as long."""
DEFAULT_S, LONGEST_S = 60, 600
HEADER_LINES = range(2, 28)
"""The lines of the 40-pin header of a Raspberry Pi; 0 and 1 are for the identification of a HAT."""
CARDS = "/proc/asound/cards"
PCMS = "/proc/asound/pcm"
_CARD = re.compile(r"^\s*(\d+)\s*\[(\S+)\s*\]: .*? - (.*)$", re.MULTILINE)


class PinFinder:
    """Every line of the header that nobody holds, watched for a while; each change is told as the topic "pins"."""

    def __init__(self, publish: Callable[[str, dict[str, object]], None], clock: Callable[[], float]) -> None:
        self._publish = publish
        self._clock = clock
        self._lines: list[tuple[str, InputLine]] = []
        self._levels: list[bool] = []
        self._chip: Any = None
        self._until = 0.0

    @property
    def is_watching(self) -> bool:
        """Whether lines are held."""
        return self._chip is not None

    def watch(self, pins: list[tuple[str, str, int | str]], seconds: int) -> dict[str, object]:
        """Take what can be had of `pins` (name, chip, line); answers what is watched and who holds the others."""
        self.stop()
        self._chip = open_chip("gpiod")
        held = {}
        for name, chip, line in pins:
            spec = LineSpec(chip, line, bias="pull-up")
            try:
                self._lines.append((name, self._chip.request_input(f"find {name}"[:31], spec)))
            except HardwareError as error:
                held[name] = str(error)
        if not self._lines:
            self.stop()
            first = next(iter(held.values()), "this board has no pins")
            raise ControlError(REFUSED, f"no pin can be watched: {first}")
        self._levels = [line.active() for _, line in self._lines]
        self._until = self._clock() + seconds
        return {"seconds": seconds, "pins": [name for name, _ in self._lines], "held": held}

    def stop(self) -> None:
        """Give the lines back."""
        if self._chip is not None:
            self._chip.close()
        self._chip = None
        self._lines, self._levels = [], []

    def pump(self, now: float) -> float | None:
        """Look at the pins; answers when to look again."""
        if not self.is_watching:
            return None
        if now >= self._until:
            self.stop()
            return None
        for place, (name, line) in enumerate(self._lines):
            line.read_events()  # what has come so far; the level is what counts here
            level = line.active()
            if level != self._levels[place]:
                self._levels[place] = level
                self._publish("pins", {"pin": name, "level": "high" if level else "low", "at": now})
        return now + LOOK_S


class BoardSetup:
    """The methods setup.*."""

    def __init__(self, publish: Callable[[str, dict[str, object]], None], clock: Callable[[], float]) -> None:
        self.finder = PinFinder(publish, clock)

    def choices(self, _params: Params) -> dict[str, object]:
        """Boards and profiles that there are, and the board that this is."""
        return cast("dict[str, object]", in_child(_board_choices))

    def cards(self, _params: Params) -> dict[str, object]:
        """Sound cards by name."""
        return {"cards": sound_cards(read_text(CARDS), read_text(PCMS))}

    def find_pins(self, params: Params) -> dict[str, object]:
        """Watch the pins that are free."""
        seconds = params.get("seconds", DEFAULT_S)
        if not isinstance(seconds, int) or not 1 <= seconds <= LONGEST_S:
            raise ControlError(INVALID_PARAMS, f"seconds: {seconds!r} is no whole number from 1 to {LONGEST_S}")
        try:
            found = cast("list[list[Any]]", in_child(_pins))
        except ValueError as error:
            raise ControlError(REFUSED, str(error)) from error
        pins = [(str(name), str(chip), line) for name, chip, line in found]
        return self.finder.watch(pins, seconds)

    def stop_pins(self, _params: Params) -> dict[str, object]:
        """Give the pins back."""
        self.finder.stop()
        return {}


def _board_choices() -> dict[str, object]:
    from device.hardware.board_data import all_boards, read_identity, recognise  # noqa: PLC0415
    from device.hardware.profile_reader import builtin_profiles, read_toml  # noqa: PLC0415

    boards, identity = all_boards(), read_identity()
    found = recognise(identity, boards)
    profiles = [(name, read_toml(name)) for name in builtin_profiles()]
    return {
        "model": identity.model,
        "board": found.id if found is not None else "",
        "boards": [{"name": board.id, "title": board.title} for board in boards],
        "profiles": [
            {"name": name, "title": str(data.get("name", "")), "by_pins": "board" in data} for name, data in profiles
        ],
    }


def _pins() -> list[tuple[str, str, int | str]]:
    from device.hardware.board_data import detect_board  # noqa: PLC0415
    from device.hardware.gpiod_chip import GpiodChip  # noqa: PLC0415

    try:
        board = detect_board()
    except HardwareError as error:
        labels = {chip.label for chip in GpiodChip().chips()}
        if not labels & set(HEADER_LABELS):
            raise ValueError(str(error)) from error
        return [(f"GPIO{line}", HEADER_CHIP, line) for line in HEADER_LINES]
    pins = [(f"{header.pin_name(pin)} ({pin.name})", pin) for header, pin in board.pins() if not pin.supply]
    return [(name, pin.chip, pin.line) for name, pin in pins if not pin.warning]


def sound_cards(cards: str, pcms: str) -> list[dict[str, object]]:
    """Cards of /proc/asound/cards by name, with what /proc/asound/pcm says that they can do."""
    able: dict[int, set[str]] = {}
    for line in pcms.splitlines():
        number, _, rest = line.partition("-")
        if number.strip().isdecimal():
            able.setdefault(int(number), set()).update(word for word in ("playback", "capture") if f"{word} " in rest)
    return [
        {
            "name": name,
            "title": title.strip(),
            "device": f"plughw:CARD={name}",
            "playback": "playback" in able.get(int(number), ()),
            "capture": "capture" in able.get(int(number), ()),
        }
        for number, name, title in _CARD.findall(cards)
    ]
