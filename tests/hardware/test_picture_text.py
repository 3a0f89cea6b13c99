import pytest

from device.hardware.board_data import board_names, load_board
from device.hardware.picture_text import draw_text
from device.hardware.profile import BoardProfile
from device.hardware.wiring_plan import plan_wiring


def text(profile, board):
    return draw_text(plan_wiring(BoardProfile.load(f"{profile}@{board}"), load_board(board)))


def test_the_header_with_what_goes_to_each_pin():
    lines = text("handset", "raspberry-pi-4").splitlines()
    assert lines[0] == "Handset with keypad, wired to Raspberry Pi 4"
    (row,) = [line for line in lines if "(11)(12)" in line]
    assert row.split() == ["hook", "GPIO17", "(11)(12)", "GPIO18", "ringer.0"]
    assert "    row 123: pin 29 GPIO5" in lines
    assert "1 kilohm from the signal to the base of an NPN transistor" in "\n".join(lines)


@pytest.mark.parametrize("board", board_names())
def test_every_board_fits_a_terminal(board):
    header = text("dial-phone", board).split("\n\n")[1]
    assert max(map(len, header.splitlines())) <= 100


def test_what_to_mind_comes_last():
    assert text("handset", "beaglebone-black").rstrip().splitlines()[-1].startswith("  - ")
