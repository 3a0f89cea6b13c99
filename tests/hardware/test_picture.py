"""The pictures: valid XML, every wire there, no two texts and no two wires on each other."""

import itertools
import re
import xml.etree.ElementTree as ET

import pytest

from device.hardware.board_data import Pin, board_names, load_board
from device.hardware.picture import COLOURS, draw_svg, pin_kind
from device.hardware.profile import BoardProfile
from device.hardware.svg_canvas import text_width
from device.hardware.wiring_plan import plan_wiring

SVG = "{http://www.w3.org/2000/svg}"

EVERYTHING = {
    "name": "Everything <at> & once",
    "hook": {"pin": 11},
    "keypad": {"row_pins": [29, 31, 33, 35], "column_pins": [36, 38, 40, 37], "keys": ["123A", "456B", "789C", "*0#D"]},
    "dial": {"pulse": {"pin": 16}, "off_normal": {"pin": 18}},
    "ringer": {"kind": "bell", "pins": [12, 22], "enable": {"pin": 32}},
    "lamps": {"registered": {"pin": 15}, "missed": {"pin": 13, "active_low": True}},
    "relays": {"door": {"pin": 26, "active_low": True}, "gate": {"pin": 24}},
    "buttons": {"door": {"pin": 7}},
}


def picture(profile, board):
    plan = plan_wiring(profile, load_board(board))
    return plan, ET.fromstring(draw_svg(plan))


def boxes_of_texts(root):
    """(left, top, right, bottom) of every text, by the same measure that the picture is laid out with."""
    for text in root.iter(f"{SVG}text"):
        x, y, size = (float(text.get(name)) for name in ("x", "y", "font-size"))
        width = text_width(text.text, size, text.get("font-weight") == "bold")
        left = {"start": x, "middle": x - width / 2, "end": x - width}[text.get("text-anchor")]
        yield text.text, (left, y - 0.8 * size, left + width, y + 0.2 * size)


def overlapping(boxes):
    boxes = list(boxes)
    for place, (text, one) in enumerate(boxes):
        for other_text, other in boxes[place + 1 :]:
            if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]:
                yield text, other_text


def wires_of(root):
    """The points of every wire: the only lines that are two pixels wide and have more than two points."""
    for line in root.iter(f"{SVG}polyline"):
        points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        if line.get("stroke-width") == "2" and len(points) >= 4:
            yield points


def profiles():
    for board in board_names():
        for name in ("handset", "dial-phone", "door-station"):
            yield pytest.param(BoardProfile.load(f"{name}@{board}"), board, id=f"{name}-{board}")
    for board in ("raspberry-pi-4", "orange-pi-zero-2w"):
        yield pytest.param(BoardProfile.from_mapping(EVERYTHING, board=board), board, id=f"everything-{board}")
    for kind in (
        {"kind": "pwm"},
        {"kind": "sounder", "device": "plughw:CARD=Device"},
        {"kind": "generator", "lines": [18]},
    ):
        profile = BoardProfile.from_mapping({"ringer": kind})
        yield pytest.param(profile, "raspberry-pi-4", id=kind["kind"])


@pytest.mark.parametrize(("profile", "board"), list(profiles()))
class TestEveryPicture:
    def test_no_text_lies_on_another_one_or_outside(self, profile, board):
        _, root = picture(profile, board)
        assert list(overlapping(boxes_of_texts(root))) == []
        width, height = float(root.get("width")), float(root.get("height"))
        for text, (left, top, right, bottom) in boxes_of_texts(root):
            assert left >= 0, text
            assert top >= 0, text
            assert right <= width, text
            assert bottom <= height, text

    def test_every_terminal_has_its_wire(self, profile, board):
        plan, root = picture(profile, board)
        wanted = sum(terminal.pin is not None for part in plan.parts for terminal in part.terminals)
        assert len(list(wires_of(root))) == wanted

    def test_no_wire_lies_on_another_one(self, profile, board):
        _, root = picture(profile, board)
        pieces = []
        for number, points in enumerate(wires_of(root)):
            pieces += [(number, start, end) for start, end in itertools.pairwise(points)]
        for number, (x1, y1), (x2, y2) in pieces:
            for other, (x3, y3), (x4, y4) in pieces:
                # Two wires to one supply pin leave it together, to the left of the channel.
                if other <= number or (max(x1, x2, x3, x4) < 600 and y1 == y3):
                    continue
                if x1 == x2 == x3 == x4:
                    assert min(max(y1, y2), max(y3, y4)) <= max(min(y1, y2), min(y3, y4))
                if y1 == y2 == y3 == y4 and x1 != x3:
                    assert min(max(x1, x2), max(x3, x4)) <= max(min(x1, x2), min(x3, x4))


def test_the_title_is_text_and_no_markup():
    profile = BoardProfile.from_mapping(EVERYTHING, board="raspberry-pi-4")
    _, root = picture(profile, "raspberry-pi-4")
    assert root.find(f"{SVG}title").text == "Everything <at> & once on Raspberry Pi 4"


def test_the_same_profile_gives_the_same_bytes():
    plans = [plan_wiring(BoardProfile.load("handset@nanopi-neo"), load_board("nanopi-neo")) for _ in range(2)]
    assert draw_svg(plans[0]) == draw_svg(plans[1])


def test_pins_have_the_colour_of_what_they_are():
    for header, pin in load_board("raspberry-pi-4").pins():
        assert pin_kind(pin) in COLOURS, header.pin_name(pin)
    kinds = {pin.number: pin_kind(pin) for _, pin in load_board("raspberry-pi-4").pins()}
    assert [kinds[number] for number in (1, 2, 6, 3, 8, 11, 12, 13, 19, 32)] == [
        "3.3V",
        "5V",
        "ground",
        "i2c",
        "uart",
        "gpio",
        "pcm",
        "gpio",
        "spi",
        "pwm",
    ]
    assert pin_kind(Pin(9, supply="PWR BUT")) == "other"


def test_every_pin_of_the_header_is_there_with_its_number():
    _, root = picture(BoardProfile.load("handset@orange-pi-zero"), "orange-pi-zero")
    numbers = [text.text for text in root.iter(f"{SVG}text") if re.fullmatch(r"\d+", text.text or "")]
    assert set(map(str, range(1, 27))) <= set(numbers)
