"""Cards, boards and moving pins, for whoever sets up a board."""

from typing import Any

import pytest

from device.control.errors import ControlError
from device.daemon import board_setup
from device.daemon.board_setup import LOOK_S, BoardSetup, PinFinder, sound_cards
from device.hardware.errors import HardwareError
from device.hardware.interfaces import LineSpec

CARDS = """\
 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
 1 [Device         ]: USB-Audio - USB Audio Device
                      C-Media Electronics Inc. USB Audio Device at usb-3f980000.usb-1.2, full speed
"""
PCMS = """\
00-00: bcm2835 Headphones : bcm2835 Headphones : playback 8
01-00: USB Audio : USB Audio : playback 1 : capture 1
"""


class FakeLine:
    def __init__(self) -> None:
        self.level = True

    def read_events(self) -> list[object]:
        return []

    def active(self) -> bool:
        return self.level


class FakeChip:
    def __init__(self) -> None:
        self.lines: dict[int | str, FakeLine] = {}
        self.closed = False

    def request_input(self, name: str, spec: LineSpec) -> FakeLine:
        if spec.line == 4:
            raise HardwareError(f"{name}: held by w1")
        return self.lines.setdefault(spec.line, FakeLine())

    def close(self) -> None:
        self.closed = True


def test_cards_by_name_with_what_they_can_do() -> None:
    headphones, device = sound_cards(CARDS, PCMS)
    assert headphones == {
        "name": "Headphones",
        "title": "bcm2835 Headphones",
        "device": "plughw:CARD=Headphones",
        "playback": True,
        "capture": False,
    }
    assert (device["name"], device["playback"], device["capture"]) == ("Device", True, True)
    assert sound_cards("--- no soundcards ---\n", "") == []


def test_the_boards_and_profiles_that_come_with_offhook() -> None:
    known: dict[str, Any] = BoardSetup(lambda *_: None, lambda: 0.0).choices({})
    assert "raspberry-pi-4" in [board["name"] for board in known["boards"]]
    profiles = {profile["name"]: profile for profile in known["profiles"]}
    assert profiles["handset"]["by_pins"]
    assert not profiles["simulated"]["by_pins"]


def test_pins_that_move_are_told_until_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    chip, told, now = FakeChip(), [], [0.0]
    monkeypatch.setattr(board_setup, "open_chip", lambda _: chip)
    finder = PinFinder(lambda topic, params: told.append((topic, params)), lambda: now[0])
    assert finder.pump(0.0) is None
    found = finder.watch([("7", "c", 4), ("11", "c", 17), ("13", "c", 27)], 5)
    assert found == {"seconds": 5, "pins": ["11", "13"], "held": {"7": "find 7: held by w1"}}
    assert finder.pump(0.0) == LOOK_S
    assert told == []
    chip.lines[17].level = False
    finder.pump(0.1)
    chip.lines[17].level = True
    finder.pump(0.2)
    assert [(topic, params["pin"], params["level"]) for topic, params in told] == [
        ("pins", "11", "low"),
        ("pins", "11", "high"),
    ]
    assert finder.pump(5.0) is None
    assert chip.closed
    assert not finder.is_watching


def test_a_board_whose_pins_are_all_taken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_setup, "open_chip", lambda _: FakeChip())
    finder = PinFinder(lambda *_: None, lambda: 0.0)
    with pytest.raises(ControlError, match="no pin can be watched: find 7: held by w1"):
        finder.watch([("7", "c", 4)], 5)
    assert not finder.is_watching


def test_a_machine_without_pins_says_so() -> None:
    with pytest.raises(ControlError, match="none of the boards that offhook knows"):
        BoardSetup(lambda *_: None, lambda: 0.0).find_pins({"seconds": 5})


@pytest.mark.parametrize("seconds", [0, 601, "5"])
def test_how_long_is_bounded(seconds: object) -> None:
    with pytest.raises(ControlError, match="whole number from 1 to 600"):
        BoardSetup(lambda *_: None, lambda: 0.0).find_pins({"seconds": seconds})
