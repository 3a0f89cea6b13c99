import subprocess
import sys

import pytest

from device.hardware.errors import HardwareError, UnknownBoardError
from device.hardware.pin_lookup import PinLookup, plain_name


@pytest.mark.parametrize("name", ["P9_05", "p9.5", " P9-5 ", "P9 5"])
def test_names_of_pins_are_compared_as_people_write_them(name):
    assert plain_name(name) == "P9_5"


def test_a_role_may_be_named_as_a_line_and_goes_before_it():
    pins = PinLookup("raspberry-pi-3", {"raspberry-40": {"GPIO17": 12}})
    assert pins.find("GPIO17") == ("pinctrl-bcm2835", 18)


def test_the_table_of_a_header_goes_before_that_of_its_layout():
    pins = PinLookup("orange-pi-pc", {"40-pin": {"hook": 11, "door": 22}, "orange-pi-40": {"hook": 12}})
    assert pins.find("hook") == ("1c20800.pinctrl", 110)
    assert pins.find("door") == ("1c20800.pinctrl", 2)


def test_an_unknown_board_is_told_at_every_pin():
    pins = PinLookup("toaster", {})
    for pin in (1, 2):
        with pytest.raises(UnknownBoardError, match="there is no board 'toaster'"):
            pins.find(pin)


def test_supplies_name_the_nearest_lines():
    with pytest.raises(HardwareError, match=r"pin P9_1 of beaglebone-black is GND; the nearest .*P9_11 \(GPIO0_30\)"):
        PinLookup("beaglebone-black", {}).find("P9_1")


def test_the_daemon_keeps_nothing_of_the_boards_in_its_memory():
    """What looks a pin up is a child that ends at once: neither the parser nor the data stays."""
    program = (
        "import sys; import device.daemon.main; from device.hardware.profile import BoardProfile;"
        "print(BoardProfile.load('handset@orange-pi-5').hook.line.chip);"
        "heavy = {'tomllib', 'device.hardware.board_data', 'device.hardware.picture', 'difflib'};"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == ["gpio4", ""]
